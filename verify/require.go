package verify

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// claimsKey is where the claims lie in the context of a request.
type claimsKey struct{}

// FromContext returns the claims of the token that came with the request, in a
// handler behind Require.
func FromContext(ctx context.Context) (*Claims, bool) {
	claims, ok := ctx.Value(claimsKey{}).(*Claims)
	return claims, ok && claims != nil
}

// Require lets a request through to next when its access token is valid and
// meets every demand; without demands a valid token is enough. The token
// comes in one Authorization header and nowhere else (RFC 6750 section 2.1).
//
// Everybody else gets a problem document (RFC 9457): 401 without a valid token,
// 403 where a role or a scope is missing, 503 while nothing can be verified.
// Answers say no more than that. A demand that no token meets, such as
// Role(""), closes the handler to everybody, and the log says so.
//
// What carries no token is refused too, the preflight request of a browser
// included: answer those before Require.
func (v *Verifier) Require(next http.Handler, demands ...Demand) http.Handler {
	if next == nil {
		panic("verify: Require without a handler")
	}
	g := &guard{verifier: v, next: next, demands: slices.Clone(demands)}
	if v != nil && v.tokens != nil {
		g.issuer = v.config.Issuer
		if slices.ContainsFunc(demands, Demand.isZero) {
			v.config.Logger.Error("verify: a demand names no role and no scope: the handler is closed to everybody")
		}
	}
	return g
}

type guard struct {
	verifier *Verifier
	issuer   string
	next     http.Handler
	demands  []Demand
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, given := bearer(r.Header["Authorization"])
	if !given {
		g.refuse(w, unauthorized, "Bearer")
		return
	}
	claims, err := g.verifier.Check(r.Context(), token, g.demands...)
	switch {
	case err == nil:
		g.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), claimsKey{}, claims)))
	case errors.Is(err, ErrUnavailable):
		w.Header().Set("Retry-After", retryAfter)
		g.refuse(w, unavailable, "")
	case errors.Is(err, ErrForbidden):
		challenge := `Bearer error="insufficient_scope"`
		if scopes := scopesOf(g.demands); scopes != "" {
			challenge += `, scope="` + scopes + `"`
		}
		g.refuse(w, forbidden, challenge)
	default:
		g.refuse(w, unauthorized, `Bearer error="invalid_token"`)
	}
}

// bearer returns the token of the header lines. Nothing, or another scheme, is
// no token at all; what is said to be one and is not, or two lines, of which
// each might be meant, is one that no check lets through.
func bearer(lines []string) (token string, given bool) {
	if len(lines) == 0 {
		return "", false
	}
	scheme, token, _ := strings.Cut(lines[0], " ")
	if len(lines) > 1 {
		return "", true
	}
	return token, strings.EqualFold(scheme, "Bearer")
}

// retryAfter is when to come back, in seconds: by then keys and list were asked
// for at least once more.
const retryAfter = "5"

// refusal is one kind of no, in the words of the server.
type refusal struct {
	status      int
	code, title string
}

var (
	unauthorized = refusal{http.StatusUnauthorized, "invalid-token", "Token is not valid"}
	forbidden    = refusal{http.StatusForbidden, "forbidden", "This is not allowed"}
	unavailable  = refusal{http.StatusServiceUnavailable, "unavailable", "The server cannot do this at the moment"}
)

// problem is RFC 9457. Its type is a page of the issuer.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
}

// refuse answers without saying why (RFC 6750 section 3).
func (g *guard) refuse(w http.ResponseWriter, why refusal, challenge string) {
	text, err := json.Marshal(problem{
		Type: g.issuer + "/errors/" + why.code, Title: why.title, Status: why.status, Code: why.code,
	})
	if err != nil {
		text = nil // texts and a number always encode
	}
	header := w.Header()
	if challenge != "" {
		header.Set("WWW-Authenticate", challenge)
	}
	header.Set("Content-Type", "application/problem+json; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(why.status)
	_, _ = w.Write(text) // whoever does not read it is gone
}
