package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// FuzzSettings proves that whatever a file of settings holds, the start is
// refused with one line that names a setting, or has what it needs.
func FuzzSettings(f *testing.F) {
	for _, text := range []string{
		"url = \"https://id.example.com\"\nlisten = \":443\"\ntls = \"acme\"\nacme-email = \"ops@example.com\"\n",
		"listen = 5", "listen = [\"127.0.0.1:1\", \"x\"]", "nothing = 1", "[listen]\na = 1", "url = \"https://a b\"", "\xff", "tls = \"proxy\"\ntrusted-proxies = [\"10.0.0.0/8\"]",
		"hash-params = \"m=65536,t=3,p=1\"\nhash-memory = \"1GiB\"\npassword-min = 8", "access-ttl = \"-1m\"", "database = \"postgres://u:p@h/n\"", "\"a\\nb\" = 1",
	} {
		f.Add(text)
	}
	path := filepath.Join(f.TempDir(), "gatehouse.toml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p := &program{environment: func(string) (string, bool) { return "", false }}
		values, err := p.gather(map[string]string{"config": path})
		if err == nil {
			var cfg config
			if cfg, err = parseConfig(values); err == nil {
				if cfg.passwordMin < 8 || cfg.accessTTL <= 0 || cfg.algorithm == "" || slices.ContainsFunc([]string{cfg.dataDir, cfg.database.String()}, func(s string) bool { return s == "" }) ||
					cfg.publicURL != "" && !strings.HasPrefix(cfg.publicURL, "https://") {
					t.Fatalf("%q was accepted as %+v", text, cfg.tls)
				}
				return
			}
		}
		name, _, named := strings.Cut(strings.TrimPrefix(err.Error(), "--"), " ")
		name = strings.TrimSuffix(name, ":")
		if !named || strings.ContainsAny(err.Error(), "\r\n\x00\x1b") || !slices.Contains(append(settingNames(), "config"), name) {
			t.Fatalf("%q is refused with %q", text, err)
		}
	})
}
