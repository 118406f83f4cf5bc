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
	{"FindEvents_returns_what_is_asked_for_the_newest_first", findEvents},
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
	if list := got(store.FindEvents(t.Context(), model.EventFilter{Limit: 10}))(t); len(list) != 1 {
		t.Errorf("%d events were kept, want 1", len(list))
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

func findEvents(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana").ID, added(t, store, "bob").ID
	for i := range 4 {
		at := noon.Add(time.Duration(i) * time.Second)
		must(t, store.Record(t.Context(), model.Event{At: at, Name: model.EventLoginSuccess, UserID: ana}))
		must(t, store.Record(t.Context(), model.Event{At: at, Name: model.EventLoginFail, UserID: bob, Client: login(bob, noon).Client}))
	}
	all := got(store.FindEvents(t.Context(), model.EventFilter{Limit: 100}))(t)
	for i, row := range all {
		want := model.Event{At: noon.Add(time.Duration(3-i/2) * time.Second), Name: model.EventLoginSuccess, UserID: ana}
		if i%2 == 0 {
			want = model.Event{At: want.At, Name: model.EventLoginFail, UserID: bob, Client: login(bob, noon).Client}
		}
		if row.ID == 0 || i > 0 && row.ID >= all[i-1].ID {
			t.Errorf("event %d has the id %d", i, row.ID)
		}
		same(t, row, model.EventRow{ID: row.ID, Event: want})
	}
	second := noon.Add(time.Second)
	for _, test := range []struct {
		name   string
		filter model.EventFilter
		want   int
	}{
		{"all", model.EventFilter{}, 8},
		{"of_one", model.EventFilter{UserID: ana}, 4},
		{"of_nobody", model.EventFilter{UserID: model.NewID[model.User]()}, 0},
		{"of_a_name", model.EventFilter{Name: model.EventLoginFail}, 4},
		{"of_a_name_and_one", model.EventFilter{UserID: ana, Name: model.EventLoginFail}, 0},
		{"since", model.EventFilter{Since: second}, 6},
		{"until", model.EventFilter{Until: second}, 2},
		{"between", model.EventFilter{UserID: bob, Since: second, Until: second.Add(time.Microsecond)}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			if none := got(store.FindEvents(t.Context(), test.filter))(t); len(none) != 0 {
				t.Errorf("%d events without a limit", len(none))
			}
			test.filter.Limit = 100
			if list := got(store.FindEvents(t.Context(), test.filter))(t); len(list) != test.want {
				t.Errorf("got %d events, want %d", len(list), test.want)
			}
		})
	}
	if list := got(store.FindEvents(t.Context(), model.EventFilter{Limit: 3}))(t); len(list) != 3 || list[0].ID != all[0].ID {
		t.Errorf("of 3 asked for came %d, the first is %d", len(list), list[0].ID)
	}
}
