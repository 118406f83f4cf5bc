package importer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/model"
)

// keycloakUser is an element of "users" in the export of a realm. A user who is
// not said to be enabled is not, as on import there.
type keycloakUser struct {
	ID                  string               `json:"id"`
	Username            string               `json:"username"`
	Email               string               `json:"email"`
	EmailVerified       bool                 `json:"emailVerified"`
	Enabled             bool                 `json:"enabled"`
	CreatedTimestamp    int64                `json:"createdTimestamp"`
	Credentials         []keycloakCredential `json:"credentials"`
	FederatedIdentities []jsontext.Value     `json:"federatedIdentities"`
	FederationLink      string               `json:"federationLink"`
	RealmRoles          []string             `json:"realmRoles"`
	ClientRoles         map[string][]string  `json:"clientRoles"`
	Groups              []string             `json:"groups"`
	RequiredActions     []string             `json:"requiredActions"`
	ServiceAccount      string               `json:"serviceAccountClientId"`
}

// keycloakCredential has two texts that are JSON themselves; the members below
// them are those of Keycloak before version 8.
type keycloakCredential struct {
	Type           string `json:"type"`
	SecretData     string `json:"secretData"`
	CredentialData string `json:"credentialData"`

	HashedSaltedValue string `json:"hashedSaltedValue"`
	Salt              string `json:"salt"`
	HashIterations    int    `json:"hashIterations"`
	Algorithm         string `json:"algorithm"`

	Value string `json:"value"` // the password itself, in a file that somebody wrote by hand
}

type keycloakSecret struct {
	Value string `json:"value"`
	Salt  string `json:"salt"`
}

type keycloakHash struct {
	HashIterations int                 `json:"hashIterations"`
	Algorithm      string              `json:"algorithm"`
	Additional     map[string][]string `json:"additionalParameters"`
}

func parseKeycloak(object []byte) (User, error) {
	var from keycloakUser
	if err := decode(object, &from); err != nil {
		return User{}, err
	}
	if from.ServiceAccount != "" {
		return User{NoUser: serviceUser}, nil
	}
	user := User{
		ID: idOf(Keycloak, cmp.Or(from.ID, from.Username)), EmailVerified: from.EmailVerified, Disabled: !from.Enabled,
		CreatedAt: milliseconds(from.CreatedTimestamp),
	}
	user.name(from.Username, from.Email)
	for _, role := range from.RealmRoles {
		if role != "offline_access" && role != "uma_authorization" && !strings.HasPrefix(role, "default-roles-") {
			user.grant(role)
		}
	}
	delete(from.ClientRoles, "account") // what everybody may do with the own account there
	user.leave("client roles", len(from.ClientRoles) > 0)
	user.leave("groups", len(from.Groups) > 0)
	user.leave(socialLogin, len(from.FederatedIdentities) > 0)
	user.leave("password in a directory", from.FederationLink != "")
	err := user.takeCredentials(from)
	return user, err
}

// takeCredentials takes the password, unless somebody else chose it for once.
func (u *User) takeCredentials(from keycloakUser) (err error) {
	for _, credential := range from.Credentials {
		switch {
		case credential.Type == "webauthn-passwordless":
			u.leave(passwordless, true)
		case credential.Type != "password" && credential.Type != "password-history":
			u.leave(secondFactor, true)
		case credential.Type == "password" && u.PasswordHash == "":
			if u.PasswordHash, err = credential.hash(); err != nil {
				return err
			}
		}
	}
	if u.PasswordHash != "" && slices.Contains(from.RequiredActions, "UPDATE_PASSWORD") {
		u.PasswordHash = ""
		u.leave("temporary password", true)
	}
	return nil
}

// hash puts the parts together as PHC has them.
func (c keycloakCredential) hash() (model.PasswordHash, error) {
	var secret keycloakSecret
	var how keycloakHash
	switch {
	case c.SecretData != "" || c.CredentialData != "":
		if decode([]byte(c.SecretData), &secret) != nil || decode([]byte(c.CredentialData), &how) != nil {
			return "", wrong("credentials", "Its secretData or credentialData is not what Keycloak writes.")
		}
	case c.Value != "":
		return "", errClearText("credentials")
	default:
		secret, how = c.beforeVersion8()
	}
	salt, digest, size := unpadded(secret.Salt), unpadded(secret.Value), octets(secret.Value)
	switch {
	case strings.HasPrefix(secret.Value, "$"): // of an extension that keeps it whole
		return model.PasswordHash(secret.Value), nil
	case size < 0 || octets(secret.Salt) < 0:
		return "", errForeignHash()
	case how.Algorithm == "pbkdf2":
		how.Algorithm = "pbkdf2-sha1"
	case how.Algorithm == "argon2":
		return how.argon2(salt, digest)
	}
	if how.Algorithm != "pbkdf2-sha1" && how.Algorithm != "pbkdf2-sha256" && how.Algorithm != "pbkdf2-sha512" {
		return "", errForeignHash()
	}
	return model.PasswordHash(fmt.Sprintf("$%s$i=%d,l=%d$%s$%s", how.Algorithm, how.HashIterations, size, salt, digest)), nil
}

// beforeVersion8 returns the parts as they are written since. The first versions
// knew one algorithm and did not name it, or by what is inside it.
func (c keycloakCredential) beforeVersion8() (keycloakSecret, keycloakHash) {
	algorithm := c.Algorithm
	if algorithm == "" || algorithm == "HmacSHA1" {
		algorithm = "pbkdf2"
	}
	return keycloakSecret{Value: c.HashedSaltedValue, Salt: c.Salt}, keycloakHash{HashIterations: c.HashIterations, Algorithm: algorithm}
}

func (h keycloakHash) argon2(salt, digest string) (model.PasswordHash, error) {
	parameter := func(name string) string {
		if values := h.Additional[name]; len(values) == 1 {
			return values[0]
		}
		return ""
	}
	kind := parameter("type")
	if kind != "id" && kind != "i" || parameter("version") != "1.3" {
		return "", errForeignHash()
	}
	return model.PasswordHash(fmt.Sprintf("$argon2%s$v=19$m=%s,t=%d,p=%s$%s$%s", kind,
		parameter("memory"), h.HashIterations, parameter("parallelism"), salt, digest)), nil
}
