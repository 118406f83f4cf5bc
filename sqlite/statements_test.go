package sqlite

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// queryArgument is where the functions that take a statement take it.
var queryArgument = map[string]int{
	"ExecContext": 1, "QueryContext": 1, "QueryRowContext": 1, "PrepareContext": 1, "Exec": 0, "Query": 0, "QueryRow": 0, "Prepare": 0,
	"row": 2, "each": 2, "exec": 2, "end": 2, "forget": 2, "prepared": 1, "lookUp": 2,
	"execute": 0, "readRow": 0, "readLine": 0, "recall": 0, "direct": 0,
}

// sources parses the files of packages that are not tests.
func sources(t *testing.T, patterns ...string) (*token.FileSet, []*ast.File) {
	t.Helper()
	set := token.NewFileSet()
	var files []*ast.File
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatal(names, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(set, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
	}
	return set, files
}

// constants evaluates every constant text of the sources.
func constants(files []*ast.File) map[string]string {
	specs := make(map[string]ast.Expr)
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if decl, ok := n.(*ast.GenDecl); ok && decl.Tok == token.CONST {
				for _, spec := range decl.Specs {
					for i, value := range spec.(*ast.ValueSpec).Values {
						specs[spec.(*ast.ValueSpec).Names[i].Name] = value
					}
				}
			}
			return true
		})
	}
	texts := make(map[string]string)
	for name, value := range specs {
		if text, ok := constantText(specs, value); ok {
			texts[name] = text
		}
	}
	return texts
}

// literals are all texts that are written out, by where they stand.
func literals(set *token.FileSet, files []*ast.File) map[string]string {
	texts := make(map[string]string)
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				texts[set.Position(literal.Pos()).String()], _ = strconv.Unquote(literal.Value)
			}
			return true
		})
	}
	return texts
}

func constantText(specs map[string]ast.Expr, e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.Ident:
		value, ok := specs[e.Name]
		if !ok {
			return "", false
		}
		return constantText(specs, value)
	case *ast.BinaryExpr:
		left, okLeft := constantText(specs, e.X)
		right, okRight := constantText(specs, e.Y)
		return left + right, okLeft && okRight && e.Op == token.ADD
	}
	return "", false
}

func TestStatements(t *testing.T) {
	set, files := sources(t, "*.go", "../sqlstore/*.go")
	texts := constants(files)
	ofPostgreSQL, others := sources(t, "../postgres/*.go")
	t.Run("AI-18_every_statement_is_a_constant", func(t *testing.T) {
		statementsAreConstant(t, set, files, texts, 40)
		statementsAreConstant(t, ofPostgreSQL, others, constants(others), 10)
	})
	t.Run("ST-12_no_rule_of_case_or_Unicode_is_left_to_the_database", func(t *testing.T) {
		databaseFoldsNothing(t, withSchema(t, literals(set, files), "migrations/*.sql"))
		databaseFoldsNothing(t, withSchema(t, literals(ofPostgreSQL, others), "../postgres/migrations/*.sql"))
	})
	t.Run("EN-11_KY-10_only_digests_of_secrets_have_a_column", onlyDigests)
	t.Run("every_look_up_goes_through_an_index", func(t *testing.T) { lookupsAreKeyed(t, texts) })
	t.Run("every_table_is_strict", strictTables)
}

func statementsAreConstant(t *testing.T, set *token.FileSet, files []*ast.File, texts map[string]string, least int) {
	t.Helper()
	found := 0
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			argument, ok := queryArgument[calledName(call)]
			if !ok || len(call.Args) <= argument || call.Ellipsis.IsValid() && argument == len(call.Args)-1 {
				return true // the last is the arguments of a prepared statement
			}
			if first, ok := call.Args[argument].(*ast.Ident); ok && first.Name == "ctx" && len(call.Args) > argument+1 {
				argument++ // of pgx, where it comes first
			}
			found++
			if text := call.Args[argument]; !isConstantStatement(text, texts) && !isOneOfConstants(file, text, texts) {
				t.Errorf("%s: the statement is put together when it runs", set.Position(text.Pos()))
			}
			return true
		})
	}
	if found < least {
		t.Errorf("only %d statements were found; does the test still look at them?", found)
	}
}

func databaseFoldsNothing(t *testing.T, texts map[string]string) {
	t.Helper()
	forbidden := regexp.MustCompile(`(?i)\b(NOCASE|RTRIM|COLLATE|citext|lower|upper|initcap|normalize|ILIKE|LIKE|SIMILAR|TRIGGER)\b|~\*`)
	// A comment says what it wants, and COLLATE "C" is that there is no rule.
	beside := regexp.MustCompile(`--.*|COLLATE "C"`)
	for name, text := range texts {
		if word := forbidden.FindString(beside.ReplaceAllString(text, "")); word != "" && (isStatement(text) || strings.Contains(text, "(")) {
			t.Errorf("%s uses %s", name, word)
		}
	}
}

