package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/model"
)

func TestRecall(t *testing.T) {
	t.Run("a_row_is_recalled_while_nobody_commits", recalledWhileNobodyCommits)
	t.Run("a_commit_of_this_store_is_seen_with_the_next_look", func(t *testing.T) {
		store := openTest(t)
		commitsAreSeen(t, store, renamer(t, store))
	})
	t.Run("a_commit_of_another_store_is_seen_with_the_next_look", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "gatehouse.db")
		commitsAreSeen(t, openTestAt(t, path), renamer(t, openTestAt(t, path)))
	})
	t.Run("SC-29_a_commit_of_another_process_is_seen_with_the_next_look", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "gatehouse.db")
		commitsAreSeen(t, openTestAt(t, path), otherProcess(t, path))
	})
	t.Run("a_commit_is_seen_after_the_log_was_cut", func(t *testing.T) {
		store := openTest(t)
		rename := renamer(t, store)
		commitsAreSeen(t, store, func(id model.UserID, name model.Username) {
			store.engine.writer.clearLog()
			rename(id, name)
		})
	})
	t.Run("cutting_the_log_changes_no_answer", cuttingTheLog)
	t.Run("SC-02_who_starts_after_an_answer_never_sees_the_row_before_it", neverTheRowBefore)
	t.Run("a_session_that_has_run_out_is_refused", runsOut)
	t.Run("an_answer_belongs_to_its_caller", answersAreCopies)
	t.Run("a_deleted_user_is_forgotten", deletedIsForgotten)
	t.Run("hashes_looked_up_by_name_and_what_was_not_found_are_not_kept", notKept)
	t.Run("a_reader_knows_a_bounded_number_of_rows", boundedRows)
}

// entrant is a user with a session that lives for an hour.
func entrant(t *testing.T, store *Store, i int) (model.User, model.Session) {
	t.Helper()
	user := newUser(i)
	user.Roles = []string{"admin", "editor"}
	session := model.Session{ID: model.NewID[model.Session](), UserID: user.ID, Counter: 1, AuthenticatedAt: someTime, CreatedAt: someTime,
		LastUsedAt: someTime, IdleExpiresAt: someTime.Add(time.Hour), ExpiresAt: someTime.Add(time.Hour)}
	err := store.Tx(t.Context(), func(r model.Records) error {
		if err := r.CreateUser(t.Context(), user, "hash"); err != nil {
			return err
		}
		_, err := r.OpenSession(t.Context(), session, 1)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return user, session
}

func look(t *testing.T, store *Store, id model.SessionID) model.Presence {
	t.Helper()
	p, err := store.Presence(t.Context(), id, someTime)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// only returns the reader that made all reads so far.
func only(t *testing.T, store *Store) *recalling {
	t.Helper()
	wantIdle(t, store, 1)
	return store.engine.reader.idle[0]
}

// A row that is changed where it is kept, and nowhere else, tells whence the
// answer comes.
func recalledWhileNobodyCommits(t *testing.T) {
	store := openTest(t)
	user, session := entrant(t, store, 1)
	look(t, store, session.ID)
	look(t, store, session.ID) // the first after the commit only learns the version
	for _, line := range only(t, store).known {
		line[slices.Index(line, any(string(user.Username)))] = "recalled"
	}
	if got := look(t, store, session.ID).User.Username; got != "recalled" {
		t.Errorf("got %q, want the row that was kept", got)
	}
	if err := store.SetDisabled(t.Context(), newUser(2).ID, someTime, someTime); !errors.Is(err, model.ErrNotFound) {
		t.Fatal(err)
	}
	if got := look(t, store, session.ID).User.Username; got != "recalled" {
		t.Errorf("got %q after a write that changed nothing, want the row that was kept", got)
	}
	entrant(t, store, 3)
	if got := look(t, store, session.ID).User.Username; got != user.Username {
		t.Errorf("got %q after a commit, want %q", got, user.Username)
	}
}

type rename func(model.UserID, model.Username)

func renamer(t *testing.T, store *Store) rename {
	return func(id model.UserID, name model.Username) {
		t.Helper()
		if _, err := store.RenameUser(t.Context(), id, name, someTime); err != nil {
			t.Fatal(err)
		}
	}
}

// commitsAreSeen looks twice before each commit, so that the row is known.
func commitsAreSeen(t *testing.T, store *Store, change rename) {
	t.Helper()
	user, session := entrant(t, store, 1)
	want := user.Username
	for i := range 50 {
		for range 2 {
			if got := look(t, store, session.ID).User.Username; got != want {
				t.Fatalf("got %q after %d commits, want %q", got, i, want)
			}
		}
		want = model.Username(fmt.Sprintf("name%d", i))
		change(user.ID, want)
	}
}

// renameEnv tells the test binary to rename users in this file, as its standard
// input says.
const renameEnv = "GATEHOUSE_RENAME_TEST_PATH"

// renameAsTold answers each line, an identifier and a name, after the commit.
func renameAsTold(path string, told io.Reader) error {
	ctx := context.Background()
	store, err := Open(ctx, path)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(told)
	for lines.Scan() {
		spelled, name, _ := strings.Cut(lines.Text(), " ")
		id, err := model.ParseID[model.User](spelled)
		if err != nil {
			return err
		}
		if _, err := store.RenameUser(ctx, id, model.Username(name), someTime); err != nil {
			return err
		}
		fmt.Println("renamed")
	}
	return errors.Join(lines.Err(), store.Close())
}

func otherProcess(t *testing.T, path string) rename {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), renameEnv+"="+path)
	child.Stderr = os.Stderr
	orders, err1 := child.StdinPipe()
	answers, err2 := child.StdoutPipe()
	if err := errors.Join(err1, err2, child.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(orders.Close(), child.Wait()); err != nil {
			t.Error(err)
		}
	})
	lines := bufio.NewScanner(answers)
	return func(id model.UserID, name model.Username) {
		t.Helper()
		if _, err := fmt.Fprintln(orders, id, name); err != nil || !lines.Scan() {
			t.Fatalf("the other process did not rename: %v", errors.Join(err, lines.Err()))
		}
	}
}

