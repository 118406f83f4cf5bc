package gatehouse_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors says which packages of ours each package may import outside its
// tests. Imports go down: what is not listed is not allowed.
var floors = map[string][]string{
	"model":         {},
	"jwt":           {},
	"argon2id":      {},
	".":             {"model", "jwt", "argon2id"},
	"sqlstore":      {"model"},
	"sqlite":        {"model", "sqlstore"},
	"postgres":      {"model", "sqlstore"},
	"storetest":     {"model"},
	"web":           {".", "model"},
	"cmd/gatehouse": {".", "model", "jwt", "argon2id", "sqlite", "postgres", "web"},
}

// outside says which modules of others a floor may import, where that is
// limited at all.
var outside = map[string][]string{
	"model":    {"golang.org/x/text", "golang.org/x/net/idna", "go.mau.fi/util/confusable"},
	"jwt":      {},
	"argon2id": {"golang.org/x/crypto/argon2"},
	".":        {},
	"sqlstore": {},
}

// forbidden is what no floor imports, with the reason (AI-20, AI-32, KY-04,
// KY-08, SC-01).
var forbidden = map[string]string{
	"math/rand":    "secrets come from crypto/rand, and nothing else needs chance",
	"math/rand/v2": "secrets come from crypto/rand, and nothing else needs chance",
	"os/exec":      "nothing of ours starts a program",
	"unsafe":       "memory stays safe",
	"encoding/gob": "strangers' bytes are JSON or forms",
	"encoding/xml": "strangers' bytes are JSON or forms",
	"crypto/md5":   "broken",
	"crypto/sha1":  "broken",
	"crypto/des":   "broken",
	"crypto/rc4":   "broken",
	"C":            "no cgo in the default build",
	"testing":      "no test code in the build",
}

func TestImportsGoDown(t *testing.T) {
	seen := map[string]bool{}
	for _, file := range sources(t) {
		pkg := filepath.ToSlash(filepath.Dir(file))
		allowed, known := floors[pkg]
		if !known {
			t.Errorf("%s: package %q has no floor; give it one in floors_test.go", file, pkg)
			continue
		}
		seen[pkg] = true
		for _, imported := range importsOf(t, file) {
			if ours, ok := strings.CutPrefix(imported, "gatehouse"); ok {
				floor := strings.TrimPrefix(ours, "/")
				if floor == "" {
					floor = "."
				}
				if !slices.Contains(allowed, floor) {
					t.Errorf("%s imports %s; %s may import %v", file, imported, pkg, allowed)
				}
				continue
			}
			limit, limited := outside[pkg]
			foreign := strings.Contains(strings.Split(imported, "/")[0], ".")
			if limited && foreign && !slices.ContainsFunc(limit, func(m string) bool { return imported == m || strings.HasPrefix(imported, m+"/") }) {
				t.Errorf("%s imports %s; %s may import only %v of others", file, imported, pkg, limit)
			}
		}
	}
	for pkg := range floors {
		if !seen[pkg] {
			t.Errorf("floors_test.go lists %q, which has no source", pkg)
		}
	}
}

func TestNoFloorImports(t *testing.T) {
	for _, file := range sources(t) {
		for _, imported := range importsOf(t, file) {
			reason, bad := forbidden[imported]
			if imported == "testing" && strings.HasPrefix(filepath.ToSlash(file), "storetest/") {
				continue // the suite is test code that other packages' tests call
			}
			if bad {
				t.Errorf("AI-20/AI-32/KY-08/SC-01: %s imports %s: %s", file, imported, reason)
			}
		}
	}
}

// sources returns every Go file that is part of a build, relative to the root.
func sources(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(filepath.ToSlash(name))
		if entry.IsDir() && name != "." && (base == "testdata" || base == "node_modules" || strings.HasPrefix(base, ".")) {
			return filepath.SkipDir
		}
		if strings.HasSuffix(base, ".go") && !strings.HasSuffix(base, "_test.go") {
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func importsOf(t *testing.T, file string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var imports []string
	for _, spec := range parsed.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		imports = append(imports, name)
	}
	return imports
}
