package gatehouse_test

import (
	"crypto/tls"
	"go/ast"
	"go/parser"
	"go/token"
	"html/template"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// source is one parsed file of a build.
type source struct {
	name string
	set  *token.FileSet
	file *ast.File
}

func (s source) at(n ast.Node) string { return s.set.Position(n.Pos()).String() }

// parsed returns every file of a build of ours, kernelgen excepted, which writes
// code and is part of none.
func parsed(t *testing.T) []source {
	t.Helper()
	var all []source
	for _, name := range sources(t) {
		if strings.HasPrefix(filepath.ToSlash(name), "argon2id/kernelgen/") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{name: filepath.ToSlash(name), set: set, file: file})
	}
	return all
}

// eachFunction looks at every function and method of the files of parsed.
func eachFunction(t *testing.T, look func(s source, function *ast.FuncDecl)) {
	t.Helper()
	for _, s := range parsed(t) {
		for _, declared := range s.file.Decls {
			if function, ok := declared.(*ast.FuncDecl); ok {
				look(s, function)
			}
		}
	}
}

// local is the name under which a file knows a package, or nothing.
func (s source) local(imported string) string {
	for _, spec := range s.file.Imports {
		if strings.Trim(spec.Path.Value, `"`) != imported {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return imported[strings.LastIndexByte(imported, '/')+1:]
	}
	return ""
}

// selects reports whether an expression is a name of a package.
func (s source) selects(e ast.Expr, imported, name string) bool {
	selector, ok := e.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != name {
		return false
	}
	from, ok := selector.X.(*ast.Ident)
	return ok && from.Name != "" && from.Name == s.local(imported)
}

func exportedOf[T any]() []string {
	var names []string
	for field := range reflect.TypeFor[T]().Fields() {
		names = append(names, field.Name)
	}
	return names
}

func TestConfigurationsOfTLSNeverChange(t *testing.T) {
	made := 0
	for _, s := range parsed(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if !s.selects(n.Type, "crypto/tls", "Config") {
					return true
				}
				made++
				for _, element := range n.Elts {
					pair, named := element.(*ast.KeyValueExpr)
					if !named {
						continue
					}
					key, _ := pair.Key.(*ast.Ident)
					if key != nil && slices.Contains([]string{"SessionTicketKey", "SessionTicketsDisabled", "InsecureSkipVerify", "KeyLogWriter", "Renegotiation", "Rand"}, key.Name) {
						t.Errorf("TL-14: %s sets %s", s.at(element), key.Name)
					}
				}
			case *ast.AssignStmt:
				for _, left := range n.Lhs {
					field, ok := left.(*ast.SelectorExpr)
					if ok && s.local("crypto/tls") != "" && slices.Contains(exportedOf[tls.Config](), field.Sel.Name) {
						t.Errorf("TL-14: %s changes %s of something that may be in use", s.at(n), field.Sel.Name)
					}
				}
			case *ast.CallExpr:
				if called, ok := n.Fun.(*ast.SelectorExpr); ok && called.Sel.Name == "SetSessionTicketKeys" {
					t.Errorf("TL-14: %s sets ticket keys", s.at(n))
				}
			}
			return true
		})
	}
	t.Run("TL-14_made_once_and_left_alone", func(t *testing.T) {
		if made < 2 {
			t.Errorf("%d configurations were looked at, want those of the server and of verify", made)
		}
	})
}

// goesOut are the files that open connections to others, and what decides where.
func goesOut() map[string]string {
	return map[string]string{
		"breach/breach.go": "--breach-check-url",
		"smtp/smtp.go":     "--smtp",
		"verify/fetch.go":  "the issuer, which is configuration",
	}
}

