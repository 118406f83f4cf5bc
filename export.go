package gatehouse

import (
	"context"
	"fmt"

	"gatehouse/model"
)

// exportedEvents bounds the events of one export; older ones can be asked of
// the operator.
const exportedEvents = 1000

// Export is all that is held about one user, secrets excepted: a hash is no
// data about a person.
type Export struct {
	User     model.User
	Sessions []model.Session
	Events   []model.Event
}

// ExportUser returns all data held about the user. Refusal: ErrInvalidToken
// when the user is gone.
func (a *Auth) ExportUser(ctx context.Context, id model.UserID) (Export, error) {
	user, err := a.store.User(ctx, id)
	if err != nil {
		return Export{}, orInvalidToken(err)
	}
	out := Export{User: user}
	if out.Sessions, err = a.Sessions(ctx, id); err != nil {
		return Export{}, err
	}
	if err := a.store.Record(ctx, a.event(ctx, model.EventUserExported, id, model.SessionID{})); err != nil {
		return Export{}, fmt.Errorf("gatehouse: record: %w", err)
	}
	if out.Events, err = a.store.EventsOf(ctx, id, exportedEvents); err != nil {
		return Export{}, fmt.Errorf("gatehouse: events: %w", err)
	}
	return out, nil
}
