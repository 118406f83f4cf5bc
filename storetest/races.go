package storetest

import (
	"errors"
	"testing"
	"time"

	"gatehouse/model"
)

func seenByTheOther(t *testing.T, first, second model.Store) {
	ana := added(t, first, "ana")
	same(t, got(second.User(t.Context(), ana.ID))(t), ana)
	session := openedOverAPI(t, second, ana.ID, noon)
	p := got(first.StepSession(t.Context(), step(session, 1, noon)))(t)
	same(t, got(second.Presence(t.Context(), session.ID, noon))(t), p)
	must(t, second.EndSession(t.Context(), ana.ID, session.ID, noon))
	if alive(t, first, session.ID, noon) {
		t.Error("what one ended lives on for the other")
	}
}

func oneUsername(t *testing.T, first, second model.Store) {
	errs := together(crowd, func(i int) error {
		user := person(numbered("user", i))
		user.Username = "ana"
		return either(i, first, second).CreateUser(t.Context(), user, firstHash)
	})
	if n := winners(t, errs, model.ErrUsernameTaken); n != 1 {
		t.Errorf("%d users were added, want 1", n)
	}
	if all := got(first.Accounts(t.Context(), model.UserID{}, 100))(t); len(all) != 1 {
		t.Errorf("%d users are there, want 1", len(all))
	}
}

func oneLookalike(t *testing.T, first, second model.Store) {
	spellings := []model.Username{"paypal", "раураl", "paypa1", "pаypal", "payраl"}
	errs := together(crowd, func(i int) error {
		user := person(numbered("user", i))
		user.Username = spellings[i%len(spellings)]
		return either(i, first, second).CreateUser(t.Context(), user, firstHash)
	})
	if n := winners(t, errs, model.ErrUsernameTaken); n != 1 {
		t.Errorf("%d users were added, want 1", n)
	}
}

func oneEmail(t *testing.T, first, second model.Store) {
	errs := together(crowd, func(i int) error {
		user := person(numbered("user", i))
		user.Email = "ana@example.com"
		return either(i, first, second).CreateUser(t.Context(), user, firstHash)
	})
	if n := winners(t, errs, model.ErrEmailTaken); n != 1 {
		t.Errorf("%d users were added, want 1", n)
	}
}

func oneSuccessor(t *testing.T, first, second model.Store) {
	ana := added(t, first, "ana")
	session := openedOverAPI(t, first, ana.ID, noon)
	counters := make([]int64, crowd)
	for generation := int64(1); generation <= 4; generation++ {
		errs := together(crowd, func(i int) error {
			p, err := either(i, first, second).StepSession(t.Context(), step(session, generation, noon.Add(time.Duration(i)*time.Millisecond)))
			counters[i] = p.Session.Counter
			return err
		})
		for i, err := range errs {
			if err != nil || counters[i] != generation+1 {
				t.Errorf("caller %d got counter %d and error %v, want %d", i, counters[i], err, generation+1)
			}
		}
		if p := got(second.Presence(t.Context(), session.ID, noon))(t); p.Session.Counter != generation+1 {
			t.Fatalf("the counter is %d, want %d", p.Session.Counter, generation+1)
		}
	}
}

func oneStrictStep(t *testing.T, first, second model.Store) {
	ana := added(t, first, "ana")
	session := openedOverAPI(t, first, ana.ID, noon)
	strict := step(session, 1, noon)
	strict.RetryWindow = 0
	errs := together(crowd, func(i int) error {
		_, err := either(i, first, second).StepSession(t.Context(), strict)
		return err
	})
	if n := winners(t, errs, model.ErrNotFound); n != 1 {
		t.Errorf("%d steps succeeded, want 1", n)
	}
}

// stepAgainstEnd races one step against one end, for 500 sessions.
func stepAgainstEnd(t *testing.T, first, second model.Store) {
	ana := added(t, first, "ana")
	for range 500 / crowd {
		all := make([]model.Session, crowd)
		must(t, errors.Join(together(len(all), func(i int) error {
			all[i] = loginOverAPI(ana.ID, noon)
			_, err := either(i, first, second).OpenSession(t.Context(), all[i], 1)
			return err
		})...))
		errs := together(2*len(all), func(i int) error {
			if i < len(all) {
				return either(i, first, second).EndSession(t.Context(), ana.ID, all[i].ID, noon)
			}
			_, err := either(i+1, first, second).StepSession(t.Context(), step(all[i-len(all)], 1, noon))
			if errors.Is(err, model.ErrNotFound) {
				return nil
			}
			return err
		})
		must(t, errors.Join(errs...))
		for _, session := range all {
			dead(t, first, session)
		}
	}
}

