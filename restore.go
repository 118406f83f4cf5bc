package gatehouse

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"gatehouse/model"
)

// The verbs of this file are for whoever runs the store: they see to it that a
// backup that is put back revives nothing that was ended since it was made.

// ErrPutBack means that the store was put back to an older state, so that what was
// revoked since may be in force again. What to do is EndEverything.
var ErrPutBack = errors.New("the store was put back to an older state than it had")

// EndedAll counts what EndEverything ended.
type EndedAll struct {
	Sessions, Codes, Mails int
}

const recordMemory recordKind = "memory"

const (
	// shortMemoryBytes are the number and the time of an event, and the time of day.
	shortMemoryBytes = 3 * 8
	// memoryBytes are those and the head of the audit chain.
	memoryBytes = shortMemoryBytes + 8 + sha256.Size
)

// memory is what was remembered.
type memory struct {
	number   int64 // of the newest event
	at, seen time.Time
	head     EventHead
}

// Remember returns what later proves how far the store has come: about 110 bytes,
// sealed under the master key, to be kept outside of it, anew every minute. Where
// tokens were replaced since the last time, an event says so.
func (a *Auth) Remember(ctx context.Context) (sealed []byte, err error) {
	if err := a.mark(ctx); err != nil {
		return nil, fmt.Errorf("gatehouse: remember: %w", err)
	}
	newest, err := a.store.NewestEvent(ctx)
	if err != nil {
		return nil, fmt.Errorf("gatehouse: remember: %w", err)
	}
	var end place
	c, err := a.chainNow(ctx)
	switch {
	case err == nil:
		end = c.end
	case !errors.Is(err, errChainFalse) && !errors.Is(err, errChainForeign): // whoever seals sees to those
		return nil, fmt.Errorf("gatehouse: remember: %w", err)
	}
	plain := make([]byte, 0, memoryBytes)
	for _, n := range []int64{newest.Number, newest.At.UnixMicro(), a.now().UnixMicro(), end.position} {
		plain = binary.BigEndian.AppendUint64(plain, uint64(n))
	}
	plain = append(plain, end.mac[:]...)
	return a.masters.Load().current().seal.encrypt(plain, string(recordMemory)), nil
}

// noteStep notes that a token was replaced. It writes only once a minute, so that
// processors do not wait for each other.
func (a *Auth) noteStep() {
	if !a.stepped.Load() {
		a.stepped.Store(true)
	}
}

// mark records an event where tokens were replaced since the last one, so that a
// store which knows it also knows that those before them are spent.
func (a *Auth) mark(ctx context.Context) error {
	if !a.stepped.Swap(false) {
		return nil
	}
	err := a.store.Record(ctx, a.event(ctx, model.EventStoreMarked, model.UserID{}, model.SessionID{}))
	if err != nil {
		a.stepped.Store(true)
	}
	return err
}

// Recall holds the store against what was remembered of it, and makes the clock go
// on from then at least. It returns ErrPutBack, and changes nothing, when the store
// does not hold the event that was its newest, which every end of a session, every
// code and every change of a password leaves behind. A memory that does not open
// proves nothing and is answered in the same way.
func (a *Auth) Recall(ctx context.Context, remembered []byte) error {
	m, err := a.openMemory(remembered)
	if err != nil {
		return fmt.Errorf("gatehouse: recall: %w (what was remembered does not open: %w)", ErrPutBack, err)
	}
	a.clock.notBefore(m.seen)
	a.warnOfClock(ctx)
	if m.number == 0 {
		return nil
	}
	kept, err := a.store.EventTime(ctx, m.number)
	switch {
	case err == nil && kept.Equal(m.at):
		return nil
	case err != nil && !errors.Is(err, model.ErrNotFound):
		return fmt.Errorf("gatehouse: recall: %w", err)
	case err != nil && m.at.Before(a.now().Add(-a.cfg.EventRetention)):
		return nil // forgotten in its time; nothing that was in force then lives
	}
	return fmt.Errorf("gatehouse: recall: %w", ErrPutBack)
}

func (a *Auth) openMemory(sealed []byte) (m memory, err error) {
	for _, master := range a.masters.Load().all {
		plain, err := master.seal.decrypt(sealed, string(recordMemory))
		if err != nil || len(plain) != memoryBytes && len(plain) != shortMemoryBytes {
			continue
		}
		word := func(i int) int64 { return int64(binary.BigEndian.Uint64(plain[8*i:])) }
		m = memory{number: word(0), at: time.UnixMicro(word(1)).UTC(), seen: time.UnixMicro(word(2)).UTC()}
		if len(plain) == memoryBytes {
			m.head = EventHead{word(3), model.Digest(plain[shortMemoryBytes+8:])}
		}
		return m, nil
	}
	return memory{}, errSealed
}

// EndEverything ends every session of everybody, voids all codes, throws away the
// mails that wait and puts a new signing key in the place of all others, so that no
// token of any kind that was ever given out is good. Passwords and users stay as
// they are. It can be stopped at any point and called again, beside everything else.
func (a *Auth) EndEverything(ctx context.Context) (ended EndedAll, err error) {
	trouble := func(err error) error { return fmt.Errorf("gatehouse: end everything: %w", err) }
	if ended.Codes, err = a.store.DropEveryCode(ctx); err != nil {
		return ended, trouble(err)
	}
	if ended.Mails, err = a.store.DropEveryMail(ctx); err != nil {
		return ended, trouble(err)
	}
	if ended.Sessions, err = a.store.EndEverySession(ctx, a.now()); err != nil {
		return ended, trouble(err)
	}
	if _, _, err := a.ReplaceKeys(ctx); err != nil {
		return ended, trouble(err)
	}
	if err := a.store.Record(ctx, a.event(ctx, model.EventEverythingEnded, model.UserID{}, model.SessionID{})); err != nil {
		return ended, trouble(err)
	}
	return ended, nil
}

// ClockBehind returns how far the clock is behind the latest time that was seen
// here or recorded in the store, and zero while it is no more than clocks may
// differ. Until it has caught up the rules go by the later time, so that what has
// expired stays expired.
func (a *Auth) ClockBehind() time.Duration { return a.clock.behind() }

// TrustClock takes the clock as it is, however far it is behind. What has expired
// meanwhile is in force again, so call EndEverything next.
func (a *Auth) TrustClock() { a.clock.trust() }

// warnOfClock says that the clock is behind, where it is.
func (a *Auth) warnOfClock(ctx context.Context) {
	if behind := a.clock.behind(); behind > 0 {
		a.log.WarnContext(ctx, "the clock is behind what was recorded; the later time counts until it has caught up",
			"clock", a.cfg.Now().UTC(), "behind", behind.Round(time.Second).String())
	}
}
