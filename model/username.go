package model

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/bidirule"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

const (
	// maxFormBytes bounds what a form looks at: 64 code points and every
	// canonical email fit many times over, and longer input costs nothing.
	maxFormBytes = 1024
	// maxUsernameRunes is the longest username in code points.
	maxUsernameRunes = 64
	// precisRounds is how often the profile may run before its result must
	// stand still. RFC 8264 section 7 asks for up to three extra rounds.
	precisRounds = 4
)

// caseMapped is UsernameCaseMapped, RFC 8265 section 3.3, but for the Bidi Rule:
// precis.UsernameCaseMapped holds every name to it, so that "1é" is refused and
// a wide "１" is not a "1". The RFC asks for it where letters run right to left.
var caseMapped = precis.NewIdentifier(precis.FoldWidth, precis.LowerCase(), precis.Norm(norm.NFC))

// Username is a username in its one canonical spelling. ParseUsername makes it;
// converting a string by hand skips every rule.
type Username string

// ParseUsername gives the canonical spelling of a username that somebody wants
// to bear: RFC 8265 UsernameCaseMapped, without white space around it, 1 to 64
// code points, no "@", no control, bidirectional or invisible characters, one
// script. Parsing a canonical username returns it unchanged.
//
// Refusals: ErrUsernameInvalid; ErrUsernameReserved for words that would speak
// for the service, also in letters that only look like them, and for the form
// of an id.
func ParseUsername(s string) (Username, error) {
	u, err := canonicalUsername(s)
	if err != nil {
		return "", err
	}
	if _, err := ParseID[User](string(u)); err == nil || u.reserved() {
		// Whoever names a user by id must not find another by that username.
		return "", ErrUsernameReserved.With("username", "This name is reserved. Choose another one.")
	}
	return u, nil
}

// String returns the canonical spelling.
func (u Username) String() string { return string(u) }

// canonicalUsername is the only function that makes a username canonical. It
// does not know reserved words, because naming a user is not claiming a name.
func canonicalUsername(s string) (Username, error) {
	if len(s) > maxFormBytes {
		return "", invalidUsername("Use 64 characters or fewer.")
	}
	if !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) {
		return "", invalidUsername("Use well-formed text.")
	}
	name := strings.TrimSpace(s)
	if name == "" {
		return "", invalidUsername("Enter a username.")
	}
	name, ok := fixedPoint(name)
	if !ok {
		return "", invalidUsername("Use letters and digits, without spaces and symbols.")
	}
	if utf8.RuneCountInString(name) > maxUsernameRunes {
		return "", invalidUsername("Use 64 characters or fewer.")
	}
	if strings.ContainsRune(name, '@') {
		return "", invalidUsername("Leave out the @.")
	}
	if hasUnseen(name) || !marksStandWell(name) {
		return "", invalidUsername("Use visible letters and digits only.")
	}
	if !oneScript(name) || !oneDigitSystem(name) {
		return "", invalidUsername("Use letters and digits of one script only.")
	}
	return Username(name), nil
}

func invalidUsername(detail string) *Error { return ErrUsernameInvalid.With("username", detail) }

// fixedPoint applies the profile until it changes nothing more: a result that
// still moves would be a second spelling of the same user.
func fixedPoint(s string) (string, bool) {
	for range precisRounds {
		next, err := caseMapped.String(s)
		if err != nil {
			return "", false
		}
		next = finalSigma(next)
		if next == s {
			rightToLeft := bidirule.DirectionString(s) == bidi.RightToLeft
			return s, !rightToLeft || bidirule.ValidString(s)
		}
		s = next
	}
	return "", false
}

// finalSigma writes the Greek sigma as its place asks, Unicode section 3.13, for
// the profile maps it letter by letter: "ΝΙΚΟΣ", "νικος" and "νικοσ" are one user.
func finalSigma(s string) string {
	if !strings.ContainsAny(s, "σς") {
		return s
	}
	runes := []rune(s)
	for i, r := range runes {
		if r != 'σ' && r != 'ς' {
			continue
		}
		runes[i] = 'σ'
		if letterBeside(runes, i-1, -1) && !letterBeside(runes, i+1, +1) {
			runes[i] = 'ς'
		}
	}
	return string(runes)
}

// letterBeside reports whether the next rune from i on that is no mark is a letter.
func letterBeside(runes []rune, i, step int) bool {
	for ; i >= 0 && i < len(runes); i += step {
		if !unicode.Is(unicode.M, runes[i]) {
			return unicode.IsLetter(runes[i])
		}
	}
	return false
}

// hasUnseen reports control characters, private ones and everything that is
// normally not drawn: joiners, fillers, variation selectors, bidi controls.
// RFC 8264 allows joiners in some places; names are safer without.
func hasUnseen(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.C, unicode.Other_Default_Ignorable_Code_Point,
			unicode.Variation_Selector, unicode.Bidi_Control)
	})
}

// marksStandWell refuses a name that begins with a combining mark, and a dot
// above a letter that has its own dot: "i̇" is drawn as "i".
func marksStandWell(s string) bool {
	var before rune
	for i, r := range s {
		if i == 0 && unicode.Is(unicode.M, r) {
			return false
		}
		if r == '\u0307' && unicode.Is(unicode.Soft_Dotted, before) {
			return false
		}
		before = r
	}
	return true
}
