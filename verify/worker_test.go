package verify

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// works runs a worker for a time and returns when its task began, and its log.
func works(t *testing.T, period time.Duration, task func(run int) error) (begins []time.Duration, log string) {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(*testing.T) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), period)
		defer cancel()
		w := &worker{
			what: "list", interval: time.Second, after: func() {}, log: slog.New(slog.NewTextHandler(&out, nil)),
			task: func(context.Context) error {
				begins = append(begins, time.Since(start))
				return task(len(begins))
			},
		}
		w.run(ctx)
	})
	return begins, out.String()
}

func TestWorker(t *testing.T) {
	t.Run("looks_once_in_an_interval_and_not_in_step_with_others", func(t *testing.T) {
		begins, log := works(t, time.Minute, func(int) error { return nil })
		if n := len(begins); n < 53 || n > 59 {
			t.Errorf("got %d runs in a minute, want one each 1.02 to 1.12 seconds", n)
		}
		gaps := map[time.Duration]bool{}
		for i := range begins[1:] {
			gaps[begins[i+1]-begins[i]] = true
		}
		if len(gaps) < 10 {
			t.Errorf("got %d different intervals, want chance in them", len(gaps))
		}
		if log != "" {
			t.Errorf("got a log of nothing: %s", log)
		}
	})
	t.Run("a_slow_task_does_not_add_to_the_interval", func(t *testing.T) {
		begins, _ := works(t, time.Minute, func(int) error { time.Sleep(800 * time.Millisecond); return nil })
		if n := len(begins); n < 53 {
			t.Errorf("got %d runs in a minute, want 53 or more", n)
		}
	})
	t.Run("backs_off_to_5_seconds_at_most", func(t *testing.T) {
		begins, log := works(t, time.Hour, func(int) error { return errors.New("no") })
		for i := range begins[1:] {
			gap := begins[i+1] - begins[i]
			if i >= 5 && gap < 4*time.Second || gap > 5*time.Second || i == 0 && gap > time.Second {
				t.Fatalf("the pause before run %d is %s", i+2, gap)
			}
		}
		if got := strings.Count(log, "\n"); got != 1 {
			t.Errorf("got %d lines for one change of state, want 1:\n%s", got, log)
		}
	})
	t.Run("after_success_the_back-off_is_forgotten", func(t *testing.T) {
		begins, _ := works(t, time.Minute, func(run int) error {
			if run > 8 {
				return nil
			}
			return errors.New("no")
		})
		if last := begins[len(begins)-1] - begins[len(begins)-2]; last > 1200*time.Millisecond {
			t.Errorf("the pause is still %s", last)
		}
	})
}

func TestWorkerInTrouble(t *testing.T) {
	t.Run("a_server_that_flaps_does_not_fill_the_log", func(t *testing.T) {
		_, log := works(t, 10*time.Minute, func(run int) error {
			if run%2 == 0 {
				return nil
			}
			return errors.New("no")
		})
		if got := strings.Count(log, "\n"); got < 2 || got > 2*(1+10*60/30) {
			t.Errorf("got %d lines in 10 minutes, want two each 30 seconds at most", got)
		}
	})
	t.Run("AI-25_a_panic_is_logged_and_the_work_goes_on", func(t *testing.T) {
		begins, log := works(t, time.Minute, func(run int) error {
			if run == 3 {
				panic("boom")
			}
			return nil
		})
		if len(begins) < 50 || !strings.Contains(log, "panic: boom") || !strings.Contains(log, "current again") {
			t.Errorf("got %d runs and the log:\n%s", len(begins), log)
		}
	})
	t.Run("a_word_wakes_it_at_once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			wake, runs := make(chan struct{}, 1), 0
			w := &worker{
				interval: time.Hour, wake: wake, after: func() {}, log: slog.New(slog.DiscardHandler),
				task: func(context.Context) error { runs++; return nil },
			}
			done := make(chan struct{})
			go func() { w.run(ctx); close(done) }()
			synctest.Wait()
			wake <- struct{}{}
			synctest.Wait()
			if runs != 2 {
				t.Errorf("got %d runs, want 2", runs)
			}
			cancel()
			<-done
		})
	})
}
