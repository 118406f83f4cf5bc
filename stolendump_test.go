package gatehouse_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// loot is what a thief of the database finds: every value of every row, as it
// stands and in the forms in which secrets are handed out.
type loot struct {
	raw   map[string]bool // octets of a value
	texts map[string]bool
}

func (l *loot) take(value []byte) {
	if len(value) < 8 { // flags, counters
		return
	}
	l.raw[string(value)] = true
	l.texts[string(value)] = true
	l.texts[hex.EncodeToString(value)] = true
	l.texts[base64.RawURLEncoding.EncodeToString(value)] = true
	// A PHC string holds salt and tag.
	for part := range strings.SplitSeq(string(value), "$") {
		if decoded, err := base64.RawStdEncoding.DecodeString(part); err == nil && len(decoded) >= 16 {
			l.raw[string(decoded)] = true
			l.texts[base64.RawURLEncoding.EncodeToString(decoded)] = true
		}
	}
}

// steal reads all tables, as somebody with the file and without master.key can.
func steal(t *testing.T, h *house) loot {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	all := loot{map[string]bool{}, map[string]bool{}}
	for _, table := range column(t, db, "SELECT name FROM sqlite_master WHERE type = 'table'") {
		for _, name := range column(t, db, `SELECT name FROM pragma_table_info('`+table+`')`) {
			for _, value := range column(t, db, `SELECT CAST("`+name+`" AS BLOB) FROM "`+table+`" WHERE "`+name+`" IS NOT NULL`) {
				all.take([]byte(value))
			}
		}
	}
	return all
}

func column(t *testing.T, db *sql.DB, query string) (values []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var value []byte
		if err := rows.Scan(&value); err != nil {
			t.Fatal(err)
		}
		values = append(values, string(value))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return values
}

// TestAStolenDumpOpensNothing tries all that the database holds in every place
// that asks for a secret, while the server goes on with its master key.
func TestAStolenDumpOpensNothing(t *testing.T) {
	h := newHouse(t)
	ana := h.register(t, "ana")
	page, grant := h.page(t, "ana"), h.login(t, "ana")
	code, err := h.IssueResetCode(t.Context(), ana.ID)
	if err != nil {
		t.Fatal(err)
	}
	found := steal(t, h)
	if len(found.raw) < 15 {
		t.Fatalf("only %d values were stolen", len(found.raw))
	}
	ctx := t.Context()
	t.Run("KY-10_no_session", func(t *testing.T) {
		for text := range found.texts {
			if _, err := h.SessionPresence(ctx, model.SessionToken(text)); err == nil {
				t.Errorf("%.20q opens a session", text)
			}
		}
	})
	t.Run("KY-10_no_token", func(t *testing.T) { present(t, h, found) })
	t.Run("KY-10_no_forged_token", func(t *testing.T) { forge(t, h, found, grant) })
	t.Run("KY-10_no_new_password", func(t *testing.T) {
		for text := range found.texts {
			if err := h.ResetPass(ctx, gatehouse.PasswordReset{Code: model.Code(text), New: otherPassword}); err == nil {
				t.Errorf("%.20q is a code", text)
			}
		}
	})
	t.Run("KY-10_the_true_secrets_still_open", func(t *testing.T) {
		if !h.alive(t, page.Token) {
			t.Error("the session of the owner")
		}
		if _, err := h.RefreshJWT(ctx, grant.RefreshToken); err != nil {
			t.Errorf("the refresh token of the owner: %v", err)
		}
		if alive, err := h.CodeAlive(ctx, code); err != nil || !alive {
			t.Errorf("the code of the owner: %t, %v", alive, err)
		}
	})
	t.Run("KY-10_no_login", func(t *testing.T) { guess(t, h, found) })
}

// present shows every value as a token.
func present(t *testing.T, h *house, found loot) {
	t.Helper()
	for text := range found.texts {
		for _, token := range []string{text, "ghr_" + text} {
			if _, err := h.RefreshJWT(t.Context(), model.RefreshToken(token)); err == nil {
				t.Errorf("%.20q renews", token)
			}
		}
		if _, err := h.LoginJWT(t.Context(), text); err == nil {
			t.Errorf("%.20q is an access token", text)
		}
	}
}

// guess types every value as the password.
func guess(t *testing.T, h *house, found loot) {
	t.Helper()
	tried := 0
	for text := range found.raw {
		if len(text) < 15 || tried == 60 {
			continue // no password is so short, and each try costs a hash
		}
		tried++
		h.clock.Add(2 * time.Hour) // nobody has to wait
		if _, err := h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: model.Password(text)}); err == nil {
			t.Errorf("%.20q is the password", text)
		}
	}
	if tried < 10 {
		t.Errorf("only %d passwords were tried", tried)
	}
}

// forge makes tokens with every value as the key.
func forge(t *testing.T, h *house, found loot, grant gatehouse.Grant) {
	t.Helper()
	part := strings.Split(grant.AccessToken, ".")
	signed := []byte(part[0] + "." + part[1])
	var head [22]byte
	copy(head[:], grant.SessionID[:])
	var accessTokens, refreshTokens []string
	for value := range found.raw {
		digest := sha256.Sum256([]byte(value))
		for _, key := range [][]byte{[]byte(value), digest[:]} {
			accessTokens = append(accessTokens, string(signed)+"."+base64.RawURLEncoding.EncodeToString(mac(key, signed)))
			for counter := range uint64(3) {
				var wide [8]byte
				binary.BigEndian.PutUint64(wide[:], counter)
				body := append(bytes.Clone(head[:16]), wide[2:]...)
				refreshTokens = append(refreshTokens, "ghr_"+base64.RawURLEncoding.EncodeToString(append(body, mac(key, body)...)))
			}
			if len(key) == ed25519.SeedSize {
				accessTokens = append(accessTokens, string(signed)+"."+base64.RawURLEncoding.EncodeToString(ed25519.Sign(ed25519.NewKeyFromSeed(key), signed)))
			}
		}
	}
	for _, token := range accessTokens {
		if _, err := h.LoginJWT(t.Context(), token); err == nil {
			t.Errorf("a forged access token is good: %.30s…", token)
		}
	}
	for _, token := range refreshTokens {
		if _, err := h.RefreshJWT(t.Context(), model.RefreshToken(token)); err == nil {
			t.Errorf("a forged refresh token is good: %s", fmt.Sprintf("%.30s…", token))
		}
	}
	// The forger knows the form: with the right HMAC one of them would be good.
	genuine := string(grant.RefreshToken)
	for _, token := range refreshTokens {
		if len(token) != len(genuine) {
			t.Fatalf("forged tokens have %d characters, real ones %d", len(token), len(genuine))
		}
	}
	if raw, err := base64.RawURLEncoding.DecodeString(genuine[4:]); err != nil || !bytes.Equal(raw[:16], head[:16]) {
		t.Errorf("a refresh token does not begin with its session: %v", err)
	}
}

func mac(key, text []byte) []byte {
	sum := hmac.New(sha256.New, key)
	sum.Write(text)
	return sum.Sum(nil)
}
