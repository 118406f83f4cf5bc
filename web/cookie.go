package web

import (
	"net/http"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// The cookies. The prefix makes browsers refuse one that was set by another
// host or without TLS (RFC 6265bis section 4.1.3.2). All hold opaque random
// text and nothing about anybody.
const (
	sessionCookie = "__Host-session"
	csrfCookie    = "__Host-csrf"    // before a login: what form tokens are bound to
	requestCookie = "__Host-request" // with it the digits of a mail count in this browser
	codeCookie    = "__Host-code"    // a code on its way from a link to the form
	deviceCookie  = "__Host-device"  // with it guesses of strangers do not keep the user out
)

const codeCookieAge = 10 * time.Minute

// setCookie sets one for maxAge; zero keeps it until the browser is closed.
func (x *exchange) setCookie(name, value string, maxAge time.Duration) {
	x.putCookie(name, value, int(maxAge/time.Second))
}

func (x *exchange) dropCookie(name string) { x.putCookie(name, "", -1) }

func (x *exchange) putCookie(name, value string, maxAgeSeconds int) {
	http.SetCookie(x.w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAgeSeconds,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// cookie returns the value of a cookie, or nothing when it is missing or when
// two values were sent: one of them is then planted, and nobody can tell which.
func cookie(r *http.Request, name string) string {
	value := ""
	for _, c := range r.CookiesNamed(name) {
		if c.Quoted || c.Value == "" || value != "" && c.Value != value {
			return ""
		}
		value = c.Value
	}
	return value
}

// sessionToken is the session cookie. Sessions are accepted from nowhere else.
func (x *exchange) sessionToken() model.SessionToken {
	return model.SessionToken(cookie(x.r, sessionCookie))
}

// deviceToken is what the browser kept of an earlier login. It opens nothing, so
// it may come with any request, and counts where a password is checked.
func deviceToken(r *http.Request) model.DeviceToken {
	return model.DeviceToken(cookie(r, deviceCookie))
}

// keepDevice lets the browser remember that somebody logged in with it. It is no
// session and outlives one that ends by itself; a logout makes the browser forget all.
func (x *exchange) keepDevice(token model.DeviceToken) {
	if token != "" {
		x.setCookie(deviceCookie, string(token), gatehouse.DeviceLifetime)
	}
}

// openBrowserSession hands the browser a session for as long as it may live.
func (x *exchange) openBrowserSession(token model.SessionToken, session model.Session) {
	x.setCookie(sessionCookie, string(token), session.ExpiresAt.Sub(session.LastUsedAt))
}

// closeBrowserSession makes the browser forget all it has of us.
func (x *exchange) closeBrowserSession() {
	x.dropCookie(sessionCookie)
	x.dropCookie(csrfCookie)
	x.w.Header().Set("Clear-Site-Data", `"cache", "cookies", "storage"`)
}
