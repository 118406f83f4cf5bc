package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// volatile is what differs from run to run, and what stands for it.
func volatile(s *site) *strings.Replacer {
	return strings.NewReplacer(s.url, "https://HOST", "127.0.0.1", "ADDRESS")
}

var volatileText = []struct {
	pattern *regexp.Regexp
	stand   string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"`), `"TIME"`},
	{regexp.MustCompile(`"request_id":( ?)"[0-9a-f]{32}"`), `"request_id":$1"REQUEST"`},
	{regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`), "JWT"},
	{regexp.MustCompile(`ghr_[A-Za-z0-9_-]{72}`), "REFRESH"},
	{regexp.MustCompile(`"(kid|x|jti)":"[A-Za-z0-9_-]+"`), `"$1":"OPAQUE"`},
	{regexp.MustCompile(`"(iat|exp|auth_time)":\d+`), `"$1":0`},
}

// answer is one answer of one route, kept in testdata/json.
type shape struct {
	name, operation string
	r               reply
}

// shapes is every shape of answer there is: each operation answered well, and
// one refusal of each kind.
func shapes(s *site) []shape {
	s.t.Helper()
	register := s.json("POST", "/v1/register", `{"username":"Ana","email":"Ana@Example.com","password":"`+goodPassword+`"}`)
	only := s.json("POST", "/v1/register", `{"username":"ben","password":"`+goodPassword+`"}`)
	login := s.json("POST", "/v1/login", `{"identifier":"ana","password":"`+goodPassword+`"}`, header("User-Agent", "golden/1"))
	access, refresh := login.member(s.t, "access_token"), login.member(s.t, "refresh_token")
	ana := bearing(access)
	b := s.browse()
	b.open("/login")
	b.submit("/login", url.Values{"identifier": {"ben"}, "password": {goodPassword}})
	csrf := csrfIn(s.t, b.open("/account").body)
	user, err := s.auth.FindUser(s.t.Context(), "ben")
	if err != nil {
		s.t.Fatal(err)
	}
	code, err := s.auth.IssueResetCode(s.t.Context(), user.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return []shape{
		{"register", "POST /v1/register", register},
		{"register_without_email", "POST /v1/register", only},
		{"register_refused", "POST /v1/register", s.json("POST", "/v1/register", `{"username":"a b","email":"x","password":"short"}`)},
		{"register_blocked", "POST /v1/register", s.json("POST", "/v1/register", `{"username":"marguerite.duval","password":"MargueriteDuval2026"}`)},
		{"register_taken", "POST /v1/register", s.json("POST", "/v1/register", `{"username":"ANA","password":"`+goodPassword+`"}`)},
		{"register_incomplete", "POST /v1/register", s.json("POST", "/v1/register", `{"username":"cid"}`)},
		{"register_unknown_member", "POST /v1/register", s.json("POST", "/v1/register", `{"role":"admin"}`)},
		{"login", "POST /v1/login", login},
		{"login_refused", "POST /v1/login", s.json("POST", "/v1/login", `{"identifier":"ana","password":"x"}`)},
		{"me", "GET /v1/me", s.ask("GET", "/v1/me", "", ana)},
		{"me_refused", "GET /v1/me", s.ask("GET", "/v1/me", "")},
		{"rename", "PATCH /v1/me", s.json("PATCH", "/v1/me", `{"username":"anna"}`, ana)},
		{"sessions", "GET /v1/sessions", s.ask("GET", "/v1/sessions", "", ana)},
		{"session_not_found", "DELETE /v1/sessions/{id}", s.ask("DELETE", "/v1/sessions/x", "", ana)},
		{"end_others", "DELETE /v1/sessions", s.ask("DELETE", "/v1/sessions", "", ana)},
		{"export", "GET /v1/account/export", s.ask("GET", "/v1/account/export", "", ana)},
		{"refresh", "POST /v1/token/refresh", s.json("POST", "/v1/token/refresh", `{"refresh_token":"`+refresh+`"}`)},
		{"refresh_refused", "POST /v1/token/refresh", s.json("POST", "/v1/token/refresh", `{"refresh_token":"x"}`)},
		{"token", "POST /v1/token", b.do("POST", "/v1/token", "{}", withJSON, saying("same-origin", ""), header(csrfHeader, csrf))},
		{"token_forbidden", "POST /v1/token", b.do("POST", "/v1/token", "{}", withJSON, saying("cross-site", ""), header(csrfHeader, csrf))},
		{"introspect_access", "POST /v1/token/introspect", s.form("/v1/token/introspect", "token="+access, withSecret)},
		{"introspect_inactive", "POST /v1/token/introspect", s.form("/v1/token/introspect", "token=x", withSecret)},
		{"key_set", "GET /.well-known/jwks.json", s.ask("GET", "/.well-known/jwks.json", "")},
		{"metadata", "GET /.well-known/oauth-authorization-server", s.ask("GET", "/.well-known/oauth-authorization-server", "")},
		{"password_change_refused", "POST /v1/password/change", s.json("POST", "/v1/password/change", `{"current_password":"x","new_password":"`+otherPassword+`"}`, ana)},
		{"password_change", "POST /v1/password/change", s.json("POST", "/v1/password/change", `{"current_password":"`+goodPassword+`","new_password":"`+otherPassword+`"}`, ana)},
		{"password_reset", "POST /v1/password/reset", s.json("POST", "/v1/password/reset", `{"code":"`+string(code)+`","new_password":"`+otherPassword+`"}`)},
		{"password_reset_blocked", "POST /v1/password/reset", s.json("POST", "/v1/password/reset", `{"code":"x","new_password":"passwordpassword"}`)},
		{"revoke", "POST /v1/token/revoke", s.form("/v1/token/revoke", "token=x")},
		{"body_too_large", "POST /v1/login", s.json("POST", "/v1/login", strings.Repeat(" ", maxBody+1))},
		{"media_type", "POST /v1/login", s.ask("POST", "/v1/login", "x=y", withForm)},
		{"delete_refused", "DELETE /v1/account", s.json("DELETE", "/v1/account", `{"password":"x"}`, ana)},
		{"delete", "DELETE /v1/account", s.json("DELETE", "/v1/account", `{"password":"`+otherPassword+`"}`, ana)},
	}
}

func TestAnswers(t *testing.T) {
	s := open(t)
	var doc map[string]any
	if err := json.Unmarshal(s.door.openapi, &doc); err != nil {
		t.Fatal(err)
	}
	for _, c := range shapes(s) {
		t.Run("AI-29_"+c.name, func(t *testing.T) {
			for _, never := range []string{"$argon2", "password_hash", "hash", "salt", "skeleton", "digest", "counter", "status_index", "disabled", "password_version"} {
				if strings.Contains(c.r.body, `"`+never) || strings.Contains(c.r.body, "$argon2") {
					t.Errorf("the answer holds %s: %s", never, c.r.body)
				}
			}
			compareGolden(t, c.name, steady(s, c.r))
			validate(t, doc, c)
		})
	}
}

