package model

import "time"

// User is a person who can log in. It holds nothing secret: the password hash
// is kept apart, in [Account].
type User struct {
	ID       UserID
	Username Username // "" when the user has only an email
	Email    Email    // "" when the user has only a username

	EmailVerifiedAt time.Time // zero: control of the mailbox was never proven
	Roles           []string
	DisabledAt      time.Time // zero: the user may log in

	CreatedAt time.Time
	UpdatedAt time.Time
}

// EmailVerified reports whether the user has proven control of the mailbox.
func (u User) EmailVerified() bool { return !u.EmailVerifiedAt.IsZero() }

// Disabled reports whether the user is kept out.
func (u User) Disabled() bool { return !u.DisabledAt.IsZero() }

// Account is what a password is checked against.
type Account struct {
	User User

	// PasswordHash is empty when the user has never set a password; then no
	// password is right.
	PasswordHash PasswordHash

	// PasswordVersion grows with every change and reset of the password, but
	// not when the same password is hashed anew. A session opens only under the
	// version that was checked, so that no login outlives the password it used.
	PasswordVersion int64
}
