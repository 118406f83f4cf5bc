package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"gatehouse/model"
)

// cancelledReads has callers leave at random moments of their reads, and wants every
// answer to be about who was asked for: a connection that somebody left in the middle
// of an answer must not give the rest of it to the next caller.
func cancelledReads(t *testing.T, store model.Store) {
	const callers, reads = 16, 30
	users, sessions := make([]model.User, callers), make([]model.Session, callers)
	for i := range users {
		users[i] = added(t, store, numbered("user", i))
		sessions[i] = opened(t, store, users[i].ID, noon)
	}
	errs := together(callers, func(i int) error {
		for n := range reads {
			var random [1]byte
			_, _ = rand.Read(random[:])
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random[0])*4*time.Microsecond)
			err := ownAnswers(ctx, store, users[i], sessions[i])
			cancel()
			if err != nil && n%5 == 0 { // and one who stays is answered
				err = errors.Join(err, ownAnswers(t.Context(), store, users[i], sessions[i]))
			}
			if errors.Is(err, errNotMine) {
				return err
			}
		}
		return ownAnswers(t.Context(), store, users[i], sessions[i])
	})
	for i, err := range errs {
		if err != nil {
			t.Errorf("caller %d: %v", i, err)
		}
	}
}

var errNotMine = errors.New("the answer is about somebody else")

// ownAnswers asks for everything of one user.
func ownAnswers(ctx context.Context, store model.Store, user model.User, session model.Session) error {
	account, err := store.AccountByUsername(ctx, user.Username)
	if err != nil {
		return err
	}
	who, err := store.PresenceByToken(ctx, session.TokenDigest, noon)
	if err != nil {
		return err
	}
	list, err := store.SessionsOf(ctx, user.ID, noon)
	if err != nil {
		return err
	}
	if account.User.ID != user.ID || who.User.ID != user.ID || who.Session.ID != session.ID || len(list) != 1 || list[0].ID != session.ID {
		return errNotMine
	}
	return nil
}
