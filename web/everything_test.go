package web

import (
	"go/ast"
	"go/parser"
	position "go/token"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"gatehouse"
)

// openEverything is a site with every route that there can be: it sends mail, has
// the mailbox for development, and takes introspection. Who is registered there
// has proven the email.
func openEverything(t testing.TB) *site {
	t.Helper()
	limits := manyFromHere()
	limits.MailsPerUser = limits.MailRequests
	return openEverythingLimited(t, limits)
}

func openEverythingLimited(t testing.TB, limits gatehouse.Limits) *site {
	t.Helper()
	s, box := openMailedLimited(t, limits)
	s.box = box
	return s
}

// verify proves the email of a user by the link that was mailed.
func (s *site) verify(to string) {
	s.t.Helper()
	_, code, _ := strings.Cut(linkIn(s.t, s, newestTo(s.t, s, s.box, to)), "code=")
	if r := s.json("POST", "/v1/email/verify", `{"code":"`+code+`"}`); r.status != 204 {
		s.t.Fatalf("verify: %d %s", r.status, r.body)
	}
}

// plainToo are the loops that also look at a site without mail.
func plainToo() []string { return []string{"TestOpenAPI", "TestNothingIsServedBesideTheRoutes"} }

func TestWhoWalksOverAllRoutesHasAllOfThem(t *testing.T) {
	functions, walks := testFunctions(t), []string{"rows"}
	for _, f := range functions {
		if f.takesSite && slices.Contains(f.calls, "rows") {
			walks = append(walks, f.name) // for whoever calls it
		}
	}
	var walkers []string
	for _, f := range functions {
		calls := func(names ...string) bool {
			return slices.ContainsFunc(f.calls, func(name string) bool { return slices.Contains(names, name) })
		}
		if f.takesSite || !calls(walks...) {
			continue
		}
		walkers = append(walkers, f.name)
		part := calls("open", "openLimited", "openRules", "openMailed", "openMailedLimited") && !slices.Contains(plainToo(), f.name)
		if part || !calls("openEverything", "openEverythingLimited") {
			t.Errorf("%s: %s walks over the routes of a site that has not all of them", f.file, f.name)
		}
	}
	if len(walkers) < 15 {
		t.Errorf("only %v", walkers)
	}
	for _, name := range plainToo() {
		if !slices.Contains(walkers, name) {
			t.Errorf("%s does not walk over routes", name)
		}
	}
}

// testFunction is a function of these tests: what it calls, and whether it is
// given the site.
type testFunction struct {
	file, name string
	takesSite  bool
	calls      []string
}

func testFunctions(t *testing.T) (functions []testFunction) {
	t.Helper()
	names, err := fs.Glob(os.DirFS("."), "*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		file, err := parser.ParseFile(position.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			if function, ok := declared.(*ast.FuncDecl); ok {
				functions = append(functions, testFunction{name, function.Name.Name, isGivenSite(function), calledIn(function)})
			}
		}
	}
	return functions
}

func isGivenSite(function *ast.FuncDecl) bool {
	return slices.ContainsFunc(function.Type.Params.List, func(given *ast.Field) bool {
		star, ok := given.Type.(*ast.StarExpr)
		if !ok {
			return false
		}
		named, ok := star.X.(*ast.Ident)
		return ok && named.Name == "site"
	})
}

// calledIn returns the names of the functions that a function calls, and of the
// methods the one that makes the table of routes.
func calledIn(function *ast.FuncDecl) (names []string) {
	ast.Inspect(function, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch called := call.Fun.(type) {
		case *ast.Ident:
			names = append(names, called.Name)
		case *ast.SelectorExpr:
			if called.Sel.Name == "rows" {
				names = append(names, "rows")
			}
		}
		return true
	})
	return names
}
