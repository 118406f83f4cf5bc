package gatehouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"gatehouse/model"
)

// Limit is how often something may happen: Count times within Within, which
// begins with the first of them.
type Limit struct {
	Count  int
	Within time.Duration
}

// Limits bound how often things may happen. A source is one IPv4 address, or an
// IPv6 network of 64 bits, and where nothing else is said a network of 48 bits may
// do five times as much; requests whose source nobody told (model.WithClient) are
// not limited by it. A zero Limit is the default.
type Limits struct {
	SourceFailures  Limit // wrong passwords and secrets of one source; 20 in 5 minutes
	NetworkFailures Limit // the same of an IPv6 network of 48 bits; 100 in 5 minutes
	Registrations   Limit // of one source; 10 an hour
	CodeSubmits     Limit // codes that one source presents, good or not; 10 an hour
	MailRequests    Limit // requests of one source that may send a mail; 10 an hour
	MailsPerUser    Limit // mails to one user on request, silently; 3 an hour
	Renames         Limit // of one user; 10 an hour
	StrengthHints   Limit // of one source; 300 in 5 minutes
	Refreshes       Limit // of one session; 30 a minute
}

// DefaultLimits returns what the zero value of Limits means.
func DefaultLimits() Limits {
	return Limits{
		SourceFailures:  Limit{20, 5 * time.Minute},
		NetworkFailures: Limit{100, 5 * time.Minute},
		Registrations:   Limit{10, time.Hour},
		CodeSubmits:     Limit{10, time.Hour},
		MailRequests:    Limit{10, time.Hour},
		MailsPerUser:    Limit{3, time.Hour},
		Renames:         Limit{10, time.Hour},
		StrengthHints:   Limit{300, 5 * time.Minute},
		Refreshes:       Limit{30, time.Minute},
	}
}

// What a limit may be at most.
const (
	MaxLimitCount  = 1_000_000_000
	MaxLimitWithin = 24 * time.Hour // as long as a window is kept
)

// Check returns an error for what cannot be a limit.
func (l Limit) Check() error {
	if l.Count < 1 || l.Count > MaxLimitCount || l.Within < time.Second || l.Within > MaxLimitWithin {
		return fmt.Errorf("a limit is 1 to %d times within 1 second to 24 hours", MaxLimitCount)
	}
	return nil
}

// withDefaults fills in what is zero, and names the field that is wrong.
func (l Limits) withDefaults() (Limits, error) {
	usual := DefaultLimits()
	for _, field := range []struct {
		name  string
		limit *Limit
		usual Limit
	}{
		{"SourceFailures", &l.SourceFailures, usual.SourceFailures},
		{"NetworkFailures", &l.NetworkFailures, usual.NetworkFailures},
		{"Registrations", &l.Registrations, usual.Registrations},
		{"CodeSubmits", &l.CodeSubmits, usual.CodeSubmits},
		{"MailRequests", &l.MailRequests, usual.MailRequests},
		{"MailsPerUser", &l.MailsPerUser, usual.MailsPerUser},
		{"Renames", &l.Renames, usual.Renames},
		{"StrengthHints", &l.StrengthHints, usual.StrengthHints},
		{"Refreshes", &l.Refreshes, usual.Refreshes},
	} {
		*field.limit = cmp.Or(*field.limit, field.usual)
		if err := field.limit.Check(); err != nil {
			return l, fmt.Errorf("gatehouse: Config.Limits.%s: %w", field.name, err)
		}
	}
	return l, nil
}

// Limits returns the limits in force.
func (a *Auth) Limits() Limits { return a.cfg.Limits }

// limitName is what is limited; each has keys of its own. A new one also stands in
// limit, and in userLimitKeys.
type limitName string

const (
	limitRegistrations limitName = "registrations"
	limitCodeSubmits   limitName = "code submits"
	limitMailRequests  limitName = "mail requests"
	limitMailsPerUser  limitName = "mails per user"
	limitRenames       limitName = "renames"
	limitStrengthHints limitName = "strength hints"
)

// limit is the limit of this name. One that is missing here is no limit, and what
// it is asked for is not allowed.
func (a *Auth) limit(name limitName) (limit Limit) {
	switch limits := a.cfg.Limits; name {
	case limitRegistrations:
		limit = limits.Registrations
	case limitCodeSubmits:
		limit = limits.CodeSubmits
	case limitMailRequests:
		limit = limits.MailRequests
	case limitMailsPerUser:
		limit = limits.MailsPerUser
	case limitRenames:
		limit = limits.Renames
	case limitStrengthHints:
		limit = limits.StrengthHints
	}
	return limit
}

