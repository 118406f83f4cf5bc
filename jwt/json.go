package jwt

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The strict reader of headers, claims and key sets. It takes RFC 8259 objects
// and refuses what parsers are known to disagree on: duplicate members at any
// depth (RFC 7515 section 4), text that is not UTF-8, lone surrogates
// (RFC 8725 section 3.7), numbers without a finite value, deep nesting, data after the end.

const maxJSONDepth = 8

var (
	errJSONSyntax    = errors.New("not JSON")
	errJSONObject    = errors.New("not a JSON object")
	errJSONDuplicate = errors.New("a JSON member appears twice")
	errJSONText      = errors.New("JSON text is not valid UTF-8")
	errJSONNumber    = errors.New("a JSON number has no finite value")
	errJSONDepth     = errors.New("JSON is nested too deeply")
)

type jsonKind uint8

const (
	jsonNull jsonKind = iota + 1
	jsonBool
	jsonNumber
	jsonString
	jsonArray
	jsonObject
)

// jsonValue is a checked value. raw is its source text; of a string, what
// stands between the quotes.
type jsonValue struct {
	kind jsonKind
	raw  string
}

type jsonMember struct {
	name  string
	value jsonValue
}

// parseJSONObject appends the members of the object doc, in their order.
// Strings are parts of doc wherever they hold no escapes.
func parseJSONObject(members []jsonMember, doc string) ([]jsonMember, error) {
	s := jsonScanner{doc: doc, plain: isPlain(doc)}
	if !s.plain && !utf8.ValidString(doc) {
		return nil, errJSONText
	}
	s.skipSpace()
	if s.peek() != '{' {
		return nil, errJSONObject
	}
	members, err := s.object(members, true, 1)
	if err != nil {
		return nil, err
	}
	s.skipSpace()
	if s.pos != len(doc) {
		return nil, errJSONSyntax
	}
	return members, nil
}

// elements appends the elements of an array.
func (v jsonValue) elements(values []jsonValue) ([]jsonValue, error) {
	if v.kind != jsonArray {
		return nil, errJSONSyntax
	}
	s := jsonScanner{doc: v.raw}
	return s.array(values, true, 1)
}

// text returns the meaning of a string value.
func (v jsonValue) text() (string, bool) {
	if v.kind != jsonString {
		return "", false
	}
	return unescapeJSON(v.raw), true
}

// integer returns the value of a number written without fraction and exponent
// in 0 ... 2^53.
func (v jsonValue) integer() (int64, bool) {
	if v.kind != jsonNumber {
		return 0, false
	}
	n, err := strconv.ParseUint(v.raw, 10, 64)
	if err != nil || n > maxExactInteger {
		return 0, false
	}
	return int64(n), true
}

// float returns the value of a number.
func (v jsonValue) float() (float64, bool) {
	if v.kind != jsonNumber {
		return 0, false
	}
	f, err := strconv.ParseFloat(v.raw, 64)
	return f, err == nil
}

type jsonScanner struct {
	doc string
	pos int
	// plain says that every string ends at the next quotation mark.
	plain bool
}

// peek returns the next byte, or 0 at the end; no JSON token starts with 0.
func (s *jsonScanner) peek() byte {
	if s.pos < len(s.doc) {
		return s.doc[s.pos]
	}
	return 0
}

