package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
)

func TestABusyServerWritesNoLineAtOnceUntilItRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(output)
		log, _ := newServerLogger(out, io.Discard, "json")
		written := func(want int) {
			t.Helper()
			synctest.Wait()
			if got := strings.Count(out.String(), "\n"); got != want {
				t.Errorf("got %d lines, want %d", got, want)
			}
		}
		for range promptLines + 1 {
			log.Info("busy")
		}
		time.Sleep(linePause)
		written(promptLines + 1)
		log.Info("one more")
		written(promptLines + 1)
		time.Sleep(linePause)
		written(promptLines + 2)
		log.Info("few")
		written(promptLines + 3)
	})
}

func TestServerLog(t *testing.T) {
	t.Parallel()
	t.Run("few_lines_are_written_at_once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			out := new(output)
			log, _ := newServerLogger(out, io.Discard, "json")
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
			log, _ := newServerLogger(out, io.Discard, "json")
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
			log, _ := newServerLogger(out, io.Discard, "json")
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
		w := &lineWriter{to: out, alarm: io.Discard}
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
		log, flush := newServerLogger(brokenPipe{}, io.Discard, "json")
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
		log, flush := newServerLogger(out, io.Discard, "json")
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

// stuckPipe is a pipe that nobody reads until it is opened.
type stuckPipe struct {
	output
	opened chan struct{}
}

func (p *stuckPipe) Write(text []byte) (int, error) {
	<-p.opened
	return p.output.Write(text)
}

func TestALostLogStopsNobodyAndIsSaid(t *testing.T) {
	t.Parallel()
	t.Run("LG-09_a_pipe_that_nobody_reads", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			pipe, alarm := &stuckPipe{opened: make(chan struct{})}, new(output)
			log, flush := newServerLogger(pipe, alarm, "json")
			began := time.Now()
			for n := range 5000 {
				log.Error("line", "n", n)
			}
			flush()
			if waited := time.Since(began); waited > sinkPatience {
				t.Errorf("waited %v", waited)
			}
			synctest.Wait()
			if got := alarm.String(); got != "gatehouse: the log cannot be written: nobody reads it\n" {
				t.Errorf("the alarm says %q", got)
			}
			close(pipe.opened)
			synctest.Wait()
			wantNoLineUncounted(t, pipe.String(), 5000)
			log.Error("after")
			if !strings.Contains(pipe.String(), `"msg":"after"`) {
				t.Error("nothing is written after that")
			}
		})
	})
	t.Run("LG-09_a_disk_that_is_full_for_a_while", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			disk, alarm := &fullDisk{full: true}, new(output)
			log, _ := newServerLogger(disk, alarm, "json")
			for range 7 {
				log.Error("line")
			}
			synctest.Wait()
			if got := alarm.String(); got != "gatehouse: the log cannot be written: no space\n" {
				t.Errorf("the alarm says %q", got)
			}
			disk.full = false
			log.Error("line")
			synctest.Wait()
			wantNoLineUncounted(t, disk.String(), 8)
		})
	})
}

type fullDisk struct {
	output
	full bool
}

func (d *fullDisk) Write(text []byte) (int, error) {
	if d.full {
		return 0, errors.New("no space")
	}
	return d.output.Write(text)
}

// wantNoLineUncounted adds up the lines and those that are said to be lost.
func wantNoLineUncounted(t *testing.T, text string, want int) {
	t.Helper()
	there, lost := 0, 0
	for line := range strings.Lines(text) {
		var got struct {
			Msg   string
			Lines int
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if got.Msg == "log lines lost" {
			lost += got.Lines
		} else {
			there++
		}
	}
	if there == 0 || lost == 0 || there+lost != want {
		t.Errorf("%d lines are there and %d are said to be lost, want %d together", there, lost, want)
	}
}

func TestHostileTextInLines(t *testing.T) {
	t.Parallel()
	hostile := "a\r\nb\x1b[31m\u2028\u2029\u202e\u2066\u200f\u061c\u0085\u007f\ufeff\U000e0041\"}{\"level\":\"x\\\xff"
	for _, format := range []string{"json", "text"} {
		t.Run("LG-07_one_line_and_nothing_raw_in_"+format, func(t *testing.T) {
			out := new(output)
			newLogger(out, format).With("user_agent", hostile).WithGroup("g").Warn(hostile, "path", hostile, "error", errors.New(hostile), hostile, "key")
			line, rest, _ := strings.Cut(out.String(), "\n")
			if line == "" || rest != "" {
				t.Fatalf("got %q", out)
			}
			for _, r := range line {
				if !unicode.IsPrint(r) {
					t.Errorf("%U stands raw", r)
				}
			}
			var got map[string]any
			if format == "json" {
				if err := json.Unmarshal([]byte(line), &got); err != nil {
					t.Fatal(err)
				}
				if want := strings.ToValidUTF8(hostile, "\ufffd"); got["msg"] != want || got["user_agent"] != want {
					t.Errorf("got %q, want %q", got["msg"], want)
				}
			}
		})
	}
}
