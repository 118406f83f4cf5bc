package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// place is a JSON route with its members and a body of it that is well formed.
type place struct {
	method, path string
	bearer       bool
	members      []string
	good         []string // values of the members
}

func places() []place {
	const token = "ghr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	return []place{
		{"POST", "/v1/register", false, []string{"username", "email", "password"}, []string{"mallory", "mallory@example.com", word}},
		{"POST", "/v1/login", false, []string{"identifier", "password"}, []string{"ana", word}},
		{"POST", "/v1/token/refresh", false, []string{"refresh_token"}, []string{token}},
		{"POST", "/v1/token/revoke", false, []string{"token"}, []string{token}},
		{"POST", "/v1/password/reset", false, []string{"code", "new_password"}, []string{"nocode", word}},
		{"PATCH", "/v1/me", true, []string{"username"}, []string{"mallory"}},
		{"POST", "/v1/password/change", true, []string{"current_password", "new_password"}, []string{word, "five other quiet words here"}},
		{"DELETE", "/v1/account", true, []string{"password"}, []string{word}},
	}
}

// with writes the body with one member as it is given, in JSON.
func (p place) with(member, value string) string {
	var b strings.Builder
	for i, name := range p.members {
		text := object("x", p.good[i])
		text = text[len(`{"x":`) : len(text)-1]
		if name == member {
			text = value
		}
		fmt.Fprintf(&b, `,"%s":%s`, name, text)
	}
	return "{" + b.String()[1:] + "}"
}

// trial is one hostile request and the only answers it may get.
type trial struct {
	name   string
	in     request
	status []int
}

// values that are no text, or no text that a strict reader accepts.
func noTexts() map[string]string {
	return map[string]string{
		"AI-05 null": "null", "AI-05 true": "true", "AI-05 zero": "0", "AI-05 huge number": "1e999", "AI-05 minus": "-1",
		"AI-05 list": `["x"]`, "AI-05 empty list": "[]", "AI-05 object": `{"$ne":""}`, "AI-05 empty object": "{}",
		"AI-05 not a number": "NaN", "AI-05 bare word": "undefined", "AI-05 single quotes": "'x'",
		"PW-25 lone high surrogate": `"\ud800fifteen-characters"`, "PW-25 lone low surrogate": `"fifteen-characters\udc00"`,
		"PW-25 swapped surrogates": `"\udc00\ud800fifteen-characters"`,
		"PW-25 byte ff":            "\"\xfffifteen-characters\"", "AI-08 overlong NUL": "\"\xc0\x80fifteen-characters\"",
		"AI-08 overlong slash": "\"\xe0\x80\xaffifteen-characters\"", "AI-08 surrogate in UTF-8": "\"\xed\xa0\x80fifteen-characters\"",
		"AI-08 above U+10FFFF": "\"\xf4\x90\x80\x80fifteen-characters\"", "AI-08 cut sequence": "\"fifteen-characters\xe2\x82\"",
		"AI-08 raw NUL": "\"fifteen\x00characters\"", "AI-08 raw newline": "\"fifteen\ncharacters\"",
		"AI-08 bad escape": `"fifteen\x41characters"`, "AI-07 nested": strings.Repeat("[", 10000) + strings.Repeat("]", 10000),
		"AI-07 nested and open": strings.Repeat("[", 10000),
	}
}

