package gatehouse_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"gatehouse"
	"gatehouse/model"
)

// foreignHashes are hashes of goodPassword, as other systems write them.
func foreignHashes(t testing.TB) map[string]model.PasswordHash {
	t.Helper()
	hash := func(password string) string {
		text, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	sum := sha256.Sum256([]byte(goodPassword))
	mac := hmac.New(sha512.New384, []byte("wp-sha384"))
	mac.Write([]byte(goodPassword))
	const salt = "AAECAwQFBgcICQoLDA0ODw"
	return map[string]model.PasswordHash{
		"bcrypt":           model.PasswordHash(hash(string(goodPassword))),
		"bcrypt_Django":    model.PasswordHash("bcrypt_sha256$" + hash(hex.EncodeToString(sum[:]))),
		"bcrypt_WordPress": model.PasswordHash("$wp" + hash(base64.StdEncoding.EncodeToString(mac.Sum(nil)))),
		"scrypt":           "$scrypt$ln=10,r=8,p=1$" + salt + "$mp90zEQd5XGhjEv4WArVH4Z0XRSzkGWtJK2S/AXJlRU",
		"scrypt_Kratos":    "$scrypt$ln=1024,r=8,p=1$" + salt + "==$mp90zEQd5XGhjEv4WArVH4Z0XRSzkGWtJK2S/AXJlRU=",
		"PBKDF2_Django":    "pbkdf2_sha256$1000$seasalt2-abc$Pk4+i5mig90YS/CXcpq/JOuNgI4iuDiKH3rP8Q7yfE0=",
		"PBKDF2_Keycloak":  "$pbkdf2-sha512$i=1000,l=64$" + salt + "$A6AmFIti7CKlYdoPiV9jf1d9llp37o27Wms8Zx8fwMJGCOigJzAthOW3Pg+XF5PnNiYnsQsIz1N5NtynrEm78w",
		"ASP.NET_2":        "AAABAgMEBQYHCAkKCwwNDg8A6b+Q5v/5gBndnBKiBiA27187WD3zrXpRRPbHcnNx7A==",
		"ASP.NET_3":        "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg/Z+V9lwt+dKF0miCMAylvinj7VAFVmY4NcTGLicFFQIg==",
		"SHA-512-crypt":    "$6$saltstring$qvPJY4PeugKzKQqyIJ0gRdJnpS0uaaiZ.X1SaheFedsK/yZPwlluTLS90fJPM41sD5JxCHKgGr1..qt5HqEY8.",
		"md5-crypt":        "$1$abcdefgh$4/U5.w6NPtLkJ2WyrTwm91",
	}
}

// imports adds a user with this hash.
func (h *house) imports(t testing.TB, username string, hash model.PasswordHash, wrap bool) gatehouse.Import {
	t.Helper()
	in := newcomer(username)
	in.PasswordHash, in.Wrap = hash, wrap
	h.mustImport(t, in, true)
	return in
}

// kept is the hash of a user as it lies in the store.
func (h *house) kept(t testing.TB, username string) string {
	t.Helper()
	user, err := h.FindUser(t.Context(), username)
	if err != nil {
		t.Fatal(err)
	}
	return h.hashOf(t, user.ID)
}

func (h *house) tries(password model.Password, username string) error {
	_, err := h.LoginUser(context.Background(), gatehouse.Credentials{Identifier: username, Password: password})
	return err
}

func (h *house) eventsOf(t testing.TB, username string, name model.EventName) (n int) {
	t.Helper()
	user, err := h.FindUser(t.Context(), username)
	if err != nil {
		t.Fatal(err)
	}
	events, err := h.store.EventsOf(t.Context(), user.ID, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Name == name {
			n++
		}
	}
	return n
}

func TestUsersOfOtherSystemsLogInWithTheirPassword(t *testing.T) {
	h := newHouse(t)
	for name, hash := range foreignHashes(t) {
		t.Run("PW-17_"+name, func(t *testing.T) {
			username := "u" + hex.EncodeToString([]byte(name))
			in := h.imports(t, username, hash, false)
			h.mustImport(t, in, false)
			before := h.kept(t, username)
			refused(t, h.tries(wrongPassword, username), model.ErrWrongCredentials)
			if after := h.kept(t, username); after != before || strings.HasPrefix(after, "$argon2id$") {
				t.Errorf("a wrong password made %.20s of %.20s", after, before)
			}
			h.login(t, username)
			after := h.kept(t, username)
			if !strings.HasPrefix(after, "$argon2id$v=19$m=12288,t=3,p=1$") || h.eventsOf(t, username, model.EventPasswordRehash) != 1 {
				t.Errorf("not hashed anew: %.30s", after)
			}
			h.login(t, username)
			if h.kept(t, username) != after {
				t.Error("hashed anew though nothing changed")
			}
			refused(t, h.tries(wrongPassword, username), model.ErrWrongCredentials)
		})
	}
}

func TestWrapPutsForeignHashesInsideArgon2id(t *testing.T) {
	h := newHouse(t)
	for name, hash := range foreignHashes(t) {
		t.Run(name, func(t *testing.T) {
			username := "u" + hex.EncodeToString([]byte(name))
			in := h.imports(t, username, hash, true)
			kept := h.kept(t, username)
			if !strings.HasPrefix(kept, "$wrapped$") || !strings.Contains(kept, "$argon2id$v=19$m=12288,t=3,p=1$") {
				t.Fatalf("kept as %s", kept)
			}
			parts := strings.Split(kept, "$")
			recipe, err := base64.RawURLEncoding.DecodeString(parts[2])
			if digest := string(hash[len(hash)-16:]); err != nil || strings.Contains(kept+string(recipe), strings.TrimRight(digest, "=")) {
				t.Errorf("what another system made can be read: %s, %v", recipe, err)
			}
			h.mustImport(t, in, false)
			if added, err := h.RehearseImport().ImportAccount(t.Context(), in); added || err != nil {
				t.Errorf("rehearsed: %t, %v", added, err)
			}
			refused(t, h.tries(wrongPassword, username), model.ErrWrongCredentials)
			if h.kept(t, username) != kept {
				t.Error("a wrong password changed it")
			}
			h.login(t, username)
			if after := h.kept(t, username); !strings.HasPrefix(after, "$argon2id$") {
				t.Errorf("not hashed anew: %.30s", after)
			}
		})
	}
	t.Run("what_is_ours_stays_as_it_is", func(t *testing.T) {
		in := newcomer("ours")
		in.Wrap = true
		h.mustImport(t, in, true)
		if kept := h.kept(t, "ours"); kept != string(in.PasswordHash) {
			t.Errorf("kept as %s", kept)
		}
	})
	t.Run("who_has_no_password_has_none", func(t *testing.T) {
		h.imports(t, "invited", "", true)
		refused(t, h.tries(goodPassword, "invited"), model.ErrWrongCredentials)
	})
	t.Run("another_hash_of_a_user_who_is_here_is_refused", func(t *testing.T) {
		in := h.imports(t, "changed", foreignHashes(t)["md5-crypt"], true)
		in.PasswordHash = "$1$oKnN0HHt$Aul2g/J4edgga3WE/03cN/"
		_, err := h.ImportAccount(t.Context(), in)
		refused(t, err, model.ErrBadRequest)
	})
	t.Run("a_wrapped_hash_moves_on", func(t *testing.T) {
		h.imports(t, "moved", foreignHashes(t)["bcrypt"], true)
		to := newHouse(t)
		for _, account := range h.accounts(t) {
			to.mustImport(t, importOf(account), true)
		}
		to.login(t, "moved")
	})
}

func TestAnImportSaysWhetherItsHashIsWeak(t *testing.T) {
	for hash, want := range map[model.PasswordHash]bool{
		"$1$abcdefgh$4/U5.w6NPtLkJ2WyrTwm91":                           true,
		"$2b$12$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW": false,
		newcomer("ana").PasswordHash:                                   false, "": false, "hunter2": false,
		cheapArgon2id: true, "argon2" + cheapArgon2id: true, "$pepper$k1" + cheapArgon2id: false,
		"$argon2id$v=19$m=7168,t=5,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY": true,
	} {
		if got := (gatehouse.Import{PasswordHash: hash}).Weak(); got != want {
			t.Errorf("%s: %t", string(hash), got)
		}
	}
}

// cheapArgon2id is a hash of goodPassword, below all that new hashes may be.
const cheapArgon2id = "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$XdTJKPvVpEdCNu922dgwQXj+XfOITS04PpG3cDMn5sE"

func TestWrapPutsWeakArgon2idInsideOurs(t *testing.T) {
	h := newHouse(t)
	in := h.imports(t, "ana", cheapArgon2id, true)
	kept := h.kept(t, "ana")
	if !strings.HasPrefix(kept, "$wrapped$") || !strings.Contains(kept, "$argon2id$v=19$m=12288,t=3,p=1$") || strings.Contains(kept, "m=8,") {
		t.Fatalf("PW-15: kept as %s", kept)
	}
	h.mustImport(t, in, false)
	refused(t, h.tries(wrongPassword, "ana"), model.ErrWrongCredentials)
	h.login(t, "ana")
	if after := h.kept(t, "ana"); !strings.HasPrefix(after, "$argon2id$v=19$m=12288,t=3,p=1$") {
		t.Errorf("PW-17: not hashed anew: %.30s", after)
	}
	h.imports(t, "bob", cheapArgon2id, false)
	h.login(t, "bob")
	if after := h.kept(t, "bob"); !strings.HasPrefix(after, "$argon2id$v=19$m=12288,t=3,p=1$") {
		t.Errorf("PW-17: not hashed anew: %.30s", after)
	}
}

func TestWhatBcryptLeftOutDoesNotBecomeThePassword(t *testing.T) {
	h := newHouse(t)
	long := model.Password(strings.Repeat("a", 72) + "the rest of it")
	text, err := bcrypt.GenerateFromPassword([]byte(long[:72]), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for name, wrap := range map[string]bool{"plain": false, "wrapped": true} {
		h.imports(t, name, model.PasswordHash(text), wrap)
		kept := h.kept(t, name)
		for _, typed := range []model.Password{long[:72] + "the best of it", long[:72], long} {
			t.Run("PW-03_"+name, func(t *testing.T) {
				if err := h.tries(typed, name); err != nil || h.kept(t, name) != kept {
					t.Errorf("%d bytes: %v, kept as %.20s", len(typed), err, h.kept(t, name))
				}
				refused(t, h.tries("b"+typed[1:], name), model.ErrWrongCredentials)
			})
		}
	}
}

func TestNULDoesNotLogInWithAForeignHash(t *testing.T) {
	h := newHouse(t)
	for name, hash := range foreignHashes(t) {
		for suffix, wrap := range map[string]bool{"": false, "_wrapped": true} {
			t.Run("PW-26_"+name+suffix, func(t *testing.T) {
				username := "u" + hex.EncodeToString([]byte(name+suffix))
				h.imports(t, username, hash, wrap)
				for _, typed := range []model.Password{goodPassword + "\x00", goodPassword + "\x00" + goodPassword, "\x00" + goodPassword} {
					refused(t, h.tries(typed, username), model.ErrWrongCredentials)
				}
				h.login(t, username)
			})
		}
	}
}

// plant writes a hash where only a thief or a broken program could.
func (h *house) plant(t testing.TB, hash string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), "UPDATE users SET password_hash = ?", hash); err != nil {
		t.Fatal(err)
	}
}

