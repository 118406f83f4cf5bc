package storetest

import (
	"errors"
	"testing"
	"time"

	"gatehouse/model"
)

var eventChain = []contract{
	{"LG-08_a_seal_is_kept_and_changes_nothing_of_the_event", sealsComeBack},
	{"LG-08_an_event_is_sealed_once", sealedOnce},
	{"LG-08_a_position_is_given_once", positionsAreUnique},
	{"LG-08_the_record_is_kept_as_it_is", chainRecord},
	{"sealed_events_come_in_the_order_of_positions", sealedInOrder},
	{"a_deleted_user_leaves_the_seal_without_its_salt", sealsOfTheGone},
	{"ST-11_ForgetEvents_takes_what_is_sealed_up_to_the_position_and_nothing_else", forgetEvents},
}

// seals gives events positions from the first on.
func seals(rows []model.EventRow, first int64) []model.EventRow {
	sealed := append([]model.EventRow{}, rows...)
	for i := range sealed {
		at := first + int64(i)
		sealed[i].Seal = model.EventSeal{Position: at, MAC: model.Digest{1, byte(at)}, Commitment: model.Digest{2, byte(at)}, Salt: model.EventSalt{3, byte(at)}}
	}
	return sealed
}

// happened records events a second apart.
func happened(t *testing.T, store model.Records, user model.UserID, count int) {
	t.Helper()
	for i := range count {
		must(t, store.Record(t.Context(), model.Event{At: noon.Add(time.Duration(i) * time.Second), Name: model.EventLoginSuccess,
			UserID: user, SessionID: model.NewID[model.Session](), Client: login(user, noon).Client}))
	}
}

func sealsComeBack(t *testing.T, store model.Store) {
	ctx := t.Context()
	happened(t, store, added(t, store, "ana").ID, 3)
	rows := got(store.UnsealedEvents(ctx, 2))(t)
	if len(rows) != 2 || rows[0].ID >= rows[1].ID || !rows[0].At.Equal(noon) {
		t.Fatalf("got %v, want the first two", rows)
	}
	want := seals(rows, 1)
	must(t, store.SealEvents(ctx, want))
	same(t, got(store.SealedEvents(ctx, 0, 10))(t), want)
	left := got(store.UnsealedEvents(ctx, 10))(t)
	if len(left) != 1 || left[0].Seal != (model.EventSeal{}) {
		t.Errorf("got %v, want the third alone", left)
	}
	all := got(store.FindEvents(ctx, model.EventFilter{Limit: 10}))(t)
	same(t, all, []model.EventRow{left[0], want[1], want[0]})
	must(t, store.SealEvents(ctx, nil))
	for _, limit := range []int{0, -1} {
		if none := got(store.UnsealedEvents(ctx, limit))(t); len(none) != 0 {
			t.Errorf("limit %d: got %v", limit, none)
		}
		if none := got(store.SealedEvents(ctx, 0, limit))(t); len(none) != 0 {
			t.Errorf("limit %d: got %v", limit, none)
		}
	}
}

func sealedOnce(t *testing.T, store model.Store) {
	ctx := t.Context()
	happened(t, store, model.NewID[model.User](), 3)
	rows := got(store.UnsealedEvents(ctx, 10))(t)
	want := seals(rows[1:2], 1)
	must(t, store.SealEvents(ctx, want))
	gone := model.EventRow{ID: rows[2].ID + 1000}
	for _, again := range [][]model.EventRow{seals(rows[1:2], 2), seals(rows[:2], 2), seals([]model.EventRow{rows[0], gone}, 2)} {
		if err := store.SealEvents(ctx, again); err == nil {
			t.Error("sealed an event that is sealed or gone")
		}
		same(t, got(store.SealedEvents(ctx, 0, 10))(t), want)
	}
}

func positionsAreUnique(t *testing.T, store model.Store) {
	ctx := t.Context()
	happened(t, store, model.NewID[model.User](), 3)
	rows := got(store.UnsealedEvents(ctx, 10))(t)
	want := seals(rows[:1], 7)
	must(t, store.SealEvents(ctx, want))
	if err := store.SealEvents(ctx, seals(rows[1:], 6)); err == nil {
		t.Error("two events have one position")
	}
	same(t, got(store.SealedEvents(ctx, 0, 10))(t), want)
}