// steady is the answer with everything volatile replaced.
func steady(s *site, r reply) string {
	text := r.body
	for _, v := range volatileText {
		text = v.pattern.ReplaceAllString(text, v.stand)
	}
	text = volatile(s).Replace(text)
	var out bytes.Buffer
	fmt.Fprintln(&out, r.status, r.header.Get("Content-Type"))
	if text != "" {
		if err := json.Indent(&out, []byte(text), "", "  "); err != nil {
			s.t.Fatalf("%s: %v", text, err)
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "json", name+".json")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the answer changed (run with -update if it should):\n%s", diff)
	}
}

// validate holds an answer to the schema that the description gives for its
// operation and status.
func validate(t *testing.T, doc map[string]any, c shape) {
	t.Helper()
	method, path, _ := strings.Cut(c.operation, " ")
	response := at(doc, "paths", path, strings.ToLower(method), "responses", fmt.Sprint(c.r.status))
	if response == nil {
		t.Fatalf("%s has no answer with status %d", c.operation, c.r.status)
	}
	media, _, _ := strings.Cut(c.r.header.Get("Content-Type"), ";")
	schema := at(response, "content", media, "schema")
	if c.r.body == "" {
		if at(response, "content") != nil {
			t.Errorf("%s %d: no body came", c.operation, c.r.status)
		}
		return
	}
	if schema == nil {
		t.Fatalf("%s %d: no schema for %s", c.operation, c.r.status, media)
	}
	var value any
	if err := json.Unmarshal([]byte(c.r.body), &value); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range mismatches(doc, schema, value, "$") {
		t.Errorf("%s %d: %s", c.operation, c.r.status, wrong)
	}
	if !strings.Contains(fmt.Sprint(at(response, "description")), problemCode(value)) {
		t.Errorf("%s %d: the code %s is not described: %v", c.operation, c.r.status, problemCode(value), at(response, "description"))
	}
}

func problemCode(value any) string {
	code, _ := at(value, "code").(string)
	return code
}

