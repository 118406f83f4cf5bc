package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"time"
)

// Migrations are the scripts that bring the tables of an engine forward. The
// first of them makes version 1.
type Migrations struct {
	scripts []migration
}

type migration struct {
	name   string
	script []byte
}

// ReadMigrations reads migrations/*.sql, in the order of the names.
func ReadMigrations(files fs.FS) (Migrations, error) {
	names, err := fs.Glob(files, "migrations/*.sql") // sorted, as ReadDir is
	if err != nil {
		return Migrations{}, err
	}
	var m Migrations
	for _, name := range names {
		script, err := fs.ReadFile(files, name)
		if err != nil {
			return Migrations{}, err
		}
		m.scripts = append(m.scripts, migration{name, script})
	}
	return m, nil
}

// Newest returns the version that this program knows.
func (m Migrations) Newest() int { return len(m.scripts) }

// Check refuses tables of a newer program.
func (m Migrations) Check(version int) error {
	if version > m.Newest() {
		return fmt.Errorf("the database has version %d of the tables and this program knows %d; use the newer program",
			version, m.Newest())
	}
	return nil
}

// Apply runs what comes after a version, and notes each in the version table. The
// transaction is the caller's.
func (m Migrations) Apply(ctx context.Context, conn *sql.Conn, version int) error {
	for i, next := range m.scripts {
		if i < version {
			continue
		}
		if err := next.apply(ctx, conn, i+1); err != nil {
			return fmt.Errorf("%s: %w", next.name, err)
		}
	}
	return nil
}

func (m migration) apply(ctx context.Context, conn *sql.Conn, version int) error {
	if _, err := conn.ExecContext(ctx, string(m.script)); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, `INSERT INTO migrations (version, applied_at) VALUES ($1, $2)`, version, time.Now().UnixMicro())
	return err
}

// MigrationVersion reads the version table.
func MigrationVersion(ctx context.Context, conn *sql.Conn) (version int, err error) {
	err = conn.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM migrations`).Scan(&version)
	return version, err
}
