package jwt

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// nameSet finds a name that was added before. Real objects have few members,
// so it starts as a list; hostile ones have many, so it does not stay one.
type nameSet struct {
	few   [16]string
	count int
	many  map[string]struct{}
	// seen has the bit of each name added: a name whose bit is missing is new.
	seen uint64
}

// add says whether the name is new.
func (n *nameSet) add(name string) bool {
	bit := nameBit(name)
	isNew := n.seen&bit == 0
	n.seen |= bit
	if n.many != nil {
		if _, known := n.many[name]; known {
			return false
		}
		n.many[name] = struct{}{}
		return true
	}
	if !isNew {
		for _, known := range n.few[:n.count] {
			if known == name {
				return false
			}
		}
	}
	if n.count < len(n.few) {
		n.few[n.count] = name
		n.count++
		return true
	}
	n.many = make(map[string]struct{}, 2*len(n.few))
	for _, known := range n.few {
		n.many[known] = struct{}{}
	}
	n.many[name] = struct{}{}
	return true
}

// nameBit spreads names over the bits of a word. With these factors no two of
// the claims known here share a bit.
func nameBit(name string) uint64 {
	n := len(name)
	if n == 0 {
		return 1
	}
	return 1 << ((uint(name[0]) + uint(name[n/2])*25 + uint(name[n-1]) + uint(n)) & 63)
}

// isPlain says whether s is ASCII without control characters and backslashes,
// as compact JSON without escapes is.
func isPlain(s string) bool {
	for ; len(s) >= 8; s = s[8:] {
		const ones, highs = 0x0101010101010101, 0x8080808080808080
		w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		// The high bit of a byte gets set in the second term by what is below a
		// space, in the third by a backslash. A byte beside one of those may be
		// reported too, which changes nothing.
		backslash := w ^ ones*'\\'
		if (w|(w-ones*0x20)|(backslash-ones))&highs != 0 {
			return false
		}
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x80 || s[i] == '\\' {
			return false
		}
	}
	return true
}

// hexUnit reads the UTF-16 unit of an escape such as \u20ac at the start of s.
func hexUnit(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var unit rune
	for _, c := range []byte(s[2:6]) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	return unit, true
}

// unescapeJSON returns the meaning of a string that the scanner accepted.
func unescapeJSON(raw string) string {
	i := strings.IndexByte(raw, '\\')
	if i < 0 {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for ; i >= 0; i = strings.IndexByte(raw, '\\') {
		out = append(out, raw[:i]...)
		unit, ok := hexUnit(raw[i:])
		switch {
		case !ok:
			out = append(out, simpleEscape(raw[i+1]))
			raw = raw[i+2:]
		case utf16.IsSurrogate(unit):
			low, _ := hexUnit(raw[i+6:])
			out = utf8.AppendRune(out, utf16.DecodeRune(unit, low))
			raw = raw[i+12:]
		default:
			out = utf8.AppendRune(out, unit)
			raw = raw[i+6:]
		}
	}
	return string(append(out, raw...))
}

func simpleEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// appendJSONString appends s, which must be valid UTF-8, as a JSON string.
func appendJSONString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[done:i]...)
		if c < 0x20 {
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xF])
		} else {
			dst = append(dst, '\\', c)
		}
		done = i + 1
	}
	dst = append(dst, s[done:]...)
	return append(dst, '"')
}

// appendJSONMember appends `,"name":"text"`. The name needs no escapes.
func appendJSONMember(dst []byte, name, text string) []byte {
	dst = appendJSONName(dst, name)
	return appendJSONString(dst, text)
}

// appendJSONName appends `,"name":`, without the comma after an opening brace.
func appendJSONName(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, name...)
	return append(dst, '"', ':')
}

func appendJSONInteger(dst []byte, name string, n int64) []byte {
	return strconv.AppendInt(appendJSONName(dst, name), n, 10)
}

func appendJSONStrings(dst []byte, name string, texts []string) []byte {
	dst = append(appendJSONName(dst, name), '[')
	for i, text := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSONString(dst, text)
	}
	return append(dst, ']')
}
