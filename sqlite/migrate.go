package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// applicationID marks a file as ours, in the place that SQLite has for it
// (offset 68 of the file): the letters "Gate".
const applicationID = 0x47617465

// migrate brings the tables forward to the newest version, never back, in one
// transaction. It is begun as a write, so of two starters one waits and then
// finds nothing left to do. A file of a newer program, or of another one, is
// refused.
func migrate(ctx context.Context, conn *sql.Conn) (err error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	if current, err := isCurrent(ctx, conn, len(names)); current || err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, undo := conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`)
			err = errors.Join(err, undo)
		}
	}()
	version, err := startVersion(ctx, conn)
	if err != nil {
		return err
	}
	if version > len(names) {
		return tooNew(version, len(names))
	}
	for number, name := range names {
		if number < version {
			continue
		}
		if err := apply(ctx, conn, number+1, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	_, err = conn.ExecContext(ctx, `COMMIT`)
	return err
}

func tooNew(version, known int) error {
	return fmt.Errorf("the database has version %d of the tables and this program knows %d; use the newer program", version, known)
}

// isCurrent answers without waiting for a writer, which is what most starts need.
func isCurrent(ctx context.Context, conn *sql.Conn, known int) (bool, error) {
	var mark int
	if err := conn.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&mark); err != nil || mark != applicationID {
		return false, err
	}
	version, err := versionOf(ctx, conn)
	if err == nil && version > known {
		return false, tooNew(version, known)
	}
	return version == known, err
}

func versionOf(ctx context.Context, conn *sql.Conn) (version int, err error) {
	err = conn.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM migrations`).Scan(&version)
	return version, err
}

// startVersion makes the version table in an empty file and reads it in ours.
func startVersion(ctx context.Context, conn *sql.Conn) (int, error) {
	var tables, mark int
	if err := conn.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
		return 0, err
	}
	if err := conn.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&mark); err != nil {
		return 0, err
	}
	if tables > 0 && mark != applicationID {
		return 0, errors.New("the file is a database of another program")
	}
	if tables > 0 {
		return versionOf(ctx, conn)
	}
	// 1197569125 is applicationID; a PRAGMA takes no parameters.
	_, err := conn.ExecContext(ctx, `PRAGMA application_id = 1197569125;
		CREATE TABLE migrations (version INTEGER NOT NULL PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT`)
	return 0, err
}

func apply(ctx context.Context, conn *sql.Conn, version int, name string) error {
	script, err := migrationFiles.ReadFile(name)
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, string(script)); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, `INSERT INTO migrations (version, applied_at) VALUES ($1, $2)`, version, time.Now().UnixMicro())
	return err
}
