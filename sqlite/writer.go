package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"modernc.org/sqlite"

	"gatehouse/model"
	"gatehouse/sqlstore"
)

const (
	// maxBatch is how many writes share one commit at most.
	maxBatch = 64
	// maxWaiting is how many writes wait for their turn; more are refused at
	// once, because they would wait longer than their callers do.
	maxWaiting = 1024
	// busyPause and maxBusyPause are the first and the longest pause before
	// another process that writes is asked again.
	busyPause    = time.Millisecond
	maxBusyPause = 25 * time.Millisecond
)

// writer is the one connection that writes. Writes that arrive while a commit
// is under way wait and then share the next one, so that many cost the disk as
// much as one; a write that comes alone waits for nobody.
//
// There is no goroutine of the writer's own. The first write to arrive leads:
// it begins the transaction, runs the verbs that wait, gives each waiting
// transaction of a caller its turn, runs its own, commits, and hands the lead
// to whoever arrived meanwhile.
type writer struct {
	db       *sql.DB
	patience time.Duration // how long a write waits for another process

	// The leader alone uses these; the lead is handed over under mu.
	conn *connection // nil when there is none
	owed bool        // erased content may still be in the log, as also after a crash

	mu      sync.Mutex
	led     bool
	waiting []*write
	closed  bool
	closing chan struct{} // closed by the last leader, once closed is set
}

// write is one call of Write or Tx.
type write struct {
	ctx context.Context
	fn  func(sqlstore.Runner) error
	// foreign is code of a caller of the store. It runs in its own goroutine,
	// so that a panic ends where it belongs, and behind a savepoint.
	foreign bool

	call   chan call     // what the wait ends with; one place, sent once
	done   chan struct{} // its turn is over; one place, sent once
	result chan error    // what became of its batch; one place, sent once

	err      error // of a verb that another write ran
	panicked any   // of the same, to go on in the goroutine it belongs to
}

// call is what ends the wait: the lead, a turn in a batch, or what became of it.
type call struct {
	lead  bool
	batch *batch
	err   error
}

// do runs one write in a transaction that may hold others too. A context that
// ends before its turn skips it. One that ends during the turn stops it before
// its next statement; no statement is broken off half way, since SQLite would
// roll back everybody's work.
func (w *writer) do(self *write) error {
	if err := self.ctx.Err(); err != nil {
		return err
	}
	leads, err := w.arrive(self)
	if err != nil {
		return err
	}
	if leads {
		return w.lead(self)
	}
	c, err := w.wait(self)
	switch {
	case err != nil:
		return err
	case c.lead:
		return w.lead(self)
	case c.batch != nil:
		return follow(self, c.batch)
	case self.panicked != nil:
		panic(self.panicked)
	}
	return outcome(self.err, c.err)
}

// arrive takes the lead if it is free, and else a place in the queue.
func (w *writer) arrive(self *write) (leads bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false, errClosed
	}
	if !w.led {
		w.led = true
		return true, nil
	}
	if len(w.waiting) >= maxWaiting {
		return false, fmt.Errorf("%w: %d writes are waiting", model.ErrStoreUnavailable, maxWaiting)
	}
	self.call = make(chan call, 1)
	if self.foreign {
		self.done, self.result = make(chan struct{}, 1), make(chan error, 1)
	}
	w.waiting = append(w.waiting, self)
	return false, nil
}

// wait returns the call, or the error of the context if it ends before.
func (w *writer) wait(self *write) (call, error) {
	select {
	case c := <-self.call:
		return c, nil
	case <-self.ctx.Done():
	}
	if w.leave(self) {
		return call{}, self.ctx.Err()
	}
	// Already in a batch: what became of it must be known.
	return <-self.call, nil
}

// leave takes a write out of the queue, unless it is there no more.
func (w *writer) leave(self *write) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.waiting, self)
	if i < 0 {
		return false
	}
	w.waiting = slices.Delete(w.waiting, i, i+1)
	return true
}

