package docs_test

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// proof is a test that has the key of a requirement in its name, or in the name
// of one of its subtests.
type proof struct{ file, name string }

// proofs finds the tests of every key in the sources of the tests, in the order
// of files. A name is a text that begins with keys, as in "JW-02_none", or
// the name of a function like TestPW20Overload. Told are the functions that go test
// runs: where the name stands in a table or in a function that they call, those
// that come to it. What runs only where somebody asks for it proves nothing here.
func proofs(t *testing.T) map[string][]proof {
	t.Helper()
	named, used := map[string][]place{}, usage{users: map[place][]place{}, tests: map[place]string{}}
	for _, name := range testSources(t) {
		text := read(t, filepath.Join(root, name))
		if strings.Contains(text, "\n//go:build failover\n") || strings.HasPrefix(text, "//go:build failover\n") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range parsed.Decls {
			used.add(name, parsed, declared)
			if strings.HasPrefix(name, "docs/requirementsscan") || strings.HasPrefix(name, "docs/requirementsrunners") {
				continue // they have keys to try this with
			}
			for _, key := range keysIn(declared) {
				named[key] = append(named[key], placeOf(name, declared))
			}
		}
	}
	all := map[string][]proof{}
	for key, places := range named {
		for _, at := range places {
			runners := used.runners(at)
			if len(runners) == 0 {
				t.Errorf("%s stands in %s of %s, and no test comes to it", key, at.name, at.dir)
			}
			all[key] = append(all[key], runners...)
		}
		slices.SortFunc(all[key], func(a, b proof) int { return cmp.Or(strings.Compare(a.file, b.file), strings.Compare(a.name, b.name)) })
		all[key] = slices.Compact(all[key])
	}
	return all
}

// testSources returns the files that hold tests, relative to the root.
func testSources(t *testing.T) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && slices.Contains([]string{".git", "node_modules", "testdata"}, entry.Name()) {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "storetest/") && strings.HasSuffix(name, ".go") {
			names = append(names, name)
		}
		return err
	})
	if err != nil || len(names) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	return names
}

var (
	keyInFunction = regexp.MustCompile(`^([A-Z]{2})_?(\d{2})_?(\D.*)?$`)
	keyedName     = regexp.MustCompile(`^[A-Z]{2}-\d{2}(?:[_ ]|$)`)
	keyInName     = regexp.MustCompile(`(?:^|_)([A-Z]{2}-\d{2})(?:[_ ]|$)`)
)

// keysIn returns the keys that names within a declaration begin with.
func keysIn(declared ast.Decl) (keys []string) {
	if function, ok := declared.(*ast.FuncDecl); ok {
		rest, isTest := strings.CutPrefix(function.Name.Name, "Test")
		for isTest {
			key := keyInFunction.FindStringSubmatch(rest)
			if key == nil {
				break
			}
			keys, rest = append(keys, key[1]+"-"+key[2]), key[3]
		}
	}
	ast.Inspect(declared, func(node ast.Node) bool {
		if call, ok := node.(*ast.CallExpr); ok && says(call) {
			return false
		}
		literal, ok := node.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err == nil && keyedName.MatchString(text) {
			// Further keys may stand behind the words about the first.
			for _, key := range keyInName.FindAllStringSubmatch(strings.ReplaceAll(text, "_", "__"), -1) {
				keys = append(keys, key[1])
			}
		}
		return true
	})
	return keys
}

// says reports whether a call says what went wrong. Its text names no test.
func says(call *ast.CallExpr) bool {
	method, ok := call.Fun.(*ast.SelectorExpr)
	return ok && slices.Contains([]string{"Error", "Errorf", "Fatal", "Fatalf", "Log", "Logf", "Skip", "Skipf", "Sprint"}, method.Sel.Name)
}

// nameOf is the function, or what a table is called.
func nameOf(declared ast.Decl) string {
	switch declared := declared.(type) {
	case *ast.FuncDecl:
		return declared.Name.Name
	case *ast.GenDecl:
		for _, spec := range declared.Specs {
			if value, ok := spec.(*ast.ValueSpec); ok && len(value.Names) > 0 {
				return value.Names[0].Name
			}
		}
	}
	return "?"
}

// What the scan of names takes and what it leaves.
func TestTheScanForKeysFindsNamesAndNothingElse(t *testing.T) {
	for _, tt := range []struct {
		source string
		want   []string
	}{
		{`func TestPW20Overload(t *testing.T) {}`, []string{"PW-20"}},
		{`func TestPW20_EN13Both(t *testing.T) {}`, []string{"PW-20", "EN-13"}},
		{`func TestABC12(t *testing.T) {}`, nil},
		{`func TestES256Signatures(t *testing.T) {}`, nil},
		{`func f() { run("JW-02_none_"+x) }`, []string{"JW-02"}},
		{`func f() { run("RF-01_RF-02_among_thieves") }`, []string{"RF-01", "RF-02"}},
		{`func f() { run("SC-07_absolute_SC-08_idle") }`, []string{"SC-07", "SC-08"}},
		{`func f() { run("AI-05 null") }`, []string{"AI-05"}},
		{`func f() { each("JW-19") }`, []string{"JW-19"}},
		{`func f() { fail("LG-06: a secret") }`, nil},
		{`func f() { t.Errorf("LG-06 %s", x) }`, nil},
		{`func f() { fail("by LG-06_x") }`, nil},
		{"func f() { // LG-06_x\n}", nil},
		{`var table = []row{{"ST-01_all_of_it", x}}`, []string{"ST-01"}},
	} {
		parsed, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+tt.source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if got := keysIn(parsed.Decls[0]); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.source, got, tt.want)
		}
	}
}
