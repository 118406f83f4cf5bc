package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestPasswordCanonical(t *testing.T) {
	t.Run("PW-02_64_to_256_code_points", func(t *testing.T) {
		for _, letter := range []string{"a", "é", "田", "\U00020000"} {
			for runes, want := range map[int]error{64: nil, 128: nil, 256: nil, 257: ErrPasswordTooLong} {
				p := Password(strings.Repeat(letter, runes))
				got, err := p.Canonical()
				if !errors.Is(err, want) || (want == nil && string(got) != string(p)) {
					t.Errorf("%d times %q: got %d octets, %v; want %v", runes, letter, len(got), err, want)
				}
			}
		}
	})

	t.Run("PW-02_decomposed_text_counts_as_composed", func(t *testing.T) {
		for _, letter := range []string{"e\u0301", "\u1112\u1161\u11ab", "\u03c9\u0313\u0342\u0345"} {
			composed := norm.NFC.String(letter)
			got, err := Password(strings.Repeat(letter, 256)).Canonical()
			if want := strings.Repeat(composed, 256); err != nil || string(got) != want {
				t.Errorf("256 times %+q: got %d octets, %v; want %d", letter, len(got), err, len(want))
			}
		}
	})

	t.Run("PW-03_every_octet_counts", func(t *testing.T) {
		for _, p := range []string{" leading", "trailing ", "\tTab\n", "MiXeD", "ｗｉｄｅ", "a\u00a0b", "ﬁ", strings.Repeat("x", 255) + "y", "😀👨\u200d👩\u200d👧", "\ufeffbom", "שלום a"} {
			if got, err := Password(p).Canonical(); err != nil || string(got) != p {
				t.Errorf("%+q: got %+q, %v", p, got, err)
			}
		}
	})

	t.Run("PW-06_NFC_and_never_NFKC", func(t *testing.T) {
		composed, _ := Password("\u00e9t\u00e9").Canonical()
		decomposed, _ := Password("e\u0301te\u0301").Canonical()
		if string(composed) != string(decomposed) || string(composed) != "\u00e9t\u00e9" {
			t.Errorf("got %+q and %+q", composed, decomposed)
		}
		ligature, _ := Password("\ufb01").Canonical()
		letters, _ := Password("fi").Canonical()
		if string(ligature) == string(letters) {
			t.Error("a ligature became two letters")
		}
		lower, _ := Password("a").Canonical()
		upper, _ := Password("A").Canonical()
		if string(lower) == string(upper) {
			t.Error("case was folded")
		}
	})
}

func TestPasswordCanonicalOfHostileText(t *testing.T) {
	t.Run("PW-25_ill_formed_text_is_no_password", func(t *testing.T) {
		for name, p := range map[string]Password{
			"raw octet": "fifteen-chars!!\xff", "cut short": "fifteen-chars!!\xe2\x82", "surrogate": "fifteen-chars!!\xed\xa0\x80",
			"overlong": "fifteen-chars!!\xc0\x80", "above the last": "fifteen-chars!!\xf4\x90\x80\x80", "replacement": "fifteen-chars!!\ufffd",
		} {
			_, err := p.Canonical()
			var refusal *Error
			if !errors.Is(err, ErrBadRequest) || !errors.As(err, &refusal) || refusal.Fields[0].Field != "password" {
				t.Errorf("%s: got %v, want %v for the field password", name, err, ErrBadRequest)
			}
			if err := p.CheckLength(8); !errors.Is(err, ErrBadRequest) {
				t.Errorf("%s: CheckLength got %v", name, err)
			}
		}
	})

	t.Run("PW-26_NUL_and_controls_are_significant", func(t *testing.T) {
		seen := map[string]bool{}
		passwords := []Password{"fifteen-chars!!", "fifteen-chars!!\x00AAAA", "fifteen-chars!!\x00BBBB", "fifteen-chars!!\x00", "fifteen-chars!!\x1b", "fifteen-chars!!\r\n", "fifteen-chars!!\n", "fifteen-chars!!\x7f"}
		for _, p := range passwords {
			got, err := p.Canonical()
			if err != nil || string(got) != string(p) {
				t.Errorf("got %+q, %v", got, err)
			}
			seen[string(got)] = true
		}
		if len(seen) != len(passwords) {
			t.Errorf("%d different passwords became %d", len(passwords), len(seen))
		}
	})

	t.Run("PW-22_a_megabyte_is_refused_before_it_is_composed", func(t *testing.T) {
		p := Password(strings.Repeat("a\u0301", 1<<19))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := p.Canonical()
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrPasswordTooLong) || grown > 1<<18 {
			t.Errorf("got %v after %d octets", err, grown)
		}
	})

	t.Run("empty_is_for_the_caller_to_judge", func(t *testing.T) {
		if got, err := Password("").Canonical(); err != nil || len(got) != 0 {
			t.Errorf("got %q, %v", got, err)
		}
		if err := Password("").CheckLength(8); !errors.Is(err, ErrPasswordTooShort) {
			t.Errorf("got %v", err)
		}
	})
}

