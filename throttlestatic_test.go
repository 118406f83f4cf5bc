package gatehouse_test

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// Exactly one function compares passwords, one has it do so, and that one charges
// the attempt.
func TestLT10_OneFunctionChecksPasswords(t *testing.T) {
	callers := map[string][]string{} // of what is called, in the rules
	eachFunction(t, func(s source, function *ast.FuncDecl) {
		if strings.Contains(s.name, "/") || s.name == "hashes.go" { // which makes verify of itself
			return
		}
		ast.Inspect(function, func(n ast.Node) bool {
			if called, ok := n.(*ast.SelectorExpr); ok && !s.isPackage(called.X) {
				callers[called.Sel.Name] = append(callers[called.Sel.Name], function.Name.Name)
			}
			return true
		})
	})
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

// isPackage reports whether an expression is the name of an imported package.
func (s source) isPackage(e ast.Expr) bool {
	named, ok := e.(*ast.Ident)
	return ok && slices.ContainsFunc(s.file.Imports, func(spec *ast.ImportSpec) bool {
		return s.local(strings.Trim(spec.Path.Value, `"`)) == named.Name
	})
}
