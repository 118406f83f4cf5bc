package web

import (
	"net/http"
	"strings"
	"testing"
)

// TestNoOtherOriginMayReadAnAnswer asks at each route in the name of other origins,
// as who is logged in and as nobody.
func TestNoOtherOriginMayReadAnAnswer(t *testing.T) {
	s := openEverything(t)
	s.register("ana")
	ana := s.login("ana")
	for name, origin := range map[string]string{
		"evil": "https://evil.example", "null": "null", "suffix": s.url + ".evil.example", "prefix": "https://evil" + s.host,
		"http": "http://" + s.host, "port": "https://127.0.0.1:1", "no_port": "https://127.0.0.1", "trailing_dot": s.url + ".",
		"upper_case": strings.ToUpper(s.url), "user": "https://" + s.host + "@evil.example", "our_own": s.url, "star": "*",
	} {
		t.Run("PH-08_"+name, func(t *testing.T) {
			for _, row := range s.door.rows() {
				how := []asking{header("Origin", origin), header("Access-Control-Request-Method", row.method), header("Access-Control-Request-Headers", "authorization")}
				preflight := s.direct(http.MethodOptions, fill(row.path), "", how...)
				if preflight.status < 400 {
					t.Errorf("OPTIONS %s: %d", row.path, preflight.status)
				}
				for _, r := range []reply{preflight, s.direct(row.method, fill(row.path), "", how...), s.direct(row.method, fill(row.path), "", append(how, header("Cookie", sessionCookie+"=x"))...)} {
					for name := range r.header {
						if strings.HasPrefix(name, "Access-Control-") || name == "Timing-Allow-Origin" {
							t.Errorf("%s %s: %d has %s", row.method, row.path, r.status, name)
						}
					}
				}
			}
			r := s.ask("GET", "/v1/me", "", bearing(ana.access), header("Origin", origin))
			if r.status != 200 || r.header.Get("Access-Control-Allow-Origin") != "" || r.header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
				t.Errorf("with a token: %d %v", r.status, r.header)
			}
		})
	}
}
