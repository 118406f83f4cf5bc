package importer

import (
	"cmp"
	"encoding/hex"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/model"
)

// auth0User is a line of the export of hashes that the support makes, a line of
// an export of users, which has none, or an element of a file for their bulk
// import.
type auth0User struct {
	Object struct {
		ID string `json:"$oid"`
	} `json:"_id"`
	OtherID string `json:"alt_id"`
	UserID  string `json:"user_id"`

	Username      string            `json:"username"`
	Email         string            `json:"email"`
	EmailVerified *bool             `json:"email_verified"`
	PhoneNumber   string            `json:"phone_number"`
	Identifiers   []auth0Identifier `json:"identifiers"`
	Blocked       bool              `json:"blocked"`
	CreatedAt     string            `json:"created_at"`
	UpdatedAt     string            `json:"updated_at"`

	PasswordHash string `json:"passwordHash"`
	ImportHash   string `json:"password_hash"`
	CustomHash   *struct {
		Algorithm string `json:"algorithm"`
		Hash      struct {
			Value string `json:"value"`
		} `json:"hash"`
		Salt jsontext.Value `json:"salt"`
	} `json:"custom_password_hash"`

	Identities  []auth0Identity  `json:"identities"`
	Multifactor []jsontext.Value `json:"multifactor"`
	MFAFactors  []jsontext.Value `json:"mfa_factors"`
}

type auth0Identity struct {
	Provider string `json:"provider"`
}

type auth0Identifier struct {
	Type     string `json:"type"`
	Value    string `json:"value"`
	Verified bool   `json:"verified"`
}

func parseAuth0(object []byte) (User, error) {
	var from auth0User
	if err := decode(object, &from); err != nil {
		return User{}, err
	}
	from.takeIdentifiers()
	var times moments
	user := User{
		ID:            idOf(Auth0, strings.TrimPrefix(cmp.Or(from.UserID, from.OtherID, from.Object.ID, from.Email, from.Username), "auth0|")),
		EmailVerified: from.EmailVerified != nil && *from.EmailVerified, Disabled: from.Blocked,
		CreatedAt: times.text("created_at", from.CreatedAt), UpdatedAt: times.text("updated_at", from.UpdatedAt),
	}
	if user.CreatedAt.IsZero() {
		user.CreatedAt = objectTime(from.Object.ID)
	}
	user.name(from.Username, from.Email)
	user.leave(secondFactor, len(from.Multifactor)+len(from.MFAFactors) > 0)
	user.leave(phoneNumber, from.PhoneNumber != "")
	// The export of users can be told to leave out the identities; the first of
	// them stands before the id in any case.
	if provider, _, found := strings.Cut(from.UserID, "|"); found {
		user.leaveAuth0Identity(provider)
	}
	for _, identity := range from.Identities {
		user.leaveAuth0Identity(identity.Provider)
	}
	hash, err := from.hash()
	user.PasswordHash = hash
	return user, model.Together(times.err(), err)
}

// leaveAuth0Identity notes where else the user logs in.
func (u *User) leaveAuth0Identity(provider string) {
	byMessage := provider == "email" || provider == "sms"
	u.leave(passwordless, byMessage)
	u.leave(socialLogin, provider != "auth0" && !byMessage)
}

// takeIdentifiers takes what stands in the list of identifiers only.
func (a *auth0User) takeIdentifiers() {
	for _, identifier := range a.Identifiers {
		switch identifier.Type {
		case "email":
			if a.Email == "" || a.EmailVerified == nil && strings.EqualFold(a.Email, identifier.Value) {
				a.Email, a.EmailVerified = identifier.Value, &identifier.Verified
			}
		case "username":
			a.Username = cmp.Or(a.Username, identifier.Value)
		case "phone_number":
			a.PhoneNumber = cmp.Or(a.PhoneNumber, identifier.Value)
		}
	}
}

func (a *auth0User) hash() (model.PasswordHash, error) {
	custom := a.CustomHash
	if custom == nil {
		return model.PasswordHash(cmp.Or(a.PasswordHash, a.ImportHash)), nil
	}
	whole := custom.Algorithm == "bcrypt" || custom.Algorithm == "argon2" || custom.Algorithm == "pbkdf2"
	// With a salt of its own the value is not the whole of it.
	if !whole || custom.Salt != nil || a.PasswordHash+a.ImportHash != "" {
		return "", errForeignHash()
	}
	return model.PasswordHash(custom.Hash.Value), nil
}

// objectTime returns when an object of MongoDB was made: its id begins with the
// seconds since 1970.
func objectTime(id string) time.Time {
	raw, err := hex.DecodeString(id)
	if err != nil || len(raw) != 12 {
		return time.Time{}
	}
	return time.Unix(int64(raw[0])<<24|int64(raw[1])<<16|int64(raw[2])<<8|int64(raw[3]), 0).UTC()
}
