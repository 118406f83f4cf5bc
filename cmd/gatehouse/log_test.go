package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestServerLog(t *testing.T) {
	t.Parallel()
	t.Run("few_lines_are_written_at_once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			out := new(output)
			log, _ := newServerLogger(out, "json")
			for n := 1; n <= 3*promptLines; n++ {
				log.Info("few")
				if got := strings.Count(out.String(), "\n"); got != n {
					t.Errorf("got %d lines, want %d", got, n)
				}
				time.Sleep(linePause / promptLines)
			}
		})
	})
	t.Run("many_lines_are_written_together_and_soon", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			out := new(output)
			log, _ := newServerLogger(out, "json")
			for range 50 {
				log.Info("busy")
			}
			if got := strings.Count(out.String(), "\n"); got != promptLines {
				t.Errorf("got %d lines at once, want %d", got, promptLines)
			}
			time.Sleep(linePause)
			synctest.Wait()
			if got := strings.Count(out.String(), "\n"); got != 50 {
				t.Errorf("got %d lines after the pause, want 50", got)
			}
		})
	})
	t.Run("a_warning_takes_everything_before_it_along", func(t *testing.T) {
		for _, level := range []slog.Level{slog.LevelWarn, slog.LevelError} {
			out := new(output)
			log, _ := newServerLogger(out, "json")
			for n := range 50 {
				log.With("n", n).WithGroup("g").Info("before", "m", n)
			}
			log.With("n", 50).WithGroup("g").Log(t.Context(), level, "now")
			if got := strings.Count(out.String(), "\n"); got != 51 {
				t.Errorf("%v: got %d lines, want 51", level, got)
			}
		}
	})
	t.Run("a_burst_is_bounded_in_memory", func(t *testing.T) {
		out := new(output)
		w := &lineWriter{to: out}
		line := bytes.Repeat([]byte("x"), 1<<10)
		for range 1000 {
			if _, err := w.Write(line); err != nil {
				t.Fatal(err)
			}
			if got := w.room(); got > 4*maxHeldBytes {
				t.Fatalf("%d bytes are held", got)
			}
		}
	})
	t.Run("a_log_that_cannot_be_written_stops_nobody", func(t *testing.T) {
		log, flush := newServerLogger(brokenPipe{}, "json")
		for range 100 {
			log.Info("x")
			log.Error("x")
		}
		flush()
	})
}

// room is how many bytes the writer has taken for lines that wait.
func (w *lineWriter) room() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return cap(w.held)
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestNoLineIsLost(t *testing.T) {
	t.Parallel()
	t.Run("LG-07_lines_of_many_stay_whole_and_in_order", func(t *testing.T) {
		out := new(output)
		log, flush := newServerLogger(out, "json")
		const writers, lines = 8, 500
		var all sync.WaitGroup
		for writer := range writers {
			all.Go(func() {
				for n := range lines {
					log.Info("line\n", "writer", writer, "n", n)
				}
			})
		}
		all.Wait()
		flush()
		next := make([]int, writers)
		for text := range strings.Lines(out.String()) {
			var line struct{ Writer, N int }
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if line.N != next[line.Writer] {
				t.Fatalf("writer %d: line %d came where %d was next", line.Writer, line.N, next[line.Writer])
			}
			next[line.Writer]++
		}
		for writer, n := range next {
			if n != lines {
				t.Errorf("writer %d: %d lines, want %d", writer, n, lines)
			}
		}
	})
}

func TestLogTimes(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "text", ""} {
		t.Run(fmt.Sprintf("LG-02_UTC_in_%q", format), func(t *testing.T) {
			out := new(output)
			elsewhere := time.FixedZone("elsewhere", 5*60*60)
			line := slog.NewRecord(time.Date(2026, 11, 22, 3, 4, 5, 0, elsewhere), slog.LevelInfo, "x", 0)
			for _, handler := range []slog.Handler{newLogger(out, format).Handler(), newLogger(out, format).With("a", 1).WithGroup("g").Handler()} {
				if err := handler.Handle(t.Context(), line); err != nil {
					t.Fatal(err)
				}
			}
			if got := strings.Count(out.String(), "2026-11-21T22:04:05"); got != 2 || strings.Count(out.String(), "Z") != 2 {
				t.Errorf("got %s", out)
			}
		})
	}
}
