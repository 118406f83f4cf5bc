package model

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// usernameSpellings are usernames and what people type for them.
var usernameSpellings = map[Username][]string{
	"ana":     {"ana", "ANA", "Ana", "ａｎａ", "ＡＮＡ", " ana ", "\u3000ana\t", "ana\r\n", "\u00a0ana"},
	"éric":    {"éric", "e\u0301ric", "ÉRIC", "E\u0301RIC", "É\uff32IC"},
	"kelvin":  {"kelvin", "\u212aelvin", "KELVIN"},
	"νικος":   {"νικος", "ΝΙΚΟΣ", "νικοσ", "Νικος"},
	"straße":  {"straße", "STRAẞE"},
	"ハンカク":    {"ハンカク", "ﾊﾝｶｸ"},
	"12":      {"12", "１２"},
	"1é":      {"1é", "１É"},
	"שלום":    {"שלום", " שלום "},
	"田中さん":    {"田中さん"},
	"김田":      {"김田"},
	"a:b":     {"a:b", "A:B"},
	"ana_b-1": {"ana_b-1", "ANA_B-1"},
	"5éric":   {"5e\u0301ric", "５ÉRIC"},
	"مرحبا١٢": {"مرحبا١٢"},
	"анна.п":  {"АННА.П", "анна.п"},
}

// hostileUsernames are no usernames.
var hostileUsernames = map[string]string{
	"empty": "", "white space only": " \t\u3000", "space inside": "a b", "ideographic space inside": "a\u3000b",
	"at sign": "a@b", "wide at sign": "a＠b", "small at sign": "a\ufe6bb",
	"NUL": "ana\x00", "CRLF": "a\r\nb", "escape": "a\x1bb", "delete": "a\x7f", "C1 control": "a\u0085b",
	"soft hyphen": "a\u00adb", "zero width space": "a\u200bb", "ZWNJ": "a\u200cb", "ZWJ": "a\u200db",
	"ZWJ where RFC 5892 allows it": "क\u094d\u200dष", "word joiner": "a\u2060b", "byte order mark": "\ufeffana",
	"grapheme joiner": "a\u034fb", "Hangul filler": "\u3164", "variation selector": "a\ufe0f",
	"tag": "a\U000e0061", "RLO": "a\u202eb", "LRM": "a\u200eb", "RLI": "a\u2067b", "mixed directions": "שלוםa",
	"Arabic digit after ours": "1٣", "right to left after a digit": "1\u05de", "right to left with a symbol last": "\u05de-", "private": "a\ue000", "noncharacter": "a\ufffe", "unassigned": "a\U000e1000",
	"ill-formed": "a\xff", "surrogate": "a\xed\xa0\x80", "replacement": "a\ufffd", "emoji": "a😀",
	"ligature": "ﬁn", "circled": "①", "superscript": "x²", "Roman numeral": "ⅿe", "leading mark": "\u0301ana",
	"dot above a dot": "i\u0307stanbul", "I with dot": "İstanbul",
	"Cyrillic a in Latin": "\u0430na", "Greek o in Latin": "b\u03bfb", "Latin in Han": "中a", "Thai in Latin": "aก",
	"small capitals": "ᴀɴɴ", "two sets of digits": "ก๑1", "too long": strings.Repeat("a", 65),
	"megabyte": strings.Repeat("a", 1<<20), "many marks": "a" + strings.Repeat("\u0301", 1<<16),
}

