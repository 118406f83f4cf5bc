package model

import (
	"errors"
	"strings"
	"testing"
)

func TestParseIdentifier(t *testing.T) {
	t.Run("LT-06_eight_spellings_are_one_bucket", func(t *testing.T) {
		for want, spellings := range map[string][]string{
			"éric": {"éric", "ÉRIC", "e\u0301ric", "E\u0301ric", " éric", "éric\u3000", "éｒｉｃ", "É\uff32\uff29\uff23\t"},
			"ana@xn--mnchen-3ya.de": {
				"ana@münchen.de", "ANA@MÜNCHEN.DE", "ana@mu\u0308nchen.de", " ana@münchen.de ", "ａｎａ＠münchen.de",
				"ana@xn--mnchen-3ya.de", "Ana@XN--mnchen-3YA.de", "ana@münchen。de",
			},
		} {
			for _, spelling := range spellings {
				got, err := ParseIdentifier(spelling)
				if err != nil || got.String() != want {
					t.Errorf("ParseIdentifier(%+q) = %q, %v; want %q", spelling, got, err, want)
				}
			}
		}
	})

	t.Run("an_at_sign_of_any_width_makes_an_email", func(t *testing.T) {
		for s, wantEmail := range map[string]bool{"ana": false, "ana@x.com": true, "ana＠x.com": true, "a:b": false} {
			id, err := ParseIdentifier(s)
			if err != nil {
				t.Fatal(err)
			}
			email, isEmail := id.Email()
			username, isUsername := id.Username()
			if isEmail != wantEmail || isUsername == wantEmail || string(email)+string(username) != id.String() {
				t.Errorf("%q: got email %t, username %t, %q", s, isEmail, isUsername, id)
			}
		}
	})

	t.Run("nobody_claims_a_reserved_word_by_naming_it", func(t *testing.T) {
		id, err := ParseIdentifier("Admin")
		if err != nil || id.String() != "admin" {
			t.Errorf("got %q, %v", id, err)
		}
	})

	t.Run("refusals_name_the_member_identifier", func(t *testing.T) {
		for s, want := range map[string]*Error{
			"": ErrUsernameInvalid, "a b": ErrUsernameInvalid, "\xff": ErrUsernameInvalid, "a@": ErrEmailInvalid,
			"a@x.com,b@y.com": ErrEmailInvalid, strings.Repeat("a", 1<<20): ErrUsernameInvalid,
		} {
			id, err := ParseIdentifier(s)
			var refusal *Error
			if !errors.Is(err, want) || !errors.As(err, &refusal) || refusal.Fields[0].Field != "identifier" || id != (Identifier{}) {
				t.Errorf("%.20q: got %q, %v; want %v", s, id, err, want)
			}
		}
	})
}

func FuzzParseIdentifier(f *testing.F) {
	for _, s := range []string{"Ana", "a＠x.com", "admin", "éric", " a@münchen.de", "\ufe6b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseIdentifier(s)
		if err != nil {
			if !errors.Is(err, ErrUsernameInvalid) && !errors.Is(err, ErrEmailInvalid) {
				t.Fatalf("ParseIdentifier(%+q): %v", s, err)
			}
			return
		}
		if again, err := ParseIdentifier(id.String()); err != nil || again != id {
			t.Fatalf("%+q gives %+q, which gives %+q, %v", s, id, again, err)
		}
		if _, isEmail := id.Email(); isEmail != strings.Contains(id.String(), "@") {
			t.Fatalf("%+q: %+q", s, id)
		}
	})
}
