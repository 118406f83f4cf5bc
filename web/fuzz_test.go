package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzReadForm holds the reader of forms beside the one of the standard
// library: what is accepted, both read alike, and each name has one value.
func FuzzReadForm(f *testing.F) {
	for _, text := range []string{
		"csrf=x&identifier=ana&password=a+b%20c", "identifier=a&identifier=b", "a;b=c", "=", "&&", "password", "identifier=%ff", "%70assword=%252e",
		"password=%00", "identifier=\xff", "password=%zz",
	} {
		f.Add(text, true)
		f.Add(text, false)
	}
	takes := formOf(identifier(), password("password"))
	f.Fuzz(func(t *testing.T, text string, page bool) {
		x := &exchange{route: route{who: anyone, takes: takes}}
		if page {
			x.route.who = visitor
		}
		if err := x.readForm([]byte(text)); err != nil {
			return
		}
		lax, err := url.ParseQuery(text)
		if err != nil {
			t.Fatalf("%q: accepted, but net/url says %v", text, err)
		}
		for name, values := range lax {
			switch {
			case len(values) != 1 || !utf8.ValidString(name) || !utf8.ValidString(values[0]):
				t.Fatalf("%q has %d values of %q", text, len(values), name)
			case page && name == csrfField && x.csrfSent == values[0]:
			case !takes.knows(name) || x.fields[name] != values[0]:
				t.Fatalf("%q: %q is %q and was read as %q", text, name, values[0], x.fields[name])
			}
		}
		for name := range x.fields {
			if _, sent := lax[name]; !sent {
				t.Fatalf("%q: %q was not sent", text, name)
			}
		}
	})
}

// FuzzCookie proves that a session cookie is what the browser sent, and nothing
// as soon as two were sent that differ.
func FuzzCookie(f *testing.F) {
	f.Add("__Host-session=good", "")
	f.Add("__Host-session=evil; __Host-session=good", "a=b")
	f.Add("__Host-session=\"good\"", "__Host-session=good")
	f.Add(" __Host-session = good ;;", "__host-session=x")
	f.Fuzz(func(t *testing.T, first, second string) {
		if strings.ContainsAny(first+second, "\r\n") {
			return // no header that was read holds a line end
		}
		r := &http.Request{Header: http.Header{"Cookie": {first}}}
		if second != "" {
			r.Header.Add("Cookie", second)
		}
		got := cookie(r, sessionCookie)
		if got == "" {
			return
		}
		seen := false
		for pair := range strings.SplitSeq(first+";"+second, ";") {
			name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
			if strings.Trim(name, " \t") != sessionCookie {
				continue
			}
			seen = seen || value == got
			// What no cookie may hold is dropped by net/http, as if it had not come.
			if value != got && isCookieText(value) {
				t.Fatalf("%q and %q: %q was taken, and %q came too", first, second, got, value)
			}
		}
		if !seen || !isCookieText(got) {
			t.Fatalf("%q and %q: %q was made up", first, second, got)
		}
	})
}

// isCookieText follows RFC 6265 section 4.1.1, with the spaces and commas that
// net/http lets through.
func isCookieText(value string) bool {
	return value != "" && !strings.ContainsFunc(value, func(c rune) bool {
		return c < ' ' || c >= 0x7f || c == '"' || c == ';' || c == '\\'
	})
}

// FuzzOrigin tries to pass a form of another place as one of ours.
func FuzzOrigin(f *testing.F) {
	f.Add("same-origin", "https://id.example.com", "id.example.com", "")
	f.Add("", "https://ID.example.com:443", "ID.example.com:443", "x")
	f.Add("none", "null", "id.example.com", "y")
	f.Add("cross-site", "https://id.example.com.evil", "id.example.com", "z")
	f.Fuzz(func(t *testing.T, site, origin, host, token string) {
		r := &http.Request{Host: host, Header: http.Header{}}
		if site != "" {
			r.Header.Set("Sec-Fetch-Site", site)
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		own := origin == "https://"+canonicalHost(host)
		named := slices.Contains([]string{"same-origin", "none"}, site) && (own || origin == "" || origin == "null")
		if got, want := sameOrigin(r), named || site == "" && own; got != want {
			t.Fatalf("Sec-Fetch-Site %q, Origin %q at %q: got %t, want %t", site, origin, host, got, want)
		}
		r.Header.Set("Cookie", csrfCookie+"=secret")
		x := &exchange{r: r, route: route{who: visitor}}
		if x.owns(token) != (token == csrfToken("secret", "visit")) {
			t.Fatalf("the token %q", token)
		}
	})
}

// FuzzClientAddress proves that nothing a client writes on the left of what our
// proxies wrote changes who it is.
func FuzzClientAddress(f *testing.F) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	f.Add("10.0.0.1:5000", "1.1.1.1, 198.51.100.7, 10.0.0.2", "127.0.0.1")
	f.Add("[fd00::1]:5000", "[2001:db8::1]:1234", "::ffff:10.0.0.9")
	f.Add("192.0.2.1:1", "203.0.113.9", "10.0.0.1")
	f.Add("10.0.0.1:1", "fe80::1%eth0,evil,", ",")
	f.Fuzz(func(t *testing.T, peer, forwarded, claimed string) {
		of := func(lines ...string) netip.Addr {
			return clientAddress(&http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": lines}}, trusted)
		}
		got := of(forwarded)
		if got.Is4In6() || got.Zone() != "" {
			t.Fatalf("%q, %q: %v has two spellings", peer, forwarded, got)
		}
		from, known := parseHop(peer)
		if (!known || !isTrusted(from, trusted)) && got != from {
			t.Fatalf("%q is no proxy, and %q was believed", peer, forwarded)
		}
		if got.IsValid() && !isTrusted(got, trusted) && (of(claimed, forwarded) != got || of(claimed+","+forwarded) != got) {
			t.Fatalf("%q, %q: the claim %q counts", peer, forwarded, claimed)
		}
	})
}

// FuzzPath proves that a path has one spelling: what is found is in the table to
// the letter, and a login leads to a page of ours or nowhere.
func FuzzPath(f *testing.F) {
	for _, path := range []string{
		"/login", "//login", "/login/", "/v1/sessions/x", "/v1/sessions/{id}", "/static/a/b", "*", "", "/errors/", "/account;x",
		"//evil", "/\\evil", "/%61ccount", "/account?x", "/ACCOUNT",
	} {
		f.Add(path)
	}
	d := openEverything(f).door
	routes := d.routes
	if len(d.rows()) < 50 {
		f.Fatalf("only %d routes", len(d.rows()))
	}
	f.Fuzz(func(t *testing.T, path string) {
		methods, parameter := routes.find(path)
		if _, exact := routes.paths[path]; methods != nil && path != "*" && parameter == "" && !exact {
			t.Fatalf("%q was found", path)
		}
		if parameter != "" && (!strings.HasSuffix(path, "/"+parameter) || strings.Contains(parameter, "/")) {
			t.Fatalf("%q has the parameter %q", path, parameter)
		}
		to := d.landing(path)
		if to != accountPath && to != path || strings.ContainsAny(to, "\\?#%\r\n\t{}") || !strings.HasPrefix(to, accountPath) {
			t.Fatalf("%q leads to %q", path, to)
		}
	})
}