func (s *jsonScanner) skipSpace() {
	for s.pos < len(s.doc) && s.doc[s.pos] <= ' ' {
		switch s.doc[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// take skips spaces and consumes c, or says that something else stands there.
func (s *jsonScanner) take(c byte) bool {
	s.skipSpace()
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

// more consumes what follows an element: a comma, or the end of the list.
func (s *jsonScanner) more(end byte) (bool, error) {
	s.skipSpace()
	switch s.peek() {
	case ',':
		s.pos++
		return true, nil
	case end:
		s.pos++
		return false, nil
	}
	return false, errJSONSyntax
}

func (s *jsonScanner) value(depth int) (jsonValue, error) {
	s.skipSpace()
	start := s.pos
	var kind jsonKind
	var err error
	switch c := s.peek(); c {
	case '"':
		raw, err := s.string()
		return jsonValue{jsonString, raw}, err
	case '{':
		kind = jsonObject
		_, err = s.object(nil, false, depth+1)
	case '[':
		kind = jsonArray
		_, err = s.array(nil, false, depth+1)
	case 't':
		kind, err = jsonBool, s.word("true")
	case 'f':
		kind, err = jsonBool, s.word("false")
	case 'n':
		kind, err = jsonNull, s.word("null")
	default:
		kind, err = jsonNumber, s.number()
	}
	if err != nil {
		return jsonValue{}, err
	}
	return jsonValue{kind, s.doc[start:s.pos]}, nil
}

func (s *jsonScanner) word(w string) error {
	if !strings.HasPrefix(s.doc[s.pos:], w) {
		return errJSONSyntax
	}
	s.pos += len(w)
	return nil
}

// object reads an object whose brace is next, and appends its members when
// keep is set.
func (s *jsonScanner) object(members []jsonMember, keep bool, depth int) ([]jsonMember, error) {
	if depth > maxJSONDepth {
		return nil, errJSONDepth
	}
	s.pos++
	if s.take('}') {
		return members, nil
	}
	var names nameSet
	for {
		s.skipSpace()
		raw, err := s.string()
		if err != nil {
			return nil, err
		}
		name := unescapeJSON(raw)
		if !names.add(name) {
			return nil, errJSONDuplicate
		}
		if !s.take(':') {
			return nil, errJSONSyntax
		}
		v, err := s.value(depth)
		if err != nil {
			return nil, err
		}
		if keep {
			members = append(members, jsonMember{name, v})
		}
		if more, err := s.more('}'); !more {
			return members, err
		}
	}
}

// array reads an array whose bracket is next, and appends its elements when
// keep is set.
func (s *jsonScanner) array(values []jsonValue, keep bool, depth int) ([]jsonValue, error) {
	if depth > maxJSONDepth {
		return nil, errJSONDepth
	}
	s.pos++
	if s.take(']') {
		return values, nil
	}
	for {
		v, err := s.value(depth)
		if err != nil {
			return nil, err
		}
		if keep {
			values = append(values, v)
		}
		if more, err := s.more(']'); !more {
			return values, err
		}
	}
}

// string reads a string and returns what stands between its quotes.
func (s *jsonScanner) string() (string, error) {
	if s.peek() != '"' {
		return "", errJSONSyntax
	}
	s.pos++
	start := s.pos
	if s.plain {
		n := strings.IndexByte(s.doc[start:], '"')
		if n < 0 {
			return "", errJSONSyntax
		}
		s.pos += n + 1
		return s.doc[start : start+n], nil
	}
	for {
		i := s.pos
		for i < len(s.doc) && !jsonSpecial[s.doc[i]] {
			i++
		}
		s.pos = i
		switch s.peek() {
		case '"':
			s.pos++
			return s.doc[start:i], nil
		case '\\':
			if err := s.escape(); err != nil {
				return "", err
			}
		default:
			return "", errJSONSyntax
		}
	}
}

// jsonSpecial marks the bytes that do not stand for themselves in a string.
var jsonSpecial = func() (special [256]bool) {
	for c := range 0x20 {
		special[c] = true
	}
	special['"'], special['\\'] = true, true
	return special
}()

// escape checks the escape sequence at the backslash that is next. A high
// surrogate must be followed by a low one.
func (s *jsonScanner) escape() error {
	if s.pos+1 >= len(s.doc) {
		return errJSONSyntax
	}
	if s.doc[s.pos+1] != 'u' {
		if strings.IndexByte(`"\/bfnrt`, s.doc[s.pos+1]) < 0 {
			return errJSONSyntax
		}
		s.pos += 2
		return nil
	}
	unit, ok := hexUnit(s.doc[s.pos:])
	if !ok {
		return errJSONSyntax
	}
	s.pos += 6
	if unit < 0xD800 || unit > 0xDFFF {
		return nil
	}
	low, ok := hexUnit(s.doc[s.pos:])
	if unit > 0xDBFF || !ok || low < 0xDC00 || low > 0xDFFF {
		return errJSONText
	}
	s.pos += 6
	return nil
}

// number reads a number by the grammar of RFC 8259 section 6.
func (s *jsonScanner) number() error {
	start := s.pos
	if s.peek() == '-' {
		s.pos++
	}
	leadingZero := s.peek() == '0'
	if n := s.digits(); n == 0 || leadingZero && n > 1 {
		return errJSONSyntax
	}
	if s.peek() == '.' {
		s.pos++
		if s.digits() == 0 {
			return errJSONSyntax
		}
	}
	exponent := s.peek() == 'e' || s.peek() == 'E'
	if exponent {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if s.digits() == 0 {
			return errJSONSyntax
		}
	}
	// Fewer than 300 digits without an exponent always have a finite value.
	if exponent || s.pos-start > 300 {
		f, err := strconv.ParseFloat(s.doc[start:s.pos], 64)
		if err != nil || math.IsInf(f, 0) {
			return errJSONNumber
		}
	}
	return nil
}

func (s *jsonScanner) digits() int {
	start := s.pos
	for s.pos < len(s.doc) && '0' <= s.doc[s.pos] && s.doc[s.pos] <= '9' {
		s.pos++
	}
	return s.pos - start
}
