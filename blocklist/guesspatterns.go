package blocklist

import (
	"slices"
	"strings"

	"github.com/trustelem/zxcvbn/adjacency"
	"github.com/trustelem/zxcvbn/match"
	"github.com/trustelem/zxcvbn/scoring"
)

// spatial finds three neighbours and more on a keyboard.
func (s *spelling) spatial() []*match.Match {
	var found []*match.Match
	for _, name := range []string{"qwerty", "dvorak", "keypad", "mac_keypad"} {
		graph := adjacency.Graphs[name]
		for from := 0; from < len(s.exact)-1; {
			m := &match.Match{Pattern: "spatial", I: from, Graph: name}
			if name == "qwerty" || name == "dvorak" {
				m.ShiftedCount = shifted(s.exact[from])
			}
			to := walk(graph, s.exact, m)
			if to-from > 2 {
				m.J, m.Token = to-1, s.exact[from:to]
				found = append(found, m)
			}
			from = to
		}
	}
	return found
}

// shifted is 1 for a key with shift on a keyboard with letters.
func shifted(b byte) int {
	return strings.Count(`~!@#$%^&*()_+QWERTYUIOP{}|ASDFGHJKL:"ZXCVBNM<>?`, string(rune(b)))
}

// walk follows neighbours, counts turns and shifted keys, and returns where it
// ends.
func walk(graph *adjacency.Graph, text string, m *match.Match) int {
	direction := -1
	for at := m.I + 1; ; at++ {
		if at == len(text) {
			return at
		}
		neighbours := graph.Graph[string(rune(text[at-1]))]
		next := slices.IndexFunc(neighbours, func(key string) bool { return strings.IndexByte(key, text[at]) >= 0 })
		if next < 0 {
			return at
		}
		if strings.IndexByte(neighbours[next], text[at]) == 1 {
			m.ShiftedCount++
		}
		if next != direction {
			m.Turns++
			direction = next
		}
	}
}

// repeats finds parts that stand two times and more in a row.
func (s *spelling) repeats(context wordsOfContext) []*match.Match {
	var found []*match.Match
	for from := 0; from < len(s.exact); {
		begin, to, unit := repeatIn(s.exact, from)
		if unit == 0 {
			break
		}
		base := s.part(begin, begin+unit)
		best := scoring.MostGuessableMatchSequence(base.exact, base.matches(context), false)
		found = append(found, &match.Match{
			Pattern: "repeat", I: begin, J: to - 1, Token: s.exact[begin:to], BaseToken: base.exact,
			BaseGuesses: best.Guesses, BaseMatches: best.Sequence, RepeatCount: (to - begin) / unit,
		})
		from = to
	}
	return found
}

// repeatIn is the first repeat: the longer one of that with the longest and that
// with the shortest part, and the shortest part of it. Without one, unit is 0.
func repeatIn(text string, from int) (begin, end, unit int) {
	for begin := from; begin < len(text); begin++ {
		shortest, longest := 0, 0
		for n := 1; begin+2*n <= len(text); n++ {
			if text[begin:begin+n] == text[begin+n:begin+2*n] {
				longest = n
				if shortest == 0 {
					shortest = n
				}
			}
		}
		if longest == 0 {
			continue
		}
		end := endOfRepeat(text, begin, shortest)
		other := endOfRepeat(text, begin, longest)
		if other <= end {
			return begin, end, shortest
		}
		return begin, other, unitOfBytes(text[begin:other])
	}
	return 0, 0, 0
}

func endOfRepeat(text string, begin, unit int) int {
	end := begin + unit
	for end+unit <= len(text) && text[end:end+unit] == text[begin:begin+unit] {
		end += unit
	}
	return end
}

// unitOfBytes is how long the shortest part is that a text repeats.
func unitOfBytes(text string) int {
	return strings.Index((text + text)[1:], text) + 1
}

// sequences finds runs of three code points and more with one distance of up to
// five, and of two with the distance one.
func (s *spelling) sequences() []*match.Match {
	var found []*match.Match
	add := func(from, to int, distance rune) {
		if distance == 0 || distance > 5 || distance < -5 || to-from < 2 && distance != 1 && distance != -1 {
			return
		}
		found = append(found, &match.Match{
			Pattern: "sequence", I: from, J: to, Token: s.exact[from : to+1], Ascending: distance > 0,
		})
	}
	from, distance := 0, rune(0)
	for at := 1; at < len(s.runes); at++ {
		step := s.runes[at] - s.runes[at-1]
		if at == 1 {
			distance = step
		}
		if step != distance {
			add(from, at-1, distance)
			from, distance = at-1, step
		}
	}
	if len(s.runes) > 1 {
		add(from, len(s.runes)-1, distance)
	}
	return found
}

// years finds the years from 1900 to 2099.
func (s *spelling) years() []*match.Match {
	var found []*match.Match
	for from := 0; from+4 <= len(s.exact); from++ {
		token := s.exact[from : from+4]
		if (token[:2] == "19" || token[:2] == "20") && allDigits(token) {
			found = append(found, &match.Match{Pattern: "regex", I: from, J: from + 3, Token: token, RegexName: "recent_year"})
		}
	}
	return found
}
