package model

import "strings"

// Identifier is what somebody typed to say who they are: a username or an
// email, in its canonical spelling. Every counter and every look-up of a user
// starts from it, so that no other spelling has a counter of its own.
type Identifier struct {
	username Username
	email    Email
}

// ParseIdentifier reads a username or an email; whatever holds an "@" in any
// width is an email. Reserved words are let through: nobody claims a name by
// naming it.
//
// Refusals: ErrUsernameInvalid, ErrEmailInvalid, both for the field
// "identifier".
func ParseIdentifier(s string) (Identifier, error) {
	folded, ok := foldForm(s)
	if !ok {
		return Identifier{}, ErrUsernameInvalid.With("identifier", "Enter your username or your email.")
	}
	if strings.Contains(folded, "@") {
		email, err := ParseEmail(s)
		if err != nil {
			return Identifier{}, ErrEmailInvalid.With("identifier", "Enter an address like name@example.com.")
		}
		return Identifier{email: email}, nil
	}
	username, err := canonicalUsername(s)
	if err != nil {
		return Identifier{}, ErrUsernameInvalid.With("identifier", "Enter your username or your email.")
	}
	return Identifier{username: username}, nil
}

// Username returns the username; ok is false when an email was typed.
func (i Identifier) Username() (username Username, ok bool) { return i.username, i.username != "" }

// Email returns the email; ok is false when a username was typed.
func (i Identifier) Email() (email Email, ok bool) { return i.email, i.email != "" }

// String returns the canonical spelling, the same for every way to type it.
func (i Identifier) String() string {
	if i.email != "" {
		return string(i.email)
	}
	return string(i.username)
}
