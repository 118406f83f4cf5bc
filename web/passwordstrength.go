package web

import (
	"net/http"
	"slices"
)

// strengthAnswer is what a page shows beside a new password.
type strengthAnswer struct {
	Score int    `json:"score"` // 0 would be refused, 4 is the best
	Hint  string `json:"hint"`
}

// passwordStrength is POST /password/strength, which the script of the pages
// asks while somebody types. Nothing of it is kept or logged. Refusal:
// ErrTooManyAttempts.
func (d *door) passwordStrength(x *exchange) error {
	if err := d.auth.AllowStrengthHint(x.r.Context()); err != nil {
		return err
	}
	names := []string{x.fields["username"], x.fields["email"]}
	if x.loggedIn() {
		names = append(names, x.presence.User.Username.String(), x.presence.User.Email.String())
	}
	// Whatever is longer is no name, and only work.
	names = slices.DeleteFunc(names, func(name string) bool { return len(name) > 4*identifier().max })
	advice := d.auth.PasswordStrength(x.fields.password("password"), names...)
	return x.json(http.StatusOK, strengthAnswer(advice))
}
