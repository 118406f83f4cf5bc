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
	ID        string         `json:"id"`
	State     string         `json:"state"`
	Traits    jsontext.Value `json:"traits"`
	CreatedAt string         `json:"created_at"`
	UpdatedAt string         `json:"updated_at"`
	Addresses []struct {
		Value      string `json:"value"`
		Verified   bool   `json:"verified"`
		VerifiedAt string `json:"verified_at"`
	} `json:"verifiable_addresses"`
	Credentials map[string]kratosCredential `json:"credentials"`
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
	user := User{
		ID: idOf(Kratos, from.ID), Disabled: from.State == "inactive",
		CreatedAt: times.text("created_at", from.CreatedAt), UpdatedAt: times.text("updated_at", from.UpdatedAt),
	}
	user.name(from.names())
	for _, address := range from.Addresses {
		if address.Verified && strings.EqualFold(address.Value, user.Email) {
			user.EmailVerified, user.EmailVerifiedAt = true, times.text("verified_at", address.VerifiedAt)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(from.Credentials)) {
		switch kind {
		case "password", "profile":
		case "oidc", "saml":
			user.leave(socialLogin, true)
		case "code", "passkey":
			user.leave("login without a password", true)
		default:
			user.leave(secondFactor, true)
		}
	}
	hash, err := from.Credentials["password"].hash()
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
		if strings.Contains(identifier, "@") {
			email = cmp.Or(email, identifier)
		} else {
			username = cmp.Or(username, identifier)
		}
	}
	return username, email
}

// textOnly returns a text, and nothing for every other value.
func textOnly(value jsontext.Value) string {
	if value.Kind() != '"' {
		return ""
	}
	return text(value)
}

func (c kratosCredential) hash() (model.PasswordHash, error) {
	if c.Config == nil || c.Config.Kind() == 'n' {
		return "", nil
	}
	var config struct {
		HashedPassword string `json:"hashed_password"`
	}
	if decode(c.Config, &config) != nil {
		return "", wrong("credentials/password/config", "It is not what Kratos writes.")
	}
	return model.PasswordHash(config.HashedPassword), nil
}
