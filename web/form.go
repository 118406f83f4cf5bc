package web

import (
	"fmt"
	"strings"
	"time"
)

// view is everything a page shows. The zero value of each field is left out
// of the page; an empty Title becomes the title that belongs to the page.
type view struct {
	Title       string
	Product     string        // in title and header; Gatehouse when empty
	Nonce       string        // of the Content-Security-Policy of this answer
	CSRF        string        // hidden field csrf of every form
	LoggedIn    *loggedInView // nil when nobody is logged in
	Form        formView
	Notice      string // one sentence of good news
	PasswordMin int    // code points
	SendsMail   bool   // so there is a way to recover and to change the email
	Next        string // local path, already checked, carried by login and register
	Body        any    // accountView, codeFormView, verifyView, emailView, mailboxView, mailView, errorView or codeView
}

// loggedInView is who is logged in: the username, or the email of a user
// without one.
type loggedInView struct{ Username string }

// formView is what was typed and what was refused. Values never holds a
// password. A refusal of no visible field belongs in Summary.
type formView struct {
	Values  map[string]string
	Errors  []fieldError
	Summary string
}

// fieldError is one refused field, named as in the JSON API, and the sentence
// that is safe to show.
type fieldError struct{ Field, Detail string }

// Label is what the form calls the field: its name in words.
func (e fieldError) Label() string {
	if e.Field == "identifier" {
		return "Username or email"
	}
	words := strings.ReplaceAll(e.Field, "_", " ")
	return strings.ToUpper(words[:1]) + words[1:]
}

// Value is what was typed into the field, or nothing.
func (f formView) Value(field string) string { return f.Values[field] }

// Error is the first sentence about the field, or nothing.
func (f formView) Error(field string) string {
	for _, e := range f.Errors {
		if e.Field == field {
			return e.Detail
		}
	}
	return ""
}

// Invalid says whether the field was refused.
func (f formView) Invalid(field string) bool { return f.Error(field) != "" }

// Refused says whether anything in the form was refused.
func (f formView) Refused() bool { return f.Summary != "" || len(f.Errors) > 0 }

// accountView is the body of the account page. An empty Username or Email is
// shown as not set.
type accountView struct {
	Username      string
	Email         string
	EmailVerified bool
	Since         time.Time
	Sessions      []sessionView
	Activity      []activityView // the newest first
}

// Others says whether there is a session besides the current one.
func (a accountView) Others() bool {
	for _, s := range a.Sessions {
		if !s.Current {
			return true
		}
	}
	return false
}

// sessionView is one session in the list of the account page.
type sessionView struct {
	ID         string
	UserAgent  string
	IP         string // of the first login
	CreatedAt  time.Time
	LastUsedAt time.Time
	Current    bool
}

// Device names the browser and the system the session was opened with.
func (s sessionView) Device() string { return deviceName(s.UserAgent) }

// Icon is the name of the symbol that fits the device.
func (s sessionView) Icon() string { return deviceIcon(s.UserAgent) }

// codeFormView is the body of the reset page. AskCode shows a field for the
// code, for people who arrive without a link; otherwise the browser holds the
// code in a cookie.
type codeFormView struct{ AskCode bool }

// verifyView is the body of the page that proves an email. Linked says that the
// browser holds the code of a link, AskPassword that it is not the one that asked.
type verifyView struct {
	Linked      bool
	AskPassword bool
}

// emailView is the body of the page that changes the email.
type emailView struct{ Current string }

// errorView is the body of the error page. It echoes nothing of the request.
type errorView struct {
	Status    int
	Sentence  string
	RequestID string
}

// codeView is the body of the page that explains one error code. The title of
// the error is view.Title.
type codeView struct {
	Code    string
	Status  int
	Meaning string
	Remedy  string
}

// input is one labelled field, as the template "field" draws it.
type input struct {
	Name, Label, Autocomplete, Hint string
	Value, Error                    string
	Autofocus                       bool
	Required                        bool
	Numeric                         bool // digits are what most people type; letters are taken too
	PasswordMin                     int  // code points, only for a new password
	refused                         bool
}

// Input prepares the field name with what was typed and what was refused. A
// password never has a value.
func (v view) Input(name, label, autocomplete, hint string) input {
	in := input{
		Name: name, Label: label, Autocomplete: autocomplete, Hint: hint,
		Error: v.Form.Error(name), Required: true, refused: v.Form.Refused(),
		Numeric: autocomplete == "one-time-code" && v.SendsMail,
	}
	if autocomplete == "new-password" {
		in.PasswordMin = v.PasswordMin
	}
	if in.Kind() != "password" {
		in.Value = v.Form.Value(name)
	}
	return in
}

// PasswordHint is the guidance beside each new password. It stays when the
// password was refused, so that the reason never stands alone.
func (v view) PasswordHint() string {
	return fmt.Sprintf("At least %d characters. A few unrelated words are easy to remember and hard to guess.", v.PasswordMin)
}

// First marks the field that takes focus when nothing was refused; after a
// refusal the summary takes it.
func (in input) First() input {
	in.Autofocus = !in.refused
	return in
}

// Optional marks a field that may stay empty.
func (in input) Optional() input {
	in.Required = false
	return in
}

// Kind is the type attribute of the field.
func (in input) Kind() string {
	switch {
	case strings.HasSuffix(in.Autocomplete, "-password"):
		return "password"
	case in.Autocomplete == "email":
		return "email"
	default:
		return "text"
	}
}

// DescribedBy lists the ids of what belongs to the field, the error first.
func (in input) DescribedBy() string {
	var ids []string
	if in.Error != "" {
		ids = append(ids, in.Name+"-error")
	}
	if in.Hint != "" {
		ids = append(ids, in.Name+"-hint")
	}
	return strings.Join(ids, " ")
}
