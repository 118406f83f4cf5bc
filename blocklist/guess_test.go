package blocklist

import (
	"math"
	"strings"
	"testing"
)

func TestGuess(t *testing.T) {
	list, err := Common()
	if err != nil {
		t.Fatal(err)
	}
	context := NewContext("marguerite")
	tests := []struct {
		password    string
		least, most float64
		want        Weakness
	}{
		{"", 0, 0, Unknown},
		{"aaaaaaaaaaaaaaaaaaaa", 5, 20, Repeats},
		{"xyxyxyxyxyxyxyxyxyxy", 5, 20, Repeats},
		{"abcdefghijklmnopqrst", 3, 15, Runs},
		{"9876543210 fedcba", 3, 24, Runs},
		{"asdfghjkl lkjhgfdsa", 3, 24, Keys},
		{"responsibilities", 10, 20, Words},
		{"RESPONSIBILITIES", 10, 20, Words},
		{"r3sp0ns1b1l1t135", 10, 24, Words},
		{"seitilibisnopser", 10, 20, Words},
		{"marguerite!marguerite", 2, 20, Names},
		{"1987198719871987", 5, 20, Repeats},
		{"1956 2014 1987 2003", 20, 40, Years},
		{"lantern quarry velvet moth", 40, 80, Words},
		{"xK9#mQ2$vL7!pR4@", 40, 60, Unknown},
		{"🌋🐙🎻🧭🪁🦔🍋🛶🎩🔭🌵🧶🪕🐚🦉", 40, 60, Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.password, func(t *testing.T) {
			got := list.Guess(tt.password, context)
			if got.Bits < tt.least || got.Bits > tt.most || got.Weakness != tt.want {
				t.Errorf("got %.1f bits and weakness %d, want %.0f to %.0f and %d", got.Bits, got.Weakness, tt.least, tt.most, tt.want)
			}
		})
	}
	t.Run("more_is_never_easier", func(t *testing.T) {
		var before float64
		password := []rune("Lantern-quarry1987 velvet🌋 moth abcabcabc zxcvbn")
		for n := range password {
			got := list.Guess(string(password[:n+1]), context).Bits
			if got < before-costChance-costWord {
				t.Errorf("%q: got %.1f bits after %.1f", string(password[:n+1]), got, before)
			}
			before = got
		}
	})
	t.Run("PW-22_the_end_of_a_long_one_is_not_looked_at", func(t *testing.T) {
		long := strings.Repeat("4@8({[369!1|70$5+%2", 6)
		if a, b := list.Guess(long[:maxGuessed], context), list.Guess(long+strings.Repeat("x", 1<<16), context); a != b {
			t.Errorf("got %+v and %+v", a, b)
		}
	})
}

func FuzzGuessOfAnything(f *testing.F) {
	for _, seed := range []string{"", "a", "\x00", "\xff", "4@8({[3698!1/|0$57+%2P@ssw0rd", "13.13.2013", "ÀÉ\u0301ÇöḂİ", "🌋🐙"} {
		f.Add(seed, "ana")
	}
	list, err := Common()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, password, name string) {
		got := list.Guess(password, NewContext(name))
		if got.Bits < 0 || math.IsNaN(got.Bits) || math.IsInf(got.Bits, 0) || got.Weakness < Unknown || got.Weakness > Names {
			t.Errorf("got %+v", got)
		}
	})
}

func BenchmarkGuessOfTheWorst(b *testing.B) {
	list, err := Common()
	if err != nil {
		b.Fatal(err)
	}
	for name, password := range map[string]string{
		"signs": strings.Repeat("4@8({[369!1|70$5+%2", 6), "one letter": strings.Repeat("a", 100), "words": strings.Repeat("p4$$w0rd ", 12),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				list.Guess(password, Context{})
			}
		})
	}
}
