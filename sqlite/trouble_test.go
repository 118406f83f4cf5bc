package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gatehouse/model"
	"gatehouse/sqlstore"
)

// onWriter runs a statement on the connection that writes.
func onWriter(t *testing.T, store *Store, statement string) {
	t.Helper()
	err := store.engine.Write(t.Context(), func(q sqlstore.Runner) error {
		rows, err := q.QueryContext(t.Context(), statement)
		if err != nil {
			return err
		}
		return rows.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
}

func wantUnavailable(t *testing.T, err error) {
	t.Helper()
	var refusal *model.Error
	if !errors.Is(err, model.ErrStoreUnavailable) || errors.As(err, &refusal) {
		t.Errorf("got error %v, want trouble that is ErrStoreUnavailable", err)
	}
}

func newUser(i int) model.User {
	return model.User{ID: model.NewID[model.User](), Username: model.Username(fmt.Sprintf("user%d", i)), CreatedAt: someTime, UpdatedAt: someTime}
}

func TestTrouble(t *testing.T) {
	t.Run("ST-10_a_full_disk_is_trouble_without_half_a_state", fullDisk)
	t.Run("ST-10_a_disk_that_cannot_be_written_is_trouble", readOnly)
	t.Run("ST-01_trouble_that_a_function_passes_over_fails_its_transaction", passedOver)
	t.Run("ST-10_a_damaged_page_is_trouble_and_never_an_answer", damagedPages)
	t.Run("ST-14_a_writer_in_another_process_is_waited_for", otherWriter)
	t.Run("ST-08_waiting_for_another_process_ends", otherWriterStays)
	t.Run("ST-08_a_pool_in_use_is_waited_for_within_the_context", busyReaders)
	t.Run("ST-09_a_single_caller_does_not_wait_for_itself", readInsideTx)
}

func fullDisk(t *testing.T) {
	store := openTest(t)
	// PRAGMA max_page_count is how SQLite says that the disk is full.
	onWriter(t, store, `PRAGMA max_page_count = 60`)
	agent := string(bytes.Repeat([]byte("x"), 256))
	kept, failed := make([]model.UserID, 0, 1000), error(nil)
	for i := 0; failed == nil && i < 5000; i++ {
		user := newUser(i)
		failed = store.Tx(t.Context(), func(r model.Records) error {
			if err := r.CreateUser(t.Context(), user, model.PasswordHash(agent)); err != nil {
				return err
			}
			return r.Record(t.Context(), model.Event{At: someTime, Name: model.EventUserCreated, UserID: user.ID, Client: model.Client{UserAgent: agent}})
		})
		if failed == nil {
			kept = append(kept, user.ID)
		}
	}
	wantUnavailable(t, failed)
	wholeUsers(t, store, kept)
	// With room again it goes on.
	onWriter(t, store, `PRAGMA max_page_count = 100000`)
	if err := store.CreateUser(t.Context(), newUser(9999), "hash"); err != nil {
		t.Error(err)
	}
}

// wholeUsers wants exactly these users, each with one event.
func wholeUsers(t *testing.T, store *Store, want []model.UserID) {
	t.Helper()
	users, err := store.Accounts(t.Context(), model.UserID{}, 10000)
	if err != nil || len(users) != len(want) || len(want) == 0 {
		t.Fatalf("%d users are there, want %d (error %v)", len(users), len(want), err)
	}
	for _, id := range want {
		if events, err := store.EventsOf(t.Context(), id, 10); err != nil || len(events) != 1 {
			t.Errorf("user %v has %d events, want 1 (error %v)", id, len(events), err)
		}
	}
}

func readOnly(t *testing.T) {
	store := openTest(t)
	user := newUser(1)
	if err := store.CreateUser(t.Context(), user, "hash"); err != nil {
		t.Fatal(err)
	}
	disable := func(r model.Records) error { return r.SetDisabled(t.Context(), user.ID, someTime, someTime) }
	onWriter(t, store, `PRAGMA query_only = on`)
	wantUnavailable(t, disable(store))
	onWriter(t, store, `PRAGMA query_only = on`)
	wantUnavailable(t, store.Tx(t.Context(), disable))
	if got, err := store.User(t.Context(), user.ID); err != nil || got.Disabled() {
		t.Errorf("got %+v and error %v, want the user as before", got, err)
	}
	if err := disable(store); err != nil {
		t.Errorf("writable again: %v", err)
	}
}

func passedOver(t *testing.T) {
	store := openTest(t)
	user := newUser(1)
	err := store.Tx(t.Context(), func(r model.Records) error {
		if err := r.CreateUser(t.Context(), user, "hash"); err != nil {
			return err
		}
		if err := r.Record(t.Context(), model.Event{}); err == nil {
			t.Error("an event without a time was kept")
		}
		if err := r.CreateUser(t.Context(), newUser(2), "hash"); err == nil {
			t.Error("a verb succeeded after trouble")
		}
		return nil
	})
	if err == nil {
		t.Error("the transaction was answered")
	}
	if users, err := store.Accounts(t.Context(), model.UserID{}, 10); err != nil || len(users) != 0 {
		t.Errorf("%d users are there (error %v), want none", len(users), err)
	}
}

func damagedPages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	store, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var users []model.User
	err = store.Tx(t.Context(), func(r model.Records) error {
		for i := range 100 {
			users = append(users, newUser(i))
			if err := r.CreateUser(t.Context(), users[i], "hash"); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	found := 0
	for damaged := 4 * page; damaged < len(content); damaged += page {
		broken := bytes.Clone(content)
		copy(broken[damaged:damaged+page], bytes.Repeat([]byte{0xa5}, page))
		if err := os.WriteFile(path, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		found += askAll(t, path, users)
	}
	if found == 0 {
		t.Error("no damage was found at all")
	}
}

// askAll looks every user up in a damaged file: the right answer or trouble,
// never a refusal and never another user. It counts the trouble.
func askAll(t *testing.T, path string, users []model.User) (troubled int) {
	t.Helper()
	store, err := Open(t.Context(), path)
	if err != nil {
		return 1
	}
	defer func() { _ = store.Close() }()
	for _, user := range users {
		account, err := store.AccountByUsername(t.Context(), user.Username)
		var refusal *model.Error
		switch {
		case errors.As(err, &refusal):
			t.Errorf("damage came as the refusal %v", err)
		case err != nil:
			troubled++
		case account.User.ID != user.ID:
			t.Errorf("%s is found as %v", user.Username, account.User.ID)
		}
	}
	return troubled
}

func otherWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	first, second := openTestAt(t, path), openTestAt(t, path)
	inside, leave, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- first.Tx(t.Context(), func(model.Records) error {
			close(inside)
			<-leave
			return nil
		})
	}()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := second.CreateUser(ctx, newUser(1), "hash"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
	}
	waiting := make(chan error, 1)
	go func() { waiting <- second.CreateUser(t.Context(), newUser(2), "hash") }()
	close(leave)
	if err := errors.Join(<-done, <-waiting); err != nil {
		t.Error(err)
	}
	users, err := first.Accounts(t.Context(), model.UserID{}, 10)
	if err != nil || len(users) != 1 || users[0].User.Username != "user2" {
		t.Errorf("got users %v and error %v, want the one that waited", users, err)
	}
}

func otherWriterStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	first, second := openTestAt(t, path), openTestAt(t, path)
	second.engine.writer.patience = 20 * time.Millisecond
	err := first.Tx(t.Context(), func(model.Records) error {
		waiting := make(chan error, 3)
		for i := range cap(waiting) {
			go func() { waiting <- second.CreateUser(t.Context(), newUser(i), "hash") }()
		}
		for range cap(waiting) {
			wantUnavailable(t, <-waiting)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := second.CreateUser(t.Context(), newUser(1), "hash"); err != nil {
		t.Error(err)
	}
}

func busyReaders(t *testing.T) {
	store := openTest(t)
	for range readers {
		conn, err := store.engine.reader.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := store.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
	}
	store.engine.reader.patience = 20 * time.Millisecond
	wantUnavailable(t, store.Ping(t.Context())) // without a limit of its own
}

func readInsideTx(t *testing.T) {
	store := openTest(t)
	err := store.Tx(t.Context(), func(r model.Records) error {
		for range readers + 1 {
			if err := store.Ping(t.Context()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
