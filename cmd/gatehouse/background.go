package main

import (
	"context"
	"log/slog"
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

func guarded(ctx context.Context, log *slog.Logger, do func(context.Context)) {
	defer func() {
		if reason := recover(); reason != nil {
			log.Error("panic in the background", "reason", reason, "stack", string(debug.Stack()))
		}
	}()
	do(ctx)
}
