package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"gatehouse/model"
)

var events = []contract{
	{"every_field_comes_back_the_newest_first", everyEventField},
	{"events_about_nobody_are_kept", eventsAboutNobody},
	{"an_event_about_a_user_who_is_gone_keeps_the_id_only", eventsAboutTheGone},
	{"EventsOf_returns_the_newest_up_to_the_limit", eventsLimit},
	{"ST-11_ForgetEvents_takes_what_is_older_and_nothing_else", forgetEvents},
}

func everyEventField(t *testing.T, store model.Store) {
	user := added(t, store, "ana").ID
	client := login(user, noon).Client
	want := []model.Event{
		{At: noon, Name: model.EventLoginSuccess, UserID: user, SessionID: model.NewID[model.Session](), Client: client},
		{At: noon.Add(time.Microsecond), Name: model.EventPasswordChange, UserID: user},
		{At: noon.Add(time.Microsecond), Name: model.EventSessionsEnded, UserID: user, Client: model.Client{UserAgent: "x"}},
	}
	must(t, store.Record(t.Context(), want[1]))
	must(t, store.Record(t.Context(), want[2]))
	must(t, store.Record(t.Context(), want[0]))
	slices.Reverse(want)
	same(t, got(store.EventsOf(t.Context(), user, 10))(t), want)
}

func eventsAboutNobody(t *testing.T, store model.Store) {
	must(t, store.Record(t.Context(), model.Event{At: noon, Name: model.EventLoginFail, Client: login(model.UserID{}, noon).Client}))
	if list := got(store.EventsOf(t.Context(), model.UserID{}, 10))(t); len(list) != 0 {
		t.Errorf("nobody has %d events", len(list))
	}
	if n := got(store.ForgetEvents(t.Context(), noon.Add(time.Second)))(t); n != 1 {
		t.Errorf("%d events were kept, want 1", n)
	}
}

func eventsAboutTheGone(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	event := model.Event{At: noon, Name: model.EventPasswordFail, UserID: ana.ID,
		SessionID: model.NewID[model.Session](), Client: login(ana.ID, noon).Client}
	must(t, store.DeleteUser(t.Context(), ana.ID, noon))
	must(t, store.Record(t.Context(), event))
	must(t, store.Tx(t.Context(), func(r model.Records) error {
		return errors.Join(r.DeleteUser(t.Context(), bob.ID, noon),
			r.Record(t.Context(), model.Event{At: noon, Name: model.EventUserDeleted, UserID: bob.ID, Client: event.Client}))
	}))
	event.Client = model.Client{}
	same(t, got(store.EventsOf(t.Context(), ana.ID, 10))(t), []model.Event{event})
	same(t, got(store.EventsOf(t.Context(), bob.ID, 10))(t), []model.Event{{At: noon, Name: model.EventUserDeleted, UserID: bob.ID}})
}

func eventsLimit(t *testing.T, store model.Store) {
	user, other := model.NewID[model.User](), model.NewID[model.User]()
	for i := range 5 {
		at := noon.Add(time.Duration(i) * time.Second)
		must(t, store.Record(t.Context(), model.Event{At: at, Name: model.EventLoginSuccess, UserID: user}))
		must(t, store.Record(t.Context(), model.Event{At: at, Name: model.EventLoginSuccess, UserID: other}))
	}
	for _, test := range []struct{ limit, want int }{{-1, 0}, {0, 0}, {1, 1}, {3, 3}, {5, 5}, {100, 5}} {
		list := got(store.EventsOf(t.Context(), user, test.limit))(t)
		if len(list) != test.want {
			t.Fatalf("limit %d: got %d events, want %d", test.limit, len(list), test.want)
		}
		for i, event := range list {
			if want := noon.Add(time.Duration(4-i) * time.Second); !event.At.Equal(want) || event.UserID != user {
				t.Errorf("limit %d: event %d is at %v, want %v", test.limit, i, event.At, want)
			}
		}
	}
}

func forgetEvents(t *testing.T, store model.Store) {
	user := model.NewID[model.User]()
	for _, age := range []time.Duration{-time.Hour, -time.Microsecond, 0, time.Microsecond, time.Hour} {
		must(t, store.Record(t.Context(), model.Event{At: noon.Add(age), Name: model.EventLoginSuccess, UserID: user}))
	}
	if n := got(store.ForgetEvents(t.Context(), noon))(t); n != 2 {
		t.Errorf("%d events forgotten, want 2", n)
	}
	left := got(store.EventsOf(t.Context(), user, 10))(t)
	if len(left) != 3 || left[2].At != noon {
		t.Errorf("%d events are left, want the 3 that are not older", len(left))
	}
}
