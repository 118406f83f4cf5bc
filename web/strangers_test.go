package web

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// injections are pieces of other languages that careless programs run.
func injections() []string {
	return []string{
		"'", "''", `"`, "`", "\\", "';--", "' OR '1'='1", "' OR 1=1--", `" OR ""="`, "') OR ('1'='1", "admin'--", "admin' #", "admin'/*",
		"1; DROP TABLE users", "'; DROP TABLE users; --", "'; DELETE FROM sessions; --", "'; UPDATE users SET roles='[\"admin\"]'; --",
		"' UNION SELECT password_hash FROM users--", "' UNION SELECT NULL,NULL,NULL--", "' UNION ALL SELECT sql FROM sqlite_master--",
		"'||(SELECT password_hash FROM users LIMIT 1)||'", "' AND SLEEP(5)--", "'; SELECT pg_sleep(5)--", "'||pg_sleep(5)--",
		"' AND 1=randomblob(1000000000)--", "'; WAITFOR DELAY '0:0:5'--", "1' AND (SELECT 1 FROM (SELECT sleep(5))a)--", "'; COPY users TO '/tmp/x'; --",
		"'; ATTACH DATABASE '/tmp/x' AS x; --", "' AND load_extension('x')--", "$1", "$$", "$1; DROP TABLE users", "?", ":name", "@name", "%", "_", "%%", "%_%",
		"*", "(", ")", "[", "]", "{", "}", "a' LIKE '%", "NULL", "true", "0", "-1", "1e1", "0x41", "\u02bc OR 1=1", "\uff07 OR 1=1", "\u2019 OR 1=1",
		"ana\u00b7; --", "%27", "%2527", "&#39;", "${jndi:ldap://x}", "{{7*7}}", "$(id)", "`id`", "|id", ";id", "../../etc/passwd", "\r\nX: y", "(&(uid=*))",
		"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>", "a\u0000b", "\u0000",
	}
}

