package web

import (
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"

	"gatehouse"
	"gatehouse/model"
)

// body is what a route takes. The zero value takes nothing at all.
type body struct {
	json    bool
	form    bool
	maySkip bool // JSON only: an absent body stands for {}
	members []member
}

func jsonOf(members ...member) body       { return body{json: true, members: members} }
func formOf(members ...member) body       { return body{form: true, members: members} }
func jsonOrFormOf(members ...member) body { return body{json: true, form: true, members: members} }

func (b body) orNothing() body {
	b.maySkip = true
	return b
}

// member is one member of a body: the same rule for JSON and forms, for the
// server and for the description of the API. All values are text.
type member struct {
	name     string
	about    string // one sentence for the description of the API
	ask      string // one sentence for who left it out
	required bool
	secret   bool                    // not shown again in the form, unless shows says so
	shows    func(value string) bool // whether this text of a secret may be; nil: never
	judged   bool                    // length and alphabet are for the rules to refuse
	min, max int                     // code points
	empty    *model.Error
}

func (m member) must() member {
	m.required = true
	return m
}

func (m member) maybe() member {
	m.required = false
	return m
}

func username() member {
	return member{
		name: "username", about: "RFC 8265 UsernameCaseMapped, without @.", ask: "Enter a username.",
		judged: true, min: 1, max: 64, empty: model.ErrUsernameInvalid,
	}
}

func email() member {
	return member{
		name: "email", about: "An address like name@example.com.", ask: "Enter an email.",
		judged: true, min: 5, max: 254, empty: model.ErrEmailInvalid,
	}
}

func identifier() member {
	return member{
		name: "identifier", about: "A username or an email, in any spelling.", ask: "Enter your username or your email.",
		required: true, judged: true, min: 1, max: 254, empty: model.ErrBadRequest,
	}
}

func password(name string) member {
	return member{
		name: name, about: "The password of the user.", ask: "Enter your password.",
		required: true, secret: true, judged: true, min: 1, max: model.MaxPasswordRunes, empty: model.ErrBadRequest,
	}
}

func newPassword(name string, min int) member {
	return member{
		name: name, about: "The password to set, counted in code points of its NFC form.",
		ask:      fmt.Sprintf("Use %d characters or more.", min),
		required: true, secret: true, judged: true, min: min, max: model.MaxPasswordRunes, empty: model.ErrPasswordTooShort,
	}
}

// maxToken is the longest token that is looked at, in bytes and so in code
// points: that of an access token.
const maxToken = 8 << 10

func token(name string) member {
	return member{
		name: name, about: "A token as it was given out, to the letter.", ask: "Send the token.",
		required: true, secret: true, min: 1, max: maxToken, empty: model.ErrBadRequest,
	}
}

func tokenTypeHint() member {
	return member{
		name: "token_type_hint", about: "Accepted and not relied on (RFC 7009 section 2.1).", ask: "Leave it out.",
		min: 1, max: 64, empty: model.ErrBadRequest,
	}
}

// code is shown again where it is like digits: they count in this browser alone and
// for minutes.
func code() member {
	return member{
		name: "code", about: "A code as it was handed over, to the letter.", ask: "Enter the code.",
		required: true, secret: true, shows: mayBeDigits, min: 1, max: 128, empty: model.ErrBadRequest,
	}
}

func next() member {
	return member{name: "next", about: "A local path.", min: 1, max: maxURL, empty: model.ErrBadRequest}
}

func sessionID() member {
	return member{
		name: "id", about: "The id of a session.", ask: "Choose a session.",
		required: true, min: 1, max: 64, empty: model.ErrBadRequest,
	}
}

// fields are the members of a body by name. They hold secrets and do not print
// themselves.
type fields map[string]string

const hiddenFields = "[fields hidden]"

func (fields) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(hiddenFields)) }
func (fields) LogValue() slog.Value       { return slog.StringValue(hiddenFields) }

// password is a member that must not be printed.
func (f fields) password(name string) model.Password { return model.Password(f[name]) }

// knows reports whether the route takes a member of this name.
func (b body) knows(name string) bool {
	for _, m := range b.members {
		if m.name == name {
			return true
		}
	}
	return false
}

// check names every member that is missing, empty or longer than anything that
// could be meant. What the rules judge is left to them.
func (b body) check(f fields) error {
	var wrong []error
	for _, m := range b.members {
		value, sent := f[m.name]
		switch {
		case !sent && m.required:
			wrong = append(wrong, model.ErrBadRequest.With(m.name, m.ask))
		case sent && value == "":
			wrong = append(wrong, m.empty.With(m.name, m.ask))
		case !m.judged && utf8.RuneCountInString(value) > m.max:
			wrong = append(wrong, model.ErrBadRequest.With(m.name, fmt.Sprintf("Send %d characters or fewer.", m.max)))
		}
	}
	return model.Together(wrong...)
}

// shown are the fields that a form may show again.
func (b body) shown(f fields) map[string]string {
	values := map[string]string{}
	for _, m := range b.members {
		if value, ok := f[m.name]; ok && (!m.secret || m.shows != nil && m.shows(value)) {
			values[m.name] = value
		}
	}
	return values
}

// mayBeDigits reports whether a text is like the digits of a mail, as people write
// them.
func mayBeDigits(value string) bool {
	return len(value) <= 2*gatehouse.DigitsCount && strings.Trim(value, "0123456789 -") == ""
}
