// Package sqlstore is model.Store over database/sql: one set of plain SQL with
// $n parameters for every engine. An engine package opens the database, makes
// the tables and supplies an [Engine]; it passes the suite in storetest.
//
// Text from strangers is always a parameter, never part of a statement. No rule
// about case or Unicode is left to the database.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"gatehouse/model"
)

// Runner runs statements. *sql.DB, *sql.Conn and *sql.Tx are Runners.
type Runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Direct is a Runner that reads one row without the rows of database/sql, in
// less time. The statement runs to its end; found is false when it has no row.
type Direct interface {
	Row(ctx context.Context, query string, args, into []any) (found bool, err error)
}

// Eraser is a Runner that wants to know when its transaction removed what must
// not be found again, so that the engine can clear its log of old content too.
type Eraser interface {
	Erased()
}

// Prover is a Runner that wants to know how its transaction can be found, should
// the answer to its commit be lost: the statement finds a row as only this
// transaction left it, or one with the same answer, and writes it again as it is.
type Prover interface {
	Prove(query string, args ...any)
}

// prove follows what has succeeded.
func prove(q Runner, query string, args ...any) {
	if p, ok := q.(Prover); ok {
		p.Prove(query, args...)
	}
}

// Undoing is a Runner whose transaction is worth nothing after the database has
// refused a statement, unless the statement ran in Undo.
type Undoing interface {
	Undo(ctx context.Context, fn func() error) error
}

// undo runs what may be refused and answered with a refusal.
func undo(ctx context.Context, q Runner, fn func() error) error {
	if u, ok := q.(Undoing); ok {
		return u.Undo(ctx, fn)
	}
	return fn()
}

// Fault is what an error of the driver means to the store.
type Fault int

const (
	// FaultOther is trouble that waiting does not mend.
	FaultOther Fault = iota
	// FaultUnavailable is trouble that may pass: a locked file, a full disk, a
	// lost connection.
	FaultUnavailable
	// FaultUnique is a row refused because another holds one of its values.
	FaultUnique
	// FaultForeignKey is a row refused because the row it refers to is gone.
	FaultForeignKey
)

// Engine is what one database engine supplies.
type Engine interface {
	// Read runs fn, which only reads and makes one statement, on the newest
	// committed state.
	Read(ctx context.Context, fn func(Runner) error) error

	// Write runs one verb in one transaction. When it returns nil, what fn did
	// is kept and durable; otherwise none of it is, and an error of fn is
	// returned as it is. fn is code of this package: it changes something in
	// one statement, and nothing when it returns a refusal.
	Write(ctx context.Context, fn func(Runner) error) error

	// Tx is Write for several statements and for code of callers, which may
	// panic. fn runs at most once.
	Tx(ctx context.Context, fn func(Runner) error) error

	// Fault says what an error of the driver means.
	Fault(err error) Fault

	// Close waits for what is running and lets everything go.
	Close() error
}

// Dialect is where engines differ.
type Dialect struct {
	// Name begins the text of every error.
	Name string
	// LocksRows is for engines whose writers run side by side: a row that a
	// decision rests on is then locked, and sweeping passes by what is.
	LocksRows bool
}

// Store is model.Store over an Engine.
type Store struct {
	*records
}

var _ model.Store = (*Store)(nil)

// New returns the store that keeps everything with this engine. The tables must
// be there.
func New(engine Engine, dialect Dialect) *Store {
	s := &Store{&records{engine: engine, dialect: dialect, statusBits: new(atomic.Int32)}}
	s.statusBits.Store(minStatusBits)
	return s
}

// Tx runs fn in one transaction, as model.Store promises. Trouble inside fn
// fails the whole of it, also when fn goes on and returns nil.
func (s *Store) Tx(ctx context.Context, fn func(model.Records) error) error {
	if fn == nil {
		return errors.New("sqlstore: Tx without a function")
	}
	err := s.engine.Tx(ctx, func(q Runner) error {
		tx := &transaction{runner: q}
		defer tx.end()
		err := fn(&records{engine: s.engine, dialect: s.dialect, statusBits: s.statusBits, tx: tx})
		if err == nil {
			err = tx.trouble()
		}
		if err != nil {
			return raised{err}
		}
		return nil
	})
	if own := (raised{}); errors.As(err, &own) {
		return own.error
	}
	return s.trouble("transaction", err)
}

// raised marks what the function of a Tx returned, so that it comes back as it
// is, and trouble of the engine does not.
type raised struct{ error }

func (e raised) Unwrap() error { return e.error }

// Ping reports whether the store answers.
func (s *Store) Ping(ctx context.Context) error {
	return s.read(ctx, "ping", func(q Runner) error {
		var one int
		return row(ctx, q, `SELECT 1 FROM (SELECT count(*) FROM signing_keys) AS answer`, nil, &one)
	})
}

// Close waits for what is running and closes the engine.
func (s *Store) Close() error { return s.engine.Close() }

// records are the verbs, on the store itself (tx is nil) or in a transaction.
type records struct {
	engine     Engine
	dialect    Dialect
	tx         *transaction
	statusBits *atomic.Int32
}

// transaction is the state of one Tx, which the records made for it share.
type transaction struct {
	mu     sync.Mutex
	runner Runner
	failed error
	ended  bool
}

func (t *transaction) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
}

func (t *transaction) trouble() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

// errTxEnded answers the use of Records after their Tx.
var errTxEnded = errors.New("the transaction these records belong to is over")

// run is one verb inside a Tx. After trouble nothing more runs: the engine may
// have rolled the transaction back by itself, and the next statement would then
// stand alone.
func (r *records) run(what string, fn func(Runner) error) error {
	r.tx.mu.Lock()
	defer r.tx.mu.Unlock()
	if r.tx.ended {
		return r.trouble(what, errTxEnded)
	}
	if r.tx.failed != nil {
		return r.tx.failed
	}
	err := r.trouble(what, fn(r.tx.runner))
	if err != nil && !isRefusal(err) {
		r.tx.failed = err
	}
	return err
}

func (r *records) read(ctx context.Context, what string, fn func(Runner) error) error {
	if r.tx != nil {
		return r.run(what, fn)
	}
	return r.trouble(what, r.engine.Read(ctx, fn))
}

func (r *records) write(ctx context.Context, what string, fn func(Runner) error) error {
	if r.tx != nil {
		return r.run(what, fn)
	}
	return r.trouble(what, r.engine.Write(ctx, fn))
}

// writeAll is write for a verb of several statements.
func (r *records) writeAll(ctx context.Context, what string, fn func(Runner) error) error {
	if r.tx != nil {
		return r.run(what, fn)
	}
	return r.trouble(what, r.engine.Tx(ctx, fn))
}

// trouble passes nil and refusals on and says of everything else what was being
// done and whether it may pass.
func (r *records) trouble(what string, err error) error {
	if err == nil || isRefusal(err) {
		return err
	}
	if r.engine.Fault(err) == FaultUnavailable && !errors.Is(err, model.ErrStoreUnavailable) {
		return fmt.Errorf("%s: %s: %w: %w", r.dialect.Name, what, model.ErrStoreUnavailable, err)
	}
	return fmt.Errorf("%s: %s: %w", r.dialect.Name, what, err)
}

func isRefusal(err error) bool {
	var refusal *model.Error
	return errors.As(err, &refusal)
}
