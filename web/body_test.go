package web

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"gatehouse/model"
)

func TestReadJSON(t *testing.T) {
	takes := jsonOf(identifier(), password("password"))
	for _, c := range []struct{ name, text, code string }{
		{"AI-02_duplicate", `{"password":"a","password":"b"}`, "bad-request"},
		{"AI-02_duplicate_by_escape", `{"password":"a","pass\u0077ord":"b"}`, "bad-request"},
		{"AI-02_duplicate_of_an_unknown", `{"x":1,"x":2}`, "bad-request"},
		{"AI-03_upper_case", `{"identifier":"ana","PASSWORD":"a"}`, "unknown-member"},
		{"AI-03_title_case", `{"identifier":"ana","Password":"a"}`, "unknown-member"},
		{"AI-03_long_s", `{"identifier":"ana","paſſword":"a"}`, "unknown-member"},
		{"AI-03_space_around", `{"identifier ":"ana"}`, "unknown-member"},
		{"AI-04_unknown", `{"identifier":"ana","role":"admin"}`, "unknown-member"},
		{"AI-04_dash", `{"-":"x"}`, "unknown-member"},
		{"AI-04_empty_name", `{"":"x"}`, "unknown-member"},
		{"AI-05_null_member", `{"password":null}`, "bad-request"},
		{"AI-05_number", `{"password":1}`, "bad-request"},
		{"AI-05_bool", `{"password":true}`, "bad-request"},
		{"AI-05_array", `{"password":["a"]}`, "bad-request"},
		{"AI-05_object", `{"password":{"a":"b"}}`, "bad-request"},
		{"AI-05_body_null", `null`, "bad-request"},
		{"AI-05_body_array", `[]`, "bad-request"},
		{"AI-05_body_text", `""`, "bad-request"},
		{"AI-05_body_number", `0`, "bad-request"},
		{"AI-05_body_empty", ``, "bad-request"},
		{"AI-05_body_space", `  `, "bad-request"},
		{"AI-06_second_object", `{"identifier":"ana"}{"identifier":"ben"}`, "bad-request"},
		{"AI-06_trailing_word", `{"identifier":"ana"} x`, "bad-request"},
		{"AI-06_trailing_nul", "{\"identifier\":\"ana\"}\x00", "bad-request"},
		{"AI-06_comment", `{"identifier":"ana"} // x`, "bad-request"},
		{"AI-06_comma", `{"identifier":"ana",}`, "bad-request"},
		{"AI-06_cut", `{"identifier":"ana"`, "bad-request"},
		{"AI-07_deep", `{"x":` + strings.Repeat("[", 9) + strings.Repeat("]", 9) + `}`, "bad-request"},
		{"AI-07_10000_deep", strings.Repeat("[", 10000), "bad-request"},
		{"AI-07_10000_deep_inside", `{"x":` + strings.Repeat("[", 10000), "bad-request"},
		{"AI-08_broken_utf8", "{\"password\":\"a\xff\"}", "bad-request"},
		{"AI-08_overlong_utf8", "{\"password\":\"a\xc0\x80\"}", "bad-request"},
		{"AI-08_lone_surrogate", `{"password":"\ud800"}`, "bad-request"},
		{"AI-08_swapped_surrogates", `{"password":"\udc00\ud800"}`, "bad-request"},
		{"AI-08_byte_order_mark", "\ufeff{}", "bad-request"},
		{"AI-08_raw_newline", "{\"password\":\"a\nb\"}", "bad-request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readJSON([]byte(c.text), takes)
			var refusal *model.Error
			if !errors.As(err, &refusal) || refusal.Code != c.code || got != nil {
				t.Errorf("got %v, want %s", err, c.code)
			}
		})
	}
	t.Run("AI-08_what_is_well_formed_arrives_to_the_letter", func(t *testing.T) {
		got, err := readJSON([]byte(` { "identifier" : "%252e\u0000\ud83d\ude00é" , "password" : "\"\\" } `), takes)
		if err != nil || got["identifier"] != "%252e\x00😀é" || got["password"] != `"\` {
			t.Errorf("got %q, %v", map[string]string(got), err)
		}
	})
}

func FuzzReadJSON(f *testing.F) {
	f.Add([]byte(`{"identifier":"ana","password":"x"}`))
	f.Add([]byte(`{"identifier":["ana"],"x":{"y":[1]}}`))
	takes := jsonOf(identifier(), password("password"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := readJSON(text, takes)
		if (err == nil) != (got != nil) {
			t.Errorf("%q: %v with %d members", text, err, len(got))
		}
		for name := range got {
			if !takes.knows(name) {
				t.Errorf("%q let %q through", text, name)
			}
		}
	})
}

func TestBodies(t *testing.T) {
	s := open(t)
	s.register("ana")
	good := `{"identifier":"ana","password":"` + goodPassword + `"}`
	padded := func(length int) string { return good + strings.Repeat(" ", length-len(good)) }
	t.Run("AI-09_64_KiB", func(t *testing.T) {
		if r := s.json("POST", "/v1/login", padded(maxBody)); r.status != 200 {
			t.Errorf("at the limit: %d %s", r.status, r.body)
		}
		if r := s.json("POST", "/v1/login", padded(maxBody+1)); r.status != 413 || r.code() != "body-too-large" {
			t.Errorf("above: %d %s", r.status, r.body)
		}
	})
	t.Run("AI-09_chunked_without_end", func(t *testing.T) {
		conn := s.bare()
		_, err := io.WriteString(conn, "POST /v1/login HTTP/1.1\r\nHost: "+s.host+"\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		go func() { // until the server closes
			for chunk := fmt.Sprintf("%x\r\n%s\r\n", 8192, strings.Repeat(" ", 8192)); ; {
				if _, err := io.WriteString(conn, chunk); err != nil {
					return
				}
			}
		}()
		head := make([]byte, 12)
		if _, err := io.ReadFull(conn, head); err != nil || string(head) != "HTTP/1.1 413" {
			t.Errorf("got %q, %v", head, err)
		}
	})
	t.Run("AI-09_expect_100_continue_is_refused_before_the_body", func(t *testing.T) {
		conn := s.bare()
		_, err := io.WriteString(conn, "POST /v1/login HTTP/1.1\r\nHost: "+s.host+"\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: "+strconv.Itoa(maxBody+1)+"\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		head := make([]byte, 12)
		if _, err := io.ReadFull(conn, head); err != nil || string(head) != "HTTP/1.1 413" {
			t.Errorf("got %q, %v", head, err)
		}
	})
}

func TestMediaTypes(t *testing.T) {
	s := open(t)
	s.register("ana")
	good := `{"identifier":"ana","password":"` + goodPassword + `"}`
	for _, kind := range [][]string{
		{}, {""}, {"text/plain"}, {"application/x-www-form-urlencoded"}, {"multipart/form-data; boundary=x"}, {"application/xml"},
		{"application/json; charset=utf-16"}, {"application/json; charset=iso-8859-1"}, {"application/json; boundary=x"},
		{"application/jsonp"}, {"application/json, text/plain"}, {"json"}, {"text/json"}, {"application/problem+json"},
		{"application/json", "application/json"}, {"application/json; charset=utf-8; charset=latin1"},
	} {
		t.Run(fmt.Sprintf("AI-10_PH-10_%q", kind), func(t *testing.T) {
			r := s.ask("POST", "/v1/login", good, header("Content-Type", kind...))
			if r.status != 415 || r.code() != "unsupported-media-type" {
				t.Errorf("got %d %s", r.status, r.body)
			}
		})
	}
	for _, kind := range []string{"application/json", "APPLICATION/JSON", "application/json;charset=UTF-8", `application/json; charset="utf-8"`} {
		t.Run("AI-10_good_"+kind, func(t *testing.T) {
			if r := s.ask("POST", "/v1/login", good, header("Content-Type", kind)); r.status != 200 {
				t.Errorf("got %d %s", r.status, r.body)
			}
		})
	}
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	_, _ = zip.Write([]byte(good))
	_ = zip.Close()
	for _, coding := range []string{"gzip", "br", "deflate", "zstd", "identity"} {
		t.Run("AI-11_"+coding, func(t *testing.T) {
			r := s.json("POST", "/v1/login", zipped.String(), header("Content-Encoding", coding))
			if r.status != 415 {
				t.Errorf("got %d %s", r.status, r.body)
			}
		})
	}
	t.Run("a_body_where_none_is_meant", func(t *testing.T) {
		if r := s.json("GET", "/healthz", "{}"); r.status != 400 {
			t.Errorf("got %d", r.status)
		}
	})
}

func TestParameters(t *testing.T) {
	s := open(t)
	s.register("ana")
	good := `{"identifier":"ana","password":"` + goodPassword + `"}`
	for name, r := range map[string]reply{
		"LT-24_password_in_the_query_of_a_GET":  s.ask("GET", "/v1/login?identifier=ana&password=MARKERquery", ""),
		"LT-24_password_in_the_query_of_a_POST": s.json("POST", "/v1/login?identifier=ana&password=MARKERquery", "{}"),
		"LT-24_basic":                           s.json("POST", "/v1/login", "{}", func(r *http.Request) { r.SetBasicAuth("ana", goodPassword) }),
		"LT-24_basic_beside_a_good_body":        s.json("POST", "/v1/login", good, func(r *http.Request) { r.SetBasicAuth("ana", goodPassword) }),
		"RF-17_refresh_token_in_the_query":      s.json("POST", "/v1/token/refresh?refresh_token=MARKERquery", "{}"),
		"AI-17_body_and_query":                  s.json("POST", "/v1/login?a=1", good),
		"AI-17_empty_query_pair":                s.json("POST", "/v1/login?&", good),
		"AI-17_repeated":                        s.ask("GET", "/login?next=/account&next=/account", ""),
		"AI-17_repeated_unknown":                s.ask("GET", "/login?a=1&a=2", ""),
		"AI-17_semicolon":                       s.ask("GET", "/login?a=1;b=2", ""),
		"AI-17_broken_percent":                  s.ask("GET", "/login?a=%zz", ""),
		"AI-17_broken_utf8":                     s.ask("GET", "/login?a=%ff", ""),
		"AI-17_form_repeated":                   s.form("/v1/token/revoke", "token=a&token=b"),
		"AI-17_form_semicolon":                  s.form("/v1/token/revoke", "token=a;b=c"),
		"AI-17_form_unknown":                    s.form("/v1/token/revoke", "token=a&x=b"),
		"AI-17_form_empty":                      s.form("/v1/token/revoke", ""),
		"AI-17_form_and_query":                  s.form("/v1/token/revoke?token=a", "token=a"),
	} {
		t.Run(name, func(t *testing.T) {
			if r.status != 400 && !(r.status == 405 && strings.Contains(name, "GET")) {
				t.Errorf("got %d %s", r.status, r.body)
			}
		})
	}
	t.Run("LT-24_RF-17_and_none_of_it_is_logged", func(t *testing.T) {
		if strings.Contains(s.logs.String(), "MARKERquery") {
			t.Error("the query is in the log")
		}
	})
	t.Run("AI-17_pages", func(t *testing.T) {
		b := s.browse()
		for _, body := range []string{"identifier=ana&identifier=ben", "role=admin", "identifier=%ff", "identifier=a;b"} {
			token := csrfIn(t, b.open("/login").body)
			r := b.do("POST", "/login", "csrf="+url.QueryEscape(token)+"&"+body, withForm, header("Sec-Fetch-Site", "same-origin"))
			if r.status != 400 {
				t.Errorf("%s: %d", body, r.status)
			}
		}
	})
}

// form sends a form.
func (s *site) form(path, body string, how ...asking) reply {
	s.t.Helper()
	return s.ask("POST", path, body, append([]asking{withForm}, how...)...)
}
