package e2e

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"gatehouse/smtp/smtptest"
)

// evilHeaders would make a server that believes them write links to somebody
// else.
func evilHeaders() map[string]http.Header {
	const evil = "evil.example"
	return map[string]http.Header{
		"X-Forwarded-Host": {"X-Forwarded-Host": {evil}}, "X-Forwarded-Host_twice": {"X-Forwarded-Host": {"localhost", evil}},
		"X-Forwarded-Server": {"X-Forwarded-Server": {evil}}, "X-Host": {"X-Host": {evil}}, "X-Original-Host": {"X-Original-Host": {evil}},
		"X-HTTP-Host-Override": {"X-Http-Host-Override": {evil}}, "X-Forwarded-Proto": {"X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {evil}},
		"X-Forwarded-Port": {"X-Forwarded-Port": {"6666"}}, "X-Forwarded-Prefix": {"X-Forwarded-Prefix": {"//" + evil}},
		"X-Original-URL": {"X-Original-Url": {"https://" + evil + "/v1/password/forgot"}}, "X-Rewrite-URL": {"X-Rewrite-Url": {"https://" + evil + "/"}},
		"Forwarded": {"Forwarded": {"for=192.0.2.1;host=" + evil + ";proto=http"}}, "Origin": {"Origin": {"https://" + evil}},
		"Referer": {"Referer": {"https://" + evil + "/reset?x="}}, "From": {"From": {"eva@" + evil}}, "Via": {"Via": {"1.1 " + evil}},
		"True-Client-IP": {"True-Client-Ip": {evil}}, "X-Forwarded-For": {"X-Forwarded-For": {evil}},
	}
}

// TestMailsLeadToUs asks for mails in the name of others. What is not refused is
// answered by a mail that leads to the configured address and nowhere else.
func TestMailsLeadToUs(t *testing.T) {
	t.Parallel()
	office := openPost(t, smtptest.Config{})
	s := office.serve(t, newData(t))
	s.ask(t, request{method: "POST", path: "/v1/register", body: object("email", ana, "password", word)}).want(t, 202)
	settled(t, s)
	taken := 1
	took := func(t *testing.T) {
		taken++
		settled(t, s) // a later request would make the mail one that nobody needs
	}
	for name, header := range evilHeaders() {
		t.Run("RV-06_"+name, func(t *testing.T) {
			got := s.ask(t, request{method: "POST", path: "/v1/password/forgot", body: object("email", ana), header: header})
			if got.status == 202 {
				took(t)
			} else if got.status != 400 && got.status != 403 {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
	for name, head := range evilTargets(s.url) {
		t.Run(name, func(t *testing.T) {
			if status := s.bareForgot(t, head[0], head[1], ana); status == "202" {
				took(t)
			} else if status[0] != '4' {
				t.Errorf("got %s", status)
			}
		})
	}
	for name, path := range evilPaths() {
		t.Run("RV-10_"+name, func(t *testing.T) {
			body := object("email", ana)
			if !strings.Contains(path, "?") {
				body = object("email", ana, path, "https://evil.example/")
				path = "/v1/password/forgot"
			}
			s.ask(t, request{method: "POST", path: path, body: body}).want(t, 400)
		})
	}
	settled(t, s)
	all := office.letters(t)
	if len(all) != taken {
		t.Errorf("%d mails for %d requests that were taken", len(all), taken)
	}
	for _, l := range all {
		checkLetter(t, l, s.url)
		if strings.Contains(l.raw, "evil") || strings.Contains(l.raw, "6666") {
			t.Errorf("RV-06 a mail speaks of somebody else: %s", l.raw)
		}
	}
}

// evilTargets are targets and hosts of requests, of which each speaks of somebody
// else.
func evilTargets(ours string) map[string][2]string {
	return map[string][2]string{
		"RV-06_Host":                    {"/v1/password/forgot", "evil.example"},
		"RV-06_Host_with_our_name":      {"/v1/password/forgot", "localhost.evil.example"},
		"RV-06_Host_with_userinfo":      {"/v1/password/forgot", "localhost@evil.example"},
		"RV-06_Host_with_other_port":    {"/v1/password/forgot", "localhost:6666"},
		"RV-06_absolute_form":           {"https://evil.example/v1/password/forgot", strings.TrimPrefix(ours, "https://")},
		"RV-06_absolute_form_and_host":  {"https://evil.example/v1/password/forgot", "evil.example"},
		"RV-06_absolute_form_of_ours":   {ours + "/v1/password/forgot", "evil.example"},
		"RV-06_absolute_form_over_http": {"http://evil.example/v1/password/forgot", strings.TrimPrefix(ours, "https://")},
	}
}

// evilPaths are ways to say where a link should lead: members, or queries.
func evilPaths() map[string]string {
	paths := map[string]string{}
	for _, name := range []string{"next", "redirect_to", "redirect_uri", "return_to", "url", "base_url", "callback", "host", "domain", "template"} {
		paths["member_"+name] = name
		paths["query_"+name] = "/v1/password/forgot?" + name + "=https%3A%2F%2Fevil.example%2F"
	}
	return paths
}

// bareForgot asks for a mail with a target and a host as no client would send.
func (s *server) bareForgot(t *testing.T, target, host, email string) (status string) {
	t.Helper()
	w, body := s.wire(t), object("email", email)
	_, err := fmt.Fprintf(w.conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		target, host, len(body), body)
	must(t, err)
	answer, err := io.ReadAll(w.buf)
	must(t, err)
	return strings.TrimPrefix(string(answer), "HTTP/1.1 ")[:3]
}

// lookalikes are texts that are not the address of mike@example.com, or another
// spelling of it.
func lookalikes() map[string]string {
	const mike, evil = "mike@example.com", "eva@evil.example"
	return map[string]string{
		"capitals": "MIKE@EXAMPLE.COM", "Kelvin_sign": "mi\u212ae@example.com", "dotted_I": "m\u0130ke@example.com", "dotless_i": "m\u0131ke@example.com",
		"long_s": "mike@example.com\u017f", "full_width": "ｍｉｋｅ@example.com", "full_width_at": "mike＠example.com", "Cyrillic": "mik\u0435@example.com",
		"Cyrillic_domain": "mike@ex\u0430mple.com", "circled": "ⓜⓘⓚⓔ@example.com", "combining": "mike\u0301@example.com", "zero_width": "mi\u200bke@example.com",
		"soft_hyphen": "mi\u00adke@example.com", "right_to_left": "\u202emike@example.com", "ideographic_dot": "mike@example\u3002com",
		"comma": mike + "," + evil, "comma_first": evil + "," + mike, "semicolon": mike + ";" + evil, "space": mike + " " + evil, "tab": mike + "\t" + evil,
		"line_end": mike + "\r\nBcc: " + evil, "line_feed": mike + "\nBcc:" + evil, "carriage_return": mike + "\rBcc:" + evil, "NUL": mike + "\x00" + evil,
		"encoded_line_end": mike + "%0d%0aBcc:" + evil, "folded": mike + "\r\n " + evil, "line_separator": mike + "\u2028Bcc:" + evil,
		"display_name": "Mike <" + mike + ">", "other_name": mike + " <" + evil + ">", "angles": "<" + mike + ">", "two_angles": "<" + evil + "><" + mike + ">",
		"two_at": "mike@example.com@evil.example", "percent": "mike%example.com@evil.example", "bang": "evil.example!mike@example.com", "route": "@evil.example:mike@example.com",
		"comment": "mike(x)@example.com", "quotes": `"mike"@example.com`, "quoted_at": `"mike@example.com"@evil.example`, "backslash": `mi\ke@example.com`,
		"plus": "mike+x@example.com", "dot": "mike.@example.com", "last_dot": "mike@example.com.", "literal": "mike@[127.0.0.1]", "subdomain": "mike@example.com.evil.example",
		"spaces_around": " mike@example.com ", "mailto": "mailto:mike@example.com", "wildcard": "%@example.com", "underscore": "mik_@example.com", "list": `["mike@example.com"]`,
		"parameter": mike + "> ORCPT=rfc822;" + evil, "command": mike + ">\r\nRCPT TO:<" + evil, "header_of_encoding": "=?utf-8?q?mike?=@example.com",
	}
}

// TestMailGoesToTheStoredAddress asks in every spelling. Whoever is written to, it
// is mike at the address that is kept.
func TestMailGoesToTheStoredAddress(t *testing.T) {
	t.Parallel()
	office := openPost(t, smtptest.Config{})
	s := office.serve(t, newData(t))
	const mike = "mike@example.com"
	s.ask(t, request{method: "POST", path: "/v1/register", body: object("email", mike, "password", word)}).want(t, 202)
	settled(t, s)
	for name, typed := range lookalikes() {
		t.Run("RV-12_AI-19_"+name, func(t *testing.T) {
			before := len(office.Mails())
			got := s.ask(t, request{method: "POST", path: "/v1/password/forgot", body: object("email", typed)})
			if typed != strings.ToValidUTF8(typed, "") || got.status != 202 || got.body != `{"next":"check-mail"}` {
				t.Errorf("got %d %s", got.status, got.body)
			}
			settled(t, s)
			for _, m := range office.Mails()[before:] {
				l := readLetter(t, m)
				if m.To != mike || m.From != postFrom || strings.Contains(m.Data, "evil") || strings.Contains(strings.ToLower(m.Data), "\nbcc") {
					t.Errorf("%q is answered by a mail to %s: %s", typed, m.To, m.Data)
				}
				checkLetter(t, l, s.url)
			}
		})
	}
	t.Run("AI-19_AI-23_a_registration_writes_to_the_canonical_address_or_to_nobody", func(t *testing.T) {
		before := len(office.Mails())
		for _, typed := range lookalikes() {
			got := s.ask(t, request{method: "POST", path: "/v1/register", body: object("email", strings.ReplaceAll(typed, "mike", "mika"), "password", word)})
			if got.status != 202 && got.status != 422 {
				t.Errorf("%q: %d %s", typed, got.status, got.body)
			}
		}
		settled(t, s)
		for _, m := range office.Mails()[before:] {
			head, _, _ := strings.Cut(m.Data, "\r\n\r\n")
			// What is no spelling of mika is an address of its own, in one form that goes
			// into one command and one header.
			if strings.ContainsAny(m.To, " ,;<>()\"\\\r\n\x00") || strings.Count(m.To, "@") != 1 || m.To != strings.ToLower(m.To) ||
				slices.ContainsFunc([]rune(m.To), func(r rune) bool { return r > 126 }) || strings.Count(head, m.To) != 1 {
				t.Errorf("a mail to %q: %s", m.To, head)
			}
		}
	})
}
