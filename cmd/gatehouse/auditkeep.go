package main

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"gatehouse"
	"gatehouse/model"
)

const (
	// sealPeriod is how long an event waits for its place in the chain at most.
	sealPeriod = time.Second
	// headPeriod is the least time between two lines of the log with the head.
	headPeriod = time.Hour
	// faultPeriod is the least time between two lines about the same trouble.
	faultPeriod = time.Minute
)

// auditKeeper seals what happened and tells the log where the chain ends, so that
// it can be known elsewhere.
type auditKeeper struct {
	*server
	head     gatehouse.EventHead
	toldHead time.Time // when it was logged last
	failedAt time.Time // when trouble was logged last
}

// keepAudit goes on until ctx is cancelled.
func (s *server) keepAudit(ctx context.Context) {
	k := &auditKeeper{server: s}
	every(ctx, sealPeriod, s.log, func(ctx context.Context) { k.turn(ctx, time.Now()) })
}

func (k *auditKeeper) turn(ctx context.Context, now time.Time) {
	_, err := k.auth.SealEvents(ctx)
	if err == nil && now.Sub(k.toldHead) >= headPeriod {
		err = k.tellHead(ctx, now)
	}
	if err == nil {
		k.failedAt = time.Time{}
		return
	}
	// That the store is away is logged by those who notice first.
	if ctx.Err() == nil && !errors.Is(err, model.ErrStoreUnavailable) && now.Sub(k.failedAt) >= faultPeriod {
		k.failedAt = now
		k.log.Error("events not sealed", "error", err)
	}
}

func (k *auditKeeper) tellHead(ctx context.Context, now time.Time) error {
	head, err := k.auth.EventHead(ctx)
	if err != nil || head == k.head {
		return err
	}
	k.head, k.toldHead = head, now
	k.log.Info("audit head", "head", head.String())
	return nil
}

func parseAuditRetention(cfg *config, values map[string]setting) error {
	value := values["audit-retention"]
	if value.text == "" {
		return nil
	}
	retention, err := parseDays(value.text)
	if err != nil {
		return value.wrong("%q is no time; write it as in 400d or 36h", value.text)
	}
	if retention < gatehouse.LowestEventRetention {
		return value.wrong("%s is too short; events are kept for one day at least", value.text)
	}
	cfg.auditRetention = retention
	return nil
}

// parseDays reads a number of days, as in 400d, or a duration, as in 36h.
func parseDays(text string) (time.Duration, error) {
	number, ok := strings.CutSuffix(text, "d")
	if !ok {
		return time.ParseDuration(text)
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/int64(24*time.Hour) {
		return 0, strconv.ErrRange
	}
	return time.Duration(n) * 24 * time.Hour, nil
}
