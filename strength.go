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

// How many bits of guessing a score takes. With hashes at our price 40 bits are
// centuries of one machine.
const (
	fairBits   = 24
	goodBits   = 32
	strongBits = 40
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
	guess := a.commonPasswords.Guess(string(canonical), a.ourNames.With(names...))
	switch {
	case guess.Bits >= strongBits:
		return Strength{4, "Strong (estimate)."}
	case guess.Bits >= goodBits:
		return Strength{3, "Good (estimate)."}
	case guess.Bits >= fairBits:
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
