package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// userAddCommand adds a user with a password, or with a link to set one.
type userAddCommand struct {
	Name  string   `arg:"" help:"Username; or an email, for a user without a username."`
	Email string   `help:"Email."`
	Role  []string `sep:"none" help:"Role in the tokens; may be repeated."`
	Link  bool     `help:"Print a link that sets the password once, instead of asking for one."`
}

func (c userAddCommand) Run(ctx context.Context, p *program, cfg config) (err error) {
	in := gatehouse.Registration{Username: c.Name, Email: c.Email, Roles: c.Role}
	if strings.Contains(c.Name, "@") && c.Email == "" {
		in.Username, in.Email = "", c.Name
	}
	open, err := openInstallation(ctx, cfg, cfg.knownURL(), p.quietLog())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	if c.Link {
		user, code, err := open.auth.InviteUser(ctx, in)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "Added %s.\n", describe(user))
		p.printLink(open.auth.Issuer(), code, gatehouse.InviteCodeTTL)
		p.printProof(open.auth, user, "The first login is answered with a mail that asks for a proof of {email}.")
		return nil
	}
	if in.Password, err = p.newPassword(ctx); err != nil {
		return err
	}
	user, err := open.auth.RegisterUser(ctx, in)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "Added %s.\n", describe(user))
	p.printProof(open.auth, user, "A mail asks for a proof of {email}; gatehouse serve sends it.")
	return nil
}

// printProof says how the email of a new user is proven: as mailed says, or not
// at all, because the command was not given the --smtp of the server.
func (p *program) printProof(auth *gatehouse.Auth, user model.User, mailed string) {
	if user.Email == "" {
		return
	}
	if !auth.SendsMail() {
		mailed = "No --smtp is set here, so no mail asks for a proof of {email}."
	}
	fmt.Fprintln(p.stdout, strings.ReplaceAll(mailed, "{email}", user.Email.String()))
}

// quietLog is the log of commands: trouble goes to standard error.
func (p *program) quietLog() *slog.Logger {
	return slog.New(inUTC{slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn})})
}

// printLink prints the address of the page where a code is used.
func (p *program) printLink(issuer string, code model.Code, life time.Duration) {
	link := issuer + "/reset?" + url.Values{"code": {string(code)}}.Encode()
	fmt.Fprintf(p.stdout, "%s\nIt sets a password once, within %s.\n", link, inWords(life))
}

// inWords says a whole number of hours or minutes.
func inWords(d time.Duration) string {
	if d >= time.Hour {
		return count(int(d.Hours()), "hour")
	}
	return count(int(d.Minutes()), "minute")
}

// withUser opens what is there, finds the user and calls do.
func (p *program) withUser(ctx context.Context, cfg config, who string, do func(*gatehouse.Auth, model.User) error) (err error) {
	open, err := openExisting(ctx, cfg, p.quietLog())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	user, err := open.auth.FindUser(ctx, who)
	if errors.Is(err, model.ErrNotFound) {
		return fmt.Errorf("there is no user %q", who)
	}
	if err != nil {
		return err
	}
	return do(open.auth, user)
}

type userDisableCommand struct {
	Who string `arg:"" help:"Username, email or id."`
	Yes bool   `hidden:"" help:"Accepted for scripts; nothing is asked."`
}

func (c userDisableCommand) Run(ctx context.Context, p *program, cfg config) error {
	return p.withUser(ctx, cfg, c.Who, func(auth *gatehouse.Auth, user model.User) error {
		if err := auth.DisableUser(ctx, user.ID); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "Disabled %s and ended every session.\n", describe(user))
		return nil
	})
}

type userEnableCommand struct {
	Who string `arg:"" help:"Username, email or id."`
}

func (c userEnableCommand) Run(ctx context.Context, p *program, cfg config) error {
	return p.withUser(ctx, cfg, c.Who, func(auth *gatehouse.Auth, user model.User) error {
		if err := auth.EnableUser(ctx, user.ID); err != nil {
			return err
		}
		if user.Disabled() {
			fmt.Fprintf(p.stdout, "Enabled %s.\n", describe(user))
		} else {
			fmt.Fprintf(p.stdout, "Not disabled: %s. Who had to wait after wrong passwords may try again.\n", describe(user))
		}
		attempts, err := auth.Attempts(ctx, user.ID)
		if err == nil && attempts.OtherDevices.UsedUp {
			fmt.Fprintf(p.stdout, "After %d wrong ones no password is right until a new one is set: gatehouse user reset-link.\n", attempts.OtherDevices.Total)
		}
		return err
	})
}

type userResetLinkCommand struct {
	Who string `arg:"" help:"Username, email or id."`
}

func (c userResetLinkCommand) Run(ctx context.Context, p *program, cfg config) error {
	return p.withUser(ctx, cfg, c.Who, func(auth *gatehouse.Auth, user model.User) error {
		code, err := auth.IssueResetCode(ctx, user.ID)
		if err != nil {
			return err
		}
		p.printLink(auth.Issuer(), code, gatehouse.ResetCodeTTL)
		return nil
	})
}

// userDeleteCommand removes a user. Without --yes it only says what it would
// do.
type userDeleteCommand struct {
	Who string `arg:"" help:"Username, email or id."`
	Yes bool   `help:"Do it."`
}

func (c userDeleteCommand) Run(ctx context.Context, p *program, cfg config) error {
	return p.withUser(ctx, cfg, c.Who, func(auth *gatehouse.Auth, user model.User) error {
		if !c.Yes {
			sessions, err := auth.Sessions(ctx, user.ID)
			if err != nil {
				return err
			}
			fmt.Fprintf(p.stdout, "This would remove %s, created %s, with %s and everything else that refers to the user, for good.\n",
				describe(user), user.CreatedAt.UTC().Format(time.DateOnly), count(len(sessions), "live session"))
			return p.wantsYes()
		}
		if err := auth.EraseUser(ctx, user.ID); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "Deleted %s.\n", describe(user))
		return nil
	})
}

func (p *program) wantsYes() error {
	fmt.Fprintln(p.stderr, "gatehouse: nothing was done; add --yes to do it")
	return errSaid
}

// describe names a user to the operator.
func describe(user model.User) string {
	return fmt.Sprintf("user %s (%s)", or(string(user.Username), string(user.Email)), user.ID)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
