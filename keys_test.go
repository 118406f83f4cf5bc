package gatehouse_test

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
	"gatehouse/sqlite"
)

func TestSigningKeys(t *testing.T) {
	for _, algorithm := range []string{"EdDSA", "ES256", "RS256", "HS256"} {
		t.Run(algorithm, func(t *testing.T) {
			h := newHouse(t, func(c *gatehouse.Config) { c.Algorithm = algorithm })
			h.register(t, "ana")
			grant := h.login(t, "ana")
			h.reopen(t)
			if _, err := h.LoginJWT(t.Context(), grant.AccessToken); err != nil {
				t.Errorf("after a restart: %v", err)
			}
			public, err := h.KeySet(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			document, err := json.Marshal(public)
			if err != nil {
				t.Fatal(err)
			}
			var set struct{ Keys []map[string]any }
			if err := json.Unmarshal(document, &set); err != nil {
				t.Fatal(err)
			}
			if want := map[bool]int{true: 0, false: 1}[algorithm == "HS256"]; len(set.Keys) != want {
				t.Errorf("JW-03: %d keys published, want %d", len(set.Keys), want)
			}
			for _, key := range set.Keys {
				for _, private := range []string{"d", "k", "p", "q", "dp", "dq", "qi", "oth"} {
					if _, ok := key[private]; ok {
						t.Errorf("JW-23: member %s is published", private)
					}
				}
			}
			h.cfg.Algorithm = map[bool]string{true: "ES256", false: "EdDSA"}[algorithm == "EdDSA"]
			h.reopen(t)
			_, err = h.LoginJWT(t.Context(), grant.AccessToken)
			refused(t, err, model.ErrInvalidToken) // JW-03: one algorithm at a time
		})
	}
}

func TestLookingMakesNoKey(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	if _, err := h.LoginJWT(t.Context(), "a.b.c"); !errors.Is(err, model.ErrInvalidToken) {
		t.Errorf("a token where there is no key: %v", err)
	}
	if keys, err := h.SigningKeys(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("%d keys before anything was signed (%v)", len(keys), err)
	}
	if err := h.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if keys, err := h.SigningKeys(t.Context()); err != nil || len(keys) != 1 {
		t.Errorf("%d keys after a sweep, want 1 (%v)", len(keys), err)
	}
}

func TestRotation(t *testing.T) {
	h := newHouse(t)
	other, err := gatehouse.New(t.Context(), h.store, h.cfg)
	if err != nil {
		t.Fatal(err)
	}
	h.register(t, "ana")
	// sweep is a minute in the life of two processes.
	sweep := func() []string {
		t.Helper()
		errs := together(2, func(i int) error { return []*gatehouse.Auth{h.Auth, other}[i].Sweep(t.Context()) })
		if count(errs, nil) != 2 {
			t.Fatal(errs)
		}
		if errs = together(2, func(i int) error { return []*gatehouse.Auth{h.Auth, other}[i].Sweep(t.Context()) }); count(errs, nil) != 2 {
			t.Fatal(errs)
		}
		keys, err := h.SigningKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var states []string
		for _, key := range keys {
			states = append(states, string(key.State))
		}
		return states
	}
	expect := func(when string, want ...string) {
		t.Helper()
		if got := sweep(); !slices.Equal(got, want) {
			t.Errorf("JW-24 %s: keys are %v, want %v", when, got, want)
		}
	}
	// Every token that is good by its dates verifies in both processes, at any time.
	verify := func(tokens ...string) {
		t.Helper()
		for _, token := range tokens {
			for _, auth := range []*gatehouse.Auth{h.Auth, other} {
				if _, err := auth.LoginJWT(t.Context(), token); err != nil {
					t.Errorf("JW-24: a good token is refused: %v", err)
				}
			}
		}
	}
	expect("at first", "active")
	h.clock.Add(90*24*time.Hour - time.Hour - time.Second)
	expect("before its time", "active")
	h.clock.Add(time.Second)
	expect("an hour ahead", "active", "next")
	h.clock.Add(time.Hour - time.Second)
	last := h.login(t, "ana").AccessToken
	h.clock.Add(time.Second)
	first := h.login(t, "ana").AccessToken
	if keyOf(t, last) == keyOf(t, first) {
		t.Error("JW-24: the next key does not sign when its time has come")
	}
	verify(last, first)
	h.clock.Add(10*time.Minute + 50*time.Second)
	expect("after the last token", "retired", "active")
	verify(last, first)
	h.clock.Add(time.Hour)
	expect("when nobody can need it", "active")
	if _, err := h.LoginJWT(t.Context(), last); !errors.Is(err, model.ErrInvalidToken) {
		t.Errorf("JW-24: a token of a removed key: %v", err)
	}
	h.reopen(t)
	h.login(t, "ana")
}

func keyOf(t *testing.T, token string) string {
	t.Helper()
	head, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	var header struct {
		KeyID string `json:"kid"`
	}
	if err := json.Unmarshal(head, &header); err != nil {
		t.Fatal(err)
	}
	return header.KeyID
}

func TestTwoProcessesMakeOneFirstKey(t *testing.T) {
	dir := t.TempDir()
	auths := make([]*gatehouse.Auth, 4)
	errs := together(len(auths), func(i int) error {
		store, err := sqlite.Open(t.Context(), filepath.Join(dir, "gatehouse.db"))
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = store.Close() })
		auths[i], err = gatehouse.New(t.Context(), store, gatehouse.Config{Issuer: "https://id.example.com", Audience: "shop", HashParams: cheap})
		if err != nil {
			return err
		}
		_, err = auths[i].KeySet(t.Context())
		return err
	})
	if count(errs, nil) != len(auths) {
		t.Fatal(errs)
	}
	first, err := auths[0].SigningKeys(t.Context())
	if err != nil || len(first) != 1 || first[0].State != gatehouse.KeyActive {
		t.Fatalf("%v %v", first, err)
	}
}

