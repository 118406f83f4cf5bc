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
// IPv6 network of 64 bits; requests whose source nobody told (model.WithClient)
// are not limited by it. A zero Limit is the default.
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

const (
	maxLimitCount  = 1_000_000_000
	maxLimitWithin = 24 * time.Hour // as long as a window is kept
)

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
		if field.limit.Count < 1 || field.limit.Count > maxLimitCount || field.limit.Within < time.Second || field.limit.Within > maxLimitWithin {
			return l, fmt.Errorf("gatehouse: Config.Limits.%s: a limit is 1 to %d times within 1 second to 24 hours", field.name, maxLimitCount)
		}
	}
	return l, nil
}

// Limits returns the limits in force.
func (a *Auth) Limits() Limits { return a.cfg.Limits }

// limitName is what is limited; each has keys of its own.
type limitName string

const (
	limitRegistrations limitName = "registrations"
	limitCodeSubmits   limitName = "code submits"
	limitMailRequests  limitName = "mail requests"
	limitMailsPerUser  limitName = "mails per user"
	limitRenames       limitName = "renames"
	limitStrengthHints limitName = "strength hints"
)

// limit is the limit of this name.
func (a *Auth) limit(name limitName) Limit {
	return map[limitName]Limit{
		limitRegistrations: a.cfg.Limits.Registrations, limitCodeSubmits: a.cfg.Limits.CodeSubmits,
		limitMailRequests: a.cfg.Limits.MailRequests, limitMailsPerUser: a.cfg.Limits.MailsPerUser,
		limitRenames: a.cfg.Limits.Renames, limitStrengthHints: a.cfg.Limits.StrengthHints,
	}[name]
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

// allowSource counts one act of the source in ctx, before it is done, by itself.
// Where the source is not known nothing is counted. Refusal: ErrTooManyAttempts,
// which says when the window ends; a refused act is not counted.
func (a *Auth) allowSource(ctx context.Context, name limitName) error {
	source := networkOf(ctx)
	if !source.IsValid() {
		return nil
	}
	key := a.masters.Load().current().attempts("limit "+string(name), source.String())
	return a.allow(ctx, a.limit(name), model.Lane{Key: key})
}

// allowUser is allowSource for the acts of a user, whatever the source. Refusal
// beside it: ErrNotFound when the user is gone.
func (a *Auth) allowUser(ctx context.Context, name limitName, id model.UserID) error {
	return a.allow(ctx, a.limit(name), model.Lane{Key: laneDigest("limit "+string(name), string(id[:])), UserID: id})
}

// allowEmail is allowUser for what concerns a mailbox, so that one that nobody has
// is counted like that of a user.
func (a *Auth) allowEmail(ctx context.Context, name limitName, email model.Email) error {
	key := a.masters.Load().current().attempts("limit "+string(name), string(email))
	return a.allow(ctx, a.limit(name), model.Lane{Key: key})
}

// allow reads before it writes: whoever is over a limit costs no write.
func (a *Auth) allow(ctx context.Context, limit Limit, lane model.Lane) error {
	now, rule := a.now(), limit.rule()
	found, err := a.store.Tallies(ctx, [3]model.Digest{lane.Key})
	if err != nil {
		return fmt.Errorf("gatehouse: limit: %w", err)
	}
	tally, allowed := found[0], false
	if tally.BlockedFor(rule, now) == 0 {
		err = a.store.Tx(ctx, func(tx model.Records) (err error) {
			tally, allowed, err = tx.ChargeAttempt(ctx, model.Attempt{Lane: lane, Rule: rule, Now: now})
			if err != nil || !allowed || tally.BlockedUntil.IsZero() {
				return err
			}
			return tx.Record(ctx, a.event(ctx, model.EventExcessRate, lane.UserID, model.SessionID{}))
		})
	}
	switch {
	case errors.Is(err, model.ErrNotFound):
		return err
	case err != nil:
		return fmt.Errorf("gatehouse: limit: %w", err)
	case !allowed:
		return model.ErrTooManyAttempts.After(max(tally.BlockedFor(rule, now), time.Second))
	}
	return nil
}

// AllowStrengthHint counts one strength hint of the source in ctx. Refusal:
// ErrTooManyAttempts.
func (a *Auth) AllowStrengthHint(ctx context.Context) error {
	return a.allowSource(ctx, limitStrengthHints)
}