func TestAPoisonedForeignHashDeniesWithoutWork(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	const salt, tag = "MDEyMzQ1Njc4OWFiY2RlZg", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
	rows := map[string]string{
		"bcrypt":    "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"scrypt":    "$scrypt$ln=31,r=8,p=1$" + salt + "$" + tag,
		"Firebase":  "$firescrypt$ln=31,r=8,p=1$" + salt + "$" + tag + "$Bw$" + tag,
		"PBKDF2":    "$pbkdf2-sha512$i=4294967295,l=32$" + salt + "$" + tag,
		"ASP.NET":   "AQAAAAH/////AAAAEAABAgMEBQYHCAkKCwwNDg/Z+V9lwt+dKF0miCMAylvinj7VAFVmY4NcTGLicFFQIg==",
		"Argon2i":   "$argon2i$v=19$m=8388608,t=1000,p=16$" + salt + "$" + tag,
		"SHA-crypt": "$6$rounds=999999999$saltstring$" + strings.Repeat(".", 86),
		"md5-crypt": "$1$$4/U5.w6NPtLkJ2WyrTwm91",
		"phpass":    "$P$zIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
		"wrapped":   "$wrapped$JDJiJDMxJENDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQy4uLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4u$argon2id$v=19$m=12288,t=3,p=1$" + salt + "$" + tag,
	}
	for name, row := range rows {
		t.Run("PW-19_"+name, func(t *testing.T) {
			h.plant(t, row)
			h.clock.Add(24 * time.Hour) // so that failures are no longer in a row
			var start, end runtime.MemStats
			runtime.ReadMemStats(&start)
			err := h.tries(goodPassword, "ana")
			runtime.ReadMemStats(&end)
			refused(t, err, model.ErrWrongCredentials)
			if grown := end.TotalAlloc - start.TotalAlloc; grown > 4<<20 {
				t.Errorf("%d bytes were allocated for it", grown)
			}
		})
	}
	if n := h.eventsOf(t, "ana", model.EventHashRejected); n != len(rows) {
		t.Errorf("PW-19: %d events for %d rows", n, len(rows))
	}
}
