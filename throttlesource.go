package gatehouse

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"gatehouse/model"
)

// watched is a source whose failures count, while a check of it is under way.
type watched struct {
	attempt model.Attempt
	pass    *pass
}

// sourcesOf returns the lanes of the source in ctx, and those of its network.
func (a *Auth) sourcesOf(ctx context.Context) (sources []watched) {
	key := a.masters.Load().current().attempts
	lane := func(purpose string, source netip.Prefix, limit Limit) watched {
		return watched{attempt: model.Attempt{Lane: model.Lane{Key: key(purpose, source.String())}, Rule: limit.rule()}}
	}
	for i, source := range model.SourcesFrom(ctx) {
		if i == 0 {
			sources = append(sources, lane("failures of source", source, a.cfg.Limits.SourceFailures))
		} else {
			sources = append(sources, lane("failures of network", source, a.cfg.Limits.NetworkFailures))
		}
	}
	return sources
}

// enterSources lets the source in ctx check a secret, if it has failures left that
// those under way cannot use up, and reads with the same look how one more lane
// stands. Refusals: ErrTooManyAttempts, ErrOverloaded, that of mayWait.
func (a *Auth) enterSources(ctx context.Context, also model.Digest, mayWait func(context.Context) error) ([]watched, model.Tally, error) {
	var none model.Tally
	sources := a.sourcesOf(ctx)
	entered := false
	defer func() {
		if !entered { // also when the store panics
			leaveSources(sources)
		}
	}()
	keys := [3]model.Digest{2: also}
	for i, gates := range []*gates{a.throttle.sources, a.throttle.networks}[:len(sources)] {
		keys[i] = sources[i].attempt.Lane.Key
		var err error
		sources[i].pass, err = gates.enter(ctx, keys[i], mayWait)
		if errors.Is(err, errGateShut) {
			err = a.sourceFull(ctx, sources[i])
		}
		if err != nil {
			return nil, none, err
		}
	}
	if keys == ([3]model.Digest{}) {
		return nil, none, nil
	}
	found, err := a.store.Tallies(ctx, keys)
	if err != nil {
		return nil, none, fmt.Errorf("gatehouse: attempts: %w", err)
	}
	now := a.now()
	for i, source := range sources {
		source.observe(found[i], now)
		if found[i].BlockedFor(source.attempt.Rule, now) > 0 || source.pass.shut() {
			return nil, none, source.full(found[i], now)
		}
	}
	entered = true
	return sources, found[2], nil
}

// sourceFull is the refusal of a source that was turned away at the gate, where
// others of it are still inside.
func (a *Auth) sourceFull(ctx context.Context, source watched) error {
	found, err := a.store.Tallies(ctx, [3]model.Digest{source.attempt.Lane.Key})
	if err != nil {
		return fmt.Errorf("gatehouse: attempts: %w", err)
	}
	return source.full(found[0], a.now())
}

// full is the refusal until the window ends.
func (w watched) full(tally model.Tally, now time.Time) error {
	within := w.attempt.Rule.Within
	return model.ErrTooManyAttempts.After(min(max(tally.At.Add(within).Sub(now), time.Second), within))
}

// observe tells the gate how many have failed by now. What was read before others
// have failed does not undo that they have.
func (w watched) observe(tally model.Tally, now time.Time) {
	w.pass.learn(func(g *gate) {
		failures, over := tally.FailuresAt(w.attempt.Rule, now), now.Sub(g.since) >= w.attempt.Rule.Within
		switch {
		case over || tally.At.After(g.since):
			g.failures, g.since = failures, tally.At
		case tally.At.Equal(g.since):
			g.failures = max(failures, g.failures)
		}
	})
}

func leaveSources(sources []watched) {
	for _, source := range sources {
		if source.pass != nil {
			source.pass.leave()
		}
	}
}

// countFailure is the one place where a failed proof is recorded: it records events
// and counts one failure of the sources, in one
// transaction, before it is answered and whether or not the caller still waits.
// The sources come first: whoever waits for them holds nothing that others need.
func (a *Auth) countFailure(ctx context.Context, sources []watched, events []model.Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordPatience)
	defer cancel()
	now, tallies := a.now(), make([]model.Tally, len(sources))
	err := a.store.Tx(ctx, func(tx model.Records) error {
		for i, source := range sources {
			source.attempt.Now = now
			tally, counted, err := tx.ChargeAttempt(ctx, source.attempt)
			if err != nil {
				return err
			}
			if tallies[i] = tally; counted && !tally.BlockedUntil.IsZero() {
				events = append(events, a.event(ctx, model.EventExcessRate, model.UserID{}, model.SessionID{}))
			}
		}
		for _, event := range events {
			if err := tx.Record(ctx, event); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("gatehouse: record: %w", err)
	}
	for i, source := range sources {
		source.observe(tallies[i], now)
	}
	return nil
}

// CheckSecret runs check, which compares a secret that only a door knows, such as
// the one of introspection, and counts a false as a failure of the source. A secret
// of that sort is too long to be guessed, and its holder is often the source of all
// users, who mistype: so the right one is right however often the source has failed.
// Refusals, of a wrong one alone: ErrTooManyAttempts, ErrOverloaded.
func (a *Auth) CheckSecret(ctx context.Context, check func() bool) (right bool, err error) {
	if check() {
		return true, nil
	}
	sources, _, err := a.enterSources(ctx, model.Digest{}, waitsAnyhow)
	if err != nil {
		return false, err
	}
	defer leaveSources(sources)
	return false, a.countFailure(ctx, sources, nil)
}
