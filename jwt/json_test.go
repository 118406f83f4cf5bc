package jwt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestStrictJSON(t *testing.T) {
	for doc, want := range map[string]error{
		`{}`: nil, " \t\r\n{ \"a\" : [ 1 , -0.5e+3 , \"\\u00e9\" , true , false , null , { } , [ ] ] } ": nil,
		``: errJSONObject, ` `: errJSONObject, `[]`: errJSONObject, `null`: errJSONObject, `"{}"`: errJSONObject, "\ufeff{}": errJSONObject,
		`{`: errJSONSyntax, `{}}`: errJSONSyntax, `{} {}`: errJSONSyntax, `{"a"}`: errJSONSyntax, `{"a":}`: errJSONSyntax, `{"a":1,}`: errJSONSyntax,
		`{,}`: errJSONSyntax, `{a:1}`: errJSONSyntax, `{'a':1}`: errJSONSyntax, `{"a":1 "b":2}`: errJSONSyntax, `{"a":[1,]}`: errJSONSyntax,
		`{"a":[1 2]}`: errJSONSyntax, `{"a":[}`: errJSONSyntax, `{"a":tru}`: errJSONSyntax, `{"a":True}`: errJSONSyntax, `{"a":nul`: errJSONSyntax,
		`{"a":01}`: errJSONSyntax, `{"a":1.}`: errJSONSyntax, `{"a":.1}`: errJSONSyntax, `{"a":+1}`: errJSONSyntax, `{"a":1e}`: errJSONSyntax,
		`{"a":-}`: errJSONSyntax, `{"a":0x1}`: errJSONSyntax, `{"a":NaN}`: errJSONSyntax, `{"a":Infinity}`: errJSONSyntax,
		`{"a":1} // x`: errJSONSyntax, "{\"a\":\"\n\"}": errJSONSyntax, "{\"a\":\"\x00\"}": errJSONSyntax, `{"a":"\x"}`: errJSONSyntax,
		`{"a":"\u12"}`: errJSONSyntax, `{"a":"\u12g4"}`: errJSONSyntax, `{"a":"`: errJSONSyntax, `{"a":"\`: errJSONSyntax, `{"a":"\u`: errJSONSyntax,
		"{\u00a0}": errJSONSyntax, "{\"a\":1}\x00": errJSONSyntax,
		`{"a":1e999}`: errJSONNumber, `{"a":-1e999}`: errJSONNumber, `{"a":1` + strings.Repeat("0", 400) + `}`: errJSONNumber,
		`{"a":1e-999}`: nil, `{"a":0.` + strings.Repeat("1", 400) + `}`: nil,
		`{"a":1,"a":1}`: errJSONDuplicate, `{"a":1,"\u0061":1}`: errJSONDuplicate, `{"":1,"":1}`: errJSONDuplicate,
		`{"x":[{"a":1,"b":1,"a":1}]}`: errJSONDuplicate, `{"a":1,"A":1}`: nil, `{"é":1,"e\u0301":1}`: nil,
		manyMembers(200, "m3"): errJSONDuplicate, manyMembers(200, "other"): nil, manyMembers(16, "m15"): errJSONDuplicate, manyMembers(17, "m16"): errJSONDuplicate,
		`{"a":"\ud83d\ude00"}`: nil, `{"a":"\ud83d"}`: errJSONText, `{"a":"\ude00"}`: errJSONText, `{"a":"\ude00\ude00"}`: errJSONText, `{"a":"\ud83d\ue000"}`: errJSONText, `{"\ud83d\ud83d":1}`: errJSONText, "{\"a\":\"\xff\"}": errJSONText,
		nested(7): nil, nested(8): errJSONDepth, `{"a":` + strings.Repeat(`{"a":`, 7) + `1` + strings.Repeat("}", 8): nil,
		`{"a":` + strings.Repeat("[", 100_000): errJSONDepth,
	} {
		if _, err := parseJSONObject(nil, doc); !errors.Is(err, want) {
			t.Errorf("%.100q: got %v, want %v", doc, err, want)
		}
	}
}

func manyMembers(n int, last string) string {
	var doc strings.Builder
	doc.WriteByte('{')
	for i := range n {
		fmt.Fprintf(&doc, `"m%d":1,`, i)
	}
	return doc.String() + `"` + last + `":1}`
}

func nested(depth int) string {
	return `{"a":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + "}"
}

// meaning translates a value to what encoding/json would make of it.
func meaning(v jsonValue) any {
	switch v.kind {
	case jsonNull:
		return nil
	case jsonBool:
		return v.raw == "true"
	case jsonNumber:
		f, _ := v.float()
		return f
	case jsonString:
		s, _ := v.text()
		return s
	case jsonArray:
		values, err := v.elements(nil)
		if err != nil {
			return err
		}
		list := make([]any, len(values))
		for i, element := range values {
			list[i] = meaning(element)
		}
		return list
	}
	members, err := parseJSONObject(nil, v.raw)
	if err != nil {
		return err
	}
	return meaningOf(members)
}

func meaningOf(members []jsonMember) map[string]any {
	object := make(map[string]any, len(members))
	for _, member := range members {
		object[member.name] = meaning(member.value)
	}
	return object
}

// agrees compares the strict reader with encoding/json: what it accepts means
// the same there, and what it alone refuses has one of the reasons it is strict about.
func agrees(t *testing.T, doc string) {
	t.Helper()
	var want map[string]any
	lax := json.Unmarshal([]byte(doc), &want)
	members, strict := parseJSONObject(nil, doc)
	switch {
	case strict == nil && lax != nil:
		t.Errorf("%q: accepted, but encoding/json says %v", doc, lax)
	case strict == nil:
		if got := meaningOf(members); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, want %v", doc, got, want)
		}
	case lax == nil:
		reasons := map[error]bool{
			errJSONObject:    want == nil,
			errJSONDuplicate: hasDuplicate(doc),
			errJSONDepth:     depthOf(want) > maxJSONDepth || hasDuplicate(doc),
			errJSONText:      !utf8.ValidString(doc) || strings.Contains(strings.ToLower(doc), `\ud`),
		}
		if !reasons[strict] {
			t.Errorf("%q: refused (%v), but encoding/json accepts it", doc, strict)
		}
	}
}

func depthOf(value any) int {
	deepest := 0
	switch value := value.(type) {
	case map[string]any:
		for _, element := range value {
			deepest = max(deepest, depthOf(element))
		}
	case []any:
		for _, element := range value {
			deepest = max(deepest, depthOf(element))
		}
	default:
		return 0
	}
	return deepest + 1
}

// hasDuplicate walks the tokens of encoding/json.
func hasDuplicate(doc string) bool {
	decoder := json.NewDecoder(strings.NewReader(doc))
	type level struct {
		names  map[string]bool // nil in a list
		isName bool
	}
	var levels []*level
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return false
		}
		if err != nil {
			return false
		}
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			levels = levels[:len(levels)-1]
			continue
		}
		if len(levels) > 0 {
			top := levels[len(levels)-1]
			if top.names != nil {
				if top.isName {
					name := token.(string)
					if top.names[name] {
						return true
					}
					top.names[name] = true
				}
				top.isName = !top.isName
			}
		}
		if delim, ok := token.(json.Delim); ok {
			next := &level{}
			if delim == '{' {
				next = &level{names: map[string]bool{}, isName: true}
			}
			levels = append(levels, next)
		}
	}
}

func TestWrittenTextIsReadBack(t *testing.T) {
	for r := range rune(0x3000) {
		text := "a" + string(r) + "z"
		doc := string(appendJSONMember([]byte{'{'}, "t", text)) + "}"
		var got struct{ T string }
		if err := json.Unmarshal([]byte(doc), &got); err != nil || got.T != text {
			t.Fatalf("%q: encoding/json reads %q, %v", doc, got.T, err)
		}
		agrees(t, doc)
	}
}

func TestPlainText(t *testing.T) {
	for length := range 20 {
		for position := range length {
			for c := range 256 {
				text := []byte(strings.Repeat("x", length))
				text[position] = byte(c)
				want := c >= 0x20 && c < 0x80 && c != '\\'
				if got := isPlain(string(text)); got != want {
					t.Fatalf("%q: got %v, want %v", text, got, want)
				}
			}
		}
	}
}

func TestBase64(t *testing.T) {
	for n := 0; n < 70; n += 1 + n/16 {
		want := countingBytes(n, 37)
		text := base64url.EncodeToString(want)
		got, err := decodeBase64([]byte("x"), text)
		if err != nil || string(got) != "x"+string(want) {
			t.Fatalf("%q: got %x, %v, want x and %x", text, got, err, want)
		}
		// Each text has at most one meaning and each meaning one text.
		for i := range len(text) {
			for c := range 256 {
				bad := text[:i] + string([]byte{byte(c)}) + text[i+1:]
				got, err := decodeBase64(nil, bad)
				if err == nil && base64url.EncodeToString(got) != bad {
					t.Fatalf("%q and %q mean the same", bad, base64url.EncodeToString(got))
				}
				strict, strictErr := base64url.Strict().DecodeString(bad)
				if c != '\r' && c != '\n' && ((err == nil) != (strictErr == nil) || string(got) != string(strict) && err == nil) {
					t.Fatalf("%q: got %x, %v; the standard library says %x, %v", bad, got, err, strict, strictErr)
				}
			}
		}
	}
}