// dead wants neither the first counter of the session nor its successor to be
// worth anything.
func dead(t *testing.T, store model.Store, session model.Session) {
	t.Helper()
	if alive(t, store, session.ID, noon) {
		t.Error("the session is alive")
	}
	for counter := int64(1); counter <= 2; counter++ {
		_, err := store.StepSession(t.Context(), step(session, counter, noon))
		refused(t, err, model.ErrNotFound)
	}
}

func stepsAgainstEndAll(t *testing.T, first, second model.Store) {
	ana := added(t, first, "ana")
	var all []model.Session
	for range 10 {
		all = append(all, openedOverAPI(t, first, ana.ID, noon))
	}
	errs := together(len(all)+1, func(i int) error {
		if i == len(all)/2 {
			_, err := second.EndSessions(t.Context(), ana.ID, model.SessionID{}, noon)
			return err
		}
		_, err := either(i, first, second).StepSession(t.Context(), step(all[i%len(all)], 1, noon))
		if errors.Is(err, model.ErrNotFound) {
			return nil
		}
		return err
	})
	must(t, errors.Join(errs...))
	for _, session := range all {
		dead(t, first, session)
	}
}

func endedOnce(t *testing.T, first, second model.Store) {
	ana := added(t, first, "ana")
	session := opened(t, first, ana.ID, noon)
	errs := together(crowd, func(i int) error {
		return either(i, first, second).EndSession(t.Context(), ana.ID, session.ID, noon)
	})
	if n := winners(t, errs, model.ErrNotFound); n != 1 {
		t.Errorf("%d callers ended it, want 1", n)
	}
}

func codeSpentOnce(t *testing.T, first, second model.Store) {
	ana := added(t, first, "ana")
	code := codeFor(ana.ID, 1)
	must(t, first.IssueCode(t.Context(), code))
	errs := together(crowd, func(i int) error {
		_, err := either(i, first, second).SpendCode(t.Context(), code.Digest, code.Purpose, noon)
		return err
	})
	if n := winners(t, errs, model.ErrNotFound); n != 1 {
		t.Errorf("%d callers spent it, want 1", n)
	}
}

func keyMadeOnce(t *testing.T, first, second model.Store) {
	made := make([]bool, crowd)
	errs := together(crowd, func(i int) (err error) {
		key := signingKey("EdDSA", 1)
		key.KeyID = numbered("key", i)
		made[i], err = either(i, first, second).CreateSigningKey(t.Context(), key)
		return err
	})
	must(t, errors.Join(errs...))
	n := 0
	for _, m := range made {
		if m {
			n++
		}
	}
	if keys := got(second.SigningKeys(t.Context()))(t); n != 1 || len(keys) != 1 || !made[indexOf(keys[0].KeyID)] {
		t.Errorf("%d keys were made and %d are there, want the one", n, len(keys))
	}
}

func indexOf(name string) int {
	for i := range crowd {
		if numbered("key", i) == name {
			return i
		}
	}
	return 0
}

func openAgainstChange(t *testing.T, first, second model.Store) {
	ana := added(t, first, "ana")
	for round := range 10 {
		version := got(first.Account(t.Context(), ana.ID))(t).PasswordVersion
		errs := together(9, func(i int) error {
			if i == 4 {
				return second.Tx(t.Context(), func(r model.Records) error {
					if err := r.ChangePassword(t.Context(), ana.ID, version, model.PasswordHash(numbered("hash", round)), noon); err != nil {
						return err
					}
					_, err := r.EndSessions(t.Context(), ana.ID, model.SessionID{}, noon)
					return err
				})
			}
			_, err := either(i, first, second).OpenSession(t.Context(), login(ana.ID, noon), version)
			if errors.Is(err, model.ErrNotFound) {
				return nil
			}
			return err
		})
		must(t, errors.Join(errs...))
		if left := got(first.SessionsOf(t.Context(), ana.ID, noon))(t); len(left) != 0 {
			t.Fatalf("%d sessions outlived the password they used", len(left))
		}
	}
}

