package importer

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/model"
)

// kratosIdentity is an identity as the admin API of Ory Kratos lists it with its
// credentials.
type kratosIdentity struct {
	ID          string                      `json:"id"`
	State       string                      `json:"state"`
	Traits      jsontext.Value              `json:"traits"`
	CreatedAt   string                      `json:"created_at"`
	UpdatedAt   string                      `json:"updated_at"`
	Addresses   []kratosAddress             `json:"verifiable_addresses"`
	Credentials map[string]kratosCredential `json:"credentials"`
}

type kratosAddress struct {
	Value      string `json:"value"`
	Verified   bool   `json:"verified"`
	Via        string `json:"via"` // "email" or "sms"
	VerifiedAt string `json:"verified_at"`
}

type kratosCredential struct {
	Identifiers []string       `json:"identifiers"`
	Config      jsontext.Value `json:"config"`
}

func parseKratos(object []byte) (User, error) {
	var from kratosIdentity
	if err := decode(object, &from); err != nil {
		return User{}, err
	}
	var times moments
	username, email := from.names()
	user := User{
		// A file for their import has no ids.
		ID: idOf(Kratos, cmp.Or(from.ID, email, username)), Disabled: from.State == "inactive",
		CreatedAt: times.text("created_at", from.CreatedAt), UpdatedAt: times.text("updated_at", from.UpdatedAt),
	}
	user.name(username, email)
	for _, address := range from.Addresses {
		if address.Verified && strings.EqualFold(address.Value, user.Email) {
			user.EmailVerified, user.EmailVerifiedAt = true, times.text("verified_at", address.VerifiedAt)
		}
		user.leave(anotherEmail, address.Via == "email" && !strings.EqualFold(address.Value, user.Email))
		user.leave(phoneNumber, address.Via == "sms")
	}
	for _, identifier := range from.Credentials["password"].Identifiers {
		switch {
		case strings.Contains(identifier, "@"):
			user.leave(anotherEmail, !strings.EqualFold(identifier, user.Email))
		case from.isPhone(identifier):
			user.leave(phoneNumber, true)
		default:
			user.leave(anotherUsername, !strings.EqualFold(identifier, user.Username))
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(from.Credentials)) {
		switch kind {
		case "password", "profile":
		case "oidc", "saml":
			user.leave(socialLogin, true)
		case "code", "passkey":
			user.leave(passwordless, true)
		default:
			user.leave(secondFactor, true)
		}
	}
	hash, err := from.passwordHash()
	user.PasswordHash = hash
	return user, model.Together(times.err(), err)
}

// names returns username and email. Everybody gives the traits a schema of their
// own; what logs in there is always among the identifiers.
func (k kratosIdentity) names() (username, email string) {
	var traits struct {
		Username jsontext.Value `json:"username"`
		Email    jsontext.Value `json:"email"`
	}
	_ = decode(k.Traits, &traits)
	username, email = textOnly(traits.Username), textOnly(traits.Email)
	for _, identifier := range k.Credentials["password"].Identifiers {
		switch {
		case strings.Contains(identifier, "@"):
			email = cmp.Or(email, identifier)
		case !k.isPhone(identifier):
			username = cmp.Or(username, identifier)
		}
	}
	return username, cmp.Or(email, k.firstEmail())
}

// isPhone reports whether somebody logs in with this as a phone number. It must not
// become a username, which everybody may try out.
func (k kratosIdentity) isPhone(identifier string) bool {
	international, plus := strings.CutPrefix(identifier, "+")
	return plus && strings.Trim(international, "0123456789 ()-./") == "" ||
		slices.ContainsFunc(k.Addresses, func(a kratosAddress) bool { return a.Via == "sms" && a.Value == identifier })
}

// firstEmail returns the first address that is proven, or else the first.
func (k kratosIdentity) firstEmail() (first string) {
	for _, address := range k.Addresses {
		switch {
		case address.Via != "email":
		case address.Verified:
			return address.Value
		default:
			first = cmp.Or(first, address.Value)
		}
	}
	return first
}

// textOnly returns a text, and nothing for every other value.
func textOnly(value jsontext.Value) string {
	if value.Kind() != '"' {
		return ""
	}
	return text(value)
}

// passwordHash returns the hash, "" for who has no password. Kratos gives out no
// credentials, or those of other kinds without what is in them, to who does not
// ask for it: all passwords would be lost without a word.
func (k kratosIdentity) passwordHash() (model.PasswordHash, error) {
	const member, ask = "credentials/password/config", "It is missing; ask Kratos for it with include_credential=password"
	if k.Credentials == nil {
		return "", wrong("credentials", ask+", or write {} for somebody who has none.")
	}
	credential, given := k.Credentials["password"]
	if !given {
		return "", nil
	}
	if credential.Config == nil {
		return "", wrong(member, ask+".")
	}
	var config struct {
		HashedPassword string `json:"hashed_password"`
		Password       string `json:"password"`
	}
	switch {
	case credential.Config.Kind() != 'n' && decode(credential.Config, &config) != nil:
		return "", wrong(member, "It is not what Kratos writes.")
	case config.HashedPassword == "" && config.Password != "":
		return "", errClearText(member)
	}
	return model.PasswordHash(config.HashedPassword), nil
}
