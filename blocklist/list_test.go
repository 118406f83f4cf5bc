package blocklist

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/FastFilter/xorfilter"

	"gatehouse/blocklist/lists"
)

var update = flag.Bool("update", false, "make common.fuse anew from the npm packages, and ranked.words from zxcvbn")

// entries are the words of the lists as the filter holds them. Where the
// packages are not installed, the test says so, or fails where
// GATEHOUSE_REQUIRE_BROWSER asks for everything that npm brings.
func entries(t testing.TB) []string {
	t.Helper()
	words, err := lists.Words("testdata/lists/node_modules")
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("GATEHOUSE_REQUIRE_BROWSER") != "1" {
		t.Skip("the lists are not installed: run npm ci in blocklist/testdata/lists")
	}
	if err != nil {
		t.Fatal(err)
	}
	return words
}

func TestTheListInTheBinaryIsMadeFromTheNamedLists(t *testing.T) {
	words := entries(t)
	keys := make([]uint64, len(words))
	for i, word := range words {
		keys[i] = key(word)
	}
	slices.Sort(keys)
	if shortestWord != lists.Shortest {
		t.Errorf("words of %d code points are kept, and of %d looked at", lists.Shortest, shortestWord)
	}
	if len(slices.Compact(slices.Clone(keys))) != len(keys) {
		t.Error("two words have one key")
	}
	filter, err := xorfilter.NewBinaryFuse[uint16](keys)
	if err != nil {
		t.Fatal(err)
	}
	var made bytes.Buffer
	if err := filter.Save(&made); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("common.fuse", made.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return // the one in this binary is still the old one
	}
	if !bytes.Equal(made.Bytes(), common) {
		t.Error("common.fuse differs from what the lists give; run go test ./blocklist -update and say why in the commit")
	}
}

func TestCommonWords(t *testing.T) {
	list, err := Common()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("PW-07_N-06_every_entry_of_8_characters_and_more_is_held", func(t *testing.T) {
		checked := 0
		for _, word := range entries(t) {
			if length(word) < shortestCommon {
				continue
			}
			checked++
			for _, form := range []string{word, strings.ToUpper(word)} {
				if !list.Holds(form) {
					t.Errorf("%q is not held", form)
				}
			}
		}
		if checked < 10_000 {
			t.Errorf("got %d entries of 8 characters and more, want at least 10,000", checked)
		}
	})
	t.Run("PW-07_what_stands_for_an_entry_is_held", func(t *testing.T) {
		for _, password := range []string{
			"password", "PassWord", "passwordpassword", "Password2026!!!", "password1234567", "123456789qwerty", "qwertyqwertyqwerty",
			"baseball19840612", "1qaz2wsx3edc4rfv", "2026sunshine2026", "trustno1!!!!!!!", "!!responsibilities!!", "passwordpassword99",
		} {
			if !list.Holds(password) {
				t.Errorf("%q is not held", password)
			}
		}
	})
	t.Run("PW-09_parts_are_not_compared", func(t *testing.T) {
		for _, password := range []string{
			"password horse staple cat", "correct horse battery staple", "password-sunshine", "my password is good",
			"password123456789012", "seven green hills at dawn", "sunshine a sunshine", "qwerty83920147562",
			strings.Repeat("sunshine", 4), "", "8392014756283", "!!!!!!!!!!!!!!!", strings.Repeat("a", 64), strings.Repeat("😀", 15),
		} {
			if list.Holds(password) {
				t.Errorf("%q is held", password)
			}
		}
	})
	t.Run("few_others_are_taken_for_a_word", func(t *testing.T) {
		taken := 0
		const n = 1_000_000
		for i := range n {
			if list.holds(fmt.Sprintf("no word of any list %d", i)) {
				taken++
			}
		}
		if taken > 2*n/65_536 {
			t.Errorf("%d of %d are taken for words, want about %d", taken, n, n/65_536)
		}
	})
}

func TestABrokenListIsAnError(t *testing.T) {
	for _, size := range []int{0, 1, 27, 28, len(common) / 2, len(common) - 1} {
		if _, err := read(common[:size]); err == nil {
			t.Errorf("a list cut to %d bytes is read", size)
		}
	}
}