func TestOnlyTheConfigurationSaysWhereWeConnect(t *testing.T) {
	clients, used := 0, map[string]bool{}
	opens := map[string][]string{
		"net/http":   {"Get", "Head", "Post", "PostForm", "DefaultClient", "DefaultTransport", "Client", "Transport", "NewRequest", "NewRequestWithContext"},
		"net":        {"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialIP", "Dialer", "LookupHost", "LookupIP", "LookupAddr", "Resolver"},
		"crypto/tls": {"Dial", "DialWithDialer", "Dialer", "Client"},
		"net/smtp":   {"Dial", "SendMail"},
		"net/rpc":    {"Dial", "DialHTTP"},
	}
	for _, s := range parsed(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.CompositeLit); ok && s.selects(literal.Type, "net/http", "Client") {
				clients++
				if !slices.ContainsFunc(literal.Elts, func(e ast.Expr) bool { return strings.HasPrefix(memberOf(e), "CheckRedirect") }) {
					t.Errorf("AI-26: %s: a client that follows redirects", s.at(literal))
				}
			}
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			for imported, names := range opens {
				if !slices.Contains(names, selector.Sel.Name) || !s.selects(selector, imported, selector.Sel.Name) {
					continue
				}
				if used[s.name] = true; goesOut()[s.name] == "" {
					t.Errorf("AI-26: %s goes out by %s.%s and is not listed in goesOut", s.at(n), imported, selector.Sel.Name)
				}
			}
			return true
		})
	}
	t.Run("AI-26_each_that_may_go_out_does", func(t *testing.T) {
		for name := range goesOut() {
			if !used[name] {
				t.Errorf("%s goes nowhere; take it out of goesOut", name)
			}
		}
	})
	t.Run("AI-26_clients_have_redirects_off", func(t *testing.T) {
		if clients < 2 {
			t.Errorf("%d clients were looked at, want those of breach and of verify", clients)
		}
	})
	t.Run("AI-26_no_route_takes_a_URL", func(t *testing.T) {
		table := read(t, "web/routes.go") + read(t, "web/members.go")
		for _, name := range []string{`"url"`, `"uri"`, `"callback"`, `"webhook"`, `"redirect_uri"`, `"avatar"`, `"image"`, `"host"`} {
			if strings.Contains(table, name) {
				t.Errorf("a member is called %s", name)
			}
		}
	})
}

func memberOf(e ast.Expr) string {
	pair, _ := e.(*ast.KeyValueExpr)
	if pair == nil {
		return ""
	}
	key, _ := pair.Key.(*ast.Ident)
	if key == nil {
		return ""
	}
	return key.Name
}

// formatted are functions that take a format, and which argument it is.
func formatted() map[string]int {
	return map[string]int{
		"fmt.Printf": 0, "fmt.Sprintf": 0, "fmt.Errorf": 0, "fmt.Fprintf": 1, "fmt.Appendf": 1, "fmt.Sscanf": 1, "fmt.Fscanf": 1, "fmt.Scanf": 0,
		"log.Printf": 0, "log.Fatalf": 0, "log.Panicf": 0,
	}
}

func TestFormatsAreConstant(t *testing.T) {
	calls := 0
	for _, s := range parsed(t) {
		constants := constantNames(s.file)
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			for name, position := range formatted() {
				pkg, function, _ := strings.Cut(name, ".")
				if !s.selects(call.Fun, pkg, function) || len(call.Args) <= position {
					continue
				}
				calls++
				if !constantText(call.Args[position], constants) {
					t.Errorf("AI-20: %s: the format of %s is no constant", s.at(call), name)
				}
			}
			return true
		})
	}
	t.Run("AI-20_formats_are_constant", func(t *testing.T) {
		if calls < 100 {
			t.Errorf("only %d calls were looked at", calls)
		}
	})
}

// constantsOf are the names of a file's constants, and format, under which a
// function passes on the constant of its caller.
func constantNames(file *ast.File) []string {
	names := []string{"format"}
	ast.Inspect(file, func(n ast.Node) bool {
		if declared, ok := n.(*ast.GenDecl); ok && declared.Tok == token.CONST {
			for _, spec := range declared.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					names = append(names, name.Name)
				}
			}
		}
		return true
	})
	return names
}

