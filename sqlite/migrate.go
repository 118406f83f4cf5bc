package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"

	"gatehouse/sqlstore"
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
	migrations, err := sqlstore.ReadMigrations(migrationFiles)
	if err != nil {
		return err
	}
	if current, err := isCurrent(ctx, conn, migrations); current || err != nil {
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
	if err := migrations.Check(version); err != nil {
		return err
	}
	if err := migrations.Apply(ctx, conn, version); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, `COMMIT`)
	return err
}

// isCurrent answers without waiting for a writer, which is what most starts need.
func isCurrent(ctx context.Context, conn *sql.Conn, migrations sqlstore.Migrations) (bool, error) {
	var mark int
	if err := conn.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&mark); err != nil || mark != applicationID {
		return false, err
	}
	version, err := sqlstore.MigrationVersion(ctx, conn)
	if err != nil {
		return false, err
	}
	return version == migrations.Newest(), migrations.Check(version)
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
		return sqlstore.MigrationVersion(ctx, conn)
	}
	// 1197569125 is applicationID; a PRAGMA takes no parameters.
	_, err := conn.ExecContext(ctx, `PRAGMA application_id = 1197569125;
		CREATE TABLE migrations (version INTEGER NOT NULL PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT`)
	return 0, err
}
