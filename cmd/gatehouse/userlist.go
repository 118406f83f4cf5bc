package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// userPage is how many users are read at once.
const userPage = 500

// userJSON is a user as the API shows one, with what only the operator sees.
type userJSON struct {
	ID            string   `json:"id"`
	Username      *string  `json:"username"`
	Email         *string  `json:"email"`
	EmailVerified bool     `json:"email_verified"`
	Roles         []string `json:"roles"`
	CreatedAt     string   `json:"created_at"`
	UpdatedAt     string   `json:"updated_at"`
	Disabled      bool     `json:"disabled"`
}

func toJSON(user model.User) userJSON {
	shown := userJSON{
		ID:            user.ID.String(),
		EmailVerified: user.EmailVerified(),
		Roles:         append([]string{}, user.Roles...),
		CreatedAt:     user.CreatedAt.UTC().Format(time.RFC3339),
		UpdatedAt:     user.UpdatedAt.UTC().Format(time.RFC3339),
		Disabled:      user.Disabled(),
	}
	if user.Username != "" {
		name := user.Username.String()
		shown.Username = &name
	}
	if user.Email != "" {
		email := user.Email.String()
		shown.Email = &email
	}
	return shown
}

// userListCommand walks all users, a page at a time, so that any number fits.
type userListCommand struct {
	JSON bool `help:"Print a JSON array."`
}

func (c userListCommand) Run(ctx context.Context, p *program, cfg config) (err error) {
	open, err := openExisting(ctx, cfg, p.quietLog())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	out := bufio.NewWriter(p.stdout)
	if c.JSON {
		err = listJSON(ctx, open.auth, out)
	} else {
		err = listTable(ctx, open.auth, out)
	}
	return errors.Join(err, out.Flush())
}

func listJSON(ctx context.Context, auth *gatehouse.Auth, out io.Writer) error {
	separator := "[\n"
	err := eachUser(ctx, auth, func(user model.User) error {
		line, err := json.Marshal(toJSON(user))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s%s", separator, line)
		separator = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	if separator == "[\n" {
		_, err = io.WriteString(out, "[]\n")
		return err
	}
	_, err = io.WriteString(out, "\n]\n")
	return err
}

func listTable(ctx context.Context, auth *gatehouse.Auth, out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "USERNAME\tEMAIL\tROLES\tCREATED\tSTATE\tID")
	err := eachUser(ctx, auth, func(user model.User) error {
		_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", or(string(user.Username), "-"), or(string(user.Email), "-"),
			or(strings.Join(user.Roles, ","), "-"), user.CreatedAt.UTC().Format(time.DateOnly), stateOf(user), user.ID)
		return err
	})
	return errors.Join(err, table.Flush())
}

func eachUser(ctx context.Context, auth *gatehouse.Auth, do func(model.User) error) error {
	var after model.UserID
	for {
		users, err := auth.Users(ctx, after, userPage)
		if err != nil {
			return err
		}
		for _, user := range users {
			if err := do(user); err != nil {
				return err
			}
			after = user.ID
		}
		if len(users) < userPage {
			return nil
		}
	}
}

func stateOf(user model.User) string {
	if user.Disabled() {
		return "disabled"
	}
	return "enabled"
}

type userShowCommand struct {
	Who  string `arg:"" help:"Username, email or id."`
	JSON bool   `help:"Print JSON."`
}

func (c userShowCommand) Run(ctx context.Context, p *program, cfg config) error {
	return p.withUser(ctx, cfg, c.Who, func(auth *gatehouse.Auth, user model.User) error {
		attempts, err := auth.Attempts(ctx, user.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			encoder := json.NewEncoder(p.stdout)
			encoder.SetIndent("", "  ")
			return encoder.Encode(struct {
				userJSON
				Attempts attemptsJSON `json:"attempts"`
			}{toJSON(user), attemptsToJSON(attempts)})
		}
		sessions, err := auth.Sessions(ctx, user.ID)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintf(table, "id\t%s\n", user.ID)
		fmt.Fprintf(table, "username\t%s\n", or(string(user.Username), "-"))
		fmt.Fprintf(table, "email\t%s\n", or(string(user.Email), "-"))
		fmt.Fprintf(table, "email verified\t%t\n", user.EmailVerified())
		fmt.Fprintf(table, "roles\t%s\n", or(strings.Join(user.Roles, ", "), "-"))
		fmt.Fprintf(table, "state\t%s\n", stateOf(user))
		for _, row := range attemptRows(attempts) {
			fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
		}
		fmt.Fprintf(table, "sessions\t%d\n", len(sessions))
		fmt.Fprintf(table, "created\t%s\n", user.CreatedAt.UTC().Format(time.RFC3339))
		fmt.Fprintf(table, "updated\t%s\n", user.UpdatedAt.UTC().Format(time.RFC3339))
		return table.Flush()
	})
}

// userSessionsCommand lists the live sessions of a user, ends one, or ends all.
type userSessionsCommand struct {
	Who    string `arg:"" help:"Username, email or id."`
	End    string `placeholder:"ID" xor:"end" help:"End this session."`
	EndAll bool   `xor:"end" help:"End every session."`
	Yes    bool   `help:"With --end-all: do it."`
}

func (c userSessionsCommand) Run(ctx context.Context, p *program, cfg config) error {
	return p.withUser(ctx, cfg, c.Who, func(auth *gatehouse.Auth, user model.User) error {
		sessions, err := auth.Sessions(ctx, user.ID)
		switch {
		case err != nil:
			return err
		case c.End != "":
			return p.endSession(ctx, auth, user.ID, c.End)
		case c.EndAll && !c.Yes:
			fmt.Fprintf(p.stdout, "This would end %s of %s.\n", count(len(sessions), "session"), describe(user))
			return p.wantsYes()
		case c.EndAll:
			ended, err := auth.EndOtherSessions(ctx, user.ID, model.SessionID{})
			if err != nil {
				return err
			}
			fmt.Fprintf(p.stdout, "Ended %s of %s.\n", count(ended, "session"), describe(user))
			return nil
		}
		return p.printSessions(sessions)
	})
}

func (p *program) endSession(ctx context.Context, auth *gatehouse.Auth, user model.UserID, text string) error {
	id, err := model.ParseID[model.Session](strings.ToLower(text))
	if err == nil {
		err = auth.EndSession(ctx, user, id)
	}
	if errors.Is(err, model.ErrNotFound) {
		return fmt.Errorf("the user has no session %q", text)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "Ended session %s.\n", id)
	return nil
}

func (p *program) printSessions(sessions []model.Session) error {
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CREATED\tLAST USED\tADDRESS\tUSER AGENT\tID")
	for _, session := range sessions {
		address := "-"
		if session.Client.Address.IsValid() {
			address = session.Client.Address.String()
		}
		// The user agent is a stranger's text: quoted, it cannot steer a terminal.
		fmt.Fprintf(table, "%s\t%s\t%s\t%.60q\t%s\n", session.CreatedAt.UTC().Format(time.RFC3339),
			session.LastUsedAt.UTC().Format(time.RFC3339), address, session.Client.UserAgent, session.ID)
	}
	return table.Flush()
}
