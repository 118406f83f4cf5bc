package sqlite

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gatehouse/model"
)

// marks are what is recognised of a user in a dump.
type marks struct {
	user    model.User
	hash    model.PasswordHash
	session model.Session
	code    model.CodeRecord
}

func addMarked(t *testing.T, store model.Store, name string) marks {
	t.Helper()
	user := model.User{ID: model.NewID[model.User](), Username: model.Username("user-" + name), Email: model.Email(name + "@mark.example"),
		Roles: []string{"role-" + name}, CreatedAt: someTime, UpdatedAt: someTime}
	m := marks{
		user: user, hash: model.PasswordHash("$argon2id$hash-of-" + name),
		session: model.Session{ID: model.NewID[model.Session](), UserID: user.ID, TokenDigest: model.DigestOf(model.SessionToken("cookie-" + name)),
			AuthenticatedAt: someTime, CreatedAt: someTime, LastUsedAt: someTime, IdleExpiresAt: someTime.Add(time.Hour), ExpiresAt: someTime.Add(time.Hour),
			Client: model.Client{Address: netip.MustParseAddr("2001:db8::dead:beef"), UserAgent: "agent-" + name, RequestID: "request-" + name}},
		code: model.CodeRecord{Digest: model.DigestOf(model.Code("code-" + name)), Purpose: model.PurposeReset, UserID: user.ID,
			CreatedAt: someTime, ExpiresAt: someTime.Add(time.Hour)},
	}
	err := store.Tx(t.Context(), func(r model.Records) error {
		if err := r.CreateUser(t.Context(), m.user, m.hash); err != nil {
			return err
		}
		if _, err := r.OpenSession(t.Context(), m.session, 1); err != nil {
			return err
		}
		if err := r.IssueCode(t.Context(), m.code); err != nil {
			return err
		}
		return r.Record(t.Context(), model.Event{At: someTime, Name: model.EventLoginSuccess, UserID: user.ID, SessionID: m.session.ID, Client: m.session.Client})
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// traces lists what of a user is in the files of a database.
func (m marks) traces(t *testing.T, path string) []string {
	t.Helper()
	var all []byte
	names, err := filepath.Glob(path + "*")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	var found []string
	for what, mark := range map[string][]byte{
		"username": []byte(m.user.Username), "email": []byte(m.user.Email), "role": []byte(m.user.Roles[0]), "hash": []byte(m.hash),
		"cookie digest": m.session.TokenDigest[:], "code digest": m.code.Digest[:],
		"user agent": []byte(m.session.Client.UserAgent), "request id": []byte(m.session.Client.RequestID),
	} {
		if bytes.Contains(all, mark) {
			found = append(found, what)
		}
	}
	return found
}

func TestDeletedUsersLeaveNoTrace(t *testing.T) {
	t.Run("in_the_files_of_a_running_store", noTraceWhileRunning)
	t.Run("once_a_reader_that_was_in_the_way_has_gone", noTraceAfterAReader)
	t.Run("after_the_store_was_closed", noTraceAfterClose)
	t.Run("RV-22_after_a_crash_with_a_reader_in_the_way", noTraceAfterACrash)
}

func noTraceWhileRunning(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	store := openTestAt(t, path)
	var others []marks
	gone := addMarked(t, store, "gone")
	for _, name := range []string{"a", "b", "c", "d"} {
		others = append(others, addMarked(t, store, name))
	}
	if found := gone.traces(t, path); len(found) != 8 {
		t.Fatalf("before the deletion only %v is found", found)
	}
	if err := store.DeleteUser(t.Context(), gone.user.ID, someTime); err != nil {
		t.Fatal(err)
	}
	if found := gone.traces(t, path); len(found) != 0 {
		t.Errorf("still there: %v", found)
	}
	for _, other := range others {
		if found := other.traces(t, path); len(found) != 8 {
			t.Errorf("of %s only %v is left", other.user.Username, found)
		}
	}
}

func noTraceAfterAReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	store := openTestAt(t, path)
	gone := addMarked(t, store, "gone")
	reading, err := store.engine.reader.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var users int
	if err := reading.QueryRow(`SELECT count(*) FROM users`).Scan(&users); err != nil || users != 1 {
		t.Fatal(users, err)
	}
	if err := store.DeleteUser(t.Context(), gone.user.ID, someTime); err != nil {
		t.Fatal(err)
	}
	if err := reading.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := store.Record(t.Context(), model.Event{At: someTime, Name: model.EventLoginFail}); err != nil {
		t.Fatal(err)
	}
	if found := gone.traces(t, path); len(found) != 0 {
		t.Errorf("still there: %v", found)
	}
}

// noTraceAfterACrash opens a copy of the files as they were when the deletion
// had been answered and the log could not be cleared.
func noTraceAfterACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	store := openTestAt(t, path)
	gone := addMarked(t, store, "gone")
	reading, err := store.engine.reader.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var users int
	if err := reading.QueryRow(`SELECT count(*) FROM users`).Scan(&users); err != nil || users != 1 {
		t.Fatal(users, err)
	}
	if err := store.DeleteUser(t.Context(), gone.user.ID, someTime); err != nil {
		t.Fatal(err)
	}
	after := filepath.Join(t.TempDir(), "gatehouse.db")
	for _, side := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + side)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(after+side, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := reading.Rollback(); err != nil {
		t.Fatal(err)
	}
	if found := gone.traces(t, after); len(found) == 0 {
		t.Fatal("the crash left nothing to clear, which proves nothing")
	}
	restarted := openTestAt(t, after)
	if err := restarted.Record(t.Context(), model.Event{At: someTime, Name: model.EventLoginFail}); err != nil {
		t.Fatal(err)
	}
	if found := gone.traces(t, after); len(found) != 0 {
		t.Errorf("still there after the restart: %v", found)
	}
}

func noTraceAfterClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	store, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	gone := addMarked(t, store, "gone")
	err = store.Tx(t.Context(), func(r model.Records) error { return r.DeleteUser(t.Context(), gone.user.ID, someTime) })
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if found := gone.traces(t, path); len(found) != 0 {
		t.Errorf("still there: %v", found)
	}
}

func TestDumpHoldsNoSecret(t *testing.T) {
	t.Run("RF-06_KY-10_cookies_and_codes_are_kept_as_digests", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "gatehouse.db")
		addMarked(t, openTestAt(t, path), "ana")
		content, err := os.ReadFile(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"cookie-ana", "code-ana"} {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%q is in the file", secret)
			}
		}
	})
}
