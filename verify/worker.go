package verify

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

const (
	firstRetry   = 500 * time.Millisecond
	longestRetry = 5 * time.Second
	// quiet is the least time between two reports of trouble, so that a server
	// that comes and goes does not fill the log.
	quiet = 30 * time.Second
)

// worker does one task again and again, until its context ends.
type worker struct {
	what     string // what it keeps, for the log
	interval time.Duration
	wake     <-chan struct{} // asks for the task at once; may be nil
	task     func(context.Context) error
	after    func() // called when the task was done, well or not
	log      *slog.Logger

	reported   bool // the log says that there is trouble
	reportedAt time.Time
}

func (w *worker) run(ctx context.Context) {
	failures := 0
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-w.wake:
		}
		start := time.Now()
		err := w.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			failures = 0
		} else {
			failures++
		}
		w.report(ctx, err)
		timer.Reset(w.pause(failures, time.Since(start)))
	}
}

// once turns a panic into an error: this goroutine serves a whole process.
func (w *worker) once(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("verify: panic: %v\n%s", r, debug.Stack())
		}
	}()
	defer w.after()
	return w.task(ctx)
}

// pause is the time to the next run: what is left of the interval, or after
// failures a time that doubles up to longestRetry. Chance is part of it, so that
// services that started together do not stay together. The interval only grows by
// it: the server keeps a list for a second, and a look within that second would
// find the same list again.
func (w *worker) pause(failures int, spent time.Duration) time.Duration {
	if failures == 0 {
		return max(w.interval+w.interval/50+chance(w.interval/10)-spent, w.interval/10)
	}
	retry := min(firstRetry<<min(failures-1, 10), longestRetry)
	return retry - chance(retry/10)
}

// chance is a random time from zero up to most.
func chance(most time.Duration) time.Duration {
	var random [2]byte
	_, _ = rand.Read(random[:]) // ends the program rather than return an error
	return most * time.Duration(binary.BigEndian.Uint16(random[:])) / (1 << 16)
}

// report logs the first failure and the first success after it, and nothing
// in between.
func (w *worker) report(ctx context.Context, err error) {
	defer func() { _ = recover() }() // a log that panics leaves nobody to tell
	now := time.Now()
	switch {
	case err == nil && w.reported:
		w.reported = false
		w.log.InfoContext(ctx, "verify: the "+w.what+" is current again")
	case err != nil && !w.reported && (w.reportedAt.IsZero() || now.Sub(w.reportedAt) >= quiet):
		w.reported, w.reportedAt = true, now
		w.log.WarnContext(ctx, "verify: the "+w.what+" cannot be renewed", "error", err.Error())
	}
}
