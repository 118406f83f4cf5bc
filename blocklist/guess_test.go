package blocklist

import (
	"math"
	"strings"
	"testing"

	"github.com/trustelem/zxcvbn"
)

func TestGuess(t *testing.T) {
	context := NewContext("marguerite", "маргарита")
	tests := []struct {
		password    string
		least, most float64 // decimal logarithms
		want        Weakness
	}{
		{"", 0, 0, Unknown},
		{"aaaaaaaaaaaaaaaaaaaa", 1, 4, Repeats},
		{"xyxyxyxyxyxyxyxyxyxy", 1, 4, Repeats},
		{"abcdefghijklmnopqrst", 1, 4, Runs},
		{"абвгдежзийклмноп", 1, 4, Runs},
		{"9876543210 fedcba", 1, 9, Runs},
		{"tyuiop[];lkjhgfd", 1, 9, Keys},
		{"responsibilities", 2, 5, Words},
		{"RESPONSIBILITIES", 2, 5, Words},
		{"r3sp0ns1b1l1t135", 3, 6, Words},
		{"seitilibisnopser", 2, 5, Words},
		{"marguerite!marguerite", 1, 9, Names},
		{"m4rgu3r1t3etireugram", 1, 6, Names},
		{"Маргарита Атираграм", 1, 9, Names},
		{"12.11.1984 12/11/1984", 4, 14, Years},
		{"2014 and 1987", 4, 10, Years},
		{"lantern quarry velvet moth", 10, 26, Words},
		{"xK9#mQ2$vL7!pR4@", 12, 17, Unknown},
		{"🌋🐙🎻🧭🪁🦔🍋🛶🎩🔭🌵🧶🪕🐚🦉", 12, 16, Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.password, func(t *testing.T) {
			got := Estimate(tt.password, context)
			if size := math.Log10(got.Guesses); size < tt.least || size > tt.most || got.Weakness != tt.want {
				t.Errorf("got 10^%.1f and weakness %d, want %.0f to %.0f and %d", size, got.Weakness, tt.least, tt.most, tt.want)
			}
		})
	}
	t.Run("PW-22_the_end_of_a_long_one_is_not_looked_at", func(t *testing.T) {
		long := strings.Repeat("4@8({[369!1|70$5+%2", 6)
		a, b := Estimate(long[:maxGuessed], context), Estimate(long[:maxGuessed]+strings.Repeat("x", 1<<16), context)
		if a != b {
			t.Errorf("got %+v and %+v", a, b)
		}
	})
	t.Run("a_long_repeat_stays_one", func(t *testing.T) {
		if got := Estimate(strings.Repeat("velvet-moth", 23), context); got.Guesses > 1e12 || got.Weakness != Repeats {
			t.Errorf("got %+v", got)
		}
	})
}

// samples are put together in threes, so that what is found overlaps.
var samples = strings.Fields(`password lantern Velvet p4$$w0rd xK9#m 1987 2013 12.11.1984 qwerty asdf;lkj abcdef 97531 aaa xyxy
	drowssap 1l1k3 H3ll0W0r1d 7!1|l - 111504 jUnE &*( PASSWORD teSTing r2d2 1/1/91 20260101 lana`)

// exactly reports whether two numbers of guesses are one, but for rounding.
func exactly(a, b float64) bool { return math.Abs(a-b) <= 1e-9*b }

func TestGuessesAreThoseOfZxcvbn(t *testing.T) {
	context := NewContext("duval", "lana", "xk9m")
	compared, same := 0, 0
	for i, first := range samples {
		for k := i % 7; k < len(samples); k += 7 {
			second, third := samples[k], samples[(i*7+k*11)%len(samples)]
			password := first + second + third
			want := zxcvbn.PasswordStrength(password, context.words).Guesses
			got := Estimate(password, context).Guesses
			if got > want && !exactly(got, want) {
				t.Errorf("%q: got %g guesses, and zxcvbn %g", password, got, want)
			}
			compared++
			if exactly(got, want) {
				same++
			}
		}
	}
	// Fewer guesses are right where zxcvbn does not try a sign for one letter
	// because of another sign in the password, for years after 2019, and for names
	// that are repeated.
	if same < compared*9/10 {
		t.Errorf("%d of %d are the same", same, compared)
	}
	t.Logf("%d of %d are the same", same, compared)
}

// The whole of zxcvbn takes a third of a second for thirty signs, so only what is
// short is compared.
func FuzzGuessOfAnything(f *testing.F) {
	for _, seed := range []string{"", "a", "\x00", "\xff", "4@8({[3698!1/|0$57+%2P@ssw0rd", "13.13.2013", "ÀÉ\u0301ÇöḂİ", "🌋🐙", "aabaabaab", "1999-1-1"} {
		f.Add(seed, "ana")
		f.Add(seed, "ḂİÀ")
	}
	f.Fuzz(func(t *testing.T, password, name string) {
		context := NewContext(name)
		got := Estimate(password, context)
		if got.Guesses < 1 || math.IsNaN(got.Guesses) || math.IsInf(got.Guesses, 0) || got.Weakness < Unknown || got.Weakness > Names {
			t.Errorf("got %+v", got)
		}
		if len(password) > 16 || strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r > '~' }) {
			return
		}
		if want := zxcvbn.PasswordStrength(password, context.words).Guesses; got.Guesses > want && !exactly(got.Guesses, want) {
			t.Errorf("%q: got %g guesses, and zxcvbn %g", password, got.Guesses, want)
		}
	})
}

func BenchmarkGuessOfTheWorst(b *testing.B) {
	for name, password := range map[string]string{
		"signs": "4@8({[369!1|70$5+%2", "one letter": "a", "words": "p4$$w0rd ", "halves": "abbabaabbaababbabaababbaabbabaab~", "dates": "1/1/1984", "i and l": "1|7!",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Estimate((strings.Repeat(password, maxGuessed) + "~")[:maxGuessed], Context{})
			}
		})
	}
}