// malformed are bodies that no route takes, made from one that it does.
func malformed(p place) map[string]string {
	good, first := p.with("", ""), p.members[0]
	all := map[string]string{
		"AI-05 null": "null", "AI-05 list": "[" + good + "]", "AI-05 text": `"x"`, "AI-05 number": "0", "AI-05 nothing": "",
		"AI-05 space": " \r\n\t ", "AI-06 twice": good + good, "AI-06 more": good + " x", "AI-06 bracket": good + "}",
		"AI-05 open": good[:len(good)-1], "AI-05 comma": good[:len(good)-1] + ",}", "AI-05 comment": "/**/" + good,
		"AI-08 byte order mark": "\ufeff" + good, "AI-08 UTF-16": "\xff\xfe" + strings.Join(strings.Split(good, ""), "\x00"),
		"AI-05 form": first + "=x", "AI-32 XML": "<" + first + "/>", "AI-08 NUL behind": good + "\x00",
	}
	for _, name := range []string{"role", "roles", "id", "user_id", "email_verified", "email_verified_at", "disabled_at",
		"created_at", "password_hash", "hint", "-", "", "__proto__", "constructor", "\\u0000", "_method"} {
		all["AI-04 unknown member "+name] = `{"` + name + `":"x",` + good[1:]
		all["AI-04 unknown object "+name] = good[:len(good)-1] + `,"` + name + `":{"a":[1,{"b":null}]}}`
	}
	for _, m := range p.members {
		escaped := fmt.Sprintf(`\u%04x%s`, m[0], m[1:])
		all["AI-02 twice "+m] = good[:len(good)-1] + `,"` + m + `":"x"}`
		all["AI-02 twice, once in escapes "+m] = good[:len(good)-1] + `,"` + escaped + `":"x"}`
		all["AI-03 capitals "+m] = strings.Replace(good, `"`+m+`"`, `"`+strings.ToUpper(m)+`"`, 1)
		all["AI-03 title "+m] = strings.Replace(good, `"`+m+`"`, `"`+strings.ToUpper(m[:1])+m[1:]+`"`, 1)
		all["AI-03 space "+m] = strings.Replace(good, `"`+m+`"`, `"`+m+` "`, 1)
		if strings.Contains(m, "s") {
			all["AI-03 long s "+m] = strings.Replace(good, `"`+m+`"`, `"`+strings.ReplaceAll(m, "s", "ſ")+`"`, 1)
		}
	}
	return all
}

// shapes are the trials whose body has the wrong shape: one answer, 400.
func shapes(p place, bearer string) []trial {
	var all []trial
	add := func(name, body string) {
		in := request{method: p.method, path: p.path, body: body, kind: "application/json"}
		if p.bearer {
			in.bearer = bearer
		}
		all = append(all, trial{name: p.path + " " + name, in: in, status: []int{400}})
	}
	for _, m := range p.members {
		for name, value := range noTexts() {
			add(name+" in "+m, p.with(m, value))
		}
		if p.path != "/v1/register" || m == "password" { // the others may be left out there
			add("AI-01 no "+m, strings.Replace(p.with(m, `""`), `"`+m+`":""`, `"other":""`, 1))
		}
	}
	for name, body := range malformed(p) {
		add(name, body)
	}
	return all
}

// covers are the trials whose body is fine and whose wrapping is not.
func covers(p place, bearer string) []trial {
	good := p.with("", "")
	var all []trial
	add := func(name string, status int, in request) {
		in.method, in.body = p.method, good
		if in.path == "" {
			in.path = p.path
		}
		if p.bearer {
			in.bearer = bearer
		}
		all = append(all, trial{name: p.path + " " + name, in: in, status: []int{status}})
	}
	for _, kind := range []string{"text/plain", "text/json", "application/x-json", "application/json; charset=utf-16",
		"application/json; charset=latin1", "application/json; boundary=x", "application/problem+json", "multipart/form-data; boundary=x",
		"application/xml", "application/json, text/plain", "*/*", "application/*", "json", ";", "application/json;charset"} {
		add("AI-10 "+kind, 415, request{kind: kind})
	}
	for _, coding := range []string{"gzip", "br", "deflate", "zstd", "identity, gzip"} {
		add("AI-11 "+coding, 415, request{header: http.Header{"Content-Encoding": {coding}}})
	}
	for _, path := range []string{"/" + p.path, strings.Replace(p.path, "/v1/", "/v1//", 1), strings.Replace(p.path, "/v1/", "/v1/./", 1),
		strings.Replace(p.path, "/v1/", "/v1/x/../", 1), p.path[:len(p.path)-1] + fmt.Sprintf("%%%02x", p.path[len(p.path)-1]),
		p.path + "/", p.path + ";x", p.path + "%00", p.path + "%2f", "/V1" + p.path[3:], strings.ToUpper(p.path), p.path + ".json"} {
		add("LT-09 PH-21 "+path, 404, request{path: path})
	}
	for _, query := range []string{"?x=1", "?" + p.members[0] + "=x", "?a=1&a=2", "?a;b", "?%zz"} {
		add("AI-17 "+query, 400, request{path: p.path + query})
	}
	return all
}