func constantText(e ast.Expr, constants []string) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return slices.Contains(constants, e.Name)
	case *ast.BinaryExpr:
		return constantText(e.X, constants) && constantText(e.Y, constants)
	case *ast.ParenExpr:
		return constantText(e.X, constants)
	}
	return false
}

func TestPagesEscapeByContextOnly(t *testing.T) {
	// The types of html/template that are believed as they are.
	believed := []string{"CSS", "HTML", "HTMLAttr", "JS", "JSStr", "Srcset", "URL"}
	_ = template.HTML("") // they are still called so
	// mails.go: the part of a mail that is plain text, where nothing is markup, and
	// a colour from the settings, which is checked to be one.
	excepted := map[string][]string{"mails.go": {"text/template", "CSS"}}
	templates := 0
	for _, s := range parsed(t) {
		if s.local("text/template") != "" && !slices.Contains(excepted[s.name], "text/template") {
			t.Errorf("PH-14: %s imports text/template", s.name)
		}
		if s.local("html/template") == "" {
			continue
		}
		templates++
		ast.Inspect(s.file, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok {
				for _, name := range believed {
					if s.selects(e, "html/template", name) && !slices.Contains(excepted[s.name], name) {
						t.Errorf("PH-14: %s uses template.%s", s.at(n), name)
					}
				}
			}
			return true
		})
	}
	t.Run("PH-14_no_type_that_is_believed", func(t *testing.T) {
		if templates == 0 {
			t.Error("no file with templates was looked at")
		}
	})
}

func TestWhatStrangersSendMeetsOnlyWhatIsMeantForIt(t *testing.T) {
	// Beside those of the table in floors_test.go, and by the beginning of the path.
	never := map[string]string{
		"net/rpc":                  "AI-32: gob from the network",
		"gopkg.in/yaml":            "AI-32: YAML from the network",
		"go.yaml.in/yaml":          "AI-32: YAML from the network",
		"sigs.k8s.io/yaml":         "AI-32: YAML from the network",
		"github.com/goccy/go-yaml": "AI-32: YAML from the network",
		"encoding/json":            "AI-03: names in any case, the last duplicate wins",
		"plugin":                   "AI-20: loads code",
		"github.com/dlclark":       "AI-20: regular expressions that take as long as the text wants",
		"net/http/pprof":           "PH-22: registers itself",
		"expvar":                   "PH-22: registers itself",
		"net/http/cgi":             "AI-20: starts programs",
		"net/http/httputil":        "AI-26: forwards to others",
		"archive/zip":              "AI-11: nothing is unpacked",
		"compress/gzip":            "AI-11: nothing is unpacked",
	}
	for _, s := range parsed(t) {
		for _, spec := range s.file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			for start, reason := range never {
				if start == "encoding/json" && !readsStrangers(s.name) {
					continue
				}
				if strings.HasPrefix(imported, start) {
					t.Errorf("%s: %s imports %s", reason, s.name, imported)
				}
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				for _, name := range []string{"Handle", "HandleFunc", "ListenAndServe", "ListenAndServeTLS", "Redirect", "ServeFile", "FileServer", "Dir", "ServeFileFS"} {
					if s.selects(call.Fun, "net/http", name) {
						t.Errorf("PH-21/PH-22/AI-21: %s calls http.%s", s.at(n), name)
					}
				}
			}
			return true
		})
	}
	t.Run("AI-20_AI-21_AI-32_PH-22_nothing_else_is_linked", func(t *testing.T) {
		if len(parsed(t)) < 100 {
			t.Error("too few files were looked at")
		}
	})
}

// readsStrangers reports whether a file is on the way of JSON that strangers send.
func readsStrangers(name string) bool {
	return slices.Contains([]string{"web", "jwt", "importer", "model"}, filepath.Dir(name))
}
