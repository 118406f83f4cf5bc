package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// settingFlags gives every setting its flag. The texts are read by parseConfig,
// so that a wrong one is refused in the same words wherever it came from.
type settingFlags struct {
	Config string `placeholder:"FILE" help:"TOML file with settings; its keys are the names of the flags."`

	Listen                  string `placeholder:"HOST:PORT" help:"Where to listen (127.0.0.1:8443)."`
	URL                     string `name:"url" placeholder:"URL" help:"The address people see (https://localhost and the port)."`
	Data                    string `placeholder:"DIR" help:"Data directory (./gatehouse-data)."`
	Database                string `placeholder:"sqlite:FILE" help:"Database (gatehouse.db in the data directory)."`
	TLS                     string `name:"tls" placeholder:"KIND" help:"local, files, acme or proxy (local)."`
	TLSMin                  string `name:"tls-min" placeholder:"VERSION" help:"1.2 or 1.3, the oldest version of TLS that is spoken (1.2)."`
	Cert                    string `placeholder:"FILE" help:"Certificate chain, PEM, for --tls=files."`
	Key                     string `placeholder:"FILE" help:"Private key, PEM, for --tls=files."`
	ACMEEmail               string `name:"acme-email" placeholder:"EMAIL" help:"Where the authority writes to, for --tls=acme."`
	TrustedProxies          string `placeholder:"LIST" help:"Addresses or networks of proxies, with commas, whose X-Forwarded-For counts."`
	MasterKeyFile           string `placeholder:"FILE" help:"Master key (master.key beside the database)."`
	PepperFile              string `placeholder:"FILE" help:"Peppers that go into password hashes (none)."`
	IntrospectionSecretFile string `placeholder:"FILE" help:"Introspection secret (introspection.secret in the data directory)."`
	Algorithm               string `placeholder:"NAME" help:"EdDSA, ES256, RS256 or HS256 (EdDSA)."`
	Audience                string `placeholder:"TEXT" help:"Audience of the access tokens (the URL)."`
	AccessTTL               string `name:"access-ttl" placeholder:"TIME" help:"Life of an access token, at most 60m (10m)."`
	PasswordMin             string `placeholder:"N" help:"Least code points of a password, 8 to 256 (15)."`
	HashMemory              string `placeholder:"SIZE" help:"Memory of all password hashes at once, as in 256MiB (what suits the machine)."`
	HashParams              string `placeholder:"PRICE" help:"Price of a new password hash (m=65536,t=3,p=1)."`
	BreachCheckURL          string `name:"breach-check-url" placeholder:"URL" help:"List of leaked passwords to ask about new ones (nobody is asked)."`
	BreachCheck             string `placeholder:"KIND" help:"closed or open: refuse or accept a password while the list does not answer (closed)."`
	Limits                  string `placeholder:"LIST" help:"How often things may happen, with commas, as in failures=20/5m,registrations=10/1h."`
	AuditRetention          string `placeholder:"TIME" help:"How long events are kept, at least 1d (400d)."`
	SMTP                    string `name:"smtp" placeholder:"URL" help:"Mail server: smtps://USER@HOST, smtp://USER@HOST for STARTTLS, or mailbox (no mail)."`
	SMTPPasswordFile        string `name:"smtp-password-file" placeholder:"FILE" help:"Password of the user of the mail server."`
	MailFrom                string `placeholder:"SENDER" help:"Whom mails come from, as in \"Shop <no-reply@shop.example>\"."`
	MailColour              string `placeholder:"COLOUR" help:"Colour of mails (#0e5e54)."`
	MailLogo                string `placeholder:"FILE" help:"Logo of mails, PNG or JPEG (the name in --mail-from)."`
	AdminListen             string `placeholder:"HOST:PORT" help:"Where to show metrics to Prometheus, as in 127.0.0.1:8445 (nowhere)."`
	LogFormat               string `placeholder:"KIND" help:"text or json (text on a terminal)."`
}

// settingNames returns the settings that a flag, the environment and the file
// share, in the order of the documentation.
func settingNames() []string {
	return []string{
		"listen", "url", "data", "database", "tls", "tls-min", "cert", "key", "acme-email",
		"trusted-proxies", "master-key-file", "pepper-file", "introspection-secret-file",
		"algorithm", "audience", "access-ttl", "password-min", "breach-check-url", "breach-check", "hash-memory", "hash-params", "limits", "audit-retention",
		"smtp", "smtp-password-file", "mail-from", "mail-colour", "mail-logo", "admin-listen", "log-format",
	}
}

// setting is the text of a setting and where it was found.
type setting struct {
	name string
	text string
	from string // as in "--listen" or "GATEHOUSE_LISTEN"; "" for the default
}

// wrong refuses the setting with a sentence that names it and its origin.
func (s setting) wrong(format string, args ...any) error {
	name := "--" + s.name
	if s.from != "" && s.from != name {
		name += " (from " + s.from + ")"
	}
	return fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...))
}

// gather finds every setting: flag first, then environment, then file. The two
// secrets are named by file in each of them, so none is ever an argument or a
// variable of the environment.
func (p *program) gather(given map[string]string) (map[string]setting, error) {
	path := given["config"]
	if path == "" {
		path, _ = p.environment("GATEHOUSE_CONFIG")
	}
	filed := map[string]string{}
	if path != "" {
		var err error
		if filed, err = readSettingsFile(path); err != nil {
			return nil, err
		}
	}
	values := map[string]setting{}
	for _, name := range settingNames() {
		variable := "GATEHOUSE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		value := setting{name: name}
		if text, ok := given[name]; ok {
			value.text, value.from = text, "--"+name
			if text == "" {
				return nil, value.wrong("the value is empty")
			}
		} else if text, ok := p.environment(variable); ok && text != "" {
			value.text, value.from = text, variable
		} else if text, ok := filed[name]; ok {
			value.text, value.from = text, path
		}
		values[name] = value
	}
	return values, nil
}

// readSettingsFile reads TOML. A key that is no setting is an error.
func readSettingsFile(path string) (map[string]string, error) {
	wrong := setting{name: "config"}.wrong
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, wrong("%v", err)
	}
	var raw map[string]any
	if err := toml.Unmarshal(content, &raw); err != nil {
		return nil, wrong("%s is not TOML: %s", path, strings.ReplaceAll(printable(err.Error()), "\n", " "))
	}
	texts := map[string]string{}
	for name, value := range raw {
		if !slices.Contains(settingNames(), name) {
			return nil, wrong("%s has %q, which is no setting", path, name)
		}
		text, ok := settingText(value)
		if !ok {
			return nil, wrong("%s: %s must be a text, a number or a list of texts", path, name)
		}
		if text == "" {
			return nil, wrong("%s: %s is empty", path, name)
		}
		texts[name] = text
	}
	return texts, nil
}

// settingText gives the text of a TOML value as it would stand after a flag.
func settingText(value any) (text string, ok bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case int64:
		return fmt.Sprint(value), true
	case []any:
		parts := make([]string, 0, len(value))
		for _, item := range value {
			part, isText := item.(string)
			if !isText {
				return "", false
			}
			parts = append(parts, part)
		}
		return strings.Join(parts, ","), true
	}
	return "", false
}
