package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"gatehouse"
	"gatehouse/model"
	"gatehouse/postgres"
	"gatehouse/sqlite"
)

// installation is the store with the rules over it, as a command or the server
// uses them.
type installation struct {
	store   model.Store
	auth    *gatehouse.Auth
	mailbox *model.Mailbox // nil unless mails are only shown
}

func (i *installation) Close() error { return i.store.Close() }

// openInstallation opens what is there and makes what is missing. Several
// processes may have it open at the same time.
func openInstallation(ctx context.Context, cfg config, publicURL string, log *slog.Logger) (*installation, error) {
	return openCounted(ctx, cfg, publicURL, log, nil)
}

// openCounted is openInstallation with what happens counted; nil counts nothing.
func openCounted(ctx context.Context, cfg config, publicURL string, log *slog.Logger, m *metrics) (*installation, error) {
	peppers, err := readPeppers(cfg)
	if err != nil {
		return nil, err
	}
	mailer, mailbox, err := openMailer(cfg)
	if err != nil {
		return nil, err
	}
	style, err := mailStyle(cfg)
	if err != nil {
		return nil, err
	}
	if err := makeDataDir(cfg.dataDir); err != nil {
		return nil, err
	}
	if err := refuseOpenKey(cfg); err != nil {
		return nil, err
	}
	store, err := openStore(ctx, cfg.database)
	if err != nil {
		return nil, err
	}
	keys, err := masterKeys(ctx, store, cfg)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	auth, err := gatehouse.New(ctx, m.watchStore(store), gatehouse.Config{
		Issuer:          publicURL,
		Audience:        or(cfg.audience, publicURL),
		MasterKey:       keys.Current,
		Algorithm:       cfg.algorithm,
		AccessTTL:       cfg.accessTTL,
		PasswordMin:     cfg.passwordMin,
		BreachChecker:   cfg.breach.checker,
		AcceptUnchecked: cfg.breach.acceptUnchecked,
		HashParams:      cfg.hashParams,
		Peppers:         peppers,
		Limits:          cfg.limits,
		EventRetention:  cfg.auditRetention,
		Mailer:          m.watchMailer(mailer),
		Mail:            style,
		Logger:          log,

		HashMemoryKiB:    cfg.hashMemory(machineMemoryKiB()),
		FormerMasterKeys: keys.Former,
	})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &installation{store: store, auth: auth, mailbox: mailbox}, nil
}

// openStore is the one place where an engine is chosen.
func openStore(ctx context.Context, where database) (store model.Store, err error) {
	if where.file != "" {
		store, err = sqlite.Open(ctx, where.file)
	} else {
		store, err = postgres.Open(ctx, where.dsn)
	}
	if err != nil {
		return nil, fmt.Errorf("--database: %w", err)
	}
	return store, nil
}

// openExisting is openInstallation for commands that look at what is there.
func openExisting(ctx context.Context, cfg config, log *slog.Logger) (*installation, error) {
	if err := needDataDir(cfg); err != nil {
		return nil, err
	}
	return openInstallation(ctx, cfg, cfg.knownURL(), log)
}

// withAuth opens what is there, calls do and closes it.
func (p *program) withAuth(ctx context.Context, cfg config, do func(*gatehouse.Auth) error) (err error) {
	open, err := openExisting(ctx, cfg, p.quietLog())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	return do(open.auth)
}

// refuseOpenKey stops before a database is made beside a master key that others
// can read.
func refuseOpenKey(cfg config) error {
	if cfg.masterKeyFile != "" {
		return nil
	}
	_, err := readSecretFile(masterKeyPath(cfg))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// masterKeyPath is where the master key lies: beside the SQLite file, or in the
// data directory.
func masterKeyPath(cfg config) string {
	switch {
	case cfg.masterKeyFile != "":
		return cfg.masterKeyFile
	case cfg.database.file != "":
		return filepath.Join(filepath.Dir(cfg.database.file), "master.key")
	}
	return filepath.Join(cfg.dataDir, "master.key")
}

// exists reports whether there is something at path.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
