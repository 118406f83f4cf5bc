package blocklist

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxTail is how many digits and signs, before and behind a word together,
	// do not make another password of it.
	maxTail = 11
	// maxRepeats is how often in a row a word of the list stands for itself.
	// More is for Context alone, whose few words meet nobody by chance.
	maxRepeats = 3
)

func fold(text string) string { return strings.ToLower(text) }

func length(text string) int { return utf8.RuneCountInString(text) }

// isLetter counts the marks that belong to letters in many scripts.
func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) }

func isLetterOrDigit(r rune) bool { return isLetter(r) || unicode.IsDigit(r) }

// cores are the wholes that a folded password may stand for: itself, without
// signs at its ends, and without signs and digits there.
func cores(folded string) []string {
	all := []string{folded}
	for _, keep := range []func(rune) bool{isLetterOrDigit, isLetter} {
		core := strings.TrimFunc(folded, func(r rune) bool { return !keep(r) })
		if core != "" && length(folded)-length(core) <= maxTail && !slices.Contains(all, core) {
			all = append(all, core)
		}
	}
	return all
}

// unitOf is what a text repeats: the shortest part that, at most limit times in
// a row, is the text; the text itself where there is none. A limit of zero is
// none.
func unitOf(text string, limit int) string {
	// A text repeats a part if and only if it is found in its own double before
	// the end of the first copy.
	at := strings.Index((text + text)[min(1, len(text)):], text) + 1
	if at <= 0 || at >= len(text) || !utf8.RuneStart(text[at]) {
		return text
	}
	repeats := len(text) / at
	if limit == 0 || repeats <= limit {
		return text[:at]
	}
	for n := limit; n > 1; n-- {
		if repeats%n == 0 {
			return text[:len(text)/n]
		}
	}
	return text
}

// squeeze leaves letters and digits, folded: marguerite.duval and
// MargueriteDuval are one word.
func squeeze(text string) string {
	return strings.Map(func(r rune) rune {
		if isLetterOrDigit(r) {
			return r
		}
		return -1
	}, fold(text))
}

func reversed(text string) string {
	runes := []rune(text)
	slices.Reverse(runes)
	return string(runes)
}