// at walks into objects; nothing when the way ends.
func at(value any, names ...string) any {
	for _, name := range names {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

// mismatches is the part of JSON Schema that the description uses.
func mismatches(doc map[string]any, schema, value any, where string) []string {
	if ref, ok := at(schema, "$ref").(string); ok {
		return mismatches(doc, at(doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...), value, where)
	}
	types := []any{at(schema, "type")}
	if many, ok := types[0].([]any); ok {
		types = many
	}
	kind := map[bool]string{true: "integer", false: "number"}
	got := ""
	switch v := value.(type) {
	case nil:
		got = "null"
	case bool:
		got = "boolean"
	case string:
		got = "string"
	case float64:
		got = kind[v == float64(int64(v))]
	case []any:
		got = "array"
	case map[string]any:
		got = "object"
	}
	if !slices.Contains(types, any(got)) {
		return []string{fmt.Sprintf("%s is %s, want %v", where, got, types)}
	}
	var wrong []string
	switch v := value.(type) {
	case []any:
		for i, item := range v {
			wrong = append(wrong, mismatches(doc, at(schema, "items"), item, fmt.Sprintf("%s[%d]", where, i))...)
		}
	case map[string]any:
		required, _ := at(schema, "required").([]any)
		for _, name := range required {
			if _, ok := v[name.(string)]; !ok {
				wrong = append(wrong, fmt.Sprintf("%s lacks %s", where, name))
			}
		}
		for name, member := range v {
			property := at(schema, "properties", name)
			if property == nil {
				wrong = append(wrong, fmt.Sprintf("%s has %s, which is not described", where, name))
				continue
			}
			wrong = append(wrong, mismatches(doc, property, member, where+"."+name)...)
		}
	}
	return wrong
}

func TestOpenAPI(t *testing.T) {
	for name, s := range map[string]*site{"with_mail": openEverything(t), "without_mail": open(t)} {
		t.Run(name, func(t *testing.T) { describesItsRoutes(t, s) })
	}
}

func describesItsRoutes(t *testing.T, s *site) {
	r := s.ask("GET", "/openapi.json", "")
	var doc map[string]any
	if err := json.Unmarshal([]byte(r.body), &doc); err != nil || r.status != 200 {
		t.Fatalf("got %d, %v", r.status, err)
	}
	t.Run("AI-01_it_has_every_route_and_no_other", func(t *testing.T) {
		want := map[string]bool{}
		for _, row := range s.door.rows() {
			if !row.who.isPage() && row.path != "/static/{file}" {
				want[row.method+" "+row.path] = true
			}
		}
		for path, item := range doc["paths"].(map[string]any) {
			for method, operation := range item.(map[string]any) {
				key := strings.ToUpper(method) + " " + path
				if !want[key] {
					t.Errorf("there is no route %s", key)
				}
				delete(want, key)
				if at(operation, "summary") == nil || at(operation, "operationId") == nil {
					t.Errorf("%s is not described", key)
				}
			}
		}
		for key := range want {
			t.Errorf("route %s is missing", key)
		}
	})
	t.Run("only_what_can_happen_is_announced", func(t *testing.T) {
		never := []string{"method-not-allowed"}
		if !s.auth.SendsMail() {
			never = append(never, "email-unverified")
		}
		alone := []string{"/healthz", "/openapi.json", "/.well-known/oauth-authorization-server"}
		for path, item := range doc["paths"].(map[string]any) {
			for method, operation := range item.(map[string]any) {
				for status, answer := range at(operation, "responses").(map[string]any) {
					for code := range strings.SplitSeq(at(answer, "description").(string), ", ") {
						if slices.Contains(never, code) || code == "unavailable" && slices.Contains(alone, path) {
							t.Errorf("%s %s announces %s %s", method, path, status, code)
						}
					}
				}
			}
		}
	})
	describesNoOther(t, s, doc)
}

func describesNoOther(t *testing.T, s *site, doc map[string]any) {
	t.Run("an_undescribed_route_is_an_error", func(t *testing.T) {
		rows := append(s.door.rows(), route{method: "GET", path: "/v1/new", who: anyone})
		if _, err := s.door.describe(rows); err == nil {
			t.Error("accepted")
		}
		if _, err := s.door.describe(s.door.rows()[1:]); err == nil {
			t.Error("an operation without a route: accepted")
		}
	})
	t.Run("every_reference_leads_somewhere", func(t *testing.T) {
		for _, ref := range regexp.MustCompile(`"#/([^"]+)"`).FindAllStringSubmatch(string(s.door.openapi), -1) {
			if at(doc, strings.Split(ref[1], "/")...) == nil {
				t.Errorf("%s leads nowhere", ref[1])
			}
		}
	})
}

func TestEveryOperationIsAnswered(t *testing.T) {
	t.Run("every_operation_is_answered_in_a_golden_file_or_is_plain", func(t *testing.T) {
		seen := map[string]bool{
			"GET /healthz": true, "GET /readyz": true, "GET /openapi.json": true, "GET /v1/status-list": true, "POST /v1/logout": true,
			// Without mail these do nothing, which a test of its own looks at.
			"POST /v1/password/forgot": true, "POST /v1/email/verify": true, "POST /v1/email/change": true,
		}
		for _, c := range shapes(open(t)) {
			if c.r.status < 300 || c.operation == "DELETE /v1/sessions/{id}" {
				seen[c.operation] = true
			}
		}
		for key := range operations(false) {
			if !seen[key] {
				t.Errorf("%s has no good answer", key)
			}
		}
	})
}
