package importer

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"gatehouse/model"
)

// MaxUserBytes bounds one user of a document, and one line of it where it has
// one user a line.
const MaxUserBytes = 1 << 20

// Source is a system whose export is read.
type Source string

// Every system that is read.
const (
	Keycloak   Source = "keycloak"
	Auth0      Source = "auth0"
	Firebase   Source = "firebase"
	Supabase   Source = "supabase"
	Django     Source = "django"
	Kratos     Source = "kratos"
	PocketBase Source = "pocketbase"
	CSV        Source = "csv"
)

// User is a user of another system, as its export has it. Names and roles are
// in the spelling found there. It does not print itself.
type User struct {
	Line int // where it begins in the document, from 1
	ID   model.UserID

	Username string // "" when there is none, as with Email
	Email    string
	Roles    []string

	EmailVerified bool
	Disabled      bool
	// Times are zero where the document does not have them.
	EmailVerifiedAt time.Time
	CreatedAt       time.Time
	UpdatedAt       time.Time

	PasswordHash model.PasswordHash // "" when there is no password

	// LeftBehind names what the user has there and will not have here, each in a
	// few words.
	LeftBehind []string
	// NoUser says why this is nobody who logs in, such as "service account"; ""
	// for everybody else. The other fields are then empty, but for Line.
	NoUser string
}

// Format hides the user under every verb, for the hash in it.
func (User) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("[user hidden]")) }

// What is left behind by more than one system.
const (
	secondFactor    = "second factor"
	socialLogin     = "login at another site"
	strangeRole     = "role or group whose name cannot be a role here"
	passwordless    = "login without a password"
	phoneNumber     = "phone number"
	anotherEmail    = "another email"
	anotherUsername = "another username"
	serviceUser     = "service account"
	anonymousUser   = "anonymous user"
)

// leave notes what is left behind, once.
func (u *User) leave(what string, given bool) {
	if !given {
		return
	}
	for _, known := range u.LeftBehind {
		if known == what {
			return
		}
	}
	u.LeftBehind = append(u.LeftBehind, what)
}

// name takes the names. Other systems let an email stand for the username, which
// no username here may look like; an email that was only a username there was
// never proven.
func (u *User) name(username, email string) {
	if strings.Contains(username, "@") && (email == "" || strings.EqualFold(username, email)) {
		u.EmailVerified = u.EmailVerified && email != ""
		email, username = cmp.Or(email, username), ""
	}
	u.Username, u.Email = username, email
}

// grant takes the roles that can be one here and notes the others.
func (u *User) grant(roles ...string) {
	for _, role := range roles {
		if model.CheckRole(role) != nil {
			u.leave(strangeRole, true)
			continue
		}
		u.Roles = append(u.Roles, role)
	}
}

// Users reads a document. With an error that is a refusal comes a User that has
// the line alone, and the next one follows; every other error is the last.
// It can be read once. Parameters are those that the document does not have and
// its hashes need; only Firebase has any.
func Users(from io.Reader, source Source, parameters FirebaseParameters) iter.Seq2[User, error] {
	in := newMeter(from)
	in.passMark()
	first := in.firstByte()
	switch source {
	case Keycloak:
		return realms(in)
	case Auth0:
		return listed(in, first, parseAuth0)
	case Firebase:
		if first != '{' {
			return parameters.rows(in)
		}
		return members(in, "users", parameters.parseJSON)
	case Supabase:
		if first != '{' && first != '[' {
			return table(in, supabaseColumns(), parseSupabaseRow)
		}
		return listed(in, first, parseSupabase)
	case Django:
		return listed(in, first, new(django).parse)
	case Kratos:
		return listed(in, first, parseKratos)
	case PocketBase:
		return listed(in, first, parsePocketBase)
	case CSV:
		return table(in, csvColumns(), parseCSV)
	}
	return func(yield func(User, error) bool) {
		yield(User{}, fmt.Errorf("importer: no source %q", string(source)))
	}
}

// errNoUser passes by an object that has nothing to do with users.
var errNoUser = errors.New("importer: not a user")

// wrong refuses a member and says how to mend it.
func wrong(member, how string) error { return model.ErrBadRequest.With(member, how) }
