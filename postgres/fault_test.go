package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gatehouse/model"
)

var noon = time.Date(2026, time.March, 14, 12, 0, 0, 0, time.UTC)

func person(name string) model.User {
	return model.User{ID: model.NewID[model.User](), Username: model.Username(name), Email: model.Email(name + "@example.com"),
		CreatedAt: noon, UpdatedAt: noon}
}

func login(user model.UserID, at time.Time) model.Session {
	return model.Session{ID: model.NewID[model.Session](), UserID: user, Counter: 1, SteppedAt: noon, AuthenticatedAt: noon,
		CreatedAt: at, LastUsedAt: at, IdleExpiresAt: noon.Add(time.Hour), ExpiresAt: noon.Add(2 * time.Hour)}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// act is an operation as the rules make it: several verbs and an event.
type act struct {
	name   string
	before func(t *testing.T, s *scene)
	verbs  func(ctx context.Context, s *scene, r model.Records) error
	// resolved says that a COMMIT that took effect and was not answered is found.
	resolved bool
}

// scene is one user and what the act works on.
type scene struct {
	direct  model.Store // a store whose connections do not break
	user    model.User
	session model.Session
	code    model.CodeRecord
}

var acts = []act{
	{"register", func(*testing.T, *scene) {}, func(ctx context.Context, s *scene, r model.Records) error {
		return r.CreateUser(ctx, s.user, "first")
	}, true},
	{"login", withSession, func(ctx context.Context, s *scene, r model.Records) error {
		if _, err := r.OpenSession(ctx, login(s.user.ID, noon.Add(time.Second)), 1); err != nil {
			return err
		}
		_, err := r.EndOldestSessions(ctx, s.user.ID, 1, noon)
		return err
	}, true},
	{"refresh", withSession, func(ctx context.Context, s *scene, r model.Records) error {
		_, err := r.StepSession(ctx, model.Step{SessionID: s.session.ID, Counter: 1, Now: noon, RetryWindow: time.Second, IdleExpiresAt: noon.Add(time.Hour)})
		return err
	}, true},
	{"change_the_password", withSession, func(ctx context.Context, s *scene, r model.Records) error {
		if err := r.ChangePassword(ctx, s.user.ID, 1, "second", noon); err != nil {
			return err
		}
		_, err := r.EndSessions(ctx, s.user.ID, model.SessionID{}, noon)
		return err
	}, true},
	{"reset_the_password", withSession, func(ctx context.Context, s *scene, r model.Records) error {
		if _, err := r.SpendCode(ctx, s.code.Digest, s.code.Purpose, noon); err != nil {
			return err
		}
		if _, err := r.ResetPassword(ctx, s.user.ID, "second", noon); err != nil {
			return err
		}
		_, err := r.EndSessions(ctx, s.user.ID, model.SessionID{}, noon)
		return err
	}, true},
	{"rename", withSession, func(ctx context.Context, s *scene, r model.Records) error {
		_, err := r.RenameUser(ctx, s.user.ID, s.user.Username+"2", noon)
		return err
	}, false},
	{"delete", withSession, func(ctx context.Context, s *scene, r model.Records) error {
		return r.DeleteUser(ctx, s.user.ID, noon)
	}, false},
}

func withSession(t *testing.T, s *scene) {
	t.Helper()
	ctx := t.Context()
	must(t, s.direct.CreateUser(ctx, s.user, "first"))
	s.session = login(s.user.ID, noon)
	_, err := s.direct.OpenSession(ctx, s.session, 1)
	must(t, err)
	s.code = model.CodeRecord{Digest: model.Digest(append(s.user.ID[:], s.user.ID[:]...)), Purpose: model.PurposeReset, UserID: s.user.ID,
		CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
	must(t, s.direct.IssueCode(ctx, s.code))
}

// look is all that can be told about the user, without what differs by chance.
func (s *scene) look(t *testing.T) string {
	t.Helper()
	ctx := t.Context()
	account, err := s.direct.Account(ctx, s.user.ID)
	found := err == nil
	sessions, err := s.direct.SessionsOf(ctx, s.user.ID, noon)
	must(t, err)
	events, err := s.direct.EventsOf(ctx, s.user.ID, 100)
	must(t, err)
	_, err = s.direct.LiveCode(ctx, s.code.Digest, s.code.Purpose, noon)
	alive := err == nil
	if !alive && !errors.Is(err, model.ErrNotFound) {
		t.Fatal(err)
	}
	kept, counter := false, int64(0)
	for _, session := range sessions {
		kept, counter = kept || session.ID == s.session.ID, counter+session.Counter
	}
	return fmt.Sprintf("found %v as %s with hash %q, version %d; %d sessions, the first alive %v, counters %d; code %v; %d events", found,
		strings.TrimPrefix(string(account.User.Username), string(s.user.Username)), string(account.PasswordHash), account.PasswordVersion,
		len(sessions), kept, counter, alive, len(events))
}

func (a act) run(ctx context.Context, s *scene, store model.Store) error {
	return store.Tx(ctx, func(r model.Records) error {
		if err := a.verbs(ctx, s, r); err != nil {
			return err
		}
		return r.Record(ctx, model.Event{At: noon, Name: model.EventPasswordChange, UserID: s.user.ID})
	})
}

// TestFaultsAtEachStatement breaks the connection at each question that each
// operation asks, BEGIN and COMMIT included, before and after the server has
// carried it out.
func TestFaultsAtEachStatement(t *testing.T) {
	for _, a := range acts {
		t.Run("ST-01_"+a.name+"_is_all_or_nothing", func(t *testing.T) {
			t.Parallel()
			dsn := newSchema(t)
			direct := open(t, dsn)
			whole := a.unbroken(t, direct)
			broken := 0
			for nth := 1; ; nth++ {
				early := a.breakAt(t, direct, dsn, fault{nth, false, whole})
				late := a.breakAt(t, direct, dsn, fault{nth, true, whole})
				if !early && !late {
					break
				}
				broken++
			}
			if broken < 6 {
				t.Errorf("only %d questions were broken", broken)
			}
		})
	}
}

// unbroken returns what is there when nothing breaks.
func (a act) unbroken(t *testing.T, direct model.Store) string {
	t.Helper()
	s := &scene{direct: direct, user: person("nobody")}
	a.before(t, s)
	must(t, a.run(t.Context(), s, direct))
	return s.look(t)
}

type fault struct {
	nth   int
	late  bool
	whole string // what is there when all of it was kept
}

// breakAt reports whether the operation had so many questions.
func (a act) breakAt(t *testing.T, direct model.Store, dsn string, f fault) bool {
	t.Helper()
	w, through := newWire(t, dsn)
	store := open(t, through)
	s := &scene{direct: direct, user: person(fmt.Sprintf("ana%d%v", f.nth, f.late))}
	a.before(t, s)
	before := s.look(t)
	w.arm(f.nth, f.late)
	err := a.run(t.Context(), s, store)
	happened := w.spent()
	after := s.look(t)
	where := fmt.Sprintf("question %d, carried out %v", f.nth, f.late)
	switch {
	case err != nil && !errors.Is(err, model.ErrStoreUnavailable):
		t.Errorf("%s: got error %v", where, err)
	case err != nil && !happened:
		t.Errorf("%s: nothing broke, and the answer was %v", where, err)
	case after != before && after != f.whole:
		t.Errorf("%s: half of it was kept: %s", where, after)
	case err == nil && after != f.whole:
		t.Errorf("%s: answered, and left: %s", where, after)
	case err != nil && after != before && a.resolved:
		t.Errorf("%s: it was kept, and the answer was %v", where, err)
	}
	return happened
}
