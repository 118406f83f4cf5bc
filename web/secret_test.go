package web

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestIntrospectionSecretsThatSomebodyMadeUp(t *testing.T) {
	s := open(t)
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	for name, c := range map[string]struct {
		secret string
		opens  bool
	}{
		"none":               {"", false},
		"31_characters":      {hex.EncodeToString(random)[:31], false},
		"one_letter":         {strings.Repeat("a", 40), false},
		"two_letters":        {strings.Repeat("ab", 20), false},
		"a_phrase_again":     {strings.Repeat("gatehouse!", 4), false},
		"a_phrase_cut":       {strings.Repeat("gatehouse!", 4)[:35], false},
		"changeme":           {"ChangeMe-to-something-else-please-2026", false},
		"a_row_of_keys":      {"qwertzuiopasdfghjklyxcvbnm-123456-uio", false},
		"digits":             {"0123456789abcdef0123456789abcdeg", false},
		"zeros":              {base64.RawURLEncoding.EncodeToString(make([]byte, 32)), false},
		"random_hexadecimal": {hex.EncodeToString(random[:16]), true},
		"random_base64url":   {base64.RawURLEncoding.EncodeToString(random), true},
	} {
		t.Run("KY-02_"+name, func(t *testing.T) {
			h := New(s.auth, Config{IntrospectionSecret: c.secret})
			w, r := httptest.NewRecorder(), httptest.NewRequest("POST", s.url+"/v1/token/introspect", strings.NewReader("token=x"))
			withForm(r)
			r.SetBasicAuth("shop", c.secret)
			h.ServeHTTP(w, r)
			if want := map[bool]int{true: 200, false: 404}[c.opens]; w.Code != want {
				t.Errorf("got %d, want %d: %s", w.Code, want, w.Body)
			}
		})
	}
}
