package gatehouse

import (
	"strings"
	"testing"

	"gatehouse/model"
)

// FuzzRefreshToken proves that a refresh token has one spelling, and that its
// counter is one that can be kept.
func FuzzRefreshToken(f *testing.F) {
	known := refreshKey(func([]byte) []byte { return []byte(strings.Repeat("m", 32)) })
	good := string(known.token(model.SessionID{1, 2, 3}, maxCounter))
	for _, text := range []string{good, good + "=", good + "\n", good[:len(good)-1], strings.ToUpper(good), "ghr_", "", strings.ReplaceAll(good, "_", "/"), "ghr_" + good} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, body, mac, ok := splitRefreshToken(model.RefreshToken(text))
		if !ok {
			return
		}
		same := refreshKey(func(of []byte) []byte {
			if string(of) != string(body) {
				t.Errorf("%q: the HMAC is over other octets than the token holds", text)
			}
			return mac
		})
		if p.counter < 0 || p.counter > maxCounter || string(same.token(p.session, p.counter)) != text || p.key != nil {
			t.Errorf("%q was read as session %s, counter %d", text, p.session, p.counter)
		}
	})
}