// follow takes a turn in somebody else's batch. The answer, be it a refusal,
// may rest on what others wrote in the same batch, so it waits for the commit.
func follow(self *write, b *batch) error {
	err := func() error {
		defer func() { self.done <- struct{}{} }()
		return b.turn(self)
	}()
	return outcome(err, <-self.result)
}

// outcome is what a write answers: its own trouble, else that of its batch,
// else what fn returned. A refusal from a batch that failed was decided on
// writes that never happened, and is not passed on.
func outcome(own, shared error) error {
	var fault *sqlite.Error
	if shared == nil || errors.As(own, &fault) {
		return own
	}
	return shared
}

// lead runs one batch: every waiting write first, its own last. What is
// deferred answers the others also when fn panics or ends its goroutine.
func (w *writer) lead(self *write) (err error) {
	defer w.passOn()
	if err := w.begin(self.ctx); err != nil {
		if self.ctx.Err() == nil {
			w.tell(w.called(maxWaiting), err)
		}
		return err
	}
	b := &batch{writer: w, followers: w.called(maxBatch - 1)}
	defer func() {
		err = outcome(err, w.settle(b))
	}()
	for _, follower := range b.followers {
		if follower.foreign {
			follower.call <- call{batch: b}
			<-follower.done
		} else {
			b.runFor(follower)
		}
	}
	return b.turn(self)
}

// called takes writes out of the queue, the longest waiting first.
func (w *writer) called(limit int) []*write {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(limit, len(w.waiting))
	if n == 0 {
		return nil
	}
	taken := slices.Clone(w.waiting[:n])
	w.waiting = slices.Delete(w.waiting, 0, n)
	return taken
}

func (w *writer) tell(waiting []*write, err error) {
	for _, each := range waiting {
		each.call <- call{err: err}
	}
}

// passOn hands the lead to the write that waits longest, or leaves it free.
func (w *writer) passOn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		w.tell(w.waiting, errClosed)
		w.waiting = nil
		close(w.closing)
		return
	}
	if len(w.waiting) == 0 {
		w.led = false
		return
	}
	next := w.waiting[0]
	w.waiting = slices.Delete(w.waiting, 0, 1)
	next.call <- call{lead: true}
}

// close lets the batch under way finish, refuses everybody else and closes the
// connection. Closing twice is harmless.
func (w *writer) close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.closed, w.closing = true, make(chan struct{})
	led := w.led
	w.led = true
	w.mu.Unlock()
	if led {
		<-w.closing
	}
	if w.owed {
		w.clearLog()
	}
	return errors.Join(w.drop(false), w.db.Close())
}

// begin opens the transaction. While another process writes it asks again and
// again, for as long as the caller's context and the writer's patience allow.
// SQLite could wait by itself, but then only an interrupt would end the wait
// early.
func (w *writer) begin(ctx context.Context) error {
	var waited time.Duration
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := w.tryBegin(ctx)
		if err == nil || !isBusy(err) || waited >= w.patience {
			return err
		}
		pause := min(busyPause+waited/4, maxBusyPause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		waited += pause
	}
}

func (w *writer) tryBegin(ctx context.Context) error {
	if err := w.connect(ctx); err != nil {
		return err
	}
	_, err := w.conn.execute(`BEGIN IMMEDIATE`, nil)
	if err != nil && !isBusy(err) {
		err = errors.Join(err, w.drop(true))
	}
	return err
}

func (w *writer) connect(ctx context.Context) (err error) {
	if w.conn == nil {
		w.conn, err = connect(ctx, w.db)
	}
	return err
}

// drop gives the connection up, broken to have it closed rather than kept.
func (w *writer) drop(broken bool) error {
	if w.conn == nil {
		return nil
	}
	conn := w.conn
	w.conn = nil
	return conn.drop(broken)
}