func TestStolenDatabase(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	h.login(t, "ana")
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("KY-10_another_master_key_opens_nothing", func(t *testing.T) {
		store, err := sqlite.Open(t.Context(), filepath.Join(h.dir, "gatehouse.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = store.Close() }()
		cfg := h.cfg
		cfg.MasterKey = randomMasterKey()
		if _, err := gatehouse.New(t.Context(), store, cfg); err == nil || !strings.Contains(err.Error(), "master key") {
			t.Errorf("the signing keys opened, or the error is about something else: %v", err)
		}
	})
	t.Run("KY-01_the_private_key_is_not_in_the_file", func(t *testing.T) {
		db, err := sql.Open("sqlite", filepath.Join(h.dir, "gatehouse.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		var sealed []byte
		if err := db.QueryRowContext(t.Context(), "SELECT sealed FROM signing_keys").Scan(&sealed); err != nil {
			t.Fatal(err)
		}
		// A private key begins with these bytes (RFC 8410 section 7).
		pkcs8 := []byte{0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70}
		if bytes.Contains(sealed, pkcs8[4:]) {
			t.Error("the sealed record holds a private key in clear")
		}
		entropy := map[byte]bool{}
		for _, b := range sealed {
			entropy[b] = true
		}
		if len(sealed) < 80 || len(entropy) < 50 {
			t.Errorf("%d bytes with %d different values do not look encrypted", len(sealed), len(entropy))
		}
	})
	t.Run("KY-05_a_changed_record_does_not_open", func(t *testing.T) {
		db, err := sql.Open("sqlite", filepath.Join(h.dir, "gatehouse.db"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.ExecContext(t.Context(), "UPDATE signing_keys SET key_id = key_id || 'x'")
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		store, err := sqlite.Open(t.Context(), filepath.Join(h.dir, "gatehouse.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = store.Close() }()
		if _, err := gatehouse.New(t.Context(), store, h.cfg); err == nil {
			t.Error("a record that was moved to another key id opened")
		}
	})
}

func TestTheMasterKeyIsNotMadeAnew(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	h.login(t, "ana") // now something is sealed
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(h.dir, "master.key")); err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), filepath.Join(h.dir, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if _, err := gatehouse.New(t.Context(), store, h.cfg); err == nil || !strings.Contains(err.Error(), "master.key") {
		t.Errorf("got %v, want an error that names master.key", err)
	}
}

func TestAccessTokenClaims(t *testing.T) {
	h := newHouse(t)
	ana, err := h.RegisterUser(t.Context(), gatehouse.Registration{Username: "ana", Password: goodPassword, Roles: []string{"admin", "shop:read"}})
	if err != nil {
		t.Fatal(err)
	}
	grant := h.login(t, "ana")
	c, err := h.LoginJWT(t.Context(), grant.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	if c.Issuer != "https://id.example.com" || c.Subject != ana.ID.String() || len(c.Audience) != 1 || c.Audience[0] != "shop" ||
		c.ClientID != "shop" || c.SessionID != grant.SessionID.String() || c.TokenID == "" || c.ACR == "" ||
		strings.Join(c.AMR, " ") != "pwd" || strings.Join(c.Roles, " ") != "admin shop:read" || !c.AuthTime.Equal(h.clock.Now()) {
		t.Errorf("JW-19/JW-33: %+v", c)
	}
	if grant.ExpiresIn != 10*time.Minute || c.ExpiresAt.Sub(c.IssuedAt) != 10*time.Minute {
		t.Errorf("JW-22: lives %v", grant.ExpiresIn)
	}
	h.clock.Add(10*time.Minute + 59*time.Second)
	if _, err := h.LoginJWT(t.Context(), grant.AccessToken); err != nil {
		t.Errorf("JW-11: exp + 59 s: %v", err)
	}
	h.clock.Add(2 * time.Second)
	if _, err := h.LoginJWT(t.Context(), grant.AccessToken); !errors.Is(err, model.ErrInvalidToken) {
		t.Errorf("JW-11: exp + 61 s: %v", err)
	}
}
