package main

import (
	"errors"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gatehouse"
	"gatehouse/importer"
	"gatehouse/model"
)

// maxLineBytes bounds one line of an export of ours, without its end. A user
// with a thousand roles fits.
const maxLineBytes = 64 << 10

// entry is one user of a document, on its line.
type entry struct {
	line int
	in   gatehouse.Import

	// Of users of other systems:
	foreign  bool
	verified bool     // the email, since CreatedAt where EmailVerifiedAt is zero
	disabled bool     // since CreatedAt
	left     []string // what is left behind
	noUser   string   // why this is nobody to import; "" for everybody else
}

// entries reads the document. What comes with a refusal has the line alone;
// every other error is the last.
func (c importCommand) entries(from io.Reader, parameters importer.FirebaseParameters) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		if c.From == "gatehouse" {
			for line, err := range importer.Lines(from, maxLineBytes) {
				e := entry{line: line.Number}
				if err == nil {
					e.in, err = parseAccountLine(line.Text)
				}
				if !yield(e, err) {
					return
				}
			}
			return
		}
		for user, err := range importer.Users(from, importer.Source(c.From), parameters) {
			if !yield(entryOf(user), err) {
				return
			}
		}
	}
}

func entryOf(user importer.User) entry {
	return entry{
		line: user.Line, foreign: true, verified: user.EmailVerified, disabled: user.Disabled, left: user.LeftBehind, noUser: user.NoUser,
		in: gatehouse.Import{
			ID: user.ID.String(), Username: user.Username, Email: user.Email, EmailVerifiedAt: user.EmailVerifiedAt, Roles: user.Roles,
			CreatedAt: user.CreatedAt, UpdatedAt: user.UpdatedAt, PasswordHash: user.PasswordHash,
		},
	}
}

// parseAccountLine reads one JSON object with exactly the members of
// accountLine. The decoder holds to RFC 7493, as that of the API does. A member
// must not be missing, so that a disabled user does not come back enabled from
// a file that lost it on the way. Refusal: ErrBadRequest with every member that
// is wrong.
func parseAccountLine(text []byte) (gatehouse.Import, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return gatehouse.Import{}, notAnObject(err)
	}
	var l accountLine
	var wrong []error
	for _, member := range l.members() {
		value, given := members[member.name]
		delete(members, member.name)
		if !given {
			wrong = append(wrong, model.ErrBadRequest.With(member.name, member.missing()))
		} else if json.Unmarshal(value, member.into) != nil || isNever(member.into) {
			wrong = append(wrong, model.ErrBadRequest.With(member.name, member.hint))
		}
	}
	if len(members) > 0 {
		wrong = append(wrong, model.ErrBadRequest.With("line", "It has a member that is not one of those of an export."))
	}
	return l.toImport(), model.Together(wrong...)
}

// isNever reports the zero time, which would be taken for none: a user who was
// disabled then would be let in.
func isNever(value any) bool {
	at, ok := value.(**time.Time)
	return ok && *at != nil && (*at).IsZero()
}

func notAnObject(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return model.ErrBadRequest.With("line", "A member stands in it twice.")
	}
	return model.ErrBadRequest.With("line", "It is not one JSON object in UTF-8.")
}

// lineMember is where the value of a member goes, and what it has to be.
type lineMember struct {
	name string
	into any
	hint string
}

func (l *accountLine) members() []lineMember {
	const text, moment = "It must be text, or null.", "It must be a time from 1970 on, as in 2026-03-01T12:00:00Z"
	return []lineMember{
		{"id", &l.ID, "It must be text."},
		{"username", &l.Username, text},
		{"email", &l.Email, text},
		{"email_verified_at", &l.EmailVerifiedAt, moment + ", or null."},
		{"roles", &l.Roles, "It must be a list of texts."},
		{"disabled_at", &l.DisabledAt, moment + ", or null."},
		{"created_at", &l.CreatedAt, moment + "."},
		{"updated_at", &l.UpdatedAt, moment + "."},
		{"password_hash", &l.PasswordHash, text},
	}
}

// missing says how to mend a line without the member.
func (m lineMember) missing() string {
	if strings.HasSuffix(m.hint, "or null.") {
		return "It is missing; write null for none."
	}
	return "It is missing. " + m.hint
}

func (l *accountLine) toImport() gatehouse.Import {
	return gatehouse.Import{
		ID: l.ID, Username: orZero(l.Username), Email: orZero(l.Email),
		EmailVerifiedAt: orZero(l.EmailVerifiedAt), Roles: l.Roles, DisabledAt: orZero(l.DisabledAt),
		CreatedAt: orZero(l.CreatedAt), UpdatedAt: orZero(l.UpdatedAt),
		PasswordHash: model.PasswordHash(orZero(l.PasswordHash)),
	}
}

func orZero[Value any](v *Value) (value Value) {
	if v != nil {
		value = *v
	}
	return value
}

// lineOfImport is what parseAccountLine reads as the same import.
func lineOfImport(in gatehouse.Import) accountLine {
	return accountLine{
		ID: in.ID, Username: orNull(in.Username), Email: orNull(in.Email), EmailVerifiedAt: timeOrNull(in.EmailVerifiedAt),
		Roles: in.Roles, DisabledAt: timeOrNull(in.DisabledAt), CreatedAt: timeOrNull(in.CreatedAt), UpdatedAt: timeOrNull(in.UpdatedAt),
		PasswordHash: orNull(string(in.PasswordHash)),
	}
}