func chainRecord(t *testing.T, store model.Store) {
	ctx := t.Context()
	record, last, err := store.EventChain(ctx)
	if len(record) != 0 || last != 0 || err != nil {
		t.Errorf("got %x, %d, %v before anything was kept", record, last, err)
	}
	happened(t, store, model.NewID[model.User](), 2)
	for _, text := range []string{"first", "second \x00\xff", "third"} {
		must(t, store.KeepEventChain(ctx, []byte(text)))
		must(t, store.Tx(ctx, func(r model.Records) error {
			record, last, err = r.EventChain(ctx)
			return err
		}))
		if string(record) != text || last != 0 {
			t.Errorf("got %q, %d, want %q, 0", record, last, text)
		}
	}
	must(t, store.SealEvents(ctx, seals(got(store.UnsealedEvents(ctx, 2))(t), 41)))
	if _, last, err = store.EventChain(ctx); last != 42 || err != nil {
		t.Errorf("got %d, %v, want 42", last, err)
	}
}

func sealedInOrder(t *testing.T, store model.Store) {
	ctx := t.Context()
	happened(t, store, model.NewID[model.User](), 4)
	rows := got(store.UnsealedEvents(ctx, 10))(t)
	for i, position := range []int64{30, 10, 40, 20} {
		must(t, store.SealEvents(ctx, seals(rows[i:i+1], position)))
	}
	for _, test := range []struct {
		after int64
		limit int
		want  []int64
	}{{0, 10, []int64{10, 20, 30, 40}}, {0, 2, []int64{10, 20}}, {20, 2, []int64{30, 40}}, {25, 1, []int64{30}}, {40, 9, nil}, {-5, 1, []int64{10}}} {
		var positions []int64
		for _, row := range got(store.SealedEvents(ctx, test.after, test.limit))(t) {
			positions = append(positions, row.Seal.Position)
		}
		same(t, positions, test.want)
	}
}

func sealsOfTheGone(t *testing.T, store model.Store) {
	ctx := t.Context()
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	happened(t, store, ana.ID, 1)
	happened(t, store, bob.ID, 1)
	want := seals(got(store.UnsealedEvents(ctx, 10))(t), 1)
	must(t, store.SealEvents(ctx, want))
	must(t, store.DeleteUser(ctx, ana.ID, noon))
	want[0].Client, want[0].Seal.Salt = model.Client{}, model.EventSalt{}
	same(t, got(store.SealedEvents(ctx, 0, 10))(t), want)
}

func forgetEvents(t *testing.T, store model.Store) {
	ctx := t.Context()
	happened(t, store, model.NewID[model.User](), 6)
	rows := got(store.UnsealedEvents(ctx, 10))(t)
	must(t, store.SealEvents(ctx, seals(rows[1:5], 1)))
	for _, test := range []struct {
		through   int64
		forgotten int
	}{{0, 0}, {2, 2}, {2, 0}, {3, 1}} {
		if n := got(store.ForgetEvents(ctx, test.through))(t); n != test.forgotten {
			t.Errorf("through %d: %d forgotten, want %d", test.through, n, test.forgotten)
		}
	}
	if sealed := got(store.SealedEvents(ctx, 0, 10))(t); len(sealed) != 1 || sealed[0].ID != rows[4].ID {
		t.Errorf("got %v, want the fourth sealed event alone", sealed)
	}
	if unsealed := got(store.UnsealedEvents(ctx, 10))(t); len(unsealed) != 2 {
		t.Errorf("%d events without a seal are left, want 2", len(unsealed))
	}
}

// sealersInTurn proves that of two processes that seal, each sees what the other did.
func sealersInTurn(t *testing.T, first, second model.Store) {
	ctx := t.Context()
	const events = 60
	happened(t, first, model.NewID[model.User](), events)
	seal := func(store model.Store) error {
		for {
			var sealed int
			err := store.Tx(ctx, func(r model.Records) error {
				record, last, err := r.EventChain(ctx)
				if err != nil {
					return err
				}
				if int64(len(record)) != last {
					return errors.New("the record is not that of the last position")
				}
				rows, err := r.UnsealedEvents(ctx, 7)
				if err != nil {
					return err
				}
				sealed = len(rows)
				return errors.Join(r.SealEvents(ctx, seals(rows, last+1)), r.KeepEventChain(ctx, make([]byte, last+int64(sealed))))
			})
			if err != nil || sealed == 0 {
				return err
			}
		}
	}
	ended := make(chan error, 2)
	for _, store := range []model.Store{first, second} {
		go func() { ended <- seal(store) }()
	}
	must(t, errors.Join(<-ended, <-ended))
	for i, row := range got(first.SealedEvents(ctx, 0, 2*events))(t) {
		if row.Seal.Position != int64(i+1) {
			t.Fatalf("event %d has the position %d", i+1, row.Seal.Position)
		}
	}
	if _, last, err := first.EventChain(ctx); last != events || err != nil {
		t.Errorf("%d events are sealed, %v; want %d", last, err, events)
	}
}
