package blocklist

import (
	"strings"
	"unicode"

	"github.com/trustelem/zxcvbn/match"
	"github.com/trustelem/zxcvbn/scoring"
)

// Weakness is what most of a password is made of.
type Weakness int

// From what is hardest to guess to what is easiest.
const (
	Unknown Weakness = iota // nothing that is recognised
	Words                   // words of the dictionary
	Years                   // years and dates
	Keys                    // neighbours on a keyboard
	Runs                    // runs like abc and 987
	Repeats                 // one part, again and again
	Names                   // words of the context
)

// Guess is how hard a password is to guess for somebody who tries words, dates,
// neighbours on a keyboard, runs, repeats and names before everything else.
type Guess struct {
	Guesses  float64 // how many it takes, in the order of zxcvbn
	Weakness Weakness
}

// maxGuessed is how much of a password is looked at, in code points, so that the
// work is bounded: it grows with the third power.
const maxGuessed = 64

// Estimate estimates how hard a password in NFC is to guess. It advises, and says
// nothing about a password that Holds or Makes would refuse. It does what zxcvbn
// does: the price of what is found and the cheapest way through it are those of
// the package scoring; what can be found is found here, without the 8 MiB and the
// start of that package's own search, and never with more guesses.
func Estimate(password string, context Context) Guess {
	s := newSpelling(toGuess(password))
	found := s.matches(s.spelled(context))
	best := scoring.MostGuessableMatchSequence(s.exact, found, false)
	return Guess{Guesses: best.Guesses, Weakness: weakness(best.Sequence)}
}

// toGuess is the beginning of a password. Of one that repeats a part, whole parts
// are left, so that it stays a repeat.
func toGuess(password string) []rune {
	runes := []rune(password)
	if len(runes) <= maxGuessed {
		return runes
	}
	if unit := length(unitOf(password, 0)); unit <= maxGuessed {
		return runes[:maxGuessed/unit*unit]
	}
	return runes[:maxGuessed]
}

// weakness is what covers most of the password on its cheapest way.
func weakness(sequence []*match.Match) Weakness {
	var covered [Names + 1]int
	for _, m := range sequence {
		covered[kindOf(m)] += len(m.Token)
	}
	most := Unknown
	for kind := range covered {
		if covered[kind] > covered[most] {
			most = Weakness(kind)
		}
	}
	return most
}

func kindOf(m *match.Match) Weakness {
	switch m.Pattern {
	case "dictionary":
		if m.DictionaryName == ofContext {
			return Names
		}
		return Words
	case "regex", "date":
		return Years
	case "spatial":
		return Keys
	case "sequence":
		return Runs
	case "repeat":
		return Repeats
	}
	return Unknown
}

// spelling is a password with one byte for each code point, as the scoring counts
// bytes: ASCII as it is, everything else, in lower case, as a byte of its own.
type spelling struct {
	runes  []rune
	exact  string
	folded string // exact in lower case
	codes  map[rune]byte
}

func newSpelling(runes []rune) *spelling {
	s := &spelling{runes: runes, codes: map[rune]byte{}}
	exact := make([]byte, len(runes))
	for i, r := range runes {
		if r < 0x80 {
			exact[i] = byte(r)
			continue
		}
		r = unicode.ToLower(r)
		if _, known := s.codes[r]; !known {
			s.codes[r] = byte(0x80 + len(s.codes)) // at most maxGuessed of them
		}
		exact[i] = s.codes[r]
	}
	s.exact = string(exact)
	s.folded = foldASCII(s.exact)
	return s
}

// foldASCII is for text that need not be UTF-8.
func foldASCII(text string) string {
	folded := []byte(text)
	for i, b := range folded {
		if 'A' <= b && b <= 'Z' {
			folded[i] = b + 'a' - 'A'
		}
	}
	return string(folded)
}

// spelled gives words the bytes of the password. A word with a letter that the
// password has not is not found in it, and left empty.
func (s *spelling) spelled(context Context) wordsOfContext {
	words := make(wordsOfContext, len(context.words))
	for i, word := range context.words {
		words[i] = rankedWord{text: s.spell(word), rank: i + 1}
	}
	words.sort()
	return words
}

func (s *spelling) spell(word string) string {
	var b strings.Builder
	for _, r := range word {
		code, known := s.codes[r]
		switch {
		case r < 0x80:
			code = byte(r)
		case !known:
			return ""
		}
		b.WriteByte(code)
	}
	return b.String()
}

// part is the spelling of some code points in the middle.
func (s *spelling) part(from, to int) *spelling {
	return &spelling{runes: s.runes[from:to], exact: s.exact[from:to], folded: s.folded[from:to], codes: s.codes}
}

// matches is everything that is recognised, in any order.
func (s *spelling) matches(context wordsOfContext) []*match.Match {
	found := s.words(dictionary(ranked), context)
	found = append(found, s.spatial()...)
	found = append(found, s.repeats(context)...)
	found = append(found, s.sequences()...)
	found = append(found, s.years()...)
	return append(found, s.dates()...)
}
