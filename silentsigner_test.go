package gatehouse_test

import (
	"context"
	"crypto"
	"errors"
	"io"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

func (d *distant) silence(silent bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silent = silent
}

func TestASilentSignerCostsNoSession(t *testing.T) {
	signer := newDistant(t)
	h := newHouse(t, func(c *gatehouse.Config) { c.Signer = signer })
	user := h.register(t, "ana")
	mine := h.login(t, "ana")
	ids := func() (ids []model.SessionID) {
		sessions, err := h.Sessions(t.Context(), user.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sessions {
			ids = append(ids, s.ID)
		}
		return ids
	}
	t.Run("LT-21_KY-09_logins_that_fail_open_none", func(t *testing.T) {
		signer.silence(true)
		for range 21 {
			h.clock.Add(time.Second)
			if _, err := h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword}); !errors.Is(err, model.ErrSignerUnavailable) {
				t.Fatalf("the login ended in %v", err)
			}
		}
		signer.silence(false)
		if left := ids(); len(left) != 1 || left[0] != mine.SessionID {
			t.Errorf("%d sessions are left", len(left))
		}
	})
	t.Run("LT-21_KY-09_nor_does_one_that_fails_after_the_session_began", func(t *testing.T) {
		quiet, err := gatehouse.New(t.Context(), &silencingStore{Store: h.store, signer: signer}, withMasterKey(t, h))
		if err != nil {
			t.Fatal(err)
		}
		_, err = quiet.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
		signer.silence(false)
		if !errors.Is(err, model.ErrSignerUnavailable) {
			t.Fatalf("the login ended in %v", err)
		}
		if left := ids(); len(left) != 1 || left[0] != mine.SessionID {
			t.Errorf("%d sessions are left", len(left))
		}
		if _, err := h.RefreshJWT(t.Context(), mine.RefreshToken); err != nil {
			t.Error(err)
		}
	})
}

// silencingStore silences the signer when a transaction has been committed.
type silencingStore struct {
	model.Store
	signer *distant
}

func (s *silencingStore) Tx(ctx context.Context, do func(model.Records) error) error {
	err := s.Store.Tx(ctx, do)
	s.signer.silence(true)
	return err
}

func TestAKeyThatDoesNotOpenStopsNobody(t *testing.T) {
	signer := newDistant(t)
	h := newHouse(t, func(c *gatehouse.Config) { c.Signer = signer })
	h.register(t, "ana")
	mine := h.login(t, "ana")
	other, err := gatehouse.New(t.Context(), h.store, h.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.RotateKeys(t.Context()); err != nil { // published for in an hour
		t.Fatal(err)
	}
	signer.silence(true)
	t.Run("KY-09_who_does_not_need_it_goes_on", func(t *testing.T) {
		for range 2 {
			if _, err := h.BearerPresence(t.Context(), mine.AccessToken); err != nil {
				t.Error(err)
			}
		}
		if set, err := h.KeySet(t.Context()); err != nil || set.Len() != 1 {
			t.Errorf("%d keys are published (%v)", set.Len(), err)
		}
		if err := h.Sweep(t.Context()); !errors.Is(err, model.ErrSignerUnavailable) {
			t.Errorf("the sweep says nothing of it: %v", err)
		}
		if _, err := h.RotateKeys(t.Context()); !errors.Is(err, model.ErrSignerUnavailable) {
			t.Errorf("the rotation says nothing of it: %v", err)
		}
	})
	t.Run("KY-09_the_sweep_asks_again_and_no_request_does", func(t *testing.T) {
		signer.silence(false)
		asked := signer.asked["public"]
		for range 3 {
			if _, err := h.BearerPresence(t.Context(), mine.AccessToken); err != nil {
				t.Error(err)
			}
		}
		if signer.asked["public"] != asked {
			t.Error("a request asked")
		}
		if err := h.Sweep(t.Context()); err != nil {
			t.Error(err)
		}
		if set, err := h.KeySet(t.Context()); err != nil || set.Len() != 2 {
			t.Errorf("%d keys are published (%v)", set.Len(), err)
		}
	})
	t.Run("JW-24_what_was_forgotten_goes_all_the_same", func(t *testing.T) {
		if _, _, err := other.ReplaceKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		theirs, err := other.RefreshJWT(t.Context(), mine.RefreshToken)
		if err != nil {
			t.Fatal(err)
		}
		signer.silence(true)
		_, err = h.BearerPresence(t.Context(), mine.AccessToken)
		refused(t, err, model.ErrInvalidToken)
		// Whether it is good nobody can tell without the key.
		if _, err := h.BearerPresence(t.Context(), theirs.AccessToken); !errors.Is(err, model.ErrSignerUnavailable) {
			t.Errorf("a token of the key that is missing: %v", err)
		}
		_, err = h.LoginJWT(t.Context(), mine.AccessToken)
		refused(t, err, model.ErrInvalidToken)
		signer.silence(false)
		if err := h.Sweep(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := h.BearerPresence(t.Context(), theirs.AccessToken); err != nil {
			t.Error(err)
		}
	})
}

// leaving is a Signer during whose work the caller hangs up.
type leaving struct {
	*distant
	hangUp func()
}

func (s *leaving) OpenKey(ctx context.Context, algorithm string, handle []byte) (crypto.Signer, error) {
	if s.hangUp != nil {
		s.hangUp()
		return nil, context.Canceled
	}
	return s.distant.OpenKey(ctx, algorithm, handle)
}

func TestWhoHangsUpLeavesNoKeyOut(t *testing.T) {
	signer := &leaving{distant: newDistant(t)}
	h := newHouse(t, func(c *gatehouse.Config) { c.Signer = signer })
	h.register(t, "ana")
	h.login(t, "ana")
	other, err := gatehouse.New(t.Context(), h.store, h.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.RotateKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	signer.hangUp = cancel
	if _, err := h.KeySet(ctx); err == nil {
		t.Error("KY-09: a key set without the key that was asked for")
	}
	signer.hangUp = nil
	if set, err := h.KeySet(t.Context()); err != nil || set.Len() != 2 {
		t.Errorf("KY-09: the next one sees %d keys (%v)", set.Len(), err)
	}
}

// stuckSigner is a Signer whose keys sign only when they are let.
type stuckSigner struct {
	*distant
	let     chan struct{}
	entered chan struct{}
}

func (s stuckSigner) OpenKey(ctx context.Context, algorithm string, handle []byte) (crypto.Signer, error) {
	key, err := s.distant.OpenKey(ctx, algorithm, handle)
	return stuckSignerKey{key, s}, err
}

type stuckSignerKey struct {
	crypto.Signer
	of stuckSigner
}

func (k stuckSignerKey) Sign(random io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	select {
	case k.of.entered <- struct{}{}:
	default:
	}
	<-k.of.let
	return k.Signer.Sign(random, message, opts)
}

func TestNobodyQueuesBehindAStuckStatusList(t *testing.T) {
	signer := stuckSigner{distant: newDistant(t), let: make(chan struct{}), entered: make(chan struct{}, 1)}
	h := newHouse(t, func(c *gatehouse.Config) { c.Signer = signer })
	first := make(chan error, 1)
	go func() {
		_, err := h.StatusList(context.WithoutCancel(t.Context()))
		first <- err
	}()
	<-signer.entered
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	t.Run("ST-15_who_hangs_up_leaves", func(t *testing.T) {
		for _, err := range together(50, func(int) error { _, err := h.StatusList(ctx); return err }) {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		}
		select {
		case err := <-first:
			t.Errorf("they waited for the one that signs (%v)", err)
			first <- err
		default:
		}
	})
	close(signer.let)
	<-first
}
