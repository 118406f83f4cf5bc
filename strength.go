package gatehouse

import (
	"errors"

	"gatehouse/blocklist"
	"gatehouse/model"
)

// Strength is advice on a password that somebody is typing. It refuses nothing.
type Strength struct {
	Score int    // 0 would be refused, 1 is weak, 4 is strong
	Hint  string // one sentence that is safe to show
}

// How many guesses a score takes; the scores of zxcvbn are the same from 2 on.
const (
	fairGuesses   = 1e6
	goodGuesses   = 1e8
	strongGuesses = 1e10
	aFew          = 5 // so that what has exactly the number of a bound is below it
)

// PasswordStrength says what setting this password would be refused for, as far
// as that can be said without asking anybody, and else estimates how hard it is
// to guess. The names are those of the user. It is for hints while somebody
// types: nothing of it is kept, and it costs well below a hash.
func (a *Auth) PasswordStrength(password model.Password, names ...string) Strength {
	canonical, err := a.newPassword(choice{password: password, member: "password", names: names})
	if err != nil {
		var refusal *model.Error
		if errors.As(err, &refusal) && len(refusal.Fields) > 0 {
			return Strength{Hint: refusal.Fields[0].Detail}
		}
		return Strength{}
	}
	guess := blocklist.Estimate(string(canonical), a.ourNames.With(names...))
	switch {
	case guess.Guesses >= strongGuesses+aFew:
		return Strength{4, "Strong (estimate)."}
	case guess.Guesses >= goodGuesses+aFew:
		return Strength{3, "Good (estimate)."}
	case guess.Guesses >= fairGuesses+aFew:
		return Strength{2, "Fair (estimate). One more unrelated word helps."}
	}
	return Strength{1, "Weak: " + weakBecause(guess.Weakness) + fewWords}
}

func weakBecause(w blocklist.Weakness) string {
	switch w {
	case blocklist.Words:
		return "it is mostly one common word."
	case blocklist.Years:
		return "years are guessed early."
	case blocklist.Keys:
		return "rows of keys are guessed early."
	case blocklist.Runs:
		return "runs like abc and 987 are guessed early."
	case blocklist.Repeats:
		return "it repeats itself."
	case blocklist.Names:
		return "it is mostly your name."
	}
	return "it is easy to guess."
}
