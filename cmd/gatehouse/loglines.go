package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// linePause is how long a line may wait for others to be written with it.
	linePause = 100 * time.Millisecond
	// promptLines is how many lines in a linePause do not wait, unless there were
	// more of them in the one before.
	promptLines = 10
	// maxHeldBytes is how much waits at most.
	maxHeldBytes = 32 << 10
	// sinkPatience is how long a write may take before the lines that follow no
	// longer wait for it.
	sinkPatience = 500 * time.Millisecond
)

// errSink says that a write has not come back yet.
var errSink = errors.New("nobody reads it")

// lineWriter writes lines in the order in which they come: at once while there
// are few, and together when there are many, because a system call for each line
// of a busy server takes longer than making the line. What is held when the
// process is killed is lost.
//
// Nobody waits for a log that cannot be written: a full disk, a pipe that nobody
// reads or that is closed. What comes then is held while there is room and counted
// when there is none; alarm hears of it at once, and the log itself when it can be
// written again.
type lineWriter struct {
	to     io.Writer
	alarm  io.Writer
	notice func(lost int) []byte

	mu    sync.Mutex
	began time.Time // the linePause that is now
	lines int       // that came in it
	busy  bool      // in the one before came more than do not wait
	held  []byte
	due   bool // a flush is on its way
	stuck bool // a write has not come back
	lost  int  // lines that nobody will read
	told  bool // alarm has heard of it
}

// Write takes one line, or several whole ones.
func (w *lineWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if since := now.Sub(w.began); since >= linePause {
		w.busy = w.lines > promptLines && since < 2*linePause
		w.began, w.lines = now, 0
	}
	w.lines++
	w.hold(line)
	if len(w.held) == len(line) && w.lines <= promptLines && !w.busy {
		w.writeHeld()
		return len(line), nil
	}
	if len(w.held) >= maxHeldBytes {
		w.writeHeld()
		return len(line), nil
	}
	if !w.due {
		w.due = true
		time.AfterFunc(linePause, w.onTime)
	}
	return len(line), nil
}

// hold keeps a line for the next write.
func (w *lineWriter) hold(line []byte) {
	if w.stuck && len(w.held)+len(line) > maxHeldBytes {
		w.lost += bytes.Count(line, []byte("\n"))
		return
	}
	w.held = append(w.held, line...)
}

func (w *lineWriter) onTime() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due = false
	w.writeHeld()
}

// flush writes what is held.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writeHeld()
}

// writeHeld writes what is held, unless an earlier write has not come back.
func (w *lineWriter) writeHeld() {
	if len(w.held) == 0 || w.stuck {
		return
	}
	text := w.held
	done := make(chan error, 1)
	go func() {
		_, err := w.to.Write(text)
		done <- err
	}()
	late := time.NewTimer(sinkPatience)
	defer late.Stop()
	select {
	case err := <-done:
		w.held = text[:0]
		w.wrote(text, err)
	case <-late.C:
		w.held, w.stuck = nil, true // text belongs to the write
		w.raise(errSink)
		go func() {
			err := <-done
			w.mu.Lock()
			defer w.mu.Unlock()
			w.stuck = false
			w.wrote(text, err)
			w.writeHeld()
		}()
	}
}

// wrote counts what was lost, and tells of it when the log can be written again.
func (w *lineWriter) wrote(text []byte, err error) {
	if err != nil {
		w.lost += bytes.Count(text, []byte("\n"))
		w.raise(err)
		return
	}
	w.told = false
	if w.lost == 0 {
		return
	}
	notice := w.notice(w.lost)
	w.lost = 0
	w.held = append(append([]byte{}, notice...), w.held...)
	w.writeHeld()
}

// raise tells alarm, once until the log can be written again.
func (w *lineWriter) raise(cause error) {
	if w.told {
		return
	}
	w.told = true
	go func() { _, _ = fmt.Fprintf(w.alarm, "gatehouse: the log cannot be written: %v\n", cause) }()
}
