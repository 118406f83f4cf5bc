// Package verify accepts the access tokens of Gatehouse in any Go service. It
// links the standard library and package jwt: no driver, no server code.
//
// Most programs need three lines:
//
//	v, err := verify.New(verify.Config{Issuer: "https://id.example.com", Audience: "shop"})
//	mux.Handle("/notes", v.Require(notes))
//	mux.Handle("/edit", v.Require(edit, verify.Role("editor")))
//
// and in a handler
//
//	claims, ok := verify.FromContext(r.Context()) // claims.Subject is the id of the user
//
// [New] starts two goroutines and returns without waiting for either. One
// keeps the published keys, the other the token status list, which says what
// was revoked: after a logout a token is refused within a second or two. A
// request costs no connection: signature, dates, issuer, audience and the bit
// in the list are looked up in memory.
//
// What is promised:
//
//   - Fail closed. Without keys, or with a list that nobody confirmed for
//     Config.StatusMaxAge, no token is accepted: 503, and [ErrUnavailable].
//   - No setting skips a check, and the zero [Verifier] accepts nothing.
//   - One Verifier knows one issuer; two in a process share nothing.
//   - The issuer is reached by https only, without redirects, within 5 seconds
//     and bounded sizes. A broken answer never replaces good keys or a good
//     list, and an older list never replaces a newer one.
//   - A key that left the key set verifies nothing from the next look at it on. The
//     list is signed too: when the server gives up a key at once, the next list
//     names a key that nobody here knows, and that asks for the key set.
//   - A token is never logged, and no answer says why one was refused.
//
// What is not done: no login, no refresh, no cookies, no sender-constrained
// tokens. Under HS256 nothing is published, so nothing can be accepted here.
// A token is refused for what was known at the last poll; a service that must
// know at once asks the server's GET /v1/me.
package verify
