package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// secretShapes are what keys and tokens of others look like.
var secretShapes = map[string]secretShape{
	"private key":      {[]string{"PRIVATE KEY"}, regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}`)},
	"key of AWS":       {[]string{"AKIA", "ASIA"}, regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`)},
	"token of a forge": {[]string{"ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-"}, regexp.MustCompile(`\b(?:gh[posu]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,}|glpat-[A-Za-z0-9_-]{20,})\b`)},
	"token of a chat":  {[]string{"xox"}, regexp.MustCompile(`\bxox[abprs]-[A-Za-z0-9-]{20,}`)},
	"key of a cloud":   {[]string{"AIza"}, regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{35}\b`)},
	"signed token":     {[]string{"eyJ"}, regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{40,}`)},
	"refresh token":    {[]string{"ghr_"}, regexp.MustCompile(`\bghr_[A-Za-z0-9_-]{72}\b`)},
	"32 random bytes": {[]string{"ecret", "aster", "epper", "assw", "SECRET", "MASTER", "PEPPER", "PASSW"},
		regexp.MustCompile(`(?:ecret|aster|epper|assw|SECRET|MASTER|PEPPER|PASSW)\w*["']?\s*(?::=|[:=])\s*["']?[A-Za-z0-9+/_-]{43}\b`)},
}

// secretShape is a pattern, and words of which one is in whatever it finds: most
// files have none, and are soon looked at.
type secretShape struct {
	words   []string
	pattern *regexp.Regexp
}

func (s secretShape) find(text string) []string {
	if !slices.ContainsFunc(s.words, func(word string) bool { return strings.Contains(text, word) }) {
		return nil
	}
	return s.pattern.FindAllString(text, -1)
}

// TestNoSecretIsInTheSources looks at all that goes into a build or a copy of
// the sources. Tests and what they read hold keys that are public on purpose.
func TestNoSecretIsInTheSources(t *testing.T) {
	t.Run("KY-12_nothing_that_looks_like_one", func(t *testing.T) {
		looked := 0
		err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() {
				if slices.Contains([]string{".git", "node_modules", "testdata"}, entry.Name()) {
					return fs.SkipDir
				}
				return nil
			}
			if strings.HasSuffix(name, "_test.go") || !entry.Type().IsRegular() {
				return nil
			}
			text := read(t, filepath.Join(root, name))
			if !utf8.ValidString(text) {
				return nil // a picture, or the word list in its filter
			}
			looked++
			for what, shape := range secretShapes {
				for _, found := range shape.find(text) {
					t.Errorf("%s holds what looks like a %s: %.12s…", name, what, found)
				}
			}
			return nil
		})
		if err != nil || looked < 100 {
			t.Fatalf("looked at %d files: %v", looked, err)
		}
	})
	t.Run("KY-12_the_search_finds_what_it_looks_for", func(t *testing.T) {
		for what, text := range map[string]string{
			"private key":      "-----BEGIN EC PRIVATE KEY-----\n" + strings.Repeat("Ab1/", 12),
			"key of AWS":       "AKIA" + strings.Repeat("A1", 8),
			"token of a forge": "ghp_" + strings.Repeat("a1B2", 9),
			"token of a chat":  "xoxb-" + strings.Repeat("12345-", 5),
			"key of a cloud":   "AIza" + strings.Repeat("Abcd_", 7),
			"signed token":     "eyJ" + strings.Repeat("a", 30) + ".eyJ" + strings.Repeat("b", 30) + "." + strings.Repeat("c", 43),
			"refresh token":    "ghr_" + strings.Repeat("A1b_", 18),
			"32 random bytes":  `masterKey := "` + strings.Repeat("x", 43) + `"`,
		} {
			if len(secretShapes[what].find(text)) == 0 {
				t.Errorf("a %s is not found in %q", what, text)
			}
		}
		if len(secretShapes) != 8 {
			t.Errorf("%d shapes, and 8 are tried", len(secretShapes))
		}
	})
}

// TestModulesArePinned holds every module of every go.mod to a version and a sum.
func TestModulesArePinned(t *testing.T) {
	for _, dir := range []string{".", "crosscheck"} {
		t.Run("KY-12_"+dir, func(t *testing.T) {
			module, sums := read(t, filepath.Join(root, dir, "go.mod")), read(t, filepath.Join(root, dir, "go.sum"))
			for _, replaced := range found(module, `(?m)^(?:replace\s+|\t)(\S.* => .*)$`) {
				if !strings.HasSuffix(replaced, "=> ../") && !strings.HasSuffix(replaced, "=> ..") {
					t.Errorf("%s is taken from elsewhere", replaced)
				}
			}
			wanted := found(module, `(?m)^(?:require\s+|\t)(\S+ v\S+)`)
			for _, version := range wanted {
				if strings.HasPrefix(version, "gatehouse ") {
					continue // ourselves, from the folder above
				}
				if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(version) + `(?:/go\.mod)? h1:`).MatchString(sums) {
					t.Errorf("%s has no sum", version)
				}
			}
			if len(wanted) < 3 {
				t.Errorf("only %d modules were found", len(wanted))
			}
		})
	}
	t.Run("KY-12_npm_packages_have_a_lock", func(t *testing.T) {
		for _, folder := range []string{"web/testdata/axe", "blocklist/testdata/lists", "e2e/testdata/node"} {
			lock := read(t, filepath.Join(root, folder, "package-lock.json"))
			if packages, sums := strings.Count(lock, `"node_modules/`), strings.Count(lock, `"integrity": "sha512-`); packages == 0 || packages != sums {
				t.Errorf("%s: %d packages, %d sums", folder, packages, sums)
			}
		}
	})
}
