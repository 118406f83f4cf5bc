package sqlite

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/model"
)

// crashEnv tells the test binary to write to this file until it is killed.
const crashEnv = "GATEHOUSE_CRASH_TEST_PATH"

// killsEnv says how often it is killed; 25 times by default.
const killsEnv = "GATEHOUSE_KILLS"

const crashWriters = 8

func crashRounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv(killsEnv)
	if text == "" {
		return 25
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		fmt.Fprintln(os.Stderr, writeUntilKilled(path))
		os.Exit(1)
	}
	if path := os.Getenv(renameEnv); path != "" {
		if err := renameAsTold(path, os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writeUntilKilled reports each write on standard output after it was answered.
func writeUntilKilled(path string) error {
	ctx := context.Background()
	store, err := Open(ctx, path)
	if err != nil {
		return err
	}
	errs := make(chan error)
	for range crashWriters {
		go func() {
			for {
				if err := oneLife(ctx, store); err != nil {
					errs <- err
				}
			}
		}()
	}
	return <-errs
}

// oneLife is a user from registration to what becomes of it.
func oneLife(ctx context.Context, store *Store) error {
	user := model.User{ID: model.NewID[model.User](), CreatedAt: someTime, UpdatedAt: someTime}
	user.Username = model.Username(hex.EncodeToString(user.ID[:]))
	session := model.Session{ID: model.NewID[model.Session](), UserID: user.ID, AuthenticatedAt: someTime, CreatedAt: someTime,
		LastUsedAt: someTime, IdleExpiresAt: someTime.Add(time.Hour), ExpiresAt: someTime.Add(time.Hour)}
	code := model.CodeRecord{Digest: model.DigestOf(model.Code(user.Username)), Purpose: model.PurposeReset, UserID: user.ID,
		CreatedAt: someTime, ExpiresAt: someTime.Add(time.Hour)}
	answered := func(what string) { fmt.Fprintf(os.Stdout, "%s %s %s\n", what, user.ID, session.ID) }
	err := store.Tx(ctx, func(r model.Records) error {
		if err := r.CreateUser(ctx, user, "hash"); err != nil {
			return err
		}
		if _, err := r.OpenSession(ctx, session, 1); err != nil {
			return err
		}
		return errors.Join(r.IssueCode(ctx, code),
			r.Record(ctx, model.Event{At: someTime, Name: model.EventUserCreated, UserID: user.ID, SessionID: session.ID}))
	})
	if err != nil {
		return err
	}
	answered("user")
	for counter := range int64(3) {
		step := model.Step{SessionID: session.ID, Counter: counter, Now: someTime, IdleExpiresAt: someTime.Add(time.Hour)}
		if _, err := store.StepSession(ctx, step); err != nil {
			return err
		}
		answered("step")
	}
	if _, err := store.SpendCode(ctx, code.Digest, code.Purpose, someTime); err != nil {
		return err
	}
	answered("spent")
	if err := store.ChangePassword(ctx, user.ID, 1, "new", someTime); err != nil {
		return err
	}
	answered("changed")
	if user.ID[0]%2 == 0 {
		if err := store.EndSession(ctx, user.ID, session.ID, someTime); err != nil {
			return err
		}
		answered("ended")
		return nil
	}
	if err := store.DeleteUser(ctx, user.ID, someTime); err != nil {
		return err
	}
	answered("deleted")
	return nil
}

// life is what was answered about one user.
type life struct {
	session model.SessionID
	count   map[string]int
}

func TestCrash(t *testing.T) {
	t.Run("ST-03_what_was_answered_survives_being_killed_and_nothing_is_half_done", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "gatehouse.db")
		lives := make(map[model.UserID]life)
		rounds := crashRounds(t)
		for round := range rounds {
			killWhileWriting(t, path, lives)
			checkLives(t, path, lives)
			if t.Failed() {
				t.Fatalf("in round %d", round)
			}
		}
		if len(lives) < rounds {
			t.Errorf("only %d users were answered in all rounds", len(lives))
		}
	})
}

