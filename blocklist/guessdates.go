package blocklist

import (
	"slices"
	"strconv"
	"strings"

	"github.com/trustelem/zxcvbn/match"
	"github.com/trustelem/zxcvbn/scoring"
)

// The years that a date may have.
const (
	firstYear = 1000
	lastYear  = 2050
)

// dates finds days with month and year in any order, with and without signs
// between them, but none that is part of another.
func (s *spelling) dates() []*match.Match {
	var all []*match.Match
	for from := range len(s.exact) {
		for to := from + 4; to <= min(from+10, len(s.exact)); to++ {
			token := s.exact[from:to]
			year, separator, found := dateOf(token)
			if found {
				all = append(all, &match.Match{Pattern: "date", I: from, J: to - 1, Token: token, Year: year, Separator: separator})
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(m *match.Match) bool {
		return slices.ContainsFunc(all, func(other *match.Match) bool {
			return other != m && other.I <= m.I && other.J >= m.J
		})
	})
}

// dateOf is the year of a whole text that is a date, the nearest to now where it
// can be read in several ways.
func dateOf(text string) (year int, separator string, found bool) {
	if at := strings.IndexAny(text, " \t\n\v\f\r/\\_.-"); at > 0 {
		year, found = dateBetween(text, text[at:at+1])
		return year, text[at : at+1], found
	}
	if len(text) > 8 || !allDigits(text) {
		return 0, "", false
	}
	// Where the second and the third part begin, by length.
	for _, split := range [][][2]int{
		{{1, 2}, {2, 3}}, {{1, 3}, {2, 3}}, {{1, 2}, {2, 4}, {4, 5}}, {{1, 3}, {2, 3}, {4, 5}, {4, 6}}, {{2, 4}, {4, 6}},
	}[len(text)-4] {
		y, ok := yearOf(text[:split[0]], text[split[0]:split[1]], text[split[1]:])
		if ok && (!found || fromNow(y) < fromNow(year)) {
			year, found = y, true
		}
	}
	return year, "", found
}

// dateBetween reads parts with a separator between them.
func dateBetween(text, separator string) (year int, found bool) {
	parts := strings.Split(text, separator)
	if len(parts) != 3 {
		return 0, false
	}
	for i, most := range []int{4, 2, 4} {
		if parts[i] == "" || len(parts[i]) > most || !allDigits(parts[i]) {
			return 0, false
		}
	}
	return yearOf(parts[0], parts[1], parts[2])
}

func allDigits(text string) bool { return strings.Trim(text, "0123456789") == "" }

func fromNow(year int) int { return max(year-scoring.ReferenceYear, scoring.ReferenceYear-year) }

// yearOf is the year of three numbers that can be a day, a month and a year, with
// the year at an end.
func yearOf(first, middle, last string) (year int, found bool) {
	a, _ := strconv.Atoi(first)
	b, _ := strconv.Atoi(middle)
	c, _ := strconv.Atoi(last)
	if b < 1 || b > 31 {
		return 0, false
	}
	var over31, over12, under1 int
	for _, n := range []int{a, b, c} {
		if n > 99 && n < firstYear || n > lastYear {
			return 0, false
		}
		over31 += one(n > 31)
		over12 += one(n > 12)
		under1 += one(n < 1)
	}
	if over31 > 1 || over12 == 3 || under1 > 1 {
		return 0, false
	}
	ways := [][3]int{{c, a, b}, {a, b, c}}
	for _, way := range ways {
		if way[0] >= firstYear {
			return way[0], isDay(way[1], way[2])
		}
	}
	for _, way := range ways {
		if isDay(way[1], way[2]) {
			return fullYear(way[0]), true
		}
	}
	return 0, false
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// isDay reports whether two numbers can be a day and a month.
func isDay(a, b int) bool { return a <= 31 && b <= 12 || b <= 31 && a <= 12 }

func fullYear(year int) int {
	switch {
	case year > 99:
		return year
	case year > 50:
		return year + 1900
	}
	return year + 2000
}
