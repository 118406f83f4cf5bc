package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"gatehouse/sqlstore"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// mark is the comment on the version table that says whose tables these are.
const mark = "gatehouse"

// migrationLock is the key of the advisory lock under which one process at a
// time changes the tables: the letters "Gate".
const migrationLock = 0x47617465

// migrate brings the tables forward to the newest version, never back, in one
// transaction. Of several starters one does it and the others wait, and find
// nothing left to do. Tables of a newer program, or of another one, are refused.
func (e *engine) migrate(ctx context.Context) (before, after int, err error) {
	migrations, err := sqlstore.ReadMigrations(migrationFiles)
	if err != nil {
		return 0, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	conn, err := e.acquire(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	before, err = versionOf(ctx, conn)
	if err != nil || before == migrations.Newest() {
		return before, before, err
	}
	if err := migrations.Check(before); err != nil {
		return before, before, err
	}
	if err := forward(ctx, conn, migrations); err != nil {
		var fault *pgconn.PgError
		if errors.As(err, &fault) && fault.Code == "42501" {
			err = fmt.Errorf("the tables have version %d, this program needs %d, and this role may not change them; "+
				"run gatehouse migrate as the role that may: %w", before, migrations.Newest(), err)
		}
		return before, before, err
	}
	return before, migrations.Newest(), nil
}

// forward applies what is missing behind the lock.
func forward(ctx context.Context, conn *sql.Conn, migrations sqlstore.Migrations) (err error) {
	// A change of a large table takes its time, and so does the wait for it;
	// ctx ends both.
	if _, err := conn.ExecContext(ctx, beginWrite+`; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
		SET LOCAL client_min_messages = error`); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			// It fails when the connection is gone, and the transaction with it.
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`)
		}
	}()
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, migrationLock); err != nil {
		return err
	}
	version, err := versionOf(ctx, conn)
	if err != nil {
		return err
	}
	if version == 0 {
		if err := firstOfAll(ctx, conn); err != nil {
			return err
		}
	}
	if err := migrations.Apply(ctx, conn, version); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, `COMMIT`)
	return err
}

// versionOf returns 0 where there are no tables of ours. It scans a table of the
// catalog: a mere function of a name may answer from what this connection knew
// before it waited for another starter.
func versionOf(ctx context.Context, conn *sql.Conn) (version int, err error) {
	var comment string
	err = conn.QueryRowContext(ctx, `SELECT description FROM pg_description
		WHERE objoid = to_regclass('migrations') AND classoid = 'pg_class'::regclass AND objsubid = 0`).Scan(&comment)
	if errors.Is(err, sql.ErrNoRows) || err == nil && comment != mark {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return sqlstore.MigrationVersion(ctx, conn)
}

// firstOfAll makes the version table, unless somebody else's tables are here.
func firstOfAll(ctx context.Context, conn *sql.Conn) error {
	var taken sql.NullString
	err := conn.QueryRowContext(ctx, `SELECT string_agg(name, ', ') FROM unnest(ARRAY['migrations', 'users', 'sessions', 'codes',
		'signing_keys', 'events', 'event_chain']) AS name WHERE to_regclass(name) IS NOT NULL`).Scan(&taken)
	if err != nil {
		return err
	}
	if taken.String != "" {
		return fmt.Errorf("another program has tables here (%s); give Gatehouse a database of its own, or a schema with search_path in the DSN",
			taken.String)
	}
	_, err = conn.ExecContext(ctx, `CREATE TABLE migrations (version INTEGER NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL);
		COMMENT ON TABLE migrations IS '`+mark+`'`)
	return err
}