// texts are well-formed texts that must not become a name.
func texts() map[string]string {
	return map[string]string{
		"byte order mark": "\ufeffana", "right-to-left override": "ana\u202eegdelm", "left-to-right mark": "ana\u200e",
		"isolate": "\u2066ana\u2069", "zero width joiner": "an\u200da", "zero width space": "an\u200ba", "soft hyphen": "an\u00ada",
		"NUL": "ana\x00", "escape": "ana\x1b[2J", "newline": "ana\nadmin", "delete": "ana\x7f", "replacement": "ana\ufffd",
		"noncharacter": "ana\uffff", "tag letter": "ana\U000e0041", "variation selector": "ana\ufe0f", "Hangul filler": "ana\u3164",
		"zalgo": "a" + strings.Repeat("\u0301\u0316", 40), "emoji": "💩", "flags": "🇦🇶", "mathematical": "𝒶𝓃𝒶𝓈!", "private use": "ana\ue000",
		"mixed scripts": "pаypаl", "at sign": "ana@", "full-width at sign": "ana＠example.com", "space inside": "ana eva",
		"line separator": "ana\u2028eva", "65 letters": strings.Repeat("a", 65), "a page": strings.Repeat("a", 60000),
		"65 wide letters": strings.Repeat("ａ", 65), "ligature of 18": strings.Repeat("ﷺ", 10), "SQL": "ana'; DROP TABLE users; --",
		"header": "ana\r\nSet-Cookie: x=y", "last code point": "\U0010ffff",
	}
}

// names are the trials with texts in the place of names, and passwords outside
// the limits. None of them costs a hash.
func names(bearer string) []trial {
	var all []trial
	add := func(name string, in request, status ...int) {
		all = append(all, trial{name: in.path + " " + name, in: in, status: status})
	}
	post := func(path string, pairs ...string) request {
		return request{method: "POST", path: path, body: object(pairs...)}
	}
	for name, text := range texts() {
		add("AI-22 "+name, post("/v1/register", "username", text, "password", word), 422)
		add("AI-23 "+name, post("/v1/register", "email", text+"@@example.com", "password", word), 422)
		add("AI-23 "+name, post("/v1/register", "email", "mallory@"+text+".", "password", word), 422)
		add("AI-22 "+name, request{method: "PATCH", path: "/v1/me", bearer: bearer, body: object("username", text)}, 422)
		add("RF-16 "+name, post("/v1/token/refresh", "refresh_token", text), 400, 401)
		add("RF-07 "+name, post("/v1/token/revoke", "token", text), 200, 400)
		add("EN-15 "+name, post("/v1/password/reset", "code", text, "new_password", word), 400)
	}
	for name, password := range map[string]string{
		"PW-01 14": strings.Repeat("p", 14), "PW-04 14 emoji": strings.Repeat("🦜", 14), "PW-04 28 before NFC": strings.Repeat("e\u0301", 14),
		"PW-02 257": strings.Repeat("p", 257), "PW-02 257 emoji": strings.Repeat("🦜", 257), "PW-22 60 KiB": strings.Repeat("p", 60<<10),
		"PW-25 replacement": word + "\ufffd", "PW-27 empty": "",
	} {
		add(name, post("/v1/register", "username", "mallory", "password", password), 400, 422)
		add(name, post("/v1/password/reset", "code", "nocode", "new_password", password), 400, 422)
	}
	for name, password := range map[string]string{"PW-27 empty": "", "PW-22 257": strings.Repeat("p", 257), "PW-22 60 KiB": strings.Repeat("p", 60<<10), "PW-25 replacement": word + "\ufffd"} {
		add(name, post("/v1/login", "identifier", "ana", "password", password), 400, 422)
		add(name, request{method: "DELETE", path: "/v1/account", bearer: bearer, body: object("password", password)}, 400, 422)
		add(name, request{method: "POST", path: "/v1/password/change", bearer: bearer,
			body: object("current_password", password, "new_password", word)}, 400, 422)
	}
	add("AI-01 nobody", post("/v1/register", "password", word), 422)
	add("AI-01 8193 characters", post("/v1/token/refresh", "refresh_token", strings.Repeat("g", 8193)), 400)
	add("AI-01 129 characters", post("/v1/password/reset", "code", strings.Repeat("c", 129), "new_password", word), 400)
	add("AI-01 8193 characters", post("/v1/token/revoke", "token", strings.Repeat("g", 8193)), 400)
	return all
}