// injected is a body that the rules refuse before any hash, with a text in the
// place of one member.
func injected(row route, member, text string) string {
	var members []string
	for _, m := range row.takes.members {
		value := "x"
		switch {
		case m.name == member:
			value = text
		case row.path == "/v1/login":
			value = strings.Repeat("x", 257)
		}
		members = append(members, quoted(m.name)+":"+quoted(value))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func TestOtherLanguagesStayText(t *testing.T) {
	s := openEverything(t)
	s.register("ana")
	ana := s.login("ana")
	held := func() string {
		return s.ask("GET", "/v1/me", "", bearing(ana.access)).body + s.ask("GET", "/v1/sessions", "", bearing(ana.access)).body
	}
	before, asked := held(), 0
	for _, row := range s.door.rows() {
		if !row.takes.json || row.who == cookied {
			continue
		}
		for _, m := range row.takes.members {
			if strings.Contains(m.name, "password") {
				continue // hashed, never compared with anything; some hundred hashes prove nothing
			}
			t.Run("AI-18_"+row.method+"_"+row.path+"_"+m.name, func(t *testing.T) {
				for _, text := range injections() {
					how := []asking{withJSON}
					if row.who == bearer && row.path != "/v1/me" { // a rename may be fine
						how = append(how, bearing(ana.access))
					}
					r := s.direct(row.method, row.path, injected(row, m.name, text), how...)
					if asked++; r.status >= 500 || r.status == 404 || strings.Contains(strings.ToLower(r.body), "sql") || strings.Contains(r.body, "root:") {
						t.Errorf("%q: %d %s", text, r.status, r.body)
					}
				}
			})
		}
	}
	t.Run("AI-18_in_paths_and_links", func(t *testing.T) {
		for _, text := range injections() {
			escaped := url.PathEscape(text)
			for _, r := range []reply{
				s.direct("DELETE", "/v1/sessions/"+escaped, "", bearing(ana.access)), s.direct("GET", "/errors/"+escaped, ""), s.direct("GET", "/static/"+escaped, ""),
				s.direct("GET", "/login?next="+url.QueryEscape(text), ""), s.direct("GET", "/reset?code="+url.QueryEscape(text), ""),
				s.direct("GET", "/v1/me", "", bearing(url.QueryEscape(text))), s.direct("GET", "/account", "", header("Cookie", sessionCookie+"="+url.QueryEscape(text))),
			} {
				if asked++; r.status >= 500 || strings.Contains(strings.ToLower(r.body), "sqlite") {
					t.Errorf("%q: %d %s", text, r.status, r.body)
				}
			}
		}
	})
	t.Run("AI-18_nothing_has_changed", func(t *testing.T) {
		if after := held(); after != before || asked < 1000 {
			t.Errorf("after %d requests: got %s, want %s", asked, after, before)
		}
		s.login("ana")
	})
}

func TestNumbersHaveRanges(t *testing.T) {
	s := openEverything(t)
	s.register("ana")
	ana := s.login("ana")
	numbers := []string{"0", "-1", "1", "2147483648", "-2147483649", "9223372036854775808", "18446744073709551616", "1e3", "1.0", "1e999", "0x10", "NaN", "٣"}
	for _, n := range numbers {
		t.Run("AI-27_as_an_id_"+n, func(t *testing.T) {
			for _, id := range []string{n, strings.Repeat("0", 36-len(n)) + n, ana.session + n, n + ana.session[len(n):]} {
				if id == ana.session {
					continue // it begins with that digit
				}
				if r := s.direct("DELETE", "/v1/sessions/"+url.PathEscape(id), "", bearing(ana.access)); r.status != 404 {
					t.Errorf("%s: %d", id, r.status)
				}
			}
		})
		t.Run("AI-27_instead_of_a_text_"+n, func(t *testing.T) {
			for _, row := range s.door.rows() {
				if !row.takes.json || row.who != anyone {
					continue
				}
				for _, m := range row.takes.members {
					if r := s.direct(row.method, row.path, `{"`+m.name+`":`+n+`}`, withJSON); r.status != 400 {
						t.Errorf("%s %s: %d %s", row.path, m.name, r.status, r.body)
					}
				}
			}
		})
		t.Run("AI-27_no_route_takes_a_number_of_a_page_"+n, func(t *testing.T) {
			for _, name := range []string{"page", "page_size", "limit", "offset", "cursor", "count", "after"} {
				for _, path := range []string{"/v1/sessions", "/v1/me", "/v1/account/export", "/v1/status-list", "/healthz"} {
					if r := s.direct("GET", path+"?"+name+"="+url.QueryEscape(n), "", bearing(ana.access)); r.status != 400 {
						t.Errorf("%s?%s: %d", path, name, r.status)
					}
				}
			}
		})
	}
	t.Run("AI-27_the_session_lives", func(t *testing.T) {
		if r := s.ask("GET", "/v1/me", "", bearing(ana.access)); r.status != 200 {
			t.Errorf("got %d", r.status)
		}
	})
}

// noFieldOnAPage looks at each page as a stranger sees it, and as a user does.
func noFieldOnAPage(t *testing.T, s *site, hint *regexp.Regexp) {
	t.Helper()
	in := s.browse()
	in.enter("ana")
	names := regexp.MustCompile(`name="([^"]*)"`)
	for _, row := range s.door.rows() {
		if row.method != "GET" || !row.who.isPage() {
			continue
		}
		for _, b := range []*tab{s.browse(), in} {
			for _, found := range names.FindAllStringSubmatch(b.open(fill(row.path)).body, -1) {
				if hint.MatchString(found[1]) {
					t.Errorf("%s has a field %s", row.path, found[1])
				}
			}
		}
	}
}

func TestNobodyAsksForAHint(t *testing.T) {
	s := openEverything(t)
	// token_type_hint is of RFC 7009 and says what kind of token is sent.
	hint := regexp.MustCompile(`(?i)hint|security_?question|secret_?answer|security_?answer|mother|maiden|first_?pet|reminder`)
	t.Run("PW-13_no_member_and_no_field", func(t *testing.T) {
		for _, row := range s.door.rows() {
			for _, m := range row.takes.members {
				if hint.MatchString(m.name) && m.name != "token_type_hint" {
					t.Errorf("%s takes %s", row.path, m.name)
				}
			}
		}
		if text := strings.ReplaceAll(string(s.door.openapi), "token_type_hint", ""); hint.MatchString(text) {
			t.Errorf("the description of the API speaks of %q", hint.FindString(text))
		}
		noFieldOnAPage(t, s, hint)
	})
	t.Run("PW-13_no_column", func(t *testing.T) {
		looked := 0
		for _, engine := range []string{"sqlite", "postgres"} {
			err := fs.WalkDir(os.DirFS(filepath.Join("..", engine)), "migrations", func(name string, entry fs.DirEntry, err error) error {
				if err != nil || entry.IsDir() {
					return err
				}
				looked++
				text, err := os.ReadFile(filepath.Join("..", engine, name))
				if found := hint.FindString(string(text)); found != "" {
					t.Errorf("%s/%s has %q", engine, name, found)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if looked < 2 {
			t.Errorf("only %d migrations", looked)
		}
	})
	t.Run("PW-13_one_that_is_sent_is_refused", func(t *testing.T) {
		for _, name := range []string{"hint", "password_hint", "question", "answer"} {
			r := s.json("POST", "/v1/register", `{"username":"zoe","password":"`+goodPassword+`","`+name+`":"x"}`)
			if r.status != 400 || r.code() != "unknown-member" {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
	})
}

func TestWhatTheBrowserIsGiven(t *testing.T) {
	p := mustPages(t)
	looked := 0
	err := fs.WalkDir(pageFiles, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		looked++
		text, err := fs.ReadFile(pageFiles, name)
		if err != nil {
			return err
		}
		t.Run("SC-22_PH-24_PW-14_"+name, func(t *testing.T) {
			for _, word := range []string{
				"localStorage", "sessionStorage", "indexedDB", "postMessage", "jsonp", "callback=", "document.cookie", "document.domain",
				"<object", "<embed", "<applet", "<iframe", "<frame", "<base", "http-equiv=\"refresh\"", "javascript:", "eval(", "innerHTML", "onclick", "onload",
				"XMLHttpRequest", "document.write", "showModalDialog", "openDatabase", "applicationCache", "WebSocket", "serviceWorker",
				"onpaste", "oncopy", "oncut", "ondrop", "'paste'", "'copy'", `"paste"`, `"copy"`, "clipboard",
			} {
				if strings.Contains(strings.ToLower(string(text)), strings.ToLower(word)) {
					t.Errorf("it has %q", word)
				}
			}
			if extension := filepath.Ext(name); extension == ".js" && strings.Contains(string(text), "{{") {
				t.Error("PH-24: data in a script file")
			}
		})
		return nil
	})
	if err != nil || looked < 10 || len(p.assets) == 0 {
		t.Errorf("%d files, %v", looked, err)
	}
}
