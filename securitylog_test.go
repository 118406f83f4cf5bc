package gatehouse_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gatehouse/model"
)

// vocabulary is the OWASP logging vocabulary as far as it is about what a server
// like this one does.
var vocabulary = strings.Fields(`authn_login_success authn_login_successafterfail authn_login_fail authn_login_fail_max authn_login_lock
	authn_password_change authn_password_change_fail authn_impossible_travel authn_token_created authn_token_revoked authn_token_reuse
	authn_token_delete authz_fail authz_change authz_admin crypt_decrypt_fail crypt_encrypt_fail excess_rate_limit_exceeded
	input_validation_fail privilege_permissions_changed sensitive_create sensitive_read sensitive_update sensitive_delete sequence_fail
	session_created session_renewed session_expired session_use_after_expire sys_startup sys_shutdown sys_restart sys_crash
	sys_monitor_disabled sys_monitor_enabled user_created user_updated user_archived user_deleted`)

func TestTheSecurityLogIsWhatItsPageSays(t *testing.T) {
	names := section(t, "docs/security-log.md", "## Names")
	t.Run("LG-01_every_event", func(t *testing.T) {
		var want []string
		for _, name := range model.EventNames() {
			want = append(want, string(name))
		}
		same(t, "events", found(read(t, "model/event.go"), `EventName = "([a-z_]+)"`), slices.Clone(want))
		same(t, "events", firstCells(names), want)
	})
	t.Run("LG-12_in_the_words_of_OWASP", func(t *testing.T) {
		rows := found(names, "(?m)^\\| `[^`]+` \\| ([^|]+) \\| (?:done|refused|failed) \\|$")
		if len(rows) != len(model.EventNames()) {
			t.Errorf("%d rows for %d events", len(rows), len(model.EventNames()))
		}
		for _, cell := range rows {
			if cell != "–" && !slices.Contains(vocabulary, strings.Trim(cell, "`")) {
				t.Errorf("%s is no name of the vocabulary", cell)
			}
		}
		for _, name := range []model.EventName{model.EventLoginSuccess, model.EventLoginFail, model.EventTokenReuse, model.EventPasswordChange, model.EventUserDeleted} {
			if !slices.Contains(vocabulary, string(name)) {
				t.Errorf("%s is not called as in the vocabulary", name)
			}
		}
	})
	t.Run("LG-01_every_line_of_the_log", func(t *testing.T) {
		listed := map[string]bool{}
		for _, cell := range found(section(t, "docs/guides/operate.md", "## Logs"), "(?m)^\\| ([^|]*`[^|]*) \\|") {
			for _, name := range found(cell, "`([^`]+)`") {
				listed[name] = false
			}
		}
		for message, file := range logged(t) {
			known := false
			for name := range listed {
				if message == name || strings.HasPrefix(message, name+" ") || strings.HasPrefix(message, name+";") || strings.HasPrefix(message, name+":") {
					known, listed[name] = true, true
				}
			}
			if !known {
				t.Errorf("%s logs %q, and docs/guides/operate.md does not say so", file, message)
			}
		}
		for name, used := range listed {
			if !used {
				t.Errorf("docs/guides/operate.md lists %q, and nothing logs it", name)
			}
		}
	})
}

func TestEveryEventIsRecordedSomewhere(t *testing.T) {
	t.Run("LG-01_none_is_there_for_nothing", func(t *testing.T) {
		recorded := recordedEvents(t)
		names := found(read(t, "model/event.go"), `(?m)^\t(Event\w+) +EventName = `)
		if len(names) != len(model.EventNames()) {
			t.Fatalf("%d names of %d events", len(names), len(model.EventNames()))
		}
		for _, name := range names {
			if !recorded[name] {
				t.Errorf("nothing records model.%s", name)
			}
		}
	})
}

// recordedEvents are the constants of events that the rules do something else with
// than compare.
func recordedEvents(t *testing.T) map[string]bool {
	t.Helper()
	used := map[string]bool{}
	for _, s := range parsed(t) {
		if strings.Contains(s.name, "/") {
			continue // other floors only show events
		}
		var compared []ast.Expr
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				return n.Op != token.EQL && n.Op != token.NEQ
			case *ast.CaseClause:
				compared = append(compared, n.List...)
			case ast.Expr:
				if slices.Contains(compared, n) {
					return false
				}
				if named, ok := n.(*ast.SelectorExpr); ok && s.selects(named, "gatehouse/model", named.Sel.Name) {
					used[named.Sel.Name] = true
				}
			}
			return true
		})
	}
	return used
}

// logged returns the text of every line that the server can log, with a file.
func logged(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"*.go", "web/*.go", "smtp/*.go", "cmd/gatehouse/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if text, ok := loggedText(n); ok {
					texts[text] = file
				}
				return true
			})
		}
	}
	if len(texts) < 25 {
		t.Fatalf("only %d lines were found", len(texts))
	}
	return texts
}

// loggedText is the text of a call such as log.Warn("text", ...).
func loggedText(n ast.Node) (string, bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return "", false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	argument, ok := map[string]int{"Info": 0, "Warn": 0, "Error": 0, "InfoContext": 1, "WarnContext": 1, "ErrorContext": 1,
		"Log": 2, "LogAttrs": 2, "NewRecord": 2}[method.Sel.Name]
	if !ok || len(call.Args) <= argument {
		return "", false
	}
	literal, ok := call.Args[argument].(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(literal.Value)
	return text, err == nil
}
