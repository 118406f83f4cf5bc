package blocklist

import (
	"math"
	"strings"
	"unicode"
)

// Weakness is what most of a password is made of.
type Weakness int

// From what is hardest to guess to what is easiest.
const (
	Unknown Weakness = iota // nothing that is recognised
	Words                   // words of the list
	Years                   // four digits that are a year
	Keys                    // neighbours in a row of the keyboard
	Runs                    // runs like abc and 987
	Repeats                 // what stood there before
	Names                   // words of the context
)

// Guess is how hard a password is to guess for somebody who tries words, rows
// of keys, runs, repeats and names before everything else.
type Guess struct {
	Bits     float64 // the binary logarithm of the number of guesses
	Weakness Weakness
}

const (
	// maxGuessed is how much of a password is looked at, in code points, so that
	// the work is bounded. What is longer is no weaker.
	maxGuessed = 100
	longestTry = 24 // code points of a word
)

// The costs, in bits. They err towards calling a password weak: a character by
// chance is worth ten guesses, as if most of them were foreseen.
const (
	costChance = 3.3
	costWord   = 14.0 // every word as if it were among the first 16,000
	costName   = 2.0
	costYear   = 7.0
	costChange = 1.0 // upper case, or a row of keys backwards
	costLeet   = 2.0
)

// keyRows are rows of the common keyboards.
const keyRows = "1234567890 qwertyuiop asdfghjkl zxcvbnm qwertzuiop yxcvbnm azertyuiop qsdfghjklm wxcvbn"

// Guess estimates how hard a password in NFC is to guess. It advises, and says
// nothing about a password that Holds or Makes would refuse.
func (l *List) Guess(password string, context Context) Guess {
	runes := []rune(password)
	runes = runes[:min(len(runes), maxGuessed)]
	g := guesser{list: l, context: context, runes: runes, folded: []rune(fold(string(runes)))}
	if len(g.folded) != len(runes) {
		g.folded = runes // a letter whose lower case is longer
	}
	g.steps = make([]step, len(runes)+1)
	for i := range g.steps[1:] {
		g.steps[i+1].bits = math.Inf(1)
	}
	for from := range runes {
		g.reach(from, from+1, costChance, Unknown)
		g.words(from)
		g.runs(from)
		g.repeats(from)
	}
	return Guess{Bits: g.steps[len(runes)].bits, Weakness: g.weakness()}
}

// step is the cheapest way found to guess everything before a place.
type step struct {
	bits float64
	from int
	by   Weakness
}

type guesser struct {
	list          *List
	context       Context
	runes, folded []rune
	steps         []step
}

func (g *guesser) reach(from, to int, cost float64, by Weakness) {
	if bits := g.steps[from].bits + cost; bits < g.steps[to].bits {
		g.steps[to] = step{bits, from, by}
	}
}

// words tries every word that begins at a place.
func (g *guesser) words(from int) {
	for to := from + shortestWord; to <= min(from+longestTry, len(g.folded)); to++ {
		word, cost := string(g.folded[from:to]), 0.0
		if strings.IndexFunc(string(g.runes[from:to]), unicode.IsUpper) >= 0 {
			cost = costChange
		}
		switch {
		case g.context.holds(word) || g.context.holds(reversed(word)):
			g.reach(from, to, cost+costName, Names)
		case isYear(word):
			g.reach(from, to, costYear, Years)
		case g.list.holds(word):
			g.reach(from, to, cost+costWord, Words)
		case g.list.holds(reversed(word)) || g.list.holdsLeet(word):
			g.reach(from, to, cost+costWord+costLeet, Words)
		}
	}
}

func isYear(word string) bool {
	return len(word) == 4 && (word[:2] == "19" || word[:2] == "20") && strings.Trim(word, "0123456789") == ""
}

// holdsLeet looks for a word behind signs and digits that stand for letters.
func (l *List) holdsLeet(word string) bool {
	if !strings.ContainsAny(word, "04@31!5$7") {
		return false
	}
	return l.holds(leetI.Replace(word)) || l.holds(leetL.Replace(word))
}

// The digits and signs that stand for letters; one of them for two.
var (
	leetI = strings.NewReplacer("0", "o", "4", "a", "@", "a", "3", "e", "5", "s", "$", "s", "7", "t", "1", "i", "!", "i")
	leetL = strings.NewReplacer("0", "o", "4", "a", "@", "a", "3", "e", "5", "s", "$", "s", "7", "t", "1", "l", "!", "l")
)

// runs tries runs of code points, and rows of keys, of three and more.
func (g *guesser) runs(from int) {
	for _, by := range []rune{1, -1} {
		for to := from + 1; to < len(g.folded) && g.folded[to]-g.folded[to-1] == by; to++ {
			if n := to + 1 - from; n >= 3 {
				g.reach(from, to+1, costChance+math.Log2(float64(n)), Runs)
			}
		}
	}
	for to := from + 3; to <= len(g.folded); to++ {
		row := string(g.folded[from:to])
		switch {
		case strings.ContainsRune(row, ' '):
			return
		case strings.Contains(keyRows, row):
			g.reach(from, to, costChance+math.Log2(float64(to-from)), Keys)
		case strings.Contains(keyRows, reversed(row)):
			g.reach(from, to, costChance+costChange+math.Log2(float64(to-from)), Keys)
		default:
			return
		}
	}
}

// repeats tries to take what follows from what stood there before: where it
// began and how long it is are all there is to guess.
func (g *guesser) repeats(from int) {
	for start := range from {
		for n := 0; from+n < len(g.folded) && g.folded[start+n] == g.folded[from+n]; n++ {
			if n >= 2 {
				g.reach(from, from+n+1, 1+math.Log2(float64(from))+math.Log2(float64(n+1)), Repeats)
			}
		}
	}
}

// weakness is what covers most of the password on its cheapest way.
func (g *guesser) weakness() Weakness {
	var covered [Names + 1]int
	for at := len(g.runes); at > 0; at = g.steps[at].from {
		covered[g.steps[at].by] += at - g.steps[at].from
	}
	most := Unknown
	for kind := range covered {
		if covered[kind] > covered[most] {
			most = Weakness(kind)
		}
	}
	return most
}
