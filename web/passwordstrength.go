package web

import (
	"net/http"
	"runtime"
	"slices"
)

// strengthAnswer is what a page shows beside a new password.
type strengthAnswer struct {
	Score int    `json:"score"` // 0 would be refused, 4 is the best
	Hint  string `json:"hint"`
}

// passwordStrength is POST /password/strength, which the script of the pages
// asks while somebody types. Nothing of it is kept or logged. Refusal:
// ErrTooManyAttempts, ErrOverloaded.
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
	leave, err := d.hints.take()
	if err != nil {
		return err
	}
	defer leave()
	advice := d.auth.PasswordStrength(x.fields.password("password"), names...)
	return x.json(http.StatusOK, strengthAnswer(advice))
}

// hintsAtOnce leaves half of the machine to those who want more than advice: an
// estimate takes no place among the hashes, and many sources together could ask for
// as many as they like.
func hintsAtOnce() int { return max(1, runtime.GOMAXPROCS(0)/2) }
