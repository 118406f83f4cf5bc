package gatehouse

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/model"
)

// RememberedHead returns the end that the audit chain had when this was remembered;
// zero when the memory does not open, or is one of before heads were in it.
func (a *Auth) RememberedHead(memory []byte) EventHead {
	m, _ := a.openMemory(memory)
	return m.head
}

// KeepToHead looks, at the price of one event, whether a head that was remembered is
// still in the audit chain. Where it is not, somebody sealed the events anew after
// changing them, or cut the chain off: the log says so, and an event with which
// VerifyEvents goes on finding it. The zero head is in every chain.
func (a *Auth) KeepToHead(ctx context.Context, known EventHead) error {
	if known.Position == 0 {
		return nil
	}
	rows, err := a.store.SealedEvents(ctx, known.Position-1, 1)
	if err != nil {
		return fmt.Errorf("gatehouse: keep to head: %w", err)
	}
	if len(rows) == 1 && rows[0].Seal.Position == known.Position && sameMAC(rows[0].Seal.MAC, known.MAC) {
		return nil
	}
	c, err := a.chainNow(ctx)
	switch {
	case err == nil && c.begin.position >= known.Position:
		return nil // forgotten in its time
	case err != nil && !errors.Is(err, errChainFalse):
		return err
	}
	a.log.ErrorContext(ctx, "audit chain broken", "position", known.Position, "error", errHeadGone)
	if err := a.store.Record(ctx, a.event(ctx, model.EventChainBroken, model.UserID{}, model.SessionID{})); err != nil {
		return fmt.Errorf("gatehouse: keep to head: %w", err)
	}
	return nil
}
