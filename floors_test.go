package gatehouse_test

import (
	"go/ast"
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
	"model":              {},
	"jwt":                {},
	"argon2id":           {},
	"argon2id/kernelgen": {}, // a module of its own, which writes the assembler
	"foreignhash":        {},
	"blocklist":          {},
	"blocklist/lists":    {}, // for tests
	".":                  {"model", "jwt", "argon2id", "foreignhash", "blocklist"},
	"sqlstore":           {"model"},
	"sqlite":             {"model", "sqlstore"},
	"postgres":           {"model", "sqlstore"},
	"storetest":          {"model"},
	"breach":             {"model"},
	"smtp":               {"model"},
	"smtp/smtptest":      {}, // for tests
	"importer":           {"model"},
	"web":                {".", "model"},
	"verify":             {"jwt"},
	"examples/notes":     {"verify"},
	"cmd/gatehouse":      {".", "model", "jwt", "argon2id", "sqlite", "postgres", "breach", "smtp", "importer", "web"},
}

// outside says which modules of others a floor may import, where that is
// limited at all.
var outside = map[string][]string{
	"model":          {"golang.org/x/text", "golang.org/x/net/idna", "go.mau.fi/util/confusable"},
	"jwt":            {},
	"argon2id":       {"golang.org/x/crypto/blake2b", "golang.org/x/sys/cpu", "golang.org/x/sys/unix"},
	"foreignhash":    {"golang.org/x/crypto/argon2", "golang.org/x/crypto/blowfish", "golang.org/x/crypto/scrypt"},
	"blocklist":      {"github.com/FastFilter/xorfilter", "github.com/trustelem/zxcvbn/adjacency", "github.com/trustelem/zxcvbn/match", "github.com/trustelem/zxcvbn/scoring"},
	"breach":         {},
	"smtp":           {"github.com/wneessen/go-mail"},
	"smtp/smtptest":  {"github.com/emersion/go-smtp", "github.com/emersion/go-sasl"},
	"importer":       {"github.com/go-json-experiment/json"},
	".":              {},
	"sqlstore":       {},
	"verify":         {},
	"examples/notes": {},
}

// forbidden is what no floor imports, with the reason.
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

	"golang.org/x/sync/singleflight": "one check of a password never stands for another",
}

// excepted says which file imports what is forbidden all the same, and why.
var excepted = map[string]map[string]string{
	"breach/breach.go":        {"crypto/sha1": "lists of leaked passwords are kept by SHA-1; five digits of it are all that leaves"},
	"foreignhash/md5crypt.go": {"crypto/md5": "md5-crypt, which other systems made; nothing new is made with it"},
	"foreignhash/phpass.go":   {"crypto/md5": "phpass, which other systems made; nothing new is made with it"},
	"foreignhash/pbkdf2.go":   {"crypto/sha1": "PBKDF2 with HMAC-SHA-1, which other systems made; nothing new is made with it"},
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
	used := map[string]int{}
	t.Run("AI-20_AI-32_KY-04_KY-08_SC-01_PW-28_what_is_forbidden", func(t *testing.T) {
		for _, file := range sources(t) {
			for _, imported := range importsOf(t, file) {
				reason, bad := forbidden[imported]
				if excepted[filepath.ToSlash(file)][imported] != "" {
					used[filepath.ToSlash(file)]++
					continue
				}
				if imported == "testing" && strings.HasPrefix(filepath.ToSlash(file), "storetest/") {
					continue // the suite is test code that other packages' tests call
				}
				if bad {
					t.Errorf("%s imports %s: %s", file, imported, reason)
				}
			}
		}
	})
	for file, imports := range excepted {
		t.Run("KY-04_"+file, func(t *testing.T) {
			if used[file] != len(imports) {
				t.Errorf("%d of %d exceptions are used; take the others out of floors_test.go", used[file], len(imports))
			}
		})
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

// A file has 400 lines at most and a function 60, from its first line to its
// last. above names what in the tests is longer, and how long it is: the list
// may only shrink.
const fileLines, functionLines = 400, 60

var above = map[string]int{
	"argon2id/admission_test.go TestPW20Overload":                          114,
	"cmd/gatehouse/keys_test.go TestKeyCommandsBesideTheServer":            69,
	"cmd/gatehouse/keys_test.go TestAKilledResealGoesOn":                   62,
	"cmd/gatehouse/keysengines_test.go keysChangedByMany":                  63,
	"cmd/gatehouse/log_test.go TestServerLog":                              67,
	"cmd/gatehouse/postgres_test.go TestCommandsOnPostgreSQL":              92,
	"formerkeys_test.go TestAFormerMasterKeyIsGoodForTheSessionsOfItsTime": 65,
	"importer/importer_test.go TestEveryFieldOfAnExportArrives":            63,
	"keylife_test.go TestReplacedKeysCountWithTheNextRequest":              95,
	"keys_test.go TestRotation":                                            68,
	"keys_test.go TestStolenDatabase":                                      64,
	"masterkeys_test.go TestRefreshWhileTheMasterKeyChanges":               61,
	"newpassword_test.go TestPasswordsMadeOfContext":                       74,
	"silentsigner_test.go TestAKeyThatDoesNotOpenStopsNobody":              73,
	"verify/statuslist_test.go TestOldLists":                               83,
	"web/passwordstrength_test.go TestPasswordStrength":                    61,
	"web/storybook_script_test.go TestScriptInABrowser":                    122,
}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	long := map[string]int{}
	for _, file := range files(t, ".go") {
		text := read(t, file)
		if lines := strings.Count(text, "\n"); lines > fileLines {
			long[file] = lines
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range parsed.Decls {
			function, ok := declared.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if lines := set.Position(function.End()).Line - set.Position(function.Pos()).Line + 1; lines > functionLines {
				long[file+" "+function.Name.Name] = lines
			}
		}
	}
	for name, lines := range long {
		switch file, _, _ := strings.Cut(name, " "); {
		case !strings.HasSuffix(file, "_test.go"):
			t.Errorf("%s has %d lines", name, lines)
		case lines > above[name]:
			t.Errorf("%s has %d lines, and may have %d", name, lines, max(above[name], functionLines))
		}
	}
	for name, lines := range above {
		if long[name] < lines {
			t.Errorf("%s is shorter than the %d lines that are allowed it: shorten the list", name, lines)
		}
	}
}
