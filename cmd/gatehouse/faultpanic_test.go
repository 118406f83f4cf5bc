package main

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAPanicInTheBackground(t *testing.T) {
	t.Parallel()
	for name, work := range map[string]func(ctx context.Context, again func(context.Context), log *output){
		"in_a_turn": func(ctx context.Context, again func(context.Context), log *output) {
			every(ctx, time.Millisecond, newLogger(log, "json"), again)
		},
		"in_a_worker": func(ctx context.Context, again func(context.Context), log *output) {
			keepUp(ctx, newLogger(log, "json"), again)
		},
	} {
		t.Run("AI-25_"+name+"_is_logged_without_its_value_and_the_work_goes_on", func(t *testing.T) {
			t.Parallel()
			log, turns := new(output), 0
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			work(ctx, func(context.Context) {
				switch turns++; turns {
				case 1:
					panic("MARKER")
				case 2:
					stop()
				}
			}, log)
			if turns < 2 {
				t.Errorf("%d turns", turns)
			}
			if said := log.String(); strings.Contains(said, "MARKER") || !strings.Contains(said, "panic in the background") || !strings.Contains(said, "faultpanic_test.go") {
				t.Errorf("the log says %s", said)
			}
		})
	}
	t.Run("AI-25_what_the_runtime_says_is_logged", func(t *testing.T) {
		log, none := new(output), []int{}
		guarded(t.Context(), newLogger(log, "json"), func(context.Context) { none[len(none)]++ })
		if !strings.Contains(log.String(), "index out of range") {
			t.Errorf("the log says %s", log)
		}
	})
}

// A goroutine that panics ends the process, whoever began it.
func TestEveryGoroutineOfTheServerIsGuarded(t *testing.T) {
	// Why a goroutine needs no guard of its own.
	exempt := map[string]string{
		"httpserver.go":   "net/http guards its handlers itself",
		"loglines.go":     "writes the log, so that there is none to tell",
		"password.go":     "reads the terminal, for a command",
		"import.go":       "for a command, which may end",
		"importreport.go": "for a command, which may end",
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || exempt[file] != "" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		source := func(n ast.Node) string {
			return string(text[set.Position(n.Pos()).Offset:set.Position(n.End()).Offset])
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			var begun ast.Node
			switch n := n.(type) {
			case *ast.GoStmt:
				begun = n.Call
			case *ast.CallExpr:
				if called, ok := n.Fun.(*ast.SelectorExpr); ok && called.Sel.Name == "Go" {
					begun = n
				}
			}
			if begun == nil {
				return true
			}
			seen++
			if call := source(begun); !strings.Contains(call, "guarded(") && !strings.Contains(call, "keepUp(") {
				t.Errorf("AI-25 %s: %s is not guarded", set.Position(begun.Pos()), call)
			}
			return true
		})
	}
	if seen < 3 {
		t.Errorf("only %d goroutines were found", seen)
	}
}
