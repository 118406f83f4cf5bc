package gatehouse_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// constantTime says which files compare secrets, and what.
var constantTime = map[string]string{
	"argon2id/engine.go":  "the tag of a password hash",
	"foreignhash/hash.go": "the digest of a password hash of another system",
	"changepass.go":       "the new password with the present one, after that was proven",
	"codes.go":            "the digest of the digits in a mail",
	"device.go":           "the HMAC of a device token",
	"refreshtoken.go":     "the HMAC of a refresh token",
	"auditchain.go":       "the HMAC of a record of the chain",
	"jwt/verifykey.go":    "the HMAC of an access token under HS256",
	"web/csrf.go":         "the token of a form",
	"web/identify.go":     "the digest of the introspection secret",
}

// plain says which comparisons with == look like those of a secret, and why
// they are none that a stranger can measure.
var plain = map[string]string{
	"auditverify.go mac":             "the operator's own check of the chain; nobody sends what is compared",
	"auditverify.go MAC":             "the same",
	"hashes.go pepper":               "names of peppers, which stand in the hash",
	"transfer.go PasswordHash":       "an import, by the operator, of what is there already",
	"jwt/cache.go token":             "found by a keyed hash of the token first, which nobody can aim at",
	"jwt/cache.go tag":               "that hash",
	"jwt/compact.go typeAccessToken": "the type in a header",
	"jwt/keycheck.go secret":         "a secret with itself, to find periods",
	"web/wellknown.go tag":           "the version of a public document",
	"smtp/smtptest/smtptest.go":      "a mail server for tests",
}

// secretName is what a value is called that must not be compared with ==.
var secretName = regexp.MustCompile(`(?i)(password|secret|token|digest|csrf|mac|pepper|masterkey|hash|tag)$`)

func TestSecretsAreComparedInConstantTime(t *testing.T) {
	used := map[string]bool{}
	t.Run("PW-21_where_it_is_known_what_is_compared", func(t *testing.T) {
		for _, file := range sources(t) {
			name, text := filepath.ToSlash(file), read(t, file)
			compares := strings.Contains(text, "subtle.ConstantTimeCompare(") || strings.Contains(text, "hmac.Equal(")
			if compares && constantTime[name] == "" {
				t.Errorf("%s compares a secret; say which in comparisons_test.go", name)
			}
			used[name] = compares
		}
	})
	t.Run("PW-21_and_by_no_other_way", func(t *testing.T) {
		for _, file := range sources(t) {
			if strings.HasPrefix(filepath.ToSlash(file), "storetest/") {
				continue // test code
			}
			for _, value := range comparedPlainly(t, file) {
				if name := filepath.ToSlash(file); plain[name+" "+value] == "" && plain[name] == "" {
					t.Errorf("%s compares %s with ==, bytes.Equal or strings.EqualFold", name, value)
				}
			}
		}
	})
	for file, what := range constantTime {
		if _, is := used[file]; is && !used[file] {
			t.Errorf("%s compares %s no more; take it out of comparisons_test.go", file, what)
		}
	}
}

// comparedPlainly returns the names that look like secrets on one side of a
// comparison whose other side is not a constant.
func comparedPlainly(t *testing.T, file string) (names []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	check := func(sides ...ast.Expr) {
		for i, side := range sides {
			if name := lastName(side); secretName.MatchString(name) && !isConstant(sides[1-i]) {
				names = append(names, name)
			}
		}
	}
	ast.Inspect(parsed, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.BinaryExpr:
			if node.Op == token.EQL || node.Op == token.NEQ {
				check(node.X, node.Y)
			}
		case *ast.CallExpr:
			if function, ok := node.Fun.(*ast.SelectorExpr); ok && len(node.Args) == 2 && slices.Contains([]string{"Equal", "EqualFold", "Compare", "DeepEqual"}, function.Sel.Name) {
				if from, ok := function.X.(*ast.Ident); ok && slices.Contains([]string{"bytes", "strings", "reflect", "slices"}, from.Name) {
					check(node.Args[0], node.Args[1])
				}
			}
		}
		return true
	})
	return names
}

// lastName is the name at the end of an expression: of a field, a variable, or
// what is converted or sliced.
func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.StarExpr:
		return lastName(e.X)
	case *ast.SliceExpr:
		return lastName(e.X)
	case *ast.ParenExpr:
		return lastName(e.X)
	case *ast.CallExpr:
		if function, ok := e.Fun.(*ast.Ident); ok && function.Name == "len" {
			return ""
		}
		if len(e.Args) == 1 {
			return lastName(e.Args[0])
		}
	}
	return ""
}

// isConstant is true for what is written in the source or counted: "", nil,
// numbers, zero values, lengths.
func isConstant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit, *ast.CompositeLit:
		return true
	case *ast.ParenExpr:
		return isConstant(e.X)
	case *ast.Ident:
		return slices.Contains([]string{"nil", "true", "false"}, e.Name)
	case *ast.CallExpr:
		function, ok := e.Fun.(*ast.Ident)
		return ok && function.Name == "len"
	}
	return false
}

func TestTheSearchForComparisonsFindsThem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.go")
	source := `package x
func f() {
	_ = a.Token == b
	_ = string(sessionToken) != typed
	_ = bytes.Equal(mac[:], given)
	_ = strings.EqualFold(given, secret)
	_ = token == ""
	_ = len(password) == 3
	_ = name == other
}
`
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := comparedPlainly(t, file), []string{"Token", "sessionToken", "mac", "secret"}; !slices.Equal(got, want) {
		t.Errorf("PW-21: got %v, want %v", got, want)
	}
}