func onlyDigests(t *testing.T) {
	var columns []string
	db := openTest(t).engine.reader.db
	rows, err := db.Query(`SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var column string
		if err := rows.Scan(&column); err != nil {
			t.Fatal(err)
		}
		columns = append(columns, column)
	}
	if err := rows.Err(); err != nil || len(columns) < 30 {
		t.Fatal(columns, err)
	}
	allowed := []string{"sessions.token_digest", "codes.digest", "codes.request_digest", "codes.typed_digest", "users.password_hash", "users.password_version"}
	secret := regexp.MustCompile(`(?i)token|cookie|secret|code|password|key$|digest`)
	for _, column := range columns {
		if secret.MatchString(strings.SplitN(column, ".", 2)[1]) && !slices.Contains(allowed, column) {
			t.Errorf("column %s sounds like a secret", column)
		}
	}
}

func strictTables(t *testing.T) {
	var loose int
	err := openTest(t).engine.reader.db.QueryRow(`SELECT count(*) FROM pragma_table_list
		WHERE schema = 'main' AND name NOT LIKE 'sqlite_%' AND strict = 0`).Scan(&loose)
	if err != nil || loose != 0 {
		t.Errorf("%d tables are not strict (error %v)", loose, err)
	}
}

func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if of, ok := f.X.(*ast.Ident); ok && of.Name == "stmt" {
			return "" // prepared: it takes arguments only
		}
		return f.Sel.Name
	}
	return ""
}

// isConstantStatement accepts constants, constants of a table in the code, the
// parameter called query that functions pass on, and the embedded migrations.
func isConstantStatement(e ast.Expr, texts map[string]string) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		_, constant := texts[e.Name]
		return constant || e.Name == "query" || e.Name == "end"
	case *ast.BinaryExpr:
		return e.Op == token.ADD && isConstantStatement(e.X, texts) && isConstantStatement(e.Y, texts)
	case *ast.SelectorExpr:
		return e.Sel.Name == "query"
	case *ast.CallExpr: // string(script), the embedded file
		f, ok := e.Fun.(*ast.Ident)
		return ok && f.Name == "string"
	}
	return false
}

// isOneOfConstants accepts a variable that is given nothing but constants.
func isOneOfConstants(file *ast.File, e ast.Expr, texts map[string]string) bool {
	variable, ok := e.(*ast.Ident)
	if !ok {
		return false
	}
	given, constant := false, true
	ast.Inspect(file, func(n ast.Node) bool {
		assignment, ok := n.(*ast.AssignStmt)
		if !ok {
			return true
		}
		for i, left := range assignment.Lhs {
			if name, ok := left.(*ast.Ident); ok && name.Name == variable.Name {
				given = true
				constant = constant && len(assignment.Lhs) == len(assignment.Rhs) && isConstantStatement(assignment.Rhs[i], texts)
			}
		}
		return true
	})
	return given && constant
}

func isStatement(text string) bool {
	return regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|--)\b?`).MatchString(text)
}

// withSchema adds every migration.
func withSchema(t *testing.T, texts map[string]string, pattern string) map[string]string {
	t.Helper()
	all := maps.Clone(texts)
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) < 5 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = "--\n" + string(text)
	}
	return all
}

// lookupsAreKeyed asks SQLite how it would run each statement. A scan is
// allowed only where everything is wanted: a login among ten million users must
// cost what it costs among ten thousand.
func lookupsAreKeyed(t *testing.T, texts map[string]string) {
	db := openTest(t).engine.writer.db
	wanted := map[string]string{"endedIndexes": "sessions_ended", "unsealedEvents": "events_unsealed", "outboxState": "outbox_created", "dropEveryCode": "codes", "dropEveryMail": "outbox"}
	const handful = "SCAN signing_keys" // a few rows, however many users there are
	parameter := regexp.MustCompile(`\$(\d+)`)
	locking := regexp.MustCompile(`\bFOR [A-Z ]*(UPDATE|SHARE)\b`) // of the other engine
	asked := 0
	for name, text := range texts {
		if !isStatement(text) || strings.HasSuffix(text, "(") || locking.MatchString(text) {
			continue
		}
		highest := 0
		for _, match := range parameter.FindAllStringSubmatch(text, -1) {
			n, _ := strconv.Atoi(match[1])
			highest = max(highest, n)
		}
		rows, err := db.Query("EXPLAIN QUERY PLAN "+text, make([]any, highest)...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(detail, "SCAN") && detail != "SCAN CONSTANT ROW" && detail != handful && (wanted[name] == "" || !strings.Contains(detail, wanted[name])) ||
				strings.Contains(detail, "AUTOMATIC") {
				t.Errorf("%s: %s", name, detail)
			}
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
		asked++
	}
	if asked < 35 {
		t.Errorf("only %d statements were asked about", asked)
	}
}
