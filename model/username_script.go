package model

import "unicode"

// scriptCompany lists the scripts that one writing system uses together, after
// UTS #39 section 5.2, without its Latin companions: Latin letters beside
// others are how look-alikes are made.
var scriptCompany = [...][]string{
	{"Han", "Hiragana", "Katakana"},
	{"Han", "Bopomofo"},
	{"Han", "Hangul"},
}

// oneScript reports whether all letters belong to one script or to one company
// of scripts. Common and inherited characters (digits, marks, "-") go with any.
func oneScript(s string) bool {
	seen := make(map[string]bool, 1)
	for _, r := range s {
		if unicode.In(r, unicode.Common, unicode.Inherited) {
			continue
		}
		name, ok := scriptOf(r)
		if !ok {
			return false
		}
		seen[name] = true
	}
	if len(seen) <= 1 {
		return true
	}
	for _, company := range scriptCompany {
		if allIn(seen, company) {
			return true
		}
	}
	return false
}

// phonetic letters (small capitals and the like) write no language and look like
// letters that do; UTS #39 table 1 calls them technical.
var phonetic = &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0x1D00, Hi: 0x1DBF, Stride: 1}}}

// scriptOf names the script of r; ok is false for letters that no name is
// written in.
func scriptOf(r rune) (name string, ok bool) {
	if unicode.Is(phonetic, r) {
		return "", false
	}
	if unicode.Is(unicode.Latin, r) {
		return "Latin", true
	}
	for script, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return script, true
		}
	}
	return "", false
}

func allIn(seen map[string]bool, company []string) bool {
	found := 0
	for _, script := range company {
		if seen[script] {
			found++
		}
	}
	return found == len(seen)
}

// oneDigitSystem reports whether all decimal digits come from one set of ten
// (UTS #39 section 5.3): some digits of other sets look like ours and count
// differently.
func oneDigitSystem(s string) bool {
	zero := rune(-1)
	for _, r := range s {
		z, ok := zeroOf(r)
		if !ok {
			continue
		}
		if zero >= 0 && z != zero {
			return false
		}
		zero = z
	}
	return true
}

// zeroOf gives the zero of the set of digits that r belongs to. The Unicode
// Standard keeps each set contiguous and in order (section 4.6).
func zeroOf(r rune) (zero rune, ok bool) {
	if !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	for _, set := range unicode.Nd.R16 {
		if lo := rune(set.Lo); lo <= r && r <= rune(set.Hi) {
			return r - (r-lo)%10, true
		}
	}
	for _, set := range unicode.Nd.R32 {
		if lo := rune(set.Lo); lo <= r && r <= rune(set.Hi) {
			return r - (r-lo)%10, true
		}
	}
	return 0, false
}