// rule is the window that a limit is: its last one blocks until the end.
func (l Limit) rule() model.AttemptRule {
	return model.AttemptRule{Free: l.Count - 1, Within: l.Within, Keep: l.Within}
}

// pace is the limit where the row of a session keeps it: as many at once as the
// limit says, and then one each time that it is apart.
func (l Limit) pace() model.Pace {
	return model.Pace{Interval: l.Within / time.Duration(l.Count), Burst: l.Within}
}

// networkLimits times as much is allowed to an IPv6 network of 48 bits as to one of
// 64: who has it has 65,536 of those.
const networkLimits = 5

// limited is what counts for one limit.
type limited struct {
	limit Limit
	lane  model.Lane
}

// allowSource counts one act of the source in ctx, before it is done, by itself: for
// the source, and for its IPv6 network of 48 bits. Where the source is not known
// nothing is counted. Refusal: ErrTooManyAttempts, which says when the window ends;
// a refused act is not counted.
func (a *Auth) allowSource(ctx context.Context, name limitName) error {
	key := a.masters.Load().current().attempts
	var acts []limited
	for i, source := range model.SourcesFrom(ctx) {
		purpose, limit := "limit "+string(name), a.limit(name)
		if i > 0 {
			purpose = "limit of network " + string(name)
			limit.Count = min(limit.Count, MaxLimitCount/networkLimits) * networkLimits
		}
		acts = append(acts, limited{limit, model.Lane{Key: key(purpose, source.String())}})
	}
	return a.allow(ctx, acts...)
}

// allowUser is allowSource for the acts of a user, whatever the source. Refusal
// beside it: ErrNotFound when the user is gone.
func (a *Auth) allowUser(ctx context.Context, name limitName, id model.UserID) error {
	return a.allow(ctx, limited{a.limit(name), model.Lane{Key: userLimitKey(name, id), UserID: id}})
}

func userLimitKey(name limitName, id model.UserID) model.Digest {
	return laneDigest("limit "+string(name), string(id[:]))
}

// userLimitKeys are the lanes of a user in which no passwords are counted.
func userLimitKeys(id model.UserID) (keys []model.Digest) {
	for _, name := range []limitName{limitRegistrations, limitCodeSubmits, limitMailRequests, limitMailsPerUser, limitRenames, limitStrengthHints} {
		keys = append(keys, userLimitKey(name, id))
	}
	return keys
}

// allow counts one act for each of three limits at most, or for none of them. It
// reads before it writes: whoever is over a limit costs no write.
func (a *Auth) allow(ctx context.Context, acts ...limited) error {
	if len(acts) == 0 {
		return nil
	}
	now, keys := a.now(), [3]model.Digest{}
	for i, act := range acts {
		if err := act.limit.Check(); err != nil {
			return fmt.Errorf("gatehouse: limit: %w", err)
		}
		keys[i] = act.lane.Key
	}
	found, err := a.store.Tallies(ctx, keys)
	if err != nil {
		return fmt.Errorf("gatehouse: limit: %w", err)
	}
	for i, act := range acts {
		if rest := found[i].BlockedFor(act.limit.rule(), now); rest > 0 {
			return model.ErrTooManyAttempts.After(max(rest, time.Second))
		}
	}
	err = a.store.Tx(ctx, func(tx model.Records) error {
		for _, act := range acts {
			rule := act.limit.rule()
			tally, allowed, err := a.countLimited(ctx, tx, model.Attempt{Lane: act.lane, Rule: rule, Now: now})
			if err != nil {
				return err
			}
			if !allowed {
				return model.ErrTooManyAttempts.After(max(tally.BlockedFor(rule, now), time.Second))
			}
		}
		return nil
	})
	if err == nil || errors.Is(err, model.ErrNotFound) || errors.Is(err, model.ErrTooManyAttempts) {
		return err
	}
	return fmt.Errorf("gatehouse: limit: %w", err)
}

// countLimited counts one act, and records when it was the last one.
func (a *Auth) countLimited(ctx context.Context, tx model.Records, act model.Attempt) (model.Tally, bool, error) {
	tally, allowed, err := tx.ChargeAttempt(ctx, act)
	if err == nil && allowed && !tally.BlockedUntil.IsZero() {
		err = tx.Record(ctx, a.event(ctx, model.EventExcessRate, act.Lane.UserID, model.SessionID{}))
	}
	return tally, allowed, err
}

// AllowStrengthHint counts one strength hint of the source in ctx. Refusal:
// ErrTooManyAttempts.
func (a *Auth) AllowStrengthHint(ctx context.Context) error {
	return a.allowSource(ctx, limitStrengthHints)
}
