package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"gatehouse/model"
)

var deletion = []contract{
	{"everything_of_the_user_is_gone", everythingIsGone},
	{"events_keep_the_id_only", eventsKeepTheID},
	{"the_sessions_stay_in_the_status_list_under_nobodys_name", placesStay},
	{"nobody_else_is_touched", nobodyElse},
	{"the_names_are_free_again", namesAreFree},
	{"a_missing_user_is_refused", deleteMissing},
}

func unavailable(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, model.ErrStoreUnavailable) {
		t.Errorf("got error %v, want one that is ErrStoreUnavailable", err)
	}
	var refusal *model.Error
	if errors.As(err, &refusal) {
		t.Errorf("trouble came as the refusal %v", refusal)
	}
}

func everythingIsGone(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session, overAPI := opened(t, store, ana.ID, noon), openedOverAPI(t, store, ana.ID, noon)
	code := model.CodeRecord{Digest: model.Digest{7}, Purpose: model.PurposeReset, UserID: ana.ID, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
	must(t, store.IssueCode(t.Context(), code))
	must(t, store.DeleteUser(t.Context(), ana.ID, noon))

	ctx := t.Context()
	for name, err := range map[string]error{
		"User":              second(store.User(ctx, ana.ID)),
		"Account":           second(store.Account(ctx, ana.ID)),
		"AccountByUsername": second(store.AccountByUsername(ctx, ana.Username)),
		"AccountByEmail":    second(store.AccountByEmail(ctx, ana.Email)),
		"Presence":          second(store.Presence(ctx, session.ID, noon)),
		"PresenceByToken":   second(store.PresenceByToken(ctx, session.TokenDigest, noon)),
		"StepSession":       second(store.StepSession(ctx, step(overAPI, 1, noon))),
		"EndSession":        store.EndSession(ctx, ana.ID, session.ID, noon),
		"RenewToken":        store.RenewToken(ctx, session.TokenDigest, model.Digest{9}, noon),
		"SpendCode":         second(store.SpendCode(ctx, code.Digest, code.Purpose, noon)),
		"ChangePassword":    store.ChangePassword(ctx, ana.ID, 1, "new", noon),
		"ResetPassword":     second(store.ResetPassword(ctx, ana.ID, "new", noon)),
		"OpenSession":       second(store.OpenSession(ctx, login(ana.ID, noon), 1)),
		"IssueCode":         store.IssueCode(ctx, code),
		"DeleteUser":        store.DeleteUser(ctx, ana.ID, noon),
	} {
		if !errors.Is(err, model.ErrNotFound) {
			t.Errorf("%s answers %v, want ErrNotFound", name, err)
		}
	}
	if all := got(store.Accounts(ctx, model.UserID{}, 10))(t); len(all) != 0 {
		t.Errorf("%d users are left", len(all))
	}
	if left := got(store.SessionsOf(ctx, ana.ID, noon))(t); len(left) != 0 {
		t.Errorf("%d sessions are left", len(left))
	}
}

func second[V any](_ V, err error) error { return err }

func eventsKeepTheID(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	event := model.Event{At: noon, Name: model.EventLoginSuccess, UserID: ana.ID,
		SessionID: model.NewID[model.Session](), Client: login(ana.ID, noon).Client}
	must(t, store.Record(t.Context(), event))
	must(t, store.DeleteUser(t.Context(), ana.ID, noon))
	event.Client = model.Client{}
	same(t, got(store.EventsOf(t.Context(), ana.ID, 10))(t), []model.Event{event})
}

func placesStay(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	open := opened(t, store, ana.ID, noon)
	ended := opened(t, store, ana.ID, noon)
	must(t, store.EndSession(t.Context(), ana.ID, ended.ID, noon.Add(time.Minute)))
	must(t, store.DeleteUser(t.Context(), ana.ID, noon.Add(time.Hour)))

	want := []int64{open.StatusIndex, ended.StatusIndex}
	slices.Sort(want)
	same(t, got(store.EndedIndexes(t.Context()))(t), want)

	// Each goes when it was ended, not when the user went.
	if n := got(store.ForgetSessions(t.Context(), noon.Add(time.Hour)))(t); n != 1 {
		t.Errorf("%d sessions forgotten, want the one that was ended before", n)
	}
	same(t, got(store.EndedIndexes(t.Context()))(t), []int64{open.StatusIndex})
	if n := got(store.ForgetSessions(t.Context(), noon.Add(time.Hour+time.Microsecond)))(t); n != 1 {
		t.Errorf("%d sessions forgotten, want the last", n)
	}
}

func nobodyElse(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	session := opened(t, store, bob.ID, noon)
	code := model.CodeRecord{Digest: model.Digest{7}, Purpose: model.PurposeReset, UserID: bob.ID, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
	must(t, store.IssueCode(t.Context(), code))
	event := model.Event{At: noon, Name: model.EventLoginSuccess, UserID: bob.ID, SessionID: session.ID, Client: session.Client}
	must(t, store.Record(t.Context(), event))

	must(t, store.DeleteUser(t.Context(), ana.ID, noon))
	same(t, got(store.Presence(t.Context(), session.ID, noon))(t), model.Presence{User: bob, Session: session})
	same(t, got(store.EventsOf(t.Context(), bob.ID, 10))(t), []model.Event{event})
	if !codeIsAlive(t, store, code, noon) {
		t.Error("the code of another user is gone")
	}
	if ended := got(store.EndedIndexes(t.Context()))(t); len(ended) != 0 {
		t.Errorf("sessions of another user were ended: %v", ended)
	}
}

func namesAreFree(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	must(t, store.DeleteUser(t.Context(), ana.ID, noon))
	again := added(t, store, "ana")
	same(t, got(store.AccountByEmail(t.Context(), again.Email))(t).User, again)
}

func deleteMissing(t *testing.T, store model.Store) {
	refused(t, store.DeleteUser(t.Context(), model.NewID[model.User](), noon), model.ErrNotFound)
	refused(t, store.DeleteUser(t.Context(), model.UserID{}, noon), model.ErrNotFound)
}
