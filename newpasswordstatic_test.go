package gatehouse_test

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// Whoever hashes a password that somebody chose has had it judged in the same
// function: by newPassword, which looks at the list of common ones, and by the list
// of leaks. What a login hashes anew was chosen before.
func TestEveryNewPasswordIsJudged(t *testing.T) {
	calls := map[string][]string{} // of each function of the rules
	eachFunction(t, func(s source, function *ast.FuncDecl) {
		if strings.Contains(s.name, "/") || s.name == "hashes.go" {
			return
		}
		ast.Inspect(function, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			called, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || s.isPackage(called.X) {
				return true
			}
			name := called.Sel.Name
			if of, ok := called.X.(*ast.SelectorExpr); ok && of.Sel.Name == "hashes" {
				name = "hashes." + name
			}
			calls[function.Name.Name] = append(calls[function.Name.Name], name)
			return true
		})
	})
	hashing := 0
	for function, called := range calls {
		if !slices.Contains(called, "hashes.hash") || function == "rehash" {
			continue
		}
		hashing++
		t.Run("PW-07_PW-08_"+function, func(t *testing.T) {
			for _, judge := range []string{"newPassword", "refuseBreached"} {
				if !slices.Contains(called, judge) || slices.Index(called, judge) > slices.Index(called, "hashes.hash") {
					t.Errorf("%s hashes what %s has not seen", function, judge)
				}
			}
		})
	}
	if hashing != 3 { // a registration, a change, a reset
		t.Errorf("%d functions hash a new password, want 3", hashing)
	}
}
