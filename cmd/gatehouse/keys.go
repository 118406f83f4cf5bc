package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"
)

// keysListCommand prints the signing keys, never their secret parts.
type keysListCommand struct{}

func (keysListCommand) Run(ctx context.Context, p *program, cfg config) (err error) {
	open, err := openExisting(ctx, cfg, p.quietLog())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	keys, err := open.auth.SigningKeys(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEY ID\tALGORITHM\tSTATE\tCREATED\tSIGNS FROM")
	for _, key := range keys {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", key.KeyID, key.Algorithm, key.State,
			key.CreatedAt.UTC().Format(time.RFC3339), key.ActiveFrom.UTC().Format(time.RFC3339))
	}
	return table.Flush()
}

// migrateCommand brings the schema forward, which opening the store does.
type migrateCommand struct{}

func (migrateCommand) Run(ctx context.Context, p *program, cfg config) error {
	open, err := openInstallation(ctx, cfg, cfg.knownURL(), p.quietLog())
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "The schema of %s is up to date.\n", cfg.database)
	return open.Close()
}
