package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"gatehouse/model"
	"gatehouse/sqlstore"
)

const beginWrite = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`

// Write runs one verb in one transaction.
func (e *engine) Write(ctx context.Context, fn func(sqlstore.Runner) error) error {
	return e.Tx(ctx, fn)
}

// Tx runs fn in one transaction. A caller whose context ends is answered
// before the next statement, and the transaction is rolled back; a COMMIT that
// was sent is waited for. What fails because the connection was lost before
// anything was done is begun again; fn runs at most once.
func (e *engine) Tx(ctx context.Context, fn func(sqlstore.Runner) error) error {
	leave, err := e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	t, err := e.transact(ctx, fn)
	if err == nil || t == nil || !errors.Is(err, errUnanswered) {
		return err
	}
	return e.resolve(ctx, t, err)
}

// transact is one transaction from BEGIN to COMMIT.
func (e *engine) transact(ctx context.Context, fn func(sqlstore.Runner) error) (*transaction, error) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	conn, err := e.begin(ctx, bounded)
	if err != nil {
		return nil, err
	}
	t := &transaction{conn: conn, bounded: bounded}
	defer t.end() // also when fn panics or ends its goroutine
	if err := fn(t); err != nil {
		return t, err
	}
	if err := ctx.Err(); err != nil {
		return t, err
	}
	return t, t.commit(context.WithoutCancel(ctx))
}

// begin opens a transaction. The pool may hand out a connection whose server is
// gone without having said so, and does not do so twice.
func (e *engine) begin(ctx, bounded context.Context) (*sql.Conn, error) {
	for try := 1; ; try++ {
		conn, err := e.acquire(ctx)
		if err == nil {
			if _, err = conn.ExecContext(bounded, beginWrite); err == nil {
				return conn, nil
			}
			_ = conn.Close() // the error of BEGIN says it
		}
		if try == tries || !isLost(err) || ctx.Err() != nil || bounded.Err() != nil {
			return nil, err
		}
	}
}

// transaction is the Runner of one write.
type transaction struct {
	conn    *sql.Conn
	bounded context.Context
	settled bool // COMMIT was sent
	proof   *proof
}

// proof is a statement that finds what the transaction wrote.
type proof struct {
	query string
	args  []any
}

var (
	_ sqlstore.Prover  = (*transaction)(nil)
	_ sqlstore.Undoing = (*transaction)(nil)
)

func (t *transaction) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	result, err := t.conn.ExecContext(t.bounded, query, args...)
	return result, t.seen(err)
}

func (t *transaction) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rows, err := t.conn.QueryContext(t.bounded, query, args...)
	return rows, t.seen(err)
}

// seen lets go of a connection to a server that only reads, which would be
// handed out again otherwise.
func (t *transaction) seen(err error) error {
	var fault *pgconn.PgError
	if errors.As(err, &fault) && fault.Code == "25006" {
		_ = t.raw(func(conn *stdlib.Conn) error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			return conn.Conn().Close(ctx)
		})
	}
	return err
}

// Prove keeps the first statement: it is the one that names the transaction best.
func (t *transaction) Prove(query string, args ...any) {
	if t.proof == nil {
		t.proof = &proof{query, args}
	}
}

// Undo runs fn, and when it fails takes back what it did: PostgreSQL refuses
// everything after an error in a transaction, up to the last savepoint.
func (t *transaction) Undo(ctx context.Context, fn func() error) error {
	if _, err := t.ExecContext(ctx, `SAVEPOINT verb`); err != nil {
		return err
	}
	failed := fn()
	then := `RELEASE SAVEPOINT verb`
	if failed != nil {
		then = `ROLLBACK TO SAVEPOINT verb`
	}
	if _, err := t.conn.ExecContext(t.bounded, then); err != nil {
		return errors.Join(err, failed)
	}
	return failed
}

func (t *transaction) raw(fn func(*stdlib.Conn) error) error {
	return t.conn.Raw(func(conn any) error {
		own, ok := conn.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a connection of type %T", conn)
		}
		return fn(own)
	})
}

// end rolls back what was not committed and gives the connection back. The pool
// closes a connection that is not in order, and the server then rolls back.
func (t *transaction) end() {
	if !t.settled {
		_, _ = t.conn.ExecContext(t.bounded, `ROLLBACK`)
	}
	_ = t.conn.Close()
}

// errUnanswered means that nobody knows whether the transaction was kept, or
// that it was kept on the leader alone.
var errUnanswered = fmt.Errorf("%w: the commit was not answered", model.ErrStoreUnavailable)

// commit tells three ends apart: kept, not kept, and unanswered.
//
// pgconn.SafeToRetry is not asked: it says true for a COMMIT that was carried
// out when only its answer was lost.
func (t *transaction) commit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	t.settled = true
	return t.raw(func(conn *stdlib.Conn) error {
		wire := conn.Conn().PgConn()
		takeWarning(wire)
		results, err := wire.Exec(ctx, `COMMIT`).ReadAll()
		var fault *pgconn.PgError
		switch warning := takeWarning(wire); {
		case errors.As(err, &fault) && fault.SeverityUnlocalized == "ERROR":
			return err // the server says that it rolled back
		case err != nil:
			// The text alone: nobody may take the lost connection for one that
			// was lost before anything was done.
			return fmt.Errorf("%w: %v", errUnanswered, err)
		case warning != "":
			return fmt.Errorf("%w: %s", errUnanswered, warning)
		case len(results) != 1 || results[0].CommandTag.String() != "COMMIT":
			return errors.New("the transaction had failed before its end and was rolled back")
		}
		return nil
	})
}

// warningKey is where a connection keeps the warning it was sent.
const warningKey = "gatehouse.warning"

// keepWarning remembers a warning of the server. One that comes with COMMIT
// says that the wait for the synchronous standby was given up: the transaction
// is in the leader's log and may be lost with the leader.
func keepWarning(conn *pgconn.PgConn, notice *pgconn.Notice) {
	if notice.SeverityUnlocalized == "WARNING" {
		conn.CustomData()[warningKey] = notice.Message
	}
}

func takeWarning(conn *pgconn.PgConn) string {
	warning, _ := conn.CustomData()[warningKey].(string)
	delete(conn.CustomData(), warningKey)
	return warning
}

// resolve finds out what became of a transaction whose COMMIT was not answered.
// It looks, and never repeats. What it finds counts only when a write of its
// own was answered after: then the standbys have that, and all before it. Not
// to find it proves nothing, since the COMMIT may still be under way.
func (e *engine) resolve(ctx context.Context, t *transaction, unanswered error) error {
	if t.proof == nil {
		return unanswered
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	for wait := 20 * time.Millisecond; ; wait *= 2 {
		_, err := e.transact(ctx, func(q sqlstore.Runner) error {
			result, err := q.ExecContext(ctx, t.proof.query, t.proof.args...)
			if err != nil {
				return err
			}
			if found, err := result.RowsAffected(); found == 0 || err != nil {
				return errors.Join(model.ErrNotFound, err)
			}
			return nil
		})
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return unanswered
		case <-time.After(wait):
		}
	}
}