// large are bodies beyond the limit, by declared length and without one.
func large(p place, bearer string) []trial {
	var all []trial
	for _, size := range []int{64<<10 + 1, 1 << 20} {
		body := p.with(p.members[0], `"`+strings.Repeat("x", size)+`"`)
		in := request{method: p.method, path: p.path, body: body}
		if p.bearer {
			in.bearer = bearer
		}
		all = append(all, trial{name: fmt.Sprintf("%s AI-09 %d bytes", p.path, size), in: in, status: []int{413}})
	}
	return all
}

// tally counts what was asked and how it was answered.
type tally struct {
	requests int
	statuses map[int]int
}

// check judges one answer, whatever was asked.
func (c *tally) check(t *testing.T, one trial, got reply) {
	t.Helper()
	c.requests++
	c.statuses[got.status]++
	if got.status >= 500 || !slices.Contains(one.status, got.status) {
		t.Errorf("%.90q: got status %d, want %v: %.200s", one.name, got.status, one.status, got.body)
	}
	for _, trace := range []string{"argon2", "goroutine", ".go:", "sqlite", "SQL", "password_hash", "jsontext", "/work/"} {
		if strings.Contains(got.body, trace) {
			t.Errorf("AI-24 %.90q: the answer shows %q: %.200s", one.name, trace, got.body)
		}
	}
	if got.status < 400 {
		return
	}
	var problem struct {
		Code      string `json:"code"`
		Status    int    `json:"status"`
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(got.body), &problem); err != nil {
		t.Errorf("AI-24 %.90q: no problem document: %v", one.name, err)
		return
	}
	id := got.header.Get("X-Request-Id")
	if problem.Code == "" || problem.Status != got.status || problem.RequestID != id || id == "" {
		t.Errorf("AI-24 %.90q: the document does not fit the answer: %.200s", one.name, got.body)
	}
	if got.header.Get("Cache-Control") != "no-store" || got.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("PH-23 %.90q: headers are missing", one.name)
	}
}

// run sends all trials and counts the answers.
func (c *tally) run(t *testing.T, s *server, trials []trial) {
	t.Helper()
	if len(trials) == 0 {
		t.Fatal("no trials")
	}
	for _, one := range trials {
		got, err := s.send(one.in)
		if err != nil {
			t.Errorf("%.90q: %v", one.name, err)
			continue
		}
		c.check(t, one, got)
	}
}

func TestHostileRequests(t *testing.T) {
	s := reach(t)
	s.register(t, "ana")
	g := s.login(t, "ana")
	before, count := users(t, s.data), &tally{statuses: map[int]int{}}
	for _, protocol := range []string{"HTTP_2", "HTTP_1.1"} {
		if protocol == "HTTP_1.1" {
			http1 := new(http.Protocols)
			http1.SetHTTP1(true)
			s.client.Transport.(*http.Transport).Protocols = http1
			s.client.CloseIdleConnections()
		}
		for _, p := range places() {
			t.Run("AI-01_AI-08_"+protocol+p.path, func(t *testing.T) {
				count.run(t, s, shapes(p, g.Access))
				count.run(t, s, covers(p, g.Access))
				if protocol == "HTTP_2" {
					count.run(t, s, large(p, g.Access))
				}
			})
		}
		t.Run("AI-22_AI-23_"+protocol+"_texts", func(t *testing.T) { count.run(t, s, names(g.Access)) })
	}
	t.Run("LG-07_every_line_of_the_log_is_one_event", func(t *testing.T) { checkLog(t, s, count.requests) })
	t.Run("AI-04_nothing_was_stored", func(t *testing.T) {
		if after := users(t, s.data); after != before {
			t.Errorf("the users have changed:\n%s\n%s", before, after)
		}
		s.ask(t, request{method: "GET", path: "/v1/me", bearer: g.Access}).want(t, 200)
		if status, _, err := s.refresh(g.Refresh); err != nil || status != 200 {
			t.Errorf("the session did not survive: %d %v", status, err)
		}
		s.login(t, "ana")
	})
	t.Logf("%d hostile requests, by status %v", count.requests, count.statuses)
}

// checkLog wants one JSON object a line, and a line for each request.
func checkLog(t *testing.T, s *server, requests int) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(string(s.logged(t)), "\n"), "\n")
	if len(lines) < requests {
		t.Errorf("%d lines for %d requests", len(lines), requests)
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) || !strings.HasPrefix(line, `{"time":`) {
			t.Fatalf("no event: %.200q", line)
		}
	}
}
