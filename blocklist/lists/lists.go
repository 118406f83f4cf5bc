// Package lists reads the word lists that the filter of package blocklist is
// made from. Only tests use it: the lists are npm packages, and no text of them
// is in this repository or in the binary.
package lists

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Shortest is the shortest word that is kept, in code points.
const Shortest = 4

// Words returns every word of the lists under a folder node_modules, in NFC and
// lower case, sorted, each once. The error is fs.ErrNotExist where the packages
// are not installed.
func Words(modules string) ([]string, error) {
	passwords, err := passwords(modules)
	if err != nil {
		return nil, err
	}
	frequent, err := frequent(modules)
	if err != nil {
		return nil, err
	}
	var words []string
	for _, word := range append(passwords, frequent...) {
		if word = strings.ToLower(norm.NFC.String(word)); utf8.RuneCountInString(word) >= Shortest {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return slices.Compact(words), nil
}

func passwords(modules string) (words []string, err error) {
	text, err := os.ReadFile(filepath.Join(modules, "@zxcvbn-ts/language-common/src/passwords.json"))
	if err != nil {
		return nil, fmt.Errorf("lists: %w", err)
	}
	if err := json.Unmarshal(text, &words); err != nil {
		return nil, fmt.Errorf("lists: passwords: %w", err)
	}
	return words, nil
}

// frequentLists is how many lists the script has: passwords, words of Wikipedia
// and of television, and three of names.
const frequentLists = 6

func frequent(modules string) (words []string, err error) {
	text, err := os.ReadFile(filepath.Join(modules, "zxcvbn/lib/frequency_lists.js"))
	if err != nil {
		return nil, fmt.Errorf("lists: %w", err)
	}
	found := regexp.MustCompile(`(?m)^\s*\w+: ("[^\n]*")\.split\(","\)`).FindAllSubmatch(text, -1)
	if len(found) != frequentLists {
		return nil, fmt.Errorf("lists: frequent words: got %d lists, want %d", len(found), frequentLists)
	}
	for _, list := range found {
		// JavaScript escapes what Go does not.
		joined, err := strconv.Unquote(strings.ReplaceAll(string(list[1]), `\'`, `'`))
		if err != nil {
			return nil, fmt.Errorf("lists: frequent words: %w", err)
		}
		words = append(words, strings.Split(joined, ",")...)
	}
	return words, nil
}
