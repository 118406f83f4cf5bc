package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"gatehouse/model"
)

// accountLine is a user with the hash as one line of an export; null stands
// where there is nothing. It does not print itself.
type accountLine struct {
	ID              string     `json:"id"`
	Username        *string    `json:"username"`
	Email           *string    `json:"email"`
	EmailVerifiedAt *time.Time `json:"email_verified_at"`
	Roles           []string   `json:"roles"`
	DisabledAt      *time.Time `json:"disabled_at"`
	CreatedAt       *time.Time `json:"created_at"`
	UpdatedAt       *time.Time `json:"updated_at"`
	PasswordHash    *string    `json:"password_hash"`
}

// Format hides the line under every verb, for the hash in it.
func (accountLine) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("[account hidden]")) }

func lineOf(account model.Account) accountLine {
	user := account.User
	return accountLine{
		ID: user.ID.String(), Username: orNull(string(user.Username)), Email: orNull(string(user.Email)),
		EmailVerifiedAt: timeOrNull(user.EmailVerifiedAt), Roles: user.Roles, DisabledAt: timeOrNull(user.DisabledAt),
		CreatedAt: timeOrNull(user.CreatedAt), UpdatedAt: timeOrNull(user.UpdatedAt),
		PasswordHash: orNull(string(account.PasswordHash)),
	}
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// exportCommand writes all users with their hashes to standard output and
// nowhere else: the mode of a file that holds them is the shell's to set.
type exportCommand struct{}

func (exportCommand) Run(ctx context.Context, p *program, cfg config) (err error) {
	open, err := openExisting(ctx, cfg, p.quietLog())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	out, exported := bufio.NewWriter(p.stdout), 0
	err = open.auth.ExportAccounts(ctx, func(account model.Account) error {
		text, err := json.Marshal(lineOf(account))
		if err != nil {
			return fmt.Errorf("export %s: %w", account.User.ID, err)
		}
		exported++
		_, err = out.Write(append(text, '\n'))
		return err
	})
	if err = errors.Join(err, out.Flush()); err != nil {
		return fmt.Errorf("the export is not complete: %w", err)
	}
	fmt.Fprintf(p.stderr, "exported %d\n", exported)
	return nil
}
