package gatehouse_test

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// TestWhoHoldsALockTakesNoOther looks at each function that locks: until it unlocks
// it calls nothing of its package that locks too. So there is no order of locks that
// somebody could get wrong. What is called through a variable it does not see.
func TestWhoHoldsALockTakesNoOther(t *testing.T) {
	lockers, looked := map[string]bool{}, 0
	each := func(look func(s source, function *ast.FuncDecl)) {
		eachFunction(t, func(s source, function *ast.FuncDecl) {
			if function.Body != nil && !strings.HasPrefix(s.name, "storetest/") {
				look(s, function)
			}
		})
	}
	each(func(s source, function *ast.FuncDecl) {
		steps := lockSteps(function.Body)
		// One that begins by unlocking was called with the lock, and gives it back.
		if len(steps) > 0 && steps[0].locks {
			lockers[path.Dir(s.name)+" "+typeOfReceiver(function)+"."+function.Name.Name] = true
		}
	})
	each(func(s source, function *ast.FuncDecl) {
		steps := lockSteps(function.Body)
		if len(steps) == 0 {
			return
		}
		looked++
		for _, step := range steps {
			if step.mutex != steps[0].mutex {
				t.Errorf("AI-30: %s locks %s beside %s", s.set.Position(step.at), step.mutex, steps[0].mutex)
			}
		}
		atOnce(function.Body, func(call *ast.CallExpr) {
			called := path.Dir(s.name) + " " + calledOf(function, call)
			if lockers[called] && isHeld(call.Pos(), steps) {
				t.Errorf("AI-30: %s calls %s, which locks, while it holds a lock", s.at(call), called)
			}
		})
	})
	t.Run("AI-30_no_order_of_locks_to_keep", func(t *testing.T) {
		if looked < 30 || len(lockers) < 30 {
			t.Errorf("only %d functions that lock were looked at", looked)
		}
	})
}

// lockStep is one locking or unlocking.
type lockStep struct {
	at    token.Pos
	mutex string
	locks bool
}

// lockSteps are those of a function, without what is put off to its end or done by
// a function that it makes.
func lockSteps(body *ast.BlockStmt) (steps []lockStep) {
	atOnce(body, func(call *ast.CallExpr) {
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || len(call.Args) > 0 || !slices.Contains([]string{"Lock", "RLock", "Unlock", "RUnlock"}, method.Sel.Name) {
			return
		}
		if of, ok := method.X.(*ast.SelectorExpr); ok {
			steps = append(steps, lockStep{call.Pos(), of.Sel.Name, strings.HasSuffix(method.Sel.Name, "Lock") && !strings.Contains(method.Sel.Name, "Unlock")})
		}
	})
	return steps
}

// atOnce looks at the calls that a function makes while it runs, in their order.
func atOnce(body *ast.BlockStmt, look func(*ast.CallExpr)) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.DeferStmt, *ast.FuncLit, *ast.GoStmt:
			return false
		case *ast.CallExpr:
			look(n)
		}
		return true
	})
}

// isHeld reports whether the last step before a place locks.
func isHeld(at token.Pos, steps []lockStep) (held bool) {
	for _, step := range steps {
		if step.at < at {
			held = step.locks
		}
	}
	return held
}

func typeOfReceiver(function *ast.FuncDecl) string {
	if function.Recv == nil {
		return ""
	}
	of := function.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	name, _ := of.(*ast.Ident)
	if name == nil {
		return ""
	}
	return name.Name
}

// calledOf is what a function calls of its own package: a function, or a method of
// what it is itself a method of.
func calledOf(function *ast.FuncDecl, call *ast.CallExpr) string {
	switch called := call.Fun.(type) {
	case *ast.Ident:
		return "." + called.Name
	case *ast.SelectorExpr:
		on, ok := called.X.(*ast.Ident)
		if ok && function.Recv != nil && len(function.Recv.List[0].Names) == 1 && function.Recv.List[0].Names[0].Name == on.Name {
			return typeOfReceiver(function) + "." + called.Sel.Name
		}
	}
	return ""
}
