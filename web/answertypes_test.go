package web

import (
	"go/ast"
	"go/parser"
	position "go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestAnswersHaveTypesOfTheirOwn looks at what is written out and at what is kept:
// the one is never the other.
func TestAnswersHaveTypesOfTheirOwn(t *testing.T) {
	t.Run("AI-29_of_this_package_and_of_plain_ones", func(t *testing.T) {
		seen := map[reflect.Type]bool{}
		var walk func(where string, of reflect.Type)
		walk = func(where string, of reflect.Type) {
			switch of.Kind() {
			case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
				walk(where, of.Elem())
				return
			}
			if seen[of] {
				return
			}
			seen[of] = true
			if of.PkgPath() != "" && of.PkgPath() != "gatehouse/web" {
				t.Errorf("%s writes out %s of %s", where, of, of.PkgPath())
			}
			if of.Kind() == reflect.Struct {
				for field := range of.Fields() {
					walk(where+"."+field.Name, field.Type)
				}
			}
		}
		for key, op := range operations(true) {
			if op.answer != nil {
				walk(key, reflect.TypeOf(op.answer))
			}
		}
		walk("problem", reflect.TypeFor[problem]())
		if len(seen) < 15 {
			t.Errorf("only %d types", len(seen))
		}
	})
	t.Run("AI-29_what_is_kept_says_nothing_of_JSON", func(t *testing.T) {
		files := 0
		for _, folder := range []string{"model", "sqlstore", "sqlite", "postgres"} {
			names, err := filepath.Glob(filepath.Join("..", folder, "*.go"))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				file, err := parser.ParseFile(position.NewFileSet(), name, nil, parser.SkipObjectResolution)
				if err != nil {
					t.Fatal(err)
				}
				files++
				ast.Inspect(file, func(n ast.Node) bool {
					if field, ok := n.(*ast.Field); ok && field.Tag != nil && !strings.HasSuffix(name, "_test.go") {
						t.Errorf("%s has a member with the tag %s", name, field.Tag.Value)
					}
					return true
				})
			}
		}
		if files < 50 {
			t.Errorf("only %d files", files)
		}
	})
}
