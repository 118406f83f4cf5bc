package model

import (
	"errors"
	"strings"
	"testing"
)

// emailSpellings are emails and what people type for them.
var emailSpellings = map[Email][]string{
	"ana@example.com": {
		"ana@example.com", "Ana@Example.COM", " ana@example.com\n", "ａｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ",
		"ana@example。com", "ana@ⓔxample.com", "\u3000ana@example.com",
	},
	"k@example.com":              {"k@example.com", "K@example.com", "\u212a@example.com"},
	"a@xn--mnchen-3ya.de":        {"a@münchen.de", "a@MÜNCHEN.de", "a@mu\u0308nchen.de", "a@xn--mnchen-3ya.de", "A@XN--MNCHEN-3YA.DE"},
	"a@xn--fa-hia.de":            {"a@faß.de", "a@xn--fa-hia.de"},
	"a@xn--e1afmkfd.xn--p1ai":    {"a@пример.рф", "a@ПРИМЕР.РФ"},
	"o'neil+tag@sub.example.com": {"O'Neil+Tag@sub.example.com"},
	"!#$%&'*+-/=?^_`{|}~@x.com":  {"!#$%&'*+-/=?^_`{|}~@x.com"},
	"a@3com.com":                 {"a@3com.com"},
	"a.b.c@x.co":                 {"a.b.c@x.co"},
}

// hostileEmails are no emails.
var hostileEmails = map[string]string{
	"empty": "", "no at sign": "example.com", "two at signs": "a@b@x.com", "doubled at sign": "a@@x.com",
	"wide second at sign": "a@b＠x.com", "small at sign": "a\ufe6bx.com", "nothing before": "@x.com", "nothing after": "a@",
	"display name": "Ana <a@x.com>", "angle brackets": "<a@x.com>", "quoted": `"a b"@x.com`, "quoted at sign": `"a@b"@x.com`,
	"comment": "a(c)@x.com", "comment after": "a@x.com(c)", "list": "a@x.com,b@y.com", "list with semicolon": "a@x.com;b@y.com",
	"space": "a b@x.com", "space in domain": "a@x .com", "header": "a@x.com\r\nBcc: b@y.com", "newline in local part": "a\n@x.com",
	"NUL": "a\x00@x.com", "NUL at the end": "a@x.com\x00", "backslash": `a\b@x.com`,
	"dot first": ".a@x.com", "dot last": "a.@x.com", "dots": "a..b@x.com",
	"IPv4 literal": "a@[127.0.0.1]", "IPv6 literal": "a@[IPv6:::1]", "IPv4": "a@127.0.0.1", "numeric top": "a@x.1",
	"no dot": "a@localhost", "dot at the end": "a@x.com.", "empty label": "a@x..com", "dot at the start": "a@.x.com",
	"hyphen first": "a@-x.com", "hyphen last": "a@x-.com", "underscore": "a@x_y.com", "reserved hyphens": "a@ab--cd.com",
	"percent": "a@ex%41mple.com", "slash": "a@x.com/y", "port": "a@x.com:25", "UUCP": "x!a", "route": "@y.com:a@x.com",
	"accent in local part": "é@x.com", "I with dot": "İ@x.com", "dotless i": "ı@x.com", "Cyrillic a": "\u0430@x.com",
	"combining in local part": "e\u0301@x.com", "ZWJ in domain": "a@ex\u200dample.com", "soft hyphen": "a@ex\u00adample.com",
	"RLO": "a@\u202ex.com", "RLO in local part": "a\u202eb@x.com", "zero width space": "a\u200b@x.com",
	"mixed directions": "a@שa.com", "care of": "a@x℅.com", "ill-formed": "a\xff@x.com", "replacement": "a\ufffd@x.com",
	"punycode of plain ASCII": "a@xn--example-.com", "empty punycode": "a@xn--.com", "short punycode": "a@xn--a.com",
	"broken punycode": "a@xn--99999999.com", "punycode of capitals": "a@xn--a-ecp.ru", "wide punycode of ASCII": "a@ｘｎ--example-.com",
	"local part of 65": strings.Repeat("a", 65) + "@x.com", "label of 64": "a@" + strings.Repeat("a", 64) + ".com",
	"domain of 255": "a@" + strings.Repeat("a.", 126) + "com", "address of 255": strings.Repeat("a", 64) + "@" + strings.Repeat("a.", 93) + "com" + "x",
	"megabyte": strings.Repeat("a", 1<<20) + "@x.com", "megabyte of dots": "a@" + strings.Repeat(".", 1<<20),
}

func TestParseEmail(t *testing.T) {
	t.Run("AI-23_normalised_first_then_checked", func(t *testing.T) {
		for want, spellings := range emailSpellings {
			for _, spelling := range spellings {
				got, err := ParseEmail(spelling)
				if err != nil || got != want {
					t.Errorf("ParseEmail(%+q) = %q, %v; want %q", spelling, string(got), err, string(want))
				}
			}
		}
	})

	t.Run("AI-23_hostile_variants_are_refused", func(t *testing.T) {
		for name, s := range hostileEmails {
			if got, err := ParseEmail(s); !errors.Is(err, ErrEmailInvalid) || got != "" {
				t.Errorf("%s: got %q, %v; want %v", name, string(got), err, ErrEmailInvalid)
			}
		}
	})

	t.Run("AI-23_limits_are_inclusive", func(t *testing.T) {
		for _, s := range []string{
			strings.Repeat("a", 64) + "@x.com",
			"a@" + strings.Repeat("a", 63) + ".com",
			strings.Repeat("a", 64) + "@" + strings.Repeat("a.", 93) + "com", // 254 octets
		} {
			if got, err := ParseEmail(s); err != nil || string(got) != s {
				t.Errorf("ParseEmail(%q): got %q, %v", s, string(got), err)
			}
		}
	})

	t.Run("RV-12_look_alikes_are_other_addresses", func(t *testing.T) {
		const stored Email = "mike@github.com"
		for _, s := range []string{"mike@gıthub.com", "mike@gi\u0307thub.com", "mike@g\u0456thub.com", "mike@githuḅ.com", "m\u0131ke@github.com", "mıke@github.com,mike@github.com"} {
			if got, err := ParseEmail(s); err == nil && got == stored {
				t.Errorf("ParseEmail(%+q) is the stored address", s)
			}
		}
	})
}

func TestEmailParts(t *testing.T) {
	email, err := ParseEmail("Ana@Example.com")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := email.LocalPart()+" at "+email.Domain(), "ana at example.com"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzParseEmail(f *testing.F) {
	for _, s := range []string{"Ana@Example.COM", "ａ＠ｘ．ｃｏｍ", "a@münchen.de", "a@xn--mnchen-3ya.de", "a@xn--example-.com", "a@faß.de", "a@b@c.d", "\u212a@x.com", "a@ⅽ.com", "a@שלום.com", "a@x\u0338.com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		email, err := ParseEmail(s)
		if err != nil {
			if !errors.Is(err, ErrEmailInvalid) {
				t.Fatalf("ParseEmail(%+q): %v", s, err)
			}
			return
		}
		if again, err := ParseEmail(string(email)); err != nil || again != email {
			t.Fatalf("%+q gives %q, which gives %q, %v", s, string(email), string(again), err)
		}
		text := string(email)
		if !isASCII(text) || strings.ToLower(text) != text || strings.Count(text, "@") != 1 || len(text) > maxEmailBytes ||
			strings.ContainsAny(text, " \t\r\n\x00\"(),:;<>[\\]") || !strings.Contains(email.Domain(), ".") {
			t.Fatalf("%+q gives %q", s, text)
		}
	})
}