// killWhileWriting runs the writer for a random time after its first answer.
func killWhileWriting(t *testing.T, path string, lives map[model.UserID]life) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	child := exec.Command(self)
	child.Env = append(os.Environ(), crashEnv+"="+path)
	child.Stderr = &stderr
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var random [1]byte
	_, _ = rand.Read(random[:])
	kill := sync.OnceFunc(func() {
		time.AfterFunc(time.Duration(random[0])*400*time.Microsecond, func() { _ = child.Process.Kill() })
	})
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		kill()
		note(t, lives, lines.Text())
	}
	_ = child.Wait() // it was killed
	if stderr.Len() > 0 {
		t.Fatalf("the writer failed: %s", stderr.String())
	}
}

func note(t *testing.T, lives map[model.UserID]life, line string) {
	t.Helper()
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return // cut off by the kill
	}
	user, err := model.ParseID[model.User](fields[1])
	session, err2 := model.ParseID[model.Session](fields[2])
	if errors.Join(err, err2) != nil {
		return
	}
	if _, ok := lives[user]; !ok {
		lives[user] = life{session, make(map[string]int)}
	}
	lives[user].count[fields[0]]++
}

// checkLives wants every answer to be true and every user to be whole. What was
// done and not answered may be there too, one write ahead.
func checkLives(t *testing.T, path string, lives map[model.UserID]life) {
	t.Helper()
	store, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	ended := 0
	for id, l := range lives {
		ended += l.count["ended"] + l.count["deleted"]
		checkLife(t, store, id, l)
	}
	if places, err := store.EndedIndexes(t.Context()); err != nil || len(places) < ended {
		t.Errorf("%d sessions are ended (error %v), want %d or more", len(places), err, ended)
	}
	accounts, err := store.Accounts(t.Context(), model.UserID{}, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, account := range accounts {
		events, err := store.EventsOf(t.Context(), account.User.ID, 2)
		if err != nil || len(events) != 1 {
			t.Errorf("user %v has %d events (error %v), want the one of the same transaction", account.User.ID, len(events), err)
		}
	}
	for _, check := range []struct{ statement, want string }{
		{`PRAGMA integrity_check`, "ok"},
		{`SELECT count(*) FROM pragma_foreign_key_check`, "0"},
		{`SELECT count(*) FROM users WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE user_id = users.id)`, "0"},
		{`SELECT count(*) FROM sessions WHERE user_id IS NULL AND ended_at IS NULL`, "0"},
	} {
		var got string
		if err := store.engine.reader.db.QueryRow(check.statement).Scan(&got); err != nil || got != check.want {
			t.Errorf("%s: got %q and error %v, want %q", check.statement, got, err, check.want)
		}
	}
}

func checkLife(t *testing.T, store *Store, id model.UserID, l life) {
	t.Helper()
	account, err := store.Account(t.Context(), id)
	if errors.Is(err, model.ErrNotFound) {
		if l.count["changed"] == 0 {
			t.Errorf("user %v is gone before the end", id)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if l.count["deleted"] > 0 {
		t.Errorf("user %v is there after the deletion", id)
	}
	if account.PasswordVersion < int64(1+l.count["changed"]) {
		t.Errorf("user %v has the old password", id)
	}
	_, err = store.LiveCode(t.Context(), model.DigestOf(model.Code(account.User.Username)), model.PurposeReset, someTime)
	if err != nil && !errors.Is(err, model.ErrNotFound) || err == nil && l.count["spent"] > 0 {
		t.Errorf("a spent code of user %v is alive (error %v)", id, err)
	}
	presence, err := store.Presence(t.Context(), l.session, someTime)
	switch steps := int64(l.count["step"]); {
	case errors.Is(err, model.ErrNotFound):
		if l.count["changed"] == 0 {
			t.Errorf("the session of user %v is gone before its end", id)
		}
	case err != nil:
		t.Fatal(err)
	case l.count["ended"] > 0:
		t.Errorf("the session of user %v lives after its end", id)
	case presence.Session.Counter < steps || presence.Session.Counter > steps+1:
		t.Errorf("user %v: the counter is %d, and %d steps were answered", id, presence.Session.Counter, steps)
	}
}
