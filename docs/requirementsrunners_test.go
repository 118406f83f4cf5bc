package docs_test

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// place is a declaration of a package, by its directory. The name of a method
// begins with a dot.
type place struct{ dir, name string }

// usage is who uses what among the declarations of tests.
type usage struct {
	users map[place][]place
	tests map[place]string // what go test runs, with its file
}

var runByGo = regexp.MustCompile(`^(?:Test|Fuzz)(?:$|[^a-z])`)

func placeOf(file string, declared ast.Decl) place {
	at := place{path.Dir(file), nameOf(declared)}
	if function, ok := declared.(*ast.FuncDecl); ok && function.Recv != nil {
		at.name = "." + at.name
	}
	return at
}

// add notes what one declaration of a file uses.
func (u usage) add(name string, file *ast.File, declared ast.Decl) {
	here := placeOf(name, declared)
	if _, ok := declared.(*ast.FuncDecl); ok && runByGo.MatchString(here.name) && strings.HasSuffix(name, "_test.go") {
		u.tests[here] = name
	}
	use := func(used place) {
		if used != here && !slices.Contains(u.users[used], here) {
			u.users[used] = append(u.users[used], here)
		}
	}
	fields := map[*ast.Ident]bool{} // and methods
	if function, ok := declared.(*ast.FuncDecl); ok {
		fields[function.Name] = true
	}
	ast.Inspect(declared, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.SelectorExpr:
			fields[node.Sel] = true
			if from, ok := node.X.(*ast.Ident); ok && from.Name == "storetest" {
				use(place{from.Name, node.Sel.Name})
			} else {
				use(place{here.dir, "." + node.Sel.Name})
			}
		case *ast.KeyValueExpr:
			if field, ok := node.Key.(*ast.Ident); ok {
				fields[field] = true
			}
		case *ast.Ident: // not one of the function around it
			if !fields[node] && (node.Obj == nil || file.Scope.Lookup(node.Name) == node.Obj) {
				use(place{here.dir, node.Name})
			}
		}
		return true
	})
}

// runners are the functions that go test runs and that come to a declaration.
func (u usage) runners(of place) (all []proof) {
	seen, next := map[place]bool{of: true}, []place{of}
	for len(next) > 0 {
		at := next[0]
		next = next[1:]
		if file, ok := u.tests[at]; ok {
			all = append(all, proof{file, at.name})
			continue
		}
		for _, user := range u.users[at] {
			if !seen[user] {
				seen[user] = true
				next = append(next, user)
			}
		}
	}
	slices.SortFunc(all, func(a, b proof) int { return cmp.Or(strings.Compare(a.file, b.file), strings.Compare(a.name, b.name)) })
	return all
}

func TestTheScanFindsWhatGoTestRuns(t *testing.T) {
	u := usage{users: map[place][]place{}, tests: map[place]string{}}
	for name, source := range map[string]string{
		"a/one_test.go": `package a
			var table = []string{"JW-02_x"}
			func helper() { _ = table }
			func TestOne() { helper() }
			func TestTwo() { table := 1; _ = table }
			func Testing() { helper() }
			func (s *scene) table() {}
			func TestFour() { new(scene).table() }
			func (s *scene) walk() { s.table = scene{table: 1} }
			func FuzzThree() { new(scene).walk() }`,
		"b/two_test.go":        `package b; func TestElse() { helper() }; func TestStore() { storetest.Run(1) }`,
		"storetest/attempt.go": `package storetest; func Run() { _ = attempts }; var attempts = 1; func TestNothing() { Run() }`,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), name, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			u.add(name, file, declared)
		}
	}
	for at, want := range map[place][]proof{
		{"a", "table"}:            {{"a/one_test.go", "TestOne"}},
		{"a", "TestTwo"}:          {{"a/one_test.go", "TestTwo"}},
		{"a", ".walk"}:            {{"a/one_test.go", "FuzzThree"}},
		{"storetest", "attempts"}: {{"b/two_test.go", "TestStore"}},
		{"b", "table"}:            nil,
	} {
		if got := u.runners(at); !slices.Equal(got, want) {
			t.Errorf("%v: got %v, want %v", at, got, want)
		}
	}
}
