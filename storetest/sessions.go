package storetest

import (
	"testing"
	"time"

	"gatehouse/model"
)

var sessions = []contract{
	{"every_field_comes_back", everySessionField},
	{"a_session_without_cookie_and_client_comes_back", bareSession},
	{"OpenSession_needs_the_password_version_and_an_enabled_user", openSessionRefusals},
	{"each_session_has_a_place_of_its_own", ownPlaces},
	{"a_session_lives_until_its_first_end", sessionLives},
	{"a_cookie_is_found_by_its_digest", cookieIsFound},
	{"sessions_of_a_disabled_user_are_not_present", disabledUser},
	{"UseSession_moves_the_idle_end_of_a_live_session", useSession},
	{"RenewToken_replaces_the_cookie", renewToken},
}

func everySessionField(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session := opened(t, store, ana.ID, noon)
	want := model.Presence{User: ana, Session: session}
	same(t, got(store.Presence(t.Context(), session.ID, noon))(t), want)
	same(t, got(store.PresenceByToken(t.Context(), session.TokenDigest, noon))(t), want)
	same(t, got(store.SessionsOf(t.Context(), ana.ID, noon))(t), []model.Session{session})
}

func bareSession(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	for range 2 { // missing cookies do not collide
		session := login(ana.ID, noon)
		session.TokenDigest, session.Client, session.Counter, session.SteppedAt = model.Digest{}, model.Client{}, 0, time.Time{}
		session.StatusIndex = got(store.OpenSession(t.Context(), session, 1))(t)
		same(t, got(store.Presence(t.Context(), session.ID, noon))(t).Session, session)
	}
	_, err := store.PresenceByToken(t.Context(), model.Digest{}, noon)
	refused(t, err, model.ErrNotFound)
	refused(t, store.RenewToken(t.Context(), model.Digest{}, model.Digest{1}, noon), model.ErrNotFound)
}

func openSessionRefusals(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	version := got(store.Account(t.Context(), ana.ID))(t).PasswordVersion
	for name, test := range map[string]struct {
		user    model.UserID
		version int64
	}{
		"nobody":          {model.NewID[model.User](), version},
		"zero":            {model.UserID{}, version},
		"a later version": {ana.ID, version + 1},
		"an old version":  {ana.ID, version - 1},
	} {
		session := login(test.user, noon)
		if _, err := store.OpenSession(t.Context(), session, test.version); err == nil {
			t.Errorf("%s: a session was opened", name)
		} else {
			refused(t, err, model.ErrNotFound)
		}
		if alive(t, store, session.ID, noon) {
			t.Errorf("%s: the session is there", name)
		}
	}
	must(t, store.ChangePassword(t.Context(), ana.ID, version, "second", noon))
	_, err := store.OpenSession(t.Context(), login(ana.ID, noon), version)
	refused(t, err, model.ErrNotFound)

	must(t, store.SetDisabled(t.Context(), ana.ID, noon, noon))
	_, err = store.OpenSession(t.Context(), login(ana.ID, noon), version+1)
	refused(t, err, model.ErrNotFound)
}

func ownPlaces(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	places := make(map[int64]bool)
	ordered := true
	last := int64(-1)
	for range 50 {
		session := opened(t, store, ana.ID, noon)
		place := session.StatusIndex
		if place < 0 || places[place] {
			t.Fatalf("place %d is no place, or taken", place)
		}
		ordered = ordered && place > last
		places[place], last = true, place
		// An ended session keeps its place.
		must(t, store.EndSession(t.Context(), ana.ID, session.ID, noon))
	}
	if ordered {
		t.Error("the places are in the order of the logins")
	}
}

func sessionLives(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	for name, test := range map[string]struct{ idle, absolute time.Duration }{
		"idle end":     {time.Hour, 2 * time.Hour},
		"absolute end": {2 * time.Hour, time.Hour},
	} {
		session, overAPI := login(ana.ID, noon), loginOverAPI(ana.ID, noon)
		for _, s := range []*model.Session{&session, &overAPI} {
			s.IdleExpiresAt, s.ExpiresAt = noon.Add(test.idle), noon.Add(test.absolute)
			got(store.OpenSession(t.Context(), *s, 1))(t)
		}
		if !alive(t, store, session.ID, noon.Add(time.Hour-time.Microsecond)) {
			t.Errorf("%s: dead before", name)
		}
		for _, late := range []time.Duration{0, time.Microsecond, time.Hour} {
			now := noon.Add(time.Hour + late)
			if alive(t, store, session.ID, now) {
				t.Errorf("%s: alive %v after", name, late)
			}
			_, err := store.PresenceByToken(t.Context(), session.TokenDigest, now)
			refused(t, err, model.ErrNotFound)
			_, err = store.StepSession(t.Context(), step(overAPI, 1, now))
			refused(t, err, model.ErrNotFound)
			refused(t, store.RenewToken(t.Context(), session.TokenDigest, model.Digest{1}, now), model.ErrNotFound)
			refused(t, store.EndSession(t.Context(), ana.ID, session.ID, now), model.ErrNotFound)
		}
	}
	if live := got(store.SessionsOf(t.Context(), ana.ID, noon.Add(time.Hour)))(t); len(live) != 0 {
		t.Errorf("%d sessions are listed after their end", len(live))
	}
}

