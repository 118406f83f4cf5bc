package storetest

import (
	"testing"
	"time"

	"gatehouse/model"
)

var holds = []contract{
	{"ST-04_HoldAccount_needs_what_was_checked", holdAccount},
	{"ST-04_a_deletion_and_a_change_of_the_password_do_not_both_win", holdRaces},
	{"StatusBound_is_above_every_place_that_is_taken", statusBound},
	{"RV-22_an_event_about_a_user_who_is_gone_keeps_the_id_only", eventAfterDeletion},
}

// hold asks inside a transaction of its own, as the rules do.
func hold(t *testing.T, store model.Store, what model.Hold) error {
	t.Helper()
	return store.Tx(t.Context(), func(tx model.Records) error { return tx.HoldAccount(t.Context(), what) })
}

func holdAccount(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	mine, bobs := opened(t, store, ana.ID, noon), opened(t, store, bob.ID, noon)
	version := got(store.Account(t.Context(), ana.ID))(t).PasswordVersion
	good := model.Hold{UserID: ana.ID, PasswordVersion: version, SessionID: mine.ID, Now: noon}
	must(t, hold(t, store, good))

	without := good
	without.SessionID = model.SessionID{}
	must(t, hold(t, store, without))
	for name, change := range map[string]func(*model.Hold){
		"another version": func(h *model.Hold) { h.PasswordVersion++ },
		"nobody":          func(h *model.Hold) { h.UserID = model.NewID[model.User]() },
		"another's":       func(h *model.Hold) { h.SessionID = bobs.ID },
		"no session":      func(h *model.Hold) { h.SessionID = model.NewID[model.Session]() },
		"later":           func(h *model.Hold) { h.Now = noon.Add(longest + time.Second) },
	} {
		bad := good
		change(&bad)
		if err := hold(t, store, bad); err == nil {
			t.Errorf("%s: holds", name)
		} else {
			refused(t, err, model.ErrNotFound)
		}
	}
	must(t, store.EndSession(t.Context(), ana.ID, mine.ID, noon))
	refused(t, hold(t, store, good), model.ErrNotFound)
	must(t, hold(t, store, without))
	must(t, store.SetDisabled(t.Context(), ana.ID, noon, noon))
	refused(t, hold(t, store, without), model.ErrNotFound)
}

func holdRaces(t *testing.T, store model.Store) {
	for i := range 20 {
		ana := added(t, store, numbered("ana", i))
		version := got(store.Account(t.Context(), ana.ID))(t).PasswordVersion
		checked := model.Hold{UserID: ana.ID, PasswordVersion: version, Now: noon}
		errs := together(2, func(i int) error {
			return store.Tx(t.Context(), func(tx model.Records) error {
				if err := tx.HoldAccount(t.Context(), checked); err != nil {
					return err
				}
				if i == 0 {
					return tx.DeleteUser(t.Context(), ana.ID, noon)
				}
				return tx.ChangePassword(t.Context(), ana.ID, version, "new", noon)
			})
		})
		if n := winners(t, errs, model.ErrNotFound); n != 1 {
			t.Fatalf("%d of a deletion and a change under one password won: %v", n, errs)
		}
	}
}

func statusBound(t *testing.T, store model.Store) {
	if bound := got(store.StatusBound(t.Context()))(t); bound != 0 {
		t.Errorf("without a session the bound is %d, want 0", bound)
	}
	ana := added(t, store, "ana")
	var highest int64
	for range 10 {
		highest = max(highest, opened(t, store, ana.ID, noon).StatusIndex)
	}
	if bound := got(store.StatusBound(t.Context()))(t); bound != highest+1 {
		t.Errorf("the bound is %d, want %d", bound, highest+1)
	}
}

func eventAfterDeletion(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	must(t, store.DeleteUser(t.Context(), ana.ID, noon))
	event := model.Event{At: noon, Name: model.EventLoginFail, UserID: ana.ID, Client: login(ana.ID, noon).Client}
	if event.Client == (model.Client{}) {
		t.Fatal("the client of the test is empty and proves nothing")
	}
	must(t, store.Record(t.Context(), event))
	event.Client = model.Client{}
	same(t, got(store.EventsOf(t.Context(), ana.ID, 1))(t), []model.Event{event})
}
