package gatehouse_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// tamper runs statements on the file as somebody with access to it can.
func (h *house) tamper(t *testing.T, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, statement := range statements {
		result, err := db.ExecContext(t.Context(), statement)
		if err != nil {
			t.Fatal(statement, err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 && !strings.Contains(statement, "TRIGGER") {
			t.Fatalf("%s changed nothing (%v)", statement, err)
		}
	}
}

// verified reports what VerifyEvents finds, a line for each fault.
func (h *house) verified(t *testing.T, head gatehouse.EventHead) (report gatehouse.EventReport, said string) {
	t.Helper()
	report, err := h.VerifyEvents(t.Context(), head)
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for _, fault := range report.First {
		fmt.Fprintf(&lines, "%d: %s\n", fault.Position, fault.What)
	}
	return report, lines.String()
}

// holds fails the test unless the chain does.
func (h *house) holds(t *testing.T, events int64) gatehouse.EventHead {
	t.Helper()
	report, said := h.verified(t, gatehouse.EventHead{})
	if report.Faults != 0 || report.Events != events {
		t.Fatalf("%d events, %d faults, want %d and none:\n%s", report.Events, report.Faults, events, said)
	}
	return report.Head
}

// newAuditHouse has ten events, sealed; the third to fifth are about somebody who
// was deleted.
func newAuditHouse(t *testing.T, change ...func(*gatehouse.Config)) *house {
	t.Helper()
	h := newHouse(t, change...)
	ctx := fromDevice(t, "192.0.2.7", "Browser/1 \xff")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ana, bob := h.person(t, "ana"), h.person(t, "bob")
	record := func(name model.EventName, id model.UserID) {
		must(h.store.Record(ctx, model.Event{At: h.clock.Now(), Name: name, UserID: id, SessionID: model.NewID[model.Session](), Client: model.ClientFrom(ctx)}))
		h.clock.Add(time.Second)
	}
	record(model.EventUserCreated, ana)
	record(model.EventLoginSuccess, ana)
	record(model.EventUserCreated, bob)
	record(model.EventLoginSuccess, bob)
	record(model.EventLoginFail, bob)
	record(model.EventLoginFail, model.UserID{})
	_, err := h.SealEvents(t.Context())
	must(err)
	must(h.EraseUser(t.Context(), bob)) // the seventh
	for range 3 {
		record(model.EventPasswordFail, ana)
	}
	h.holds(t, 10)
	return h
}

// person adds a user without the price of a hash.
func (h *house) person(t *testing.T, name string) model.UserID {
	t.Helper()
	user := model.User{ID: model.NewID[model.User](), Username: model.Username(name), CreatedAt: h.clock.Now(), UpdatedAt: h.clock.Now()}
	if err := h.store.CreateUser(t.Context(), user, ""); err != nil {
		t.Fatal(err)
	}
	return user.ID
}

// tampering is what somebody does to the file, and what is then reported.
type tampering struct {
	name string
	do   []string
	want string
}

func tamperings() []tampering {
	const (
		changed = "the event or its MAC was changed"
		place   = "the address, User-Agent or request id was changed"
		emptied = "the address, User-Agent and request id were removed, and no user_deleted event follows, or one of a user who is there"
		gone    = "missing: it was removed"
		cutOff  = "missing: the chain was cut off here"
		before  = "it stands before the beginning of the chain"
		behind  = "it stands behind the end of the chain"
		broken  = "the record of the chain was missing or false when this was written, and the chain was begun anew"
	)
	at := func(position int, what string) string { return fmt.Sprintf("%d: %s\n", position, what) }
	all := func(what string, from, to int) (lines string) {
		for position := from; position <= to; position++ {
			lines += at(position, what)
		}
		return lines
	}
	return []tampering{
		{"name", []string{`UPDATE events SET name = 'user_enabled' WHERE position = 5`}, at(5, changed)},
		{"time", []string{`UPDATE events SET at = at + 1 WHERE position = 10`}, at(10, changed)},
		{"user", []string{`UPDATE events SET user_id = randomblob(16) WHERE position = 2`}, at(2, changed)},
		{"user_taken_away", []string{`UPDATE events SET user_id = NULL WHERE position = 2`}, at(2, changed)},
		{"user_put_in", []string{`UPDATE events SET user_id = randomblob(16) WHERE position = 6`}, at(6, changed)},
		{"session", []string{`UPDATE events SET session_id = NULL WHERE position = 1`}, at(1, changed)},
		{"session_for_user", []string{`UPDATE events SET user_id = session_id, session_id = user_id WHERE position = 1`}, at(1, changed)},
		{"row_number", []string{`UPDATE events SET id = 1000 WHERE position = 9`}, at(9, changed)},
		{"MAC", []string{`UPDATE events SET mac = randomblob(32) WHERE position = 3`}, at(3, changed) + at(4, changed)},
		{"address", []string{`UPDATE events SET address = '192.0.2.8' WHERE position = 8`}, at(8, place)},
		{"address_taken_away", []string{`UPDATE events SET address = NULL WHERE position = 8`}, at(8, place)},
		{"agent", []string{`UPDATE events SET user_agent = x'41' WHERE position = 8`}, at(8, place)},
		{"request", []string{`UPDATE events SET request_id = user_agent, user_agent = request_id WHERE position = 8`}, at(8, place)},
		{"salt", []string{`UPDATE events SET salt = randomblob(16) WHERE position = 8`}, at(8, place)},
		{"commitment_to_another_place", []string{`UPDATE events SET commitment = randomblob(32) WHERE position = 8`}, at(8, changed) + at(8, place)},
		{"place_of_the_deleted_put_back", []string{`UPDATE events SET address = '192.0.2.7' WHERE position = 4`}, at(4, place)},
		{"place_of_the_living_taken_away", []string{`UPDATE events SET address = NULL, user_agent = NULL, request_id = NULL, salt = NULL WHERE position = 2`}, at(2, emptied)},
		{"place_of_nobody_taken_away", []string{`UPDATE events SET address = NULL, user_agent = NULL, request_id = NULL, salt = NULL WHERE position = 6`}, at(6, emptied)},
		{"two_swapped", []string{`UPDATE events SET position = 100 WHERE position = 8`, `UPDATE events SET position = 8 WHERE position = 9`,
			`UPDATE events SET position = 9 WHERE position = 100`}, at(8, changed) + at(9, changed) + at(10, changed)},
		{"first_removed", []string{`DELETE FROM events WHERE position = 1`}, at(1, gone)},
		{"three_removed", []string{`DELETE FROM events WHERE position BETWEEN 8 AND 9`}, at(8, gone) + at(9, gone)},
		{"last_removed", []string{`DELETE FROM events WHERE position = 10`}, at(10, cutOff)},
		{"all_removed", []string{`DELETE FROM events`}, all(cutOff, 1, 10)},
		{"last_unsealed_to_be_sealed_again", []string{`UPDATE events SET position = NULL, mac = NULL, commitment = NULL, salt = NULL WHERE position = 10`}, at(10, gone)},
		{"one_put_in_at_the_end", []string{`INSERT INTO events (at, name, position, mac, commitment, salt) VALUES (1, 'x', 11, randomblob(32), randomblob(32), randomblob(16))`}, at(11, behind)},
		{"record_removed", []string{`DELETE FROM event_chain`}, all(before, 1, 10) + at(11, broken)},
		{"record_emptied", []string{`UPDATE event_chain SET record = x''`}, all(before, 1, 10) + at(11, broken)},
		{"record_changed", []string{`UPDATE event_chain SET record = CAST(substr(record, 1, 20) || x'ffff' || substr(record, 23) AS BLOB)`}, all(before, 1, 10) + at(11, broken)},
		{"record_cut", []string{`UPDATE event_chain SET record = CAST(substr(record, 1, 100) AS BLOB)`}, all(before, 1, 10) + at(11, broken)},
	}
}

func TestTamperingIsReported(t *testing.T) {
	for _, test := range tamperings() {
		t.Run("LG-08_"+test.name, func(t *testing.T) {
			t.Parallel()
			h := newAuditHouse(t)
			h.tamper(t, test.do...)
			report, said := h.verified(t, gatehouse.EventHead{})
			if said != test.want || report.Faults != strings.Count(test.want, "\n") {
				t.Errorf("%d faults:\n%swant:\n%s", report.Faults, said, test.want)
			}
			for _, fault := range report.First {
				if fault.Row.ID != 0 && fault.Row.Seal.Position != fault.Position {
					t.Errorf("position %d is told with the event at %d", fault.Position, fault.Row.Seal.Position)
				}
			}
		})
	}
}

func TestTheHeadShowsWhatTheChainCannot(t *testing.T) {
	h := newAuditHouse(t)
	var record string
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.QueryRowContext(t.Context(), `SELECT hex(record) FROM event_chain`).Scan(&record); err != nil {
		t.Fatal(err)
	}
	early := h.holds(t, 10)
	h.register(t, "eva")
	late := h.holds(t, 11)
	for _, head := range []gatehouse.EventHead{early, late} {
		if report, said := h.verified(t, head); report.Faults != 0 {
			t.Errorf("the head %s is not in the chain: %s", head, said)
		}
		if again, err := gatehouse.ParseEventHead(head.String()); err != nil || again != head {
			t.Errorf("%s is read as %s, %v", head, again, err)
		}
	}
	wrong := early
	wrong.MAC[0] ^= 1
	if _, said := h.verified(t, wrong); said != "10: the MAC is not that of the head that was given\n" {
		t.Errorf("a wrong head: %q", said)
	}
	t.Run("LG-08_the_end_put_back_with_its_record_is_seen_by_who_kept_the_head", func(t *testing.T) {
		h.tamper(t, `DELETE FROM events WHERE position = 11`, `UPDATE event_chain SET record = x'`+record+`'`)
		h.holds(t, 10) // which is why there is a head
		if _, said := h.verified(t, late); said != "11: the head that was given lies behind the end of the chain: the end was cut off\n" {
			t.Errorf("got %q", said)
		}
	})
	for _, text := range []string{"", "1", "0:" + strings.Repeat("0", 64), "-1:" + strings.Repeat("0", 64), "1:00", "x:" + strings.Repeat("0", 64), "1:" + strings.Repeat("g", 64)} {
		if head, err := gatehouse.ParseEventHead(text); err == nil || head != (gatehouse.EventHead{}) {
			t.Errorf("%q is read as %s", text, head)
		}
	}
}

func TestEventsFromBeforeAreSealedWhenFirstMet(t *testing.T) {
	h := newHouse(t)
	for range 600 { // more than one transaction takes
		if err := h.store.Record(t.Context(), model.Event{At: h.clock.Now(), Name: model.EventLoginFail}); err != nil {
			t.Fatal(err)
		}
	}
	sealed, err := h.SealEvents(t.Context())
	if sealed != 600 || err != nil {
		t.Fatalf("%d sealed, %v", sealed, err)
	}
	if sealed, err = h.SealEvents(t.Context()); sealed != 0 || err != nil {
		t.Errorf("%d sealed again, %v", sealed, err)
	}
	h.holds(t, 600)
}

func TestManyProcessesSealOneChain(t *testing.T) {
	h := newHouse(t)
	second := &house{clock: h.clock, dir: h.dir, cfg: h.cfg}
	second.open(t)
	t.Run("LG-08_while_others_write_and_delete", func(t *testing.T) {
		errs := together(6, func(i int) error {
			for range 12 {
				var err error
				switch {
				case i < 2:
					_, err = []*house{h, second}[i].SealEvents(t.Context())
				case i == 2:
					_, err = second.VerifyEvents(t.Context(), gatehouse.EventHead{})
				case i == 3:
					user := model.User{ID: model.NewID[model.User](), Username: model.Username("u" + model.NewID[model.User]().String()), CreatedAt: h.clock.Now(), UpdatedAt: h.clock.Now()}
					err = errors.Join(h.store.CreateUser(t.Context(), user, ""), h.store.Record(t.Context(), model.Event{At: h.clock.Now(), Name: model.EventUserCreated,
						UserID: user.ID, Client: model.ClientFrom(fromDevice(t, "192.0.2.1", "x"))}), h.EraseUser(t.Context(), user.ID))
				default:
					err = h.store.Record(t.Context(), model.Event{At: h.clock.Now(), Name: model.EventLoginFail})
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		h.holds(t, 4*12)
	})
}

func TestVerifyingWhileUsersAreDeletedFindsNothing(t *testing.T) {
	h := newHouse(t)
	deleting := make(chan error, 1)
	go func() {
		for i := range 20 {
			user := model.User{ID: model.NewID[model.User](), Username: model.Username(fmt.Sprint("u", i)), CreatedAt: h.clock.Now(), UpdatedAt: h.clock.Now()}
			err := errors.Join(h.store.CreateUser(context.Background(), user, ""),
				h.store.Record(context.Background(), model.Event{At: h.clock.Now(), Name: model.EventUserCreated, UserID: user.ID, Client: model.Client{UserAgent: "x"}}),
				sealedBy(h), h.EraseUser(context.Background(), user.ID))
			if err != nil {
				deleting <- err
				return
			}
		}
		deleting <- nil
	}()
	for {
		report, said := h.verified(t, gatehouse.EventHead{})
		if report.Faults != 0 {
			t.Fatal(said)
		}
		select {
		case err := <-deleting:
			if err != nil {
				t.Fatal(err)
			}
			h.holds(t, 40)
			return
		default:
		}
	}
}

func sealedBy(h *house) error {
	_, err := h.SealEvents(context.Background())
	return err
}
