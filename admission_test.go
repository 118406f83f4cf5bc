package gatehouse

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/argon2id"
	"gatehouse/model"
	"gatehouse/sqlite"
)

// Hashes are shared out between networks, as nobody has just one IPv6 address.
func TestPW20OnWhoseBehalfAHashIsAskedFor(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7":            "192.0.2.7/32",
		"::ffff:192.0.2.7":     "192.0.2.7/32",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2::1":      "2001:db8:1:2::/64",
		"2001:db8:1:3::1":      "2001:db8:1:3::/64",
		"fe80::1%eth0":         "fe80::/64",
	} {
		ctx := model.WithClient(t.Context(), model.Client{Address: netip.MustParseAddr(address)})
		if got := networkOf(ctx); got != netip.MustParsePrefix(want) {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
	if got := networkOf(t.Context()); got != (netip.Prefix{}) {
		t.Errorf("nobody said where it comes from: got %s", got)
	}
}

func TestPW22OverlongPasswordsAreRefusedBeforeAnyHash(t *testing.T) {
	ctx := t.Context()
	store, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	auth, err := New(ctx, store, Config{
		Issuer: "https://id.example.com", Audience: "shop",
		HashParams: argon2id.Params{MemoryKiB: 12 * 1024, Passes: 3, Lanes: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	const good = model.Password("four quiet words here")
	user, err := auth.RegisterUser(ctx, Registration{Username: "ana", Password: good})
	if err != nil {
		t.Fatal(err)
	}
	for name, password := range map[string]model.Password{
		"257 code points": model.Password(strings.Repeat("p", 257)), "a megabyte": model.Password(strings.Repeat("p", 1<<20)),
	} {
		for where, ask := range map[string]func(context.Context) error{
			"login": func(ctx context.Context) error {
				_, err := auth.LoginUser(ctx, Credentials{Identifier: "ana", Password: password})
				return err
			},
			"login of nobody": func(ctx context.Context) error {
				_, err := auth.LoginUser(ctx, Credentials{Identifier: "nobody", Password: password})
				return err
			},
			"register": func(ctx context.Context) error {
				_, err := auth.RegisterUser(ctx, Registration{Username: "eva", Password: password})
				return err
			},
			"confirm": func(ctx context.Context) error { return auth.ConfirmPassword(ctx, user.ID, password) },
		} {
			t.Run(where+" "+name, func(t *testing.T) {
				before := auth.hashes.engine.Evaluations()
				if err := ask(t.Context()); !errors.Is(err, model.ErrPasswordTooLong) {
					t.Errorf("got %v, want %v", err, model.ErrPasswordTooLong)
				}
				if got := auth.hashes.engine.Evaluations(); got != before {
					t.Errorf("%d passwords were hashed", got-before)
				}
			})
		}
	}
	before := auth.hashes.engine.Evaluations()
	if _, err := auth.LoginUser(ctx, Credentials{Identifier: "ana", Password: good}); err != nil || auth.hashes.engine.Evaluations() != before+1 {
		t.Errorf("a right login: %v, and %d passwords were hashed", err, auth.hashes.engine.Evaluations()-before)
	}
}
