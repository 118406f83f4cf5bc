package main

import (
	"context"
	"fmt"
)

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
