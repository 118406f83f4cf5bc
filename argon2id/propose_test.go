package argon2id

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestProposalsFollowTheTargetWithinTheBounds(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		target, took time.Duration // took: that of DefaultParams, 192 MiB of work
		want         Params
	}{
		{50 * ms, 50 * ms, DefaultParams()},
		{100 * ms, 50 * ms, Params{128 * 1024, 3, 1}},
		{199 * ms, 50 * ms, Params{254 * 1024, 3, 1}},
		{200 * ms, 50 * ms, Params{256 * 1024, 3, 1}},
		{300 * ms, 50 * ms, Params{256 * 1024, 4, 1}},
		{time.Hour, 50 * ms, Params{256 * 1024, 10, 1}},
		{50 * ms, 200 * ms, Params{16 * 1024, 3, 1}},
		{50 * ms, 5000 * ms, Params{12 * 1024, 3, 1}},
		{1, time.Hour, Params{12 * 1024, 3, 1}},
		{50 * ms, 0, Params{256 * 1024, 10, 1}},
	} {
		got := paramsFor(c.target, c.took, DefaultParams())
		if got != c.want {
			t.Errorf("%s where the default takes %s: got %s, want %s", c.target, c.took, got, c.want)
		}
		if err := got.Check(); err != nil {
			t.Errorf("PW-15: %v", err)
		}
	}
}

func TestProposeMeasures(t *testing.T) {
	got, err := Propose(t.Context(), 1)
	if err != nil || got.Params != (Params{12 * 1024, 3, 1}) || got.Time <= 0 || got.PerSecond <= 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Propose(ctx, time.Second); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
