package blocklist

import (
	_ "embed"
	"slices"
	"sort"
	"strings"

	"github.com/trustelem/zxcvbn/match"
)

// ranked is the dictionaries of zxcvbn, which the test of this package makes from
// its package frequency. It is read where it lies.
//
//go:embed ranked.words
var ranked string

// lexicon is words in the order of their bytes.
type lexicon interface {
	size() int
	word(i int) string
	rank(i int) int // 1 is what is tried first
	name() string
}

// dictionary is a file of words: how many there are, where each of them ends, the
// rank of each, and the words. Numbers are little-endian, of 4, 4 and 2 bytes.
type dictionary string

func (d dictionary) size() int { return number(string(d[:4])) }

func (d dictionary) word(i int) string {
	words := d[4+6*d.size():]
	begin := 0
	if i > 0 {
		begin = number(string(d[4*i : 4*i+4]))
	}
	return string(words[begin:number(string(d[4*i+4:4*i+8]))])
}

func (d dictionary) rank(i int) int {
	at := 4 + 4*d.size() + 2*i
	return number(string(d[at : at+2]))
}

func (dictionary) name() string { return "dictionary" }

func number(text string) int {
	n := 0
	for i := range len(text) {
		n |= int(text[i]) << (8 * i)
	}
	return n
}

// ofContext is the name of the words of a context among the matches.
const ofContext = "context"

// wordsOfContext are the words of a context as a password spells them.
type wordsOfContext []rankedWord

type rankedWord struct {
	text string
	rank int
}

func (w wordsOfContext) size() int         { return len(w) }
func (w wordsOfContext) word(i int) string { return w[i].text }
func (w wordsOfContext) rank(i int) int    { return w[i].rank }
func (wordsOfContext) name() string        { return ofContext }

func (w wordsOfContext) sort() {
	slices.SortFunc(w, func(a, b rankedWord) int { return strings.Compare(a.text, b.text) })
}

// words finds words, words backwards, and words with signs for letters.
func (s *spelling) words(lexicons ...lexicon) []*match.Match {
	var found []*match.Match
	backwards := []byte(s.folded)
	slices.Reverse(backwards)
	signs := signsIn(s.folded)
	for _, l := range lexicons {
		forth := &reading{lexicon: l, text: s.folded}
		forth.found = func(w reading) {
			found = append(found, s.match(w, w.from, w.to))
		}
		forth.everywhere()
		back := &reading{lexicon: l, text: string(backwards)}
		back.found = func(w reading) {
			m := s.match(w, len(s.exact)-w.to, len(s.exact)-w.from)
			m.Reversed = true
			found = append(found, m)
		}
		back.everywhere()
		if signs == nil {
			continue
		}
		leet := &reading{lexicon: l, text: s.folded, signs: signs}
		leet.found = func(w reading) {
			if m := s.match(w, w.from, w.to); w.to-w.from > 1 && len(w.swaps) > 0 {
				m.L33t, m.Sub = true, subs(w.swaps)
				if len(m.Sub) > 0 {
					found = append(found, m)
				}
			}
		}
		leet.everywhere()
	}
	return found
}

func (s *spelling) match(w reading, from, to int) *match.Match {
	return &match.Match{
		Pattern: "dictionary", I: from, J: to - 1, Token: s.exact[from:to],
		Rank: w.lexicon.rank(w.index), DictionaryName: w.lexicon.name(),
	}
}

// reading looks for the words of a lexicon in a text.
type reading struct {
	lexicon  lexicon
	text     string
	signs    *signs // nil where every byte stands for itself
	found    func(reading)
	from, to int
	index    int    // of the word that was found
	swaps    []swap // what stands for what in it
}

func (r *reading) everywhere() {
	for r.from = range len(r.text) {
		r.read(0, r.lexicon.size(), 0)
	}
}

// read goes on with the words from low to high, which begin with what was read.
func (r *reading) read(low, high, depth int) {
	for ; low < high && len(r.lexicon.word(low)) == depth; low++ {
		if depth > 0 {
			r.to, r.index = r.from+depth, low
			r.found(*r)
		}
	}
	if low >= high || r.from+depth >= len(r.text) {
		return
	}
	b := r.text[r.from+depth]
	if r.signs == nil || r.signs.letters[b] == "" {
		r.readOn(low, high, depth, b)
		return
	}
	if at := slices.IndexFunc(r.swaps, func(s swap) bool { return s.sign == b }); at >= 0 {
		r.readOn(low, high, depth, r.swaps[at].letter)
		return
	}
	try := func(letter byte) {
		r.swaps = append(r.swaps, swap{b, letter})
		r.readOn(low, high, depth, letter)
		r.swaps = r.swaps[:len(r.swaps)-1]
	}
	if r.signs.alone[b] {
		try(b)
	}
	for i := range len(r.signs.letters[b]) {
		letter := r.signs.letters[b][i]
		if !slices.ContainsFunc(r.swaps, func(s swap) bool { return s.letter == letter }) {
			try(letter)
		}
	}
}

// readOn narrows the words to those that go on with a byte.
func (r *reading) readOn(low, high, depth int, b byte) {
	n := high - low
	begin := low + sort.Search(n, func(i int) bool { return r.lexicon.word(low + i)[depth] >= b })
	end := low + sort.Search(n, func(i int) bool { return r.lexicon.word(low + i)[depth] > b })
	if begin < end {
		r.read(begin, end, depth+1)
	}
}

// swap is a sign that stands for a letter, or for itself.
type swap struct{ sign, letter byte }

func subs(swaps []swap) map[string]string {
	said := map[string]string{}
	for _, s := range swaps {
		if s.sign != s.letter {
			said[string(s.sign)] = string(s.letter)
		}
	}
	return said
}

// signs says which letters each sign of a password may stand for.
type signs struct {
	letters [256]string
	// alone are signs that may also stand for themselves beside others, as each of
	// their letters has another sign in the password.
	alone [256]bool
}

// signsOf are the signs for each letter, as zxcvbn has them.
const signsOf = "a4@ b8 c({[< e3 g69 i1!| l1|7 o0 s$5 t+7 x% z2"

// signsIn is nil for a text without any.
func signsIn(text string) *signs {
	if !strings.ContainsAny(text, "4@8({[<3691!|70$5+%2") {
		return nil
	}
	s := &signs{}
	for row := range strings.FieldsSeq(signsOf) {
		letter, its := row[:1], row[1:]
		for i := range len(its) {
			s.letters[its[i]] += letter
		}
	}
	for sign, letters := range s.letters {
		s.alone[sign] = letters != ""
		for row := range strings.FieldsSeq(signsOf) {
			others := strings.ReplaceAll(row[1:], string(rune(sign)), "")
			if strings.Contains(letters, row[:1]) && !strings.ContainsAny(text, others) {
				s.alone[sign] = false
			}
		}
	}
	return s
}
