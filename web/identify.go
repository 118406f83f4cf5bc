package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"gatehouse/model"
)

// guard says who may come in by a route. The zero value lets nobody in.
type guard uint8

const (
	nobody       guard = iota
	anyone             // a program, known or not
	bearer             // a program with a live access token
	cookied            // a script of the same origin, with the session cookie
	introspector       // a service that knows the introspection secret
	visitor            // a browser, logged in or not
	insider            // a browser that is logged in
)

// isPage reports whether the route answers browsers.
func (g guard) isPage() bool { return g == visitor || g == insider }

// identify finds out who is there and turns away who may not come in.
func (d *door) identify(x *exchange) error {
	switch x.route.who {
	case anyone:
		return nil
	case bearer:
		return d.identifyBearer(x)
	case cookied:
		if len(x.r.Header["Authorization"]) > 0 {
			return model.ErrBadRequest
		}
		return d.identifyCookie(x)
	case introspector:
		return d.identifyService(x.r)
	case visitor, insider:
		err := d.identifyCookie(x)
		if !errors.Is(err, model.ErrInvalidToken) {
			return err
		}
		if x.route.who == visitor {
			return nil
		}
		// A foreign page learns nothing from this, and starts nothing.
		if x.r.Method != http.MethodGet && x.r.Method != http.MethodHead && !sameOrigin(x.r) {
			return model.ErrForbidden
		}
		return x.redirect(d.loginPath(x))
	}
	return model.ErrForbidden
}

// loginPath is where a visitor logs in to come back to the page.
func (d *door) loginPath(x *exchange) string {
	if x.route.path == accountPath || !d.routes.isLanding(x.route.path) {
		return loginPath
	}
	return loginPath + "?next=" + url.QueryEscape(x.route.path)
}

// identifyBearer accepts an access token from one Authorization header and
// nowhere else (RFC 6750 section 2), together with no session cookie: a request
// speaks for one party.
func (d *door) identifyBearer(x *exchange) error {
	headers := x.r.Header["Authorization"]
	if len(headers) > 1 || len(headers) == 1 && len(x.r.CookiesNamed(sessionCookie)) > 0 {
		return model.ErrBadRequest
	}
	if len(headers) == 0 {
		return model.ErrInvalidToken
	}
	scheme, token, found := strings.Cut(headers[0], " ")
	if !found || !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken {
		return model.ErrInvalidToken
	}
	who, err := d.auth.BearerPresence(x.r.Context(), token)
	if err != nil {
		return err
	}
	x.presence = who
	return nil
}

func (d *door) identifyCookie(x *exchange) error {
	token := x.sessionToken()
	if token == "" {
		return model.ErrInvalidToken
	}
	who, err := d.auth.SessionPresence(x.r.Context(), token)
	if err != nil {
		return err
	}
	x.presence = who
	return nil
}

// identifyService compares digests, so that neither the length nor any byte of
// the secret shows in the time it takes. A wrong secret is a failure of its source,
// as a wrong password is; none at all is no guess. Refusals: ErrInvalidToken,
// ErrTooManyAttempts, ErrOverloaded.
func (d *door) identifyService(r *http.Request) error {
	_, secret, ok := r.BasicAuth()
	if !ok || len(r.Header["Authorization"]) != 1 {
		return model.ErrInvalidToken
	}
	digest := sha256.Sum256([]byte(secret))
	right, err := d.auth.CheckSecret(r.Context(), func() bool {
		return subtle.ConstantTimeCompare(digest[:], d.secret[:]) == 1
	})
	if err == nil && !right {
		err = model.ErrInvalidToken
	}
	return err
}
