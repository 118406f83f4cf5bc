package gatehouse

import (
	"context"
	"errors"
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
// when the user is gone. Most programs use ExportConfirmed.
func (a *Auth) ExportUser(ctx context.Context, id model.UserID) (Export, error) {
	return a.exportUser(ctx, id, func(model.Records) error { return nil })
}

// Confirmation is the password of somebody who is logged in, typed once more.
type Confirmation struct {
	UserID    model.UserID
	SessionID model.SessionID // the session that asks; the zero id when none does
	Password  model.Password
}

// Confirmed is a password that was right a moment ago. The zero value confirms
// nothing.
type Confirmed struct{ hold model.Hold }

// Confirm checks the password before something that wants it fresh. Refusals: those
// of ConfirmPassword.
func (a *Auth) Confirm(ctx context.Context, in Confirmation) (Confirmed, error) {
	account, err := a.confirm(ctx, confirmation{userID: in.UserID, session: in.SessionID, password: in.Password, member: "password"})
	if err != nil {
		return Confirmed{}, err
	}
	return Confirmed{model.Hold{UserID: in.UserID, PasswordVersion: account.PasswordVersion, SessionID: in.SessionID}}, nil
}

// ExportConfirmed is ExportUser after Confirm. Refusal: ErrInvalidToken when the
// user is gone, or the session or the password was ended meanwhile.
func (a *Auth) ExportConfirmed(ctx context.Context, proof Confirmed) (Export, error) {
	hold := proof.hold
	hold.Now = a.now()
	return a.exportUser(ctx, hold.UserID, func(tx model.Records) error { return tx.HoldAccount(ctx, hold) })
}

// exportUser gathers what is held and gives it away only if what has to hold still
// does when it is recorded.
func (a *Auth) exportUser(ctx context.Context, id model.UserID, holds func(model.Records) error) (Export, error) {
	user, err := a.store.User(ctx, id)
	if err != nil {
		return Export{}, orInvalidToken(err)
	}
	out := Export{User: user}
	if out.Sessions, err = a.Sessions(ctx, id); err != nil {
		return Export{}, err
	}
	err = a.tx(ctx, func(tx model.Records) error {
		if err := holds(tx); err != nil {
			return err
		}
		return tx.Record(ctx, a.event(ctx, model.EventUserExported, id, model.SessionID{}))
	})
	if errors.Is(err, model.ErrNotFound) {
		return Export{}, model.ErrInvalidToken
	}
	if err != nil {
		return Export{}, fmt.Errorf("gatehouse: record: %w", err)
	}
	if out.Events, err = a.store.EventsOf(ctx, id, exportedEvents); err != nil {
		return Export{}, fmt.Errorf("gatehouse: events: %w", err)
	}
	return out, nil
}
