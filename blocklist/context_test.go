package blocklist

import "testing"

func TestContext(t *testing.T) {
	site := NewContext("gatehouse", "id.blumenhof.example:8443", "shop")
	marguerite := site.With("marguerite.duval", "marguerite.duval@lilas.example")
	tests := []struct {
		name     string
		context  Context
		password string
		want     bool
	}{
		{"PW-08_punctuation_left_out", marguerite, "margueriteduval", true},
		{"PW-08_reversed", marguerite, "lavudetireugram", true},
		{"PW-08_case_and_a_year", marguerite, "MargueriteDuval2026", true},
		{"PW-08_as_it_is", marguerite, "marguerite.duval", true},
		{"PW-08_the_email", marguerite, "marguerite.duval@lilas.example", true},
		{"PW-08_the_first_part", marguerite, "Marguerite!!1987", true},
		{"PW-08_domain_with_digits_in_front", marguerite, "12345678lilas", true},
		{"PW-08_doubled", marguerite, "duvalduvalduval", true},
		{"PW-08_doubled_with_a_sign_between", marguerite, "Marguerite-Marguerite", true},
		{"PW-08_reversed_and_doubled", marguerite, "lavudlavudlavud7", true},
		{"PW-08_product", site, "Gatehouse-2026!", true},
		{"PW-08_product_doubled", site, "gatehousegatehouse", true},
		{"PW-08_issuer_host_label", site, "blumenhof123456", true},
		{"PW-08_issuer_host_whole", site, "id.blumenhof.example", true},
		{"PW-08_audience", site, "shopshopshopshop", true},
		{"PW-09_a_name_among_words", marguerite, "marguerite eats seven plums", false},
		{"PW-09_two_names_and_more", marguerite, "duval the gatehouse", false},
		{"PW-08_twelve_digits_are_enough", marguerite, "duval839201475628", false},
		{"PW-08_another_user", site, "margueriteduval", false},
		{"PW-08_short_words_do_not_count", NewContext("ana", "a@b.co"), "ana839201475628", false},
		{"PW-08_no_words", Context{}, "anything at all", false},
		{"PW-08_digits_only", marguerite, "839201475628333", false},
		{"PW-08_a_name_with_digits", NewContext("anna1987"), "Anna2026!!!!!!!", true},
		{"PW-08_a_name_with_digits_doubled", NewContext("anna1987"), "anna1987anna1987", true},
		{"PW-08_another_script", NewContext("маргарита"), "МАРГАРИТА2026!!", true},
		{"PW-08_right_to_left", NewContext("שלוםעולם"), "שלוםעולםשלוםעולם", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.context.Makes(tt.password); got != tt.want {
				t.Errorf("%q: got %v, want %v", tt.password, got, tt.want)
			}
		})
	}
}

func TestUnitOf(t *testing.T) {
	for _, tt := range []struct {
		text  string
		limit int
		want  string
	}{
		{"", 0, ""},
		{"a", 0, "a"},
		{"aa", 0, "a"},
		{"abab", 0, "ab"},
		{"aba", 0, "aba"},
		{"abcabcabcabc", 3, "abcabc"},
		{"abababababababab", 3, "abababab"},
		{"aaaaa", 3, "aaaaa"},
		{"éé", 0, "é"},
		{"😀😀😀", 3, "😀"},
	} {
		if got := unitOf(tt.text, tt.limit); got != tt.want {
			t.Errorf("%q at most %d times: got %q, want %q", tt.text, tt.limit, got, tt.want)
		}
	}
}

func FuzzNothingPanicsAndAContextIsStable(f *testing.F) {
	f.Add("marguerite.duval@lilas.example", "lavudetireugram")
	f.Add("", "")
	f.Add("\xff\xfe", "a\xc3")
	list, err := Common()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, password string) {
		list.Holds(password)
		context := NewContext(name)
		if word := squeeze(name); length(word) >= shortestWord && length(word) == len(word) && !context.Makes(word) {
			t.Errorf("%q is not made of %q", word, name)
		}
		context.Makes(password)
	})
}