func TestParseUsername(t *testing.T) {
	t.Run("AI-22_one_spelling_for_each_user", func(t *testing.T) {
		for want, spellings := range usernameSpellings {
			for _, spelling := range spellings {
				got, err := ParseUsername(spelling)
				if err != nil || got != want {
					t.Errorf("ParseUsername(%+q) = %q, %v; want %q", spelling, string(got), err, string(want))
				}
			}
		}
	})

	t.Run("AI-22_hostile_variants_are_refused", func(t *testing.T) {
		for name, s := range hostileUsernames {
			if got, err := ParseUsername(s); !errors.Is(err, ErrUsernameInvalid) || got != "" {
				t.Errorf("%s: got %q, %v; want %v", name, string(got), err, ErrUsernameInvalid)
			}
		}
	})

	t.Run("AI-22_1_to_64_code_points", func(t *testing.T) {
		for _, letter := range []string{"a", "é", "田", "𐐨"} {
			for runes, want := range map[int]bool{1: true, 64: true, 65: false} {
				_, err := ParseUsername(strings.Repeat(letter, runes))
				if (err == nil) != want {
					t.Errorf("%d times %s: got %v, want accepted %t", runes, letter, err, want)
				}
			}
		}
	})

	t.Run("AI-22_reserved_words_and_their_look_alikes", func(t *testing.T) {
		for _, s := range []string{
			"admin", "ADMIN", "ａｄｍｉｎ", "adm1n", "4dmin", "adm\u0131n", "\u0251dmin", "ad-min", "a.d.m.i.n", "_admin_",
			"adrnin", "root", "r00t", "ro0t", "no-reply", "No_Reply", "postmaster", "nul1", "5upport",
			"\u0430\u0440\u0456", // Cyrillic letters that look like api
			"3E98a7f7-e90d-441f-bec1-e75bce6a2b26",
		} {
			if _, err := ParseUsername(s); !errors.Is(err, ErrUsernameReserved) {
				t.Errorf("ParseUsername(%+q): got %v, want %v", s, err, ErrUsernameReserved)
			}
		}
		for _, s := range []string{"ana", "roots", "adminka", "apl", "user", "test", "men", "rooto", "1ana"} {
			if _, err := ParseUsername(s); err != nil {
				t.Errorf("ParseUsername(%q): got %v, want accepted", s, err)
			}
		}
	})

	t.Run("the_refusal_names_the_field_and_not_the_input", func(t *testing.T) {
		_, err := ParseUsername("s3cret value")
		var refusal *Error
		if !errors.As(err, &refusal) || len(refusal.Fields) != 1 || refusal.Fields[0].Field != "username" {
			t.Fatalf("got %#v, want one field", err)
		}
		if strings.Contains(err.Error()+refusal.Fields[0].Detail, "s3cret") {
			t.Errorf("refusal shows the input: %v", err)
		}
	})
}

func TestUsernameSkeleton(t *testing.T) {
	t.Run("AI-22_look_alikes_share_a_skeleton", func(t *testing.T) {
		for _, pair := range [][2]string{
			{"paypal", "раураӏ"}, {"scope", "ѕсоре"}, {"modern", "rnodern"}, {"bob1", "bobl"},
			{"istanbul", "ıstanbul"}, {"alice", "ɑlice"}, {"oo", "οο"},
		} {
			if a, b := Username(pair[0]).Skeleton(), Username(pair[1]).Skeleton(); a != b {
				t.Errorf("%q has %q, %q has %q; want the same", pair[0], a, pair[1], b)
			}
		}
	})
	t.Run("different_names_do_not", func(t *testing.T) {
		for _, pair := range [][2]string{{"ana", "anna"}, {"bob", "bod"}, {"eric", "éric"}, {"田中", "中田"}} {
			if a, b := Username(pair[0]).Skeleton(), Username(pair[1]).Skeleton(); a == b {
				t.Errorf("%q and %q both have %q", pair[0], pair[1], a)
			}
		}
	})
}

func FuzzParseUsername(f *testing.F) {
	for _, s := range []string{"Ana", "ＡＮＡ", "ΝΙΚΟΣ", "i\u0307", "田中さん", "שלום", "a\u200db", "\xff", "ẞ", "\u0345a", "ᾳ", "1é", "ꭰ", "٣"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseUsername(s)
		if err != nil {
			var refusal *Error
			if !errors.As(err, &refusal) {
				t.Fatalf("ParseUsername(%+q): trouble %v", s, err)
			}
			return
		}
		if again, err := ParseUsername(string(u)); err != nil || again != u {
			t.Fatalf("%+q gives %+q, which gives %+q, %v", s, string(u), string(again), err)
		}
		if n := utf8.RuneCountInString(string(u)); n < 1 || n > maxUsernameRunes || strings.Contains(string(u), "@") {
			t.Fatalf("%+q gives %+q", s, string(u))
		}
		upper, err := ParseUsername(strings.ToUpper(string(u)))
		if err == nil && isASCII(string(u)) && upper != u {
			t.Fatalf("%q in capitals is %q", string(u), string(upper))
		}
		if skeleton := u.Skeleton(); skeleton == "" || len(skeleton) > 64*len(u) {
			t.Fatalf("skeleton of %+q is %+q", string(u), skeleton)
		}
	})
}