func cookieIsFound(t *testing.T, store model.Store) {
	ana, bob := added(t, store, "ana"), added(t, store, "bob")
	of := map[model.UserID]model.Session{ana.ID: opened(t, store, ana.ID, noon), bob.ID: opened(t, store, bob.ID, noon)}
	for user, session := range of {
		if p := got(store.PresenceByToken(t.Context(), session.TokenDigest, noon))(t); p.User.ID != user || p.Session.ID != session.ID {
			t.Error("the cookie found another session")
		}
	}
	_, err := store.PresenceByToken(t.Context(), model.Digest{1, 2, 3}, noon)
	refused(t, err, model.ErrNotFound)
}

func disabledUser(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session, ended := opened(t, store, ana.ID, noon), opened(t, store, ana.ID, noon)
	overAPI := openedOverAPI(t, store, ana.ID, noon)
	must(t, store.EndSession(t.Context(), ana.ID, ended.ID, noon))
	must(t, store.SetDisabled(t.Context(), ana.ID, noon, noon))

	if alive(t, store, session.ID, noon) {
		t.Error("the session of a disabled user is present")
	}
	_, err := store.PresenceByToken(t.Context(), session.TokenDigest, noon)
	refused(t, err, model.ErrNotFound)
	_, err = store.StepSession(t.Context(), step(overAPI, 1, noon))
	refused(t, err, model.ErrNotFound)
	refused(t, store.RenewToken(t.Context(), session.TokenDigest, model.Digest{1}, noon), model.ErrNotFound)
	if live := got(store.SessionsOf(t.Context(), ana.ID, noon))(t); len(live) != 0 {
		t.Errorf("%d sessions of a disabled user are listed", len(live))
	}
	must(t, store.UseSession(t.Context(), session.ID, noon, noon.Add(time.Microsecond)))

	must(t, store.SetDisabled(t.Context(), ana.ID, time.Time{}, noon))
	if alive(t, store, ended.ID, noon) {
		t.Error("enabling the user revived an ended session")
	}
	if p := got(store.Presence(t.Context(), session.ID, noon))(t); !p.Session.IdleExpiresAt.Equal(session.IdleExpiresAt) {
		t.Error("the session was used while its user was disabled")
	}

	// Ended while the user is disabled, it stays ended.
	must(t, store.SetDisabled(t.Context(), ana.ID, noon, noon))
	if n := got(store.EndSessions(t.Context(), ana.ID, model.SessionID{}, noon))(t); n != 2 {
		t.Errorf("%d sessions of the disabled user were ended, want 2", n)
	}
	must(t, store.SetDisabled(t.Context(), ana.ID, time.Time{}, noon))
	if alive(t, store, session.ID, noon) {
		t.Error("enabling the user revived a session that was ended meanwhile")
	}
}

func useSession(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session, other := opened(t, store, ana.ID, noon), opened(t, store, ana.ID, noon)
	later := noon.Add(time.Hour)
	must(t, store.UseSession(t.Context(), session.ID, later, later.Add(time.Minute)))
	want := session
	want.LastUsedAt, want.IdleExpiresAt = later, later.Add(time.Minute)
	same(t, got(store.Presence(t.Context(), session.ID, later))(t).Session, want)
	same(t, got(store.Presence(t.Context(), other.ID, later))(t).Session, other)

	// A session that is over is not woken up again.
	must(t, store.UseSession(t.Context(), session.ID, later.Add(time.Minute), later.Add(time.Hour)))
	must(t, store.EndSession(t.Context(), ana.ID, other.ID, later))
	must(t, store.UseSession(t.Context(), other.ID, later, later.Add(time.Hour)))
	must(t, store.UseSession(t.Context(), model.NewID[model.Session](), later, later.Add(time.Hour)))
	if alive(t, store, session.ID, later.Add(time.Minute)) || alive(t, store, other.ID, later) {
		t.Error("use revived a session that was over")
	}
}

func renewToken(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session, other := opened(t, store, ana.ID, noon), opened(t, store, ana.ID, noon)
	fresh := model.Digest{1, 2, 3}
	must(t, store.RenewToken(t.Context(), session.TokenDigest, fresh, noon))
	old := session.TokenDigest
	session.TokenDigest = fresh
	same(t, got(store.PresenceByToken(t.Context(), fresh, noon))(t).Session, session)
	same(t, got(store.Presence(t.Context(), other.ID, noon))(t).Session, other)
	_, err := store.PresenceByToken(t.Context(), old, noon)
	refused(t, err, model.ErrNotFound)

	refused(t, store.RenewToken(t.Context(), old, model.Digest{4}, noon), model.ErrNotFound)
	must(t, store.EndSession(t.Context(), ana.ID, session.ID, noon))
	refused(t, store.RenewToken(t.Context(), fresh, model.Digest{4}, noon), model.ErrNotFound)
	if err := store.RenewToken(t.Context(), other.TokenDigest, model.Digest{}, noon); err == nil {
		t.Error("a cookie was replaced by none")
	}
}
