// Package gatehouse is user authentication for Go programs: registration,
// login, access tokens that renew themselves, sessions that can be seen and
// ended, change and reset of the password, and deletion that really deletes.
//
// A program opens a store, makes an [Auth] and calls its verbs:
//
//	store, err := sqlite.Open(ctx, "gatehouse.db")
//	auth, err := gatehouse.New(ctx, store, gatehouse.Config{Issuer: "https://id.example.com", Audience: "shop"})
//	grant, err := auth.LoginUser(ctx, gatehouse.Credentials{Identifier: "ana", Password: password})
//	claims, err := auth.LoginJWT(ctx, grant.AccessToken)
//
// Package gatehouse/web puts HTTPS pages and a JSON API on the same Auth;
// programs that are not written in Go run the command gatehouse serve beside
// them. Both use the rules of this package and have none of their own.
//
// # Words
//
// A user has a username or an email or both, and a password, of which only a
// hash with its own salt is kept. A login opens a session. Over the API a
// session has an access token, a JWT that any service verifies without asking
// us, and a refresh token, which renews it once. A browser has a cookie
// instead. A code is handed over and used once. A refusal is an error meant for
// the caller, a [*model.Error]; every other error is trouble.
//
// Attempts are counted in lanes: that of a user, of a name that nobody has, of a
// device that the user logged in with, of a session, of a source, which is a
// network. A mail waits in the outbox until it is sent; beside the code in its
// link it may have digits, to be typed in the browser that asked for it. An event
// is what is recorded of an act, and has its place in a chain.
//
// # Security model
//
// Passwords are hashed with Argon2id. A missing user costs one hash, like a
// wrong password. The number of hashes at once is bounded.
//
// A session is one row. Its cookie is 256 random bits, kept as a SHA-256. Its
// refresh token is not kept at all: it is derived from the master key, the id of
// the session and a counter, so that a stolen database holds no token, a forged
// token is refused without asking the store, and one counter cannot have two
// successors. Spending a token is one conditional statement that raises the
// counter. The parent of the token in force is answered with the identical
// successor for 10 seconds; an older one ends the session.
//
// Access tokens live 10 minutes. LoginJWT asks nobody; the doors ask the store
// for the session behind the token each time, so there a revocation is seen at
// once, and other services see it through the status list.
//
// Signing keys lie in the store under AES-256-GCM, sealed with the master key,
// which lies elsewhere. Who loses the master key loses the signing keys and every
// refresh token with it, and no user; who has both it and the database has the
// hashes and the power to sign, so keep them apart.
//
// A wrong password is counted in the store before it is compared, for a name that
// nobody has as well, and each further one has to wait longer. Devices and sessions
// of a user have lanes of their own, so who guesses from elsewhere does not keep
// the user out.
//
// Where mails are sent, an email is proven before its user logs in. A mail is
// queued in the transaction of what it announces, sealed like a signing key, and
// what may send one does the same work whether somebody gets it or nobody. Who has
// the email of a forgotten password is looked up when the mail is written.
//
// Events are kept with the change they are about. Each is bound to the one before
// by a MAC under a key of the master key, so that one which was changed or taken
// out shows.
//
// A new password, and disabling or deleting a user, ends every other way in: one
// function does it. A session opens only under the password that was checked,
// so that no login outlives a change that happened meanwhile.
package gatehouse
