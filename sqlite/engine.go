package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"gatehouse/model"
	"gatehouse/sqlstore"
)

// engine is the sqlstore.Engine for one file.
type engine struct {
	writer *writer
	reader *reader
}

// openEngine opens both kinds of connections and brings the tables up to date.
func openEngine(ctx context.Context, path string) (*engine, error) {
	writerDB, err := openDatabase(path, false)
	if err != nil {
		return nil, err
	}
	readerDB, err := openDatabase(path, true)
	if err != nil {
		return nil, errors.Join(err, writerDB.Close())
	}
	e := &engine{
		writer: &writer{db: writerDB, patience: busyTimeout, owed: true},
		reader: newReader(readerDB),
	}
	if err := e.start(ctx); err != nil {
		if e.Fault(err) == sqlstore.FaultUnavailable {
			err = fmt.Errorf("%w: %w", model.ErrStoreUnavailable, err)
		}
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// start makes the first connection, which switches a new file to WAL. Two
// processes that do so at once can both be told "busy" without any waiting, so
// it is tried again for as long as a write would wait.
func (e *engine) start(ctx context.Context) error {
	begin := time.Now()
	for {
		err := e.prepare(ctx)
		if err == nil || e.Fault(err) != sqlstore.FaultUnavailable || !isBusy(err) || time.Since(begin) > busyTimeout {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (e *engine) prepare(ctx context.Context) error {
	conn, err := e.writer.db.Conn(ctx)
	if err != nil {
		return err
	}
	err = errors.Join(checkSettings(ctx, conn), migrate(ctx, conn))
	return errors.Join(err, conn.Close())
}

// checkSettings makes sure that the promises of durability and integrity are
// really in force: SQLite passes over a setting it cannot obey in silence.
func checkSettings(ctx context.Context, conn *sql.Conn) error {
	for _, setting := range [...]struct{ query, want string }{
		{`PRAGMA journal_mode`, "wal"},
		{`PRAGMA synchronous`, "2"},
		{`PRAGMA foreign_keys`, "1"},
		{`PRAGMA secure_delete`, "1"},
	} {
		var got string
		if err := conn.QueryRowContext(ctx, setting.query).Scan(&got); err != nil {
			return fmt.Errorf("%s: %w", setting.query, err)
		}
		if got != setting.want {
			return fmt.Errorf("%s is %q and must be %q; is the file on a disk that this computer shares with others?",
				setting.query, got, setting.want)
		}
	}
	return nil
}

func (e *engine) Read(ctx context.Context, fn func(sqlstore.Runner) error) error {
	return e.reader.read(ctx, fn)
}

func (e *engine) Write(ctx context.Context, fn func(sqlstore.Runner) error) error {
	return e.writer.do(&write{ctx: ctx, fn: fn})
}

func (e *engine) Tx(ctx context.Context, fn func(sqlstore.Runner) error) error {
	return e.writer.do(&write{ctx: ctx, fn: fn, foreign: true})
}

func (e *engine) Close() error {
	// The reader first: the last connection to close clears the log away.
	return errors.Join(e.reader.close(), e.writer.close())
}

// Fault tells by the code, never by the text.
func (e *engine) Fault(err error) sqlstore.Fault {
	var fault *sqlite.Error
	if !errors.As(err, &fault) {
		if errors.Is(err, sql.ErrConnDone) || errors.Is(err, model.ErrStoreUnavailable) {
			return sqlstore.FaultUnavailable
		}
		return sqlstore.FaultOther
	}
	switch fault.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return sqlstore.FaultUnique
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return sqlstore.FaultForeignKey
	}
	switch fault.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT:
		return sqlstore.FaultUnavailable
	}
	return sqlstore.FaultOther
}

func isBusy(err error) bool {
	var fault *sqlite.Error
	return errors.As(err, &fault) && fault.Code()&0xff == sqlite3.SQLITE_BUSY
}

// errClosed answers the use of a closed store.
var errClosed = fmt.Errorf("%w: it is closed", model.ErrStoreUnavailable)
