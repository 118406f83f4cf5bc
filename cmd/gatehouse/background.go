package main

import (
	"context"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"
)

// every calls do once in each period until ctx is cancelled. A panic ends that
// turn, is logged, and takes nothing else with it.
func every(ctx context.Context, period time.Duration, log *slog.Logger, do func(context.Context)) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			guarded(ctx, log, do)
		}
	}
}

// keepUp calls work until it returns, again and again while it panics.
func keepUp(ctx context.Context, log *slog.Logger, work func(context.Context)) {
	for {
		ended := false
		guarded(ctx, log, func(ctx context.Context) {
			work(ctx)
			ended = true
		})
		if ended || !pause(ctx, panicPause) {
			return
		}
	}
}

// panicPause keeps what panics at once from doing nothing else.
const panicPause = time.Second

// pause reports whether it was as long as it should be.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// guarded calls do. A panic ends the call, is logged, and takes nothing else with
// it.
func guarded(ctx context.Context, log *slog.Logger, do func(context.Context)) {
	defer func() {
		if cause := recover(); cause != nil {
			log.Error("panic in the background", "error", panicText(cause), "stack", string(debug.Stack()))
		}
	}()
	do(ctx)
}

// panicText is what may be logged of the value of a panic: nothing that a caller
// may have put into it. Package web has the same lines for its own goroutines;
// they are too few to be exported for this.
func panicText(cause any) string {
	if err, ok := cause.(runtime.Error); ok {
		return err.Error()
	}
	return "panic"
}
