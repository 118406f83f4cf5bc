package gatehouse_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Exactly one function compares passwords, one has it do so, and that one charges
// the attempt.
func TestLT10_OneFunctionChecksPasswords(t *testing.T) {
	callers := map[string][]string{} // of what is called, in the rules
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || name == "hashes.go" { // which makes verify of itself
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			function, ok := declared.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(function, func(n ast.Node) bool {
				if called, ok := n.(*ast.SelectorExpr); ok {
					if _, package_ := called.X.(*ast.Ident); !package_ || called.Sel.Name != "verify" {
						callers[called.Sel.Name] = append(callers[called.Sel.Name], function.Name.Name)
					}
				}
				return true
			})
		}
	}
	for called, want := range map[string][]string{
		"verify": {"evaluate"}, "verifyAbsent": {"evaluate"}, "evaluate": {"checkPassword"}, "checkPassword": {"authenticate", "prove"},
	} {
		t.Run("LT-10_"+called, func(t *testing.T) {
			got := slices.Compact(slices.Sorted(slices.Values(callers[called])))
			if !slices.Equal(got, want) {
				t.Errorf("%s is called by %v, want %v", called, got, want)
			}
		})
	}
}