func cuttingTheLog(t *testing.T) {
	store := openTest(t)
	_, session := entrant(t, store, 1)
	want := look(t, store, session.ID)
	for range 3 {
		store.engine.writer.clearLog()
		if got := look(t, store, session.ID); got.Session != want.Session {
			t.Errorf("got %v, want %v", got.Session, want.Session)
		}
	}
}

// neverTheRowBefore has two stores on one file, each with a session that it moves
// on, while readers of both look at both.
func neverTheRowBefore(t *testing.T) {
	const steps, lookers = 100, 3
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	stores := []*Store{openTestAt(t, path), openTestAt(t, path)}
	sessions, answered := make([]model.Session, len(stores)), make([]atomic.Int64, len(stores))
	for i, store := range stores {
		_, sessions[i] = entrant(t, store, i)
	}
	var writers, readers sync.WaitGroup
	var done atomic.Bool
	for i, store := range stores {
		writers.Go(func() {
			for counter := sessions[i].Counter; counter < steps; counter++ {
				step := model.Step{SessionID: sessions[i].ID, Counter: counter, Now: someTime, IdleExpiresAt: someTime.Add(time.Hour)}
				if _, err := store.StepSession(t.Context(), step); err != nil {
					t.Error(err)
					return
				}
				answered[i].Store(counter + 1)
			}
		})
		for range lookers {
			readers.Go(func() {
				for n := 0; !done.Load(); n++ {
					at := n / 3 % len(sessions) // three times each, so that it is also recalled
					least := answered[at].Load()
					p, err := store.Presence(t.Context(), sessions[at].ID, someTime)
					if err != nil || p.Session.Counter < least {
						t.Errorf("counter %d (error %v) after %d was answered", p.Session.Counter, err, least)
						return
					}
				}
			})
		}
	}
	writers.Wait()
	done.Store(true)
	readers.Wait()
}

func runsOut(t *testing.T) {
	store := openTest(t)
	_, session := entrant(t, store, 1)
	for range 3 {
		look(t, store, session.ID)
	}
	for after, want := range map[time.Duration]error{
		time.Hour - time.Microsecond: nil, time.Hour: model.ErrNotFound, 2 * time.Hour: model.ErrNotFound,
	} {
		p, err := store.Presence(t.Context(), session.ID, someTime.Add(after))
		if !errors.Is(err, want) || err != nil && p.Session != (model.Session{}) {
			t.Errorf("after %v: got error %v, want %v and no session", after, err, want)
		}
	}
	if _, err := store.Presence(t.Context(), session.ID, time.Time{}); !errors.Is(err, model.ErrNotFound) {
		t.Errorf("at no time: got error %v, want %v", err, model.ErrNotFound)
	}
}

func answersAreCopies(t *testing.T) {
	store := openTest(t)
	_, session := entrant(t, store, 1)
	for range 3 {
		p := look(t, store, session.ID)
		if !slices.Equal(p.User.Roles, []string{"admin", "editor"}) {
			t.Errorf("got the roles %q", p.User.Roles)
		}
		p.User.Roles[0] = "somebody else's"
	}
}

func deletedIsForgotten(t *testing.T) {
	store := openTest(t)
	user, session := entrant(t, store, 1)
	look(t, store, session.ID)
	look(t, store, session.ID)
	if err := store.DeleteUser(t.Context(), user.ID, someTime); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Presence(t.Context(), session.ID, someTime); !errors.Is(err, model.ErrNotFound) {
		t.Errorf("got error %v, want %v", err, model.ErrNotFound)
	}
	if known := only(t, store).known; len(known) > 0 {
		t.Errorf("%d rows are known", len(known))
	}
}

func notKept(t *testing.T) {
	store := openTest(t)
	user, _ := entrant(t, store, 1)
	if _, err := store.AccountByUsername(t.Context(), user.Username); err != nil {
		t.Fatal(err)
	}
	if _, err := store.User(t.Context(), newUser(2).ID); !errors.Is(err, model.ErrNotFound) {
		t.Fatal(err)
	}
	if known := only(t, store).known; len(known) > 0 {
		t.Errorf("%d rows are known", len(known))
	}
}

func boundedRows(t *testing.T) {
	store := openTest(t)
	for i := range maxKnown + 2 {
		_, session := entrant(t, store, i)
		look(t, store, session.ID)
		if known := len(only(t, store).known); known > maxKnown {
			t.Fatalf("%d rows are known, want at most %d", known, maxKnown)
		}
	}
	if known := len(only(t, store).known); known != 2 {
		t.Errorf("%d rows are known, want the two since there was no more room", known)
	}
}
