package model

import (
	"errors"
	"time"
)

// Error is a refusal: an error meant for the caller. Its Code is stable and
// meant for programs, its Title and Fields are sentences that are safe to show.
// Every other error is trouble: it is logged and never shown.
//
// Compare with errors.Is; two refusals are the same when their codes are.
type Error struct {
	Code  string
	Title string

	// Fields names the members that are wrong and how to mend each.
	Fields []FieldError

	// RetryAfter is how long to wait before trying again; zero when waiting
	// does not help.
	RetryAfter time.Duration
}

// FieldError says what is wrong with one member of the input.
type FieldError struct {
	Field  string // name of the member in the JSON API and in the form
	Code   string // the refusal this member alone would have met
	Detail string // one sentence: how to mend it
	Reason string // ErrPasswordBlocked only: "common", "context" or "breached"
}

// Error returns the code and, where one is named, the field. It never holds
// what the caller sent.
func (e *Error) Error() string {
	text := "gatehouse: " + e.Code
	if len(e.Fields) > 0 {
		text += " (" + e.Fields[0].Field + ")"
	}
	return text
}

// Is reports whether target is a refusal with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// With returns a copy of the refusal that names one more field and how to mend
// it. The receiver is not changed.
func (e *Error) With(field, detail string) *Error {
	return e.withField(FieldError{Field: field, Code: e.Code, Detail: detail})
}

// Because is With plus a reason, for refusals that have more than one.
func (e *Error) Because(reason, field, detail string) *Error {
	return e.withField(FieldError{Field: field, Code: e.Code, Detail: detail, Reason: reason})
}

// Rename returns a copy whose fields called from are called to, for doors
// whose member has another name: new_password for password.
func (e *Error) Rename(from, to string) *Error {
	c := *e
	c.Fields = append([]FieldError(nil), e.Fields...)
	for i := range c.Fields {
		if c.Fields[i].Field == from {
			c.Fields[i].Field = to
		}
	}
	return &c
}

// After returns a copy that says how long to wait.
func (e *Error) After(wait time.Duration) *Error {
	c := *e
	c.RetryAfter = wait
	return &c
}

func (e *Error) withField(f FieldError) *Error {
	c := *e
	c.Fields = append(append([]FieldError(nil), e.Fields...), f)
	return &c
}

// Together returns nil when all of errs are nil, the first trouble when there
// is one, and otherwise one refusal with the code of the first and the fields
// of all, so that a person learns everything that is wrong at once.
func Together(errs ...error) error {
	var all *Error
	for _, err := range errs {
		if err == nil {
			continue
		}
		var refusal *Error
		if !errors.As(err, &refusal) {
			return err
		}
		if all == nil {
			c := *refusal
			c.Fields = append([]FieldError(nil), refusal.Fields...)
			all = &c
			continue
		}
		all.Fields = append(all.Fields, refusal.Fields...)
	}
	if all == nil {
		return nil
	}
	return all
}

// Every refusal there is. The codes are part of the contract.
var (
	ErrBadRequest           = &Error{Code: "bad-request", Title: "The request cannot be understood"}
	ErrUnknownMember        = &Error{Code: "unknown-member", Title: "The request has a member that is not known here"}
	ErrUnsupportedMediaType = &Error{Code: "unsupported-media-type", Title: "The body is of a kind that is not accepted here"}
	ErrBodyTooLarge         = &Error{Code: "body-too-large", Title: "The body is too large"}

	ErrUsernameInvalid  = &Error{Code: "username-invalid", Title: "Username is not valid"}
	ErrUsernameReserved = &Error{Code: "username-reserved", Title: "Username is reserved"}
	ErrUsernameTaken    = &Error{Code: "username-taken", Title: "Username is taken"}
	ErrEmailInvalid     = &Error{Code: "email-invalid", Title: "Email is not valid"}
	ErrEmailTaken       = &Error{Code: "email-taken", Title: "Email is taken"}

	ErrPasswordTooShort = &Error{Code: "password-too-short", Title: "Password is too short"}
	ErrPasswordTooLong  = &Error{Code: "password-too-long", Title: "Password is too long"}
	ErrPasswordBlocked  = &Error{Code: "password-blocked", Title: "Password is too easy to guess"}
	ErrSamePassword     = &Error{Code: "same-password", Title: "New password is the same as the current one"}

	ErrWrongCredentials     = &Error{Code: "wrong-credentials", Title: "Username, email or password is wrong"}
	ErrWrongPassword        = &Error{Code: "wrong-password", Title: "Password is wrong"}
	ErrEmailUnverified      = &Error{Code: "email-unverified", Title: "Email is not verified"}
	ErrUserDisabled         = &Error{Code: "user-disabled", Title: "User is disabled"}
	ErrInvalidToken         = &Error{Code: "invalid-token", Title: "Token is not valid"}
	ErrInvalidOrExpiredCode = &Error{Code: "invalid-or-expired-code", Title: "Code is not valid or has expired"}
	ErrReauthRequired       = &Error{Code: "reauth-required", Title: "Log in again to do this"}
	ErrForbidden            = &Error{Code: "forbidden", Title: "This is not allowed"}
	ErrNotFound             = &Error{Code: "not-found", Title: "There is nothing here"}
	ErrMethodNotAllowed     = &Error{Code: "method-not-allowed", Title: "This method is not allowed here"}
	ErrTooManyAttempts      = &Error{Code: "too-many-attempts", Title: "Too many attempts"}
	ErrOverloaded           = &Error{Code: "overloaded", Title: "The server is busy"}
	ErrInternal             = &Error{Code: "internal", Title: "Something went wrong"}
	ErrUnavailable          = &Error{Code: "unavailable", Title: "The server cannot do this at the moment"}
)

// Refusals returns every refusal, in the order of the contract.
func Refusals() []*Error {
	return []*Error{
		ErrBadRequest, ErrUnknownMember, ErrUnsupportedMediaType, ErrBodyTooLarge,
		ErrUsernameInvalid, ErrUsernameReserved, ErrUsernameTaken, ErrEmailInvalid, ErrEmailTaken,
		ErrPasswordTooShort, ErrPasswordTooLong, ErrPasswordBlocked, ErrSamePassword,
		ErrWrongCredentials, ErrWrongPassword, ErrEmailUnverified, ErrUserDisabled,
		ErrInvalidToken, ErrInvalidOrExpiredCode, ErrReauthRequired, ErrForbidden, ErrNotFound,
		ErrMethodNotAllowed, ErrTooManyAttempts, ErrOverloaded, ErrInternal, ErrUnavailable,
	}
}
