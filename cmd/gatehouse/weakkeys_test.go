package main

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestAKeyThatAnybodyCouldKnowStartsNothing puts keys that are no secret where the
// command looks for its own.
func TestAKeyThatAnybodyCouldKnowStartsNothing(t *testing.T) {
	text := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	weak := map[string]string{
		"empty":           "",
		"a_line":          "\n",
		"changeme":        "changeme",
		"31_bytes":        text("\x8f\x02\xd1\x77\xe0\x9a\x41\x5c\x33\xbe\x0d\x62\xf4\x18\xa9\x7b\xc5\x2e\x90\x4f\xdb\x66\x13\xe8\x3a\xb7\x59\x04\xcc\x71\x2d"),
		"zeros":           text(strings.Repeat("\x00", 32)),
		"one_byte":        text(strings.Repeat("\xa7", 32)),
		"a_sentence":      text("this is the secret master key!!!"),
		"counting":        text("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"),
		"sixteen_twice":   text(strings.Repeat("\x8f\x02\xd1\x77\xe0\x9a\x41\x5c\x33\xbe\x0d\x62\xf4\x18\xa9\x7b", 2)),
		"not_base64":      strings.Repeat("*", 43),
		"of_our_examples": strings.Repeat("A", 43),
	}
	for name, key := range weak {
		t.Run("KY-02_"+name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "master.key"), []byte(key+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			p, _, stderr := testProgram()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a server that starts would go on
			defer cancel()
			code := p.run(ctx, []string{"serve", "--listen", "127.0.0.1:0", "--data", dir})
			if code != exitRefused || !strings.Contains(stderr.String(), "master.key") {
				t.Errorf("exit code %d: %s", code, stderr)
			}
			if key != "" && len(key) > 8 && strings.Contains(stderr.String(), key) {
				t.Errorf("the key is printed: %s", stderr)
			}
		})
	}
}

// A rule about the kinds of characters would need a setting.
func TestNoSettingAsksForKindsOfCharacters(t *testing.T) {
	t.Run("PW-05_no_setting_could_add_such_a_rule", func(t *testing.T) {
		for _, name := range settingNames() {
			if regexp.MustCompile(`upper|lower|digit|letter|special|symbol|class|complex|composition|expire|history`).MatchString(name) {
				t.Errorf("--%s", name)
			}
		}
	})
}
