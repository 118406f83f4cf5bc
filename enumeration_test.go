package gatehouse

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/argon2id"
	"gatehouse/model"
	"gatehouse/sqlite"
)

// countingAuth is an Auth whose hashes are counted.
func countingAuth(t *testing.T) (auth *Auth, hashes func() uint64) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	auth, err = New(t.Context(), store, Config{
		Issuer: "https://id.example.com", Audience: "shop",
		HashParams: argon2id.Params{MemoryKiB: 12 * 1024, Passes: 3, Lanes: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	return auth, auth.hashes.engine.Evaluations
}

func TestAWrongPasswordCostsOneHashForEverybodyAndNobody(t *testing.T) {
	const good, wrong = model.Password("four quiet words here"), model.Password("four wrong words here")
	ctx := t.Context()
	auth, hashes := countingAuth(t)
	ids := map[string]model.UserID{}
	for _, name := range []string{"active", "never", "disabled", "deleted"} {
		user, err := auth.RegisterUser(ctx, Registration{Username: name, Email: name + "@example.com", Password: good})
		if err != nil {
			t.Fatal(err)
		}
		ids[name] = user.ID
	}
	_, loginErr := auth.LoginUser(ctx, Credentials{Identifier: "active", Password: good})
	_, _, inviteErr := auth.InviteUser(ctx, Registration{Username: "invited"})
	err := errors.Join(loginErr, inviteErr, auth.DisableUser(ctx, ids["disabled"]),
		auth.DeleteUser(ctx, Deletion{UserID: ids["deleted"], Password: good}))
	if err != nil {
		t.Fatal(err)
	}
	for _, identifier := range []string{
		"active", "active@example.com", "ACTIVE", "never", "disabled", "deleted", "invited", "nobody", "nobody@example.com",
		"no body", "@", "", strings.Repeat("x", 300),
	} {
		t.Run("EN-02_"+identifier[:min(len(identifier), 20)], func(t *testing.T) {
			before := hashes()
			_, err := auth.LoginUser(ctx, Credentials{Identifier: identifier, Password: wrong})
			if did := hashes() - before; !errors.Is(err, model.ErrWrongCredentials) || did != 1 {
				t.Errorf("%d hashes and %v, want 1 and %v", did, err, model.ErrWrongCredentials)
			}
		})
	}
	for _, name := range []string{"active", "free"} {
		t.Run("EN-04_registration_of_"+name, func(t *testing.T) {
			before := hashes()
			_, err := auth.RegisterUser(ctx, Registration{Username: name, Password: good})
			if did := hashes() - before; did != 1 || errors.Is(err, model.ErrUsernameTaken) != (name == "active") {
				t.Errorf("%d hashes and %v, want 1", did, err)
			}
		})
	}
}