func TestPasswordCheckLength(t *testing.T) {
	for name, c := range map[string]struct {
		password Password
		want     error
	}{
		"PW-04_15_emoji":                        {Password(strings.Repeat("😀", 15)), nil},
		"PW-04_14_emoji":                        {Password(strings.Repeat("😀", 14)), ErrPasswordTooShort},
		"PW-04_14_after_NFC":                    {Password(strings.Repeat("e\u0301", 14)), ErrPasswordTooShort},
		"PW-04_15_after_NFC":                    {Password(strings.Repeat("e\u0301", 15)), nil},
		"PW-05_only_lower_case":                 {"correcthorsebattery", nil},
		"PW-05_only_digits":                     {"739104826157390", nil},
		"PW-05_spaces_between_words":            {"four words and more", nil},
		"PW-05_only_spaces":                     {"               ", nil},
		"PW-05_right_to_left":                   {"סיסמה ארוכה מאוד", nil},
		"PW-02_too_long":                        {Password(strings.Repeat("a", 257)), ErrPasswordTooLong},
		"PW-01_14_characters":                   {"fourteen-chars", ErrPasswordTooShort},
		"PW-01_15_characters":                   {"fifteen-chars!!", nil},
		"PW-05_joined_emoji_counts_code_points": {"👨\u200d👩\u200d👧\u200d👦👨\u200d👩\u200d👧\u200d👦!", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.password.CheckLength(15); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	t.Run("the_sentence_names_the_real_minimum", func(t *testing.T) {
		var refusal *Error
		if err := Password("short").CheckLength(12); !errors.As(err, &refusal) || refusal.Fields[0].Detail != "Use 12 characters or more." {
			t.Errorf("got %+v", refusal)
		}
	})
}

func TestPasswordNeverPrintsItself(t *testing.T) {
	const p Password = "hunter2-hunter2"
	type form struct {
		Name     string
		Password Password
		Pointer  *Password
	}
	q := p
	f := form{Name: "ana", Password: p, Pointer: &q}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%c", "%U", "%t", "%10.3s", "%-20v", "%!", "%T"} {
		fmt.Fprintf(&out, verb+"\n", p)
		fmt.Fprintf(&out, verb+"\n", f)
		fmt.Fprintf(&out, verb+"\n", []Password{p})
		fmt.Fprintf(&out, verb+"\n", map[Password]Password{p: p})
	}
	logger := slog.New(slog.NewJSONHandler(&out, nil))
	logger.Info("login", "password", p, "form", f)
	slog.New(slog.NewTextHandler(&out, nil)).Info("login", "password", p, "form", f)
	for _, value := range []any{p, f, []Password{p}} {
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(encoded)
	}
	_, err := Password(p + "\xff").Canonical()
	fmt.Fprint(&out, p.String(), p.GoString(), err, p.CheckLength(200))
	for _, leak := range []string{"hunter2", fmt.Sprintf("%x", "hunter2"), fmt.Sprintf("%X", "hunter2"), fmt.Sprintf("% x", "hunter2"), fmt.Sprint([]byte("hunter2"))} {
		if strings.Contains(out.String(), strings.Trim(leak, "[]")) {
			t.Errorf("printed %q", leak)
		}
	}
	if !strings.Contains(out.String(), hidden) {
		t.Error("nothing was printed at all")
	}
	var read struct{ Password Password }
	if err := json.Unmarshal([]byte(`{"Password":"hunter2-hunter2"}`), &read); err != nil || read.Password != p {
		t.Errorf("reading JSON: %v", err)
	}
}

func FuzzPasswordCanonical(f *testing.F) {
	for _, s := range []string{"fifteen-chars!!", "e\u0301", "\ufb01", "a\x00b", "\xff", "\ufffd", strings.Repeat("\u0301", 64), "\u1112\u1161\u11ab"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Password(s).Canonical()
		if err != nil {
			if !errors.Is(err, ErrBadRequest) && !errors.Is(err, ErrPasswordTooLong) {
				t.Fatalf("%+q: %v", s, err)
			}
			return
		}
		if again, err := Password(got).Canonical(); err != nil || string(again) != string(got) {
			t.Fatalf("%+q gives %+q, which gives %+q, %v", s, got, again, err)
		}
		if !utf8.Valid(got) || len(got) > MaxPasswordBytes || !norm.NFC.IsNormal(got) || (isASCII(s) && string(got) != s) {
			t.Fatalf("%+q gives %+q", s, got)
		}
	})
}