func oneChange(t *testing.T, first, second model.Store) {
	ana := added(t, first, "ana")
	version := got(first.Account(t.Context(), ana.ID))(t).PasswordVersion
	errs := together(crowd, func(i int) error {
		return either(i, first, second).ChangePassword(t.Context(), ana.ID, version, model.PasswordHash(numbered("hash", i)), noon)
	})
	if n := winners(t, errs, model.ErrNotFound); n != 1 {
		t.Errorf("%d changes succeeded, want 1", n)
	}
	account := got(first.Account(t.Context(), ana.ID))(t)
	for i, err := range errs {
		if err == nil && string(account.PasswordHash) != numbered("hash", i) {
			t.Error("the password is not that of the winner")
		}
	}
}

func openAgainstDelete(t *testing.T, first, second model.Store) {
	for round := range 10 {
		ana := added(t, first, numbered("ana", round))
		errs := together(9, func(i int) error {
			if i == 4 {
				return second.DeleteUser(t.Context(), ana.ID, noon)
			}
			_, err := either(i, first, second).OpenSession(t.Context(), login(ana.ID, noon), 1)
			if errors.Is(err, model.ErrNotFound) {
				return nil
			}
			return err
		})
		must(t, errors.Join(errs...))
		if left := got(first.SessionsOf(t.Context(), ana.ID, noon))(t); len(left) != 0 {
			t.Fatalf("%d sessions of a deleted user are left", len(left))
		}
	}
}

func cookieRenewedOnce(t *testing.T, first, second model.Store) {
	ana := added(t, first, "ana")
	session := opened(t, first, ana.ID, noon)
	errs := together(crowd, func(i int) error {
		return either(i, first, second).RenewToken(t.Context(), session.TokenDigest, model.Digest{byte(i), 1}, noon)
	})
	if n := winners(t, errs, model.ErrNotFound); n != 1 {
		t.Errorf("%d callers renewed it, want 1", n)
	}
}

func oneCodeLeft(t *testing.T, first, second model.Store) {
	ana := added(t, first, "ana")
	must(t, errors.Join(together(crowd, func(i int) error {
		return either(i, first, second).IssueCode(t.Context(), codeFor(ana.ID, byte(i)))
	})...))
	n := 0
	for i := range crowd {
		if codeIsAlive(t, first, codeFor(ana.ID, byte(i)), noon) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d codes are left, want 1", n)
	}
}

func failingAmongOthers(t *testing.T, first, second model.Store) {
	users := make([]model.User, crowd)
	errs := together(crowd, func(i int) error {
		users[i] = person(numbered("user", i))
		return either(i, first, second).Tx(t.Context(), func(r model.Records) error {
			err := r.CreateUser(t.Context(), users[i], firstHash)
			if i%3 == 0 {
				return errOnPurpose
			}
			return err
		})
	})
	for i, err := range errs {
		_, missing := first.User(t.Context(), users[i].ID)
		if want := i%3 != 0; (err == nil) != want || (missing == nil) != want {
			t.Errorf("user %d: the answer was %v and the user is found with %v", i, err, missing)
		}
	}
}

func panicAmongOthers(t *testing.T, first, second model.Store) {
	users := make([]model.User, crowd)
	panics := make([]any, crowd)
	errs := together(crowd, func(i int) (err error) {
		users[i] = person(numbered("user", i))
		defer func() { panics[i] = recover() }()
		return either(i, first, second).Tx(t.Context(), func(r model.Records) error {
			err := r.CreateUser(t.Context(), users[i], firstHash)
			if i%3 == 0 {
				panic(i)
			}
			return err
		})
	})
	for i, err := range errs {
		_, missing := first.User(t.Context(), users[i].ID)
		if i%3 == 0 {
			if panics[i] != i || missing == nil {
				t.Errorf("user %d: got panic %v, and the user is found with %v", i, panics[i], missing)
			}
		} else if err != nil || missing != nil {
			t.Errorf("user %d: the answer was %v, then the user is found with %v", i, err, missing)
		}
	}
}

func placesApart(t *testing.T, first, second model.Store) {
	ana := added(t, first, "ana")
	places := make([]int64, crowd)
	must(t, errors.Join(together(crowd, func(i int) (err error) {
		places[i], err = either(i, first, second).OpenSession(t.Context(), login(ana.ID, noon), 1)
		return err
	})...))
	seen := make(map[int64]bool)
	for _, place := range places {
		if seen[place] {
			t.Errorf("place %d was given twice", place)
		}
		seen[place] = true
	}
}
