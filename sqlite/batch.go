package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"gatehouse/model"
	"gatehouse/sqlstore"
)

// clearTries is how often clearing the log is tried at once. Reads are short,
// and everybody who writes is waiting.
const clearTries = 20

// batch is one transaction with the writes that share it.
type batch struct {
	writer    *writer
	followers []*write

	kept   int   // writes to commit
	erased bool  // one of them removed what must not be found again
	broken error // the transaction is lost, for everybody in it
}

// turn runs one write. Failing, panicking or ending its goroutine, it takes
// back its own statements and nobody else's.
func (b *batch) turn(self *write) error {
	if err := self.ctx.Err(); err != nil {
		return err
	}
	if b.broken != nil {
		return b.broken
	}
	r := &turnRunner{batch: b, foreign: self.foreign}
	// A write that is alone needs no savepoint: it is rolled back as a whole.
	// Nor does a verb: it refuses before it changes anything.
	shared := len(b.followers) > 0
	guarded := shared && self.foreign
	if guarded && !b.exec(`SAVEPOINT turn`) {
		return b.broken
	}
	var err error
	defer func() {
		r.over = true
		switch {
		case r.kept:
		case guarded:
			if b.exec(`ROLLBACK TO turn`) {
				b.exec(`RELEASE turn`)
			}
		case shared && r.ran && !isRefusal(err) && b.broken == nil:
			// A verb that failed half way cannot be taken back alone.
			b.broken = errLost
		}
	}()
	if err = self.fn(r); err != nil {
		return err
	}
	if guarded && !b.exec(`RELEASE turn`) {
		return b.broken
	}
	r.kept = true
	b.kept++
	b.erased = b.erased || r.erased
	return nil
}

// runFor runs the verb of a follower, in the goroutine of the leader because
// passing turns between goroutines takes longer than the verb does. A panic is
// kept for the goroutine it belongs to.
func (b *batch) runFor(follower *write) {
	defer func() {
		if p := recover(); p != nil {
			follower.panicked = p
		}
	}()
	follower.err = b.turn(follower)
}

// errLost answers everybody in a batch that was rolled back.
var errLost = fmt.Errorf("%w: a write that shared this transaction failed", model.ErrStoreUnavailable)

func isRefusal(err error) bool {
	var refusal *model.Error
	return errors.As(err, &refusal)
}

// exec runs a statement of the transaction itself. When one fails, SQLite has
// rolled everything back by itself and nothing more may run: it would stand
// outside any transaction.
func (b *batch) exec(query string) bool {
	if b.broken != nil {
		return false
	}
	if _, err := b.writer.conn.execute(query, nil); err != nil {
		b.broken = fmt.Errorf("%w: %w", errLost, err)
		return false
	}
	return true
}

// settle commits what is to be kept and tells the followers.
func (w *writer) settle(b *batch) error {
	end := `COMMIT`
	if b.kept == 0 {
		end = `ROLLBACK`
	}
	failed := b.broken
	if failed == nil {
		_, failed = w.conn.execute(end, nil)
	}
	if failed != nil {
		// A connection that did not commit is closed, which rolls back.
		_ = w.drop(true)
		if b.kept == 0 && b.broken == nil {
			failed = nil // nothing was to be kept, and nothing was
		} else if !errors.Is(failed, model.ErrStoreUnavailable) {
			failed = fmt.Errorf("%w: commit: %w", model.ErrStoreUnavailable, failed)
		}
	}
	if failed == nil && (b.erased || w.owed && b.kept > 0) {
		w.clearLog()
	}
	for _, follower := range b.followers {
		if follower.foreign {
			follower.result <- failed
		} else {
			follower.call <- call{err: failed}
		}
	}
	return failed
}

// clearLog writes the log back into the file and cuts it to nothing, so that
// what was deleted is in neither. While somebody reads an older state it cannot
// be done; then it stays owed and is tried again after the next writes.
func (w *writer) clearLog() {
	w.owed = true
	ctx := context.Background()
	for range clearTries {
		if w.connect(ctx) != nil {
			return
		}
		var busy, pages, moved int
		err := w.conn.conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved)
		if err == nil && busy == 0 {
			w.owed = false
			return
		}
		time.Sleep(busyPause)
	}
}

// turnRunner runs the statements of one turn.
type turnRunner struct {
	batch   *batch
	foreign bool
	ran     bool // a statement was begun
	kept    bool
	erased  bool
	over    bool
}

var (
	_ sqlstore.Eraser = (*turnRunner)(nil)
	_ sqlstore.Direct = (*turnRunner)(nil)
)

// Erased notes that the log must be cleared after the commit.
func (r *turnRunner) Erased() { r.erased = true }

// may looks at ctx between statements; the statements themselves do not, because
// one that is broken off takes the whole batch with it. A verb that has begun
// runs to its end for the same reason: it has no savepoint to go back to.
func (r *turnRunner) may(ctx context.Context) error {
	if r.over {
		return errors.New("the transaction is over")
	}
	if r.ran && !r.foreign {
		return nil
	}
	err := ctx.Err()
	r.ran = r.ran || err == nil
	return err
}

func (r *turnRunner) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := r.may(ctx); err != nil {
		return nil, err
	}
	changed, err := r.batch.writer.conn.execute(query, args)
	return driver.RowsAffected(changed), err
}

func (r *turnRunner) Row(ctx context.Context, query string, args, into []any) (bool, error) {
	if err := r.may(ctx); err != nil {
		return false, err
	}
	return r.batch.writer.conn.readRow(query, args, into)
}

func (r *turnRunner) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := r.may(ctx); err != nil {
		return nil, err
	}
	return r.batch.writer.conn.list(context.Background(), query, args)
}
