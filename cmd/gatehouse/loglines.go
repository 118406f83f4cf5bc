package main

import (
	"io"
	"sync"
	"time"
)

const (
	// linePause is how long a line may wait for others to be written with it.
	linePause = 100 * time.Millisecond
	// promptLines is how many lines in a linePause do not wait.
	promptLines = 10
	// maxHeldBytes is how much waits at most.
	maxHeldBytes = 32 << 10
)

// lineWriter writes lines in the order in which they come: at once while there
// are few, and together when there are many, because a system call for each line
// of a busy server takes longer than making the line. What is held when the
// process is killed is lost; nothing else is.
type lineWriter struct {
	to io.Writer

	mu     sync.Mutex
	began  time.Time // the linePause that is now
	prompt int       // lines of it that were written at once
	held   []byte
	due    bool // a flush is on its way
}

// Write takes one line, or several whole ones.
func (w *lineWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := time.Now(); now.Sub(w.began) >= linePause {
		w.began, w.prompt = now, 0
	}
	if len(w.held) == 0 && w.prompt < promptLines {
		w.prompt++
		return w.to.Write(line)
	}
	w.held = append(w.held, line...)
	if len(w.held) >= maxHeldBytes {
		return len(line), w.writeHeld()
	}
	if !w.due {
		w.due = true
		time.AfterFunc(linePause, w.onTime)
	}
	return len(line), nil
}

func (w *lineWriter) onTime() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due = false
	_ = w.writeHeld() // a log that cannot be written stops nobody
}

// flush writes what is held.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.writeHeld()
}

func (w *lineWriter) writeHeld() error {
	if len(w.held) == 0 {
		return nil
	}
	_, err := w.to.Write(w.held)
	w.held = w.held[:0]
	return err
}
