package blocklist

import (
	"slices"
	"strings"
)

// Context is words that can be guessed about an account: its names, and those
// of the place it is for. The zero value holds none. It never changes and is
// safe for concurrent use.
type Context struct {
	words []string // squeezed, sorted, each once
}

// NewContext takes names as people write them: an email, a host, a username. A
// name counts as a whole and in its parts, so ana.duval@shop.example brings
// anaduvalshopexample, duval, shop and example; an email brings what is on
// either side of the @ too. Words of fewer than four letters and digits do not
// count.
func NewContext(names ...string) Context { return Context{}.With(names...) }

// With returns the context with more names. The receiver is not changed.
func (c Context) With(names ...string) Context {
	words := slices.Clone(c.words)
	add := func(text string) {
		word := squeeze(text)
		for _, form := range cores(word) {
			if length(form) >= shortestWord {
				words = append(words, form)
			}
		}
	}
	for _, name := range names {
		add(name)
		for part := range strings.SplitSeq(name, "@") {
			add(part)
		}
		for _, part := range strings.FieldsFunc(name, func(r rune) bool { return !isLetterOrDigit(r) }) {
			add(part)
		}
	}
	slices.Sort(words)
	return Context{words: slices.Compact(words)}
}

// Makes reports whether a password in NFC is one of the words: in any case, with
// or without the signs in it, backwards, any number of times in a row, or with a
// few digits and signs around it.
func (c Context) Makes(password string) bool {
	for _, core := range cores(fold(password)) {
		word := squeeze(core)
		for _, form := range []string{word, unitOf(word, 0)} {
			if c.holds(form) || c.holds(reversed(form)) {
				return true
			}
		}
	}
	return false
}

func (c Context) holds(word string) bool {
	_, found := slices.BinarySearch(c.words, word)
	return found
}
