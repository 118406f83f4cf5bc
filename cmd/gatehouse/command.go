package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// commands is everything that can be typed. Settings may stand before or after
// the command.
type commands struct {
	settingFlags `group:"Settings, with any command:"`

	Serve   serveCommand   `cmd:"" help:"Run the server."`
	User    userCommands   `cmd:"" help:"Manage users."`
	Keys    keysCommands   `cmd:"" help:"Look at the signing keys and change them."`
	Token   tokenCommands  `cmd:"" help:"Look at a token."`
	Audit   auditCommands  `cmd:"" help:"Look at what happened, and check that nothing of it was changed."`
	Export  exportCommand  `cmd:"" help:"Write all users with their hashes to standard output, one a line. Keep it like a password file."`
	Import  importCommand  `cmd:"" help:"Add the users of an export, of ours or of another system; what is refused is named with its line."`
	Restore restoreCommand `cmd:"" help:"After a backup was put back: end every session, void all codes and mails, replace the signing keys."`
	Migrate migrateCommand `cmd:"" help:"Bring the schema forward."`
	Doctor  doctorCommand  `cmd:"" help:"Check the installation and say what to mend."`
	Trust   trustCommand   `cmd:"" help:"Install the local certificate authority on this machine."`
	Version versionCommand `cmd:"" help:"Print version, commit and Go version."`
}

type userCommands struct {
	Add       userAddCommand       `cmd:"" help:"Add a user."`
	List      userListCommand      `cmd:"" help:"List all users."`
	Show      userShowCommand      `cmd:"" help:"Show one user."`
	Disable   userDisableCommand   `cmd:"" help:"Keep a user out and end every session. Nothing is removed."`
	Enable    userEnableCommand    `cmd:"" help:"Let in again who is disabled, or slowed down by wrong passwords."`
	ResetLink userResetLinkCommand `cmd:"" help:"Print a link that sets a new password once."`
	Sessions  userSessionsCommand  `cmd:"" help:"List the sessions of a user, or end them."`
	Delete    userDeleteCommand    `cmd:"" help:"Remove a user and everything that refers to the user."`
}

type keysCommands struct {
	List   keysListCommand   `cmd:"" help:"List the signing keys."`
	Rotate keysRotateCommand `cmd:"" help:"Make the next signing key now, or replace all of them at once."`
	Reseal keysResealCommand `cmd:"" help:"Change the master key and seal everything anew under it."`
}

type tokenCommands struct {
	Inspect tokenInspectCommand `cmd:"" help:"Explain a token of any kind: what it says, valid or why not."`
}

// dispatch parses the arguments and runs the command they name.
func (p *program) dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		return p.help(args)
	}
	var (
		all      commands
		answered bool
	)
	parser, err := kong.New(&all,
		kong.Name("gatehouse"),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(func(int) { answered = true }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(p),
	)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if answered { // the help of a command was printed
		return nil
	}
	if err != nil {
		return &usageError{sentence: err.Error()}
	}
	cfg, err := p.configure(givenSettings(parsed))
	// doctor names a wrong setting in its own list, and version needs none.
	command := parsed.Command()
	if err != nil && command != "doctor" && command != "version" {
		return err
	}
	return parsed.Run(cfg, settingsProblem{err})
}

// settingsProblem is what is wrong with the settings; nil inside when nothing.
type settingsProblem struct{ error }

func (p *program) configure(given map[string]string) (config, error) {
	values, err := p.gather(given)
	if err != nil {
		return config{}, err
	}
	return parseConfig(values)
}

// givenSettings returns the settings that stand on the command line.
func givenSettings(parsed *kong.Context) map[string]string {
	known := map[string]bool{"config": true}
	for _, name := range settingNames() {
		known[name] = true
	}
	given := map[string]string{}
	for _, flag := range parsed.Flags() {
		if flag.Set && known[flag.Name] {
			given[flag.Name] = flag.Target.String()
		}
	}
	return given
}

// help prints the one screen, or the options of the command that is named.
func (p *program) help(args []string) error {
	if len(args) > 1 && args[0] == "help" && !strings.HasPrefix(args[1], "-") {
		return p.dispatch(context.Background(), append(args[1:len(args):len(args)], "--help"))
	}
	if _, err := io.WriteString(p.stdout, helpText); err != nil {
		return errors.New("standard output is closed")
	}
	return nil
}

// helpText is the one screen: at most 24 lines of 80 columns.
const helpText = `Gatehouse: registration, login and tokens for your applications.

  gatehouse serve                run the server on https://localhost:8443
  gatehouse trust                make this machine trust its local certificate
  gatehouse doctor               check the installation and say what to mend
  gatehouse user add NAME        [--email E] [--role R]... [--link]
  gatehouse user list            [--json]
  gatehouse user show WHO        [--json]   WHO: a username, an email or an id
  gatehouse user disable WHO     keep out, log out; enable ends that, and waiting
  gatehouse user reset-link WHO  print a link that sets a new password once
  gatehouse user sessions WHO    [--end ID | --end-all --yes]
  gatehouse user delete WHO      [--yes]    remove for good
  gatehouse keys list            signing keys; also: keys rotate, keys reseal
  gatehouse token inspect TOKEN  header, claims, valid or why not; - reads stdin
  gatehouse audit list           events; also: audit verify, audit export
  gatehouse export               users with hashes; keep it like a password file
  gatehouse import FILE|-        [--from SYSTEM] [--dry-run] [--wrap]
  gatehouse migrate              schema forward; also: restore, after a backup
  gatehouse version              version, commit, Go

Settings, with any command: --data DIR (./gatehouse-data), --listen HOST:PORT,
--url URL, --tls local|files|acme|proxy, --config FILE and more; see them with
gatehouse serve --help. Each is also GATEHOUSE_..., as in GATEHOUSE_DATA.
Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
`
