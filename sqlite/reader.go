package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"gatehouse/model"
	"gatehouse/sqlstore"
)

// reader runs reads on a few connections of its own, side by side.
type reader struct {
	db       *sql.DB
	patience time.Duration // how long a read takes, the wait for a connection included
	places   chan struct{} // one place for each read under way
	closing  chan struct{} // closed once, with closed

	mu     sync.Mutex
	idle   []*recalling // the one that was used last at the end: its pages are at hand
	closed bool
}

func newReader(db *sql.DB) *reader {
	return &reader{db: db, patience: readTimeout, places: make(chan struct{}, readers), closing: make(chan struct{})}
}

// read runs fn on a connection of its own, with a bound on its time. A read that
// fails costs its connection, nothing else.
func (r *reader) read(ctx context.Context, fn func(sqlstore.Runner) error) (err error) {
	run := &readRunner{ctx: ctx, patience: r.patience}
	defer run.end()
	defer func() {
		if err != nil && ctx.Err() == nil && run.ranOut() {
			err = fmt.Errorf("%w: %w", model.ErrStoreUnavailable, err)
		}
	}()
	if err := r.enter(run); err != nil {
		return err
	}
	defer func() { <-r.places }()
	if run.conn, err = r.take(run); err != nil {
		return err
	}
	healthy := false
	defer func() { r.give(run.conn, healthy) }() // also when fn panics
	err = fn(run)
	healthy = err == nil || isRefusal(err)
	return err
}

// enter waits for a place, in the usual case without a clock.
func (r *reader) enter(run *readRunner) error {
	if err := run.ctx.Err(); err != nil {
		return err
	}
	select {
	case r.places <- struct{}{}:
		return nil
	default:
	}
	select {
	case r.places <- struct{}{}:
		return nil
	case <-r.closing:
		return errClosed
	case <-run.bounded().Done():
		return run.bounded().Err()
	}
}

func (r *reader) take(run *readRunner) (*recalling, error) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil, errClosed
	}
	if last := len(r.idle) - 1; last >= 0 {
		conn := r.idle[last]
		r.idle = r.idle[:last]
		r.mu.Unlock()
		return conn, nil
	}
	r.mu.Unlock()
	conn, err := connect(run.bounded(), r.db)
	return &recalling{connection: conn}, err
}

func (r *reader) give(conn *recalling, healthy bool) {
	if !healthy {
		_ = conn.drop(true)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = append(r.idle, conn)
}

// close refuses further reads, waits for those under way and closes their
// connections. Closing twice is harmless.
func (r *reader) close() error {
	if !r.beginClose() {
		return nil
	}
	for range cap(r.places) {
		r.places <- struct{}{}
	}
	var errs []error
	for _, conn := range r.idle {
		errs = append(errs, conn.drop(false))
	}
	r.idle = nil
	return errors.Join(append(errs, r.db.Close())...)
}

// beginClose reports whether nobody began before.
func (r *reader) beginClose() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.closed = true
	close(r.closing)
	return true
}

// readRunner runs the statements of one read.
type readRunner struct {
	ctx      context.Context
	patience time.Duration
	conn     *recalling

	limited context.Context // nil until something may have to wait
	cancel  context.CancelFunc
}

var _ sqlstore.Direct = (*readRunner)(nil)

// bounded is the context of the read with the bound of its time. A timer costs
// more than most reads take, so only what may have to wait begins one.
func (r *readRunner) bounded() context.Context {
	if r.limited == nil {
		r.limited, r.cancel = context.WithTimeout(r.ctx, r.patience)
	}
	return r.limited
}

func (r *readRunner) ranOut() bool { return r.limited != nil && r.limited.Err() != nil }

func (r *readRunner) end() {
	if r.cancel != nil {
		r.cancel()
	}
}

func (r *readRunner) ExecContext(context.Context, string, ...any) (sql.Result, error) {
	return nil, errors.New("a read does not write")
}

// Row reads one row by its key. That takes microseconds, and at most busyTimeout
// while a log is recovered after a crash, so that nothing need interrupt it.
func (r *readRunner) Row(ctx context.Context, query string, args, into []any) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	return r.conn.recall(query, args, into)
}

func (r *readRunner) QueryContext(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	return r.conn.list(r.bounded(), query, args)
}
