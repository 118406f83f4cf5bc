package importer

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/model"
)

// supabaseUser is a row of auth.users.
type supabaseUser struct {
	ID               string         `json:"id"`
	Email            string         `json:"email"`
	Password         string         `json:"encrypted_password"`
	EmailConfirmedAt string         `json:"email_confirmed_at"`
	CreatedAt        string         `json:"created_at"`
	UpdatedAt        string         `json:"updated_at"`
	BannedUntil      string         `json:"banned_until"`
	DeletedAt        string         `json:"deleted_at"`
	Phone            string         `json:"phone"`
	AppMetadata      jsontext.Value `json:"raw_app_meta_data"`
	Anonymous        truth          `json:"is_anonymous"`
	SSO              truth          `json:"is_sso_user"`
}

func parseSupabase(object []byte) (User, error) {
	var from supabaseUser
	if err := decode(object, &from); err != nil {
		return User{}, err
	}
	return from.user()
}

func (s supabaseUser) user() (User, error) {
	switch {
	case s.DeletedAt != "":
		return User{NoUser: "deleted user"}, nil
	case bool(s.Anonymous):
		return User{NoUser: anonymousUser}, nil
	}
	var times moments
	user := User{
		ID: idOf(Supabase, s.ID), PasswordHash: supabaseHash(s.Password),
		EmailVerifiedAt: times.text("email_confirmed_at", s.EmailConfirmedAt),
		CreatedAt:       times.text("created_at", s.CreatedAt), UpdatedAt: times.text("updated_at", s.UpdatedAt),
		Disabled: s.BannedUntil == "infinity",
	}
	if !user.Disabled {
		user.Disabled = times.text("banned_until", s.BannedUntil).After(time.Now())
	}
	user.EmailVerified = !user.EmailVerifiedAt.IsZero()
	user.name("", s.Email)
	user.leave(phoneNumber, s.Phone != "")
	user.leave(socialLogin, bool(s.SSO) || s.otherProviders())
	if strings.HasPrefix(s.Password, "{") {
		return user, model.Together(times.err(), wrong("encrypted_password",
			"It is encrypted with a key of that installation; leave it out and hand over a reset-link."))
	}
	return user, times.err()
}

// otherProviders reports whether the user also logs in elsewhere. What is not in
// the form that Supabase writes says nothing.
func (s supabaseUser) otherProviders() bool {
	var metadata struct {
		Providers []string `json:"providers"`
	}
	_ = decode(s.AppMetadata, &metadata)
	for _, provider := range metadata.Providers {
		if provider != "email" && provider != "phone" {
			return true
		}
	}
	return false
}

// supabaseHash returns the hash; one that Supabase took over from Firebase is
// put into the form that is read here.
func supabaseHash(text string) model.PasswordHash {
	after, found := strings.CutPrefix(text, "$fbscrypt$v=1,")
	parts := strings.Split(after, "$")
	if !found || len(parts) != 3 {
		return model.PasswordHash(text)
	}
	given := map[string]string{}
	for parameter := range strings.SplitSeq(parts[0], ",") {
		name, value, _ := strings.Cut(parameter, "=")
		given[name] = value
	}
	return model.PasswordHash("$firescrypt$ln=" + given["n"] + ",r=" + given["r"] + ",p=" + given["p"] + "$" +
		unpadded(parts[1]) + "$" + unpadded(parts[2]) + "$" + unpadded(given["ss"]) + "$" + unpadded(given["sk"]))
}

// supabaseColumns are those of auth.users that are read; a table may have more.
func supabaseColumns() columns {
	return columns{needed: []string{"id", "email", "encrypted_password"}, more: true}
}

func parseSupabaseRow(row row) (User, error) {
	from := supabaseUser{
		ID: row["id"], Email: row["email"], Password: row["encrypted_password"], EmailConfirmedAt: row["email_confirmed_at"],
		CreatedAt: row["created_at"], UpdatedAt: row["updated_at"], BannedUntil: row["banned_until"], DeletedAt: row["deleted_at"],
		Phone: row["phone"], AppMetadata: jsontext.Value(row["raw_app_meta_data"]),
	}
	anonymous, anonymousErr := truthOf("is_anonymous", row["is_anonymous"])
	sso, ssoErr := truthOf("is_sso_user", row["is_sso_user"])
	from.Anonymous, from.SSO = truth(anonymous), truth(sso)
	user, err := from.user()
	return user, model.Together(anonymousErr, ssoErr, err)
}
