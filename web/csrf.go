package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"

	"gatehouse/model"
)

const (
	csrfField  = "csrf"
	csrfHeader = "X-CSRF-Token"
)

// csrfToken is what our own forms carry: a keyed hash under the secret cookie
// they belong to. Whoever cannot read the cookie cannot make it, every process
// can check it, and it dies with the cookie.
func csrfToken(secret, purpose string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("gatehouse csrf " + purpose))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// csrf is the token for the forms of this page: bound to the session, or to a
// cookie of its own before there is one.
func (x *exchange) csrf() string {
	if x.loggedIn() {
		return csrfToken(string(x.sessionToken()), "session")
	}
	secret := cookie(x.r, csrfCookie)
	if len(secret) != base64.RawURLEncoding.EncodedLen(sha256.Size) {
		var fresh [sha256.Size]byte
		_, _ = rand.Read(fresh[:]) // never fails
		secret = base64.RawURLEncoding.EncodeToString(fresh[:])
		x.setCookie(csrfCookie, secret, 0)
	}
	return csrfToken(secret, "visit")
}

// checkCSRF refuses a change that did not come from one of our own pages in
// the same browser: both the origin and the token must be right. Refusal:
// ErrForbidden.
func (d *door) checkCSRF(x *exchange) error {
	var token string
	switch {
	case x.r.Method == http.MethodGet || x.r.Method == http.MethodHead:
		return nil
	case x.route.who == cookied:
		if sent := x.r.Header.Values(csrfHeader); len(sent) == 1 {
			token = sent[0]
		}
	case x.route.who.isPage():
		token = x.csrfSent
	default:
		return nil // nothing the browser sends by itself counts there
	}
	if !sameOrigin(x.r) || !x.owns(token) {
		return model.ErrForbidden
	}
	return nil
}

// owns reports whether a token belongs to a cookie of this browser. A form that
// was opened before somebody logged in elsewhere in the browser is still good
// where no session is needed.
func (x *exchange) owns(token string) bool {
	right := false
	if x.loggedIn() {
		right = sameText(token, csrfToken(string(x.sessionToken()), "session"))
	}
	if secret := cookie(x.r, csrfCookie); secret != "" && x.route.who == visitor {
		right = right || sameText(token, csrfToken(secret, "visit"))
	}
	return right
}

func sameText(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// sameOrigin reports whether the request comes from a page of ours or from the
// person alone. Sec-Fetch-Site says so; browsers without it send Origin. An
// Origin of "null" says nothing, since a page under no-referrer sends that to
// its own server; one that names another place is refused whatever else is sent.
func sameOrigin(r *http.Request) bool {
	sites, origins := r.Header.Values("Sec-Fetch-Site"), r.Header.Values("Origin")
	if len(sites) > 1 || len(origins) > 1 {
		return false
	}
	own := len(origins) == 1 && origins[0] == "https://"+canonicalHost(r.Host)
	if len(sites) == 0 {
		return own
	}
	if len(origins) == 1 && !own && origins[0] != "null" {
		return false
	}
	return sites[0] == "same-origin" || sites[0] == "none"
}
