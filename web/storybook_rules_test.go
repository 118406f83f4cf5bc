package web

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// elements is every element of a page, in order.
func elements(t testing.TB, page string) []*html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var found []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			found = append(found, n)
		}
	}
	return found
}

func attribute(n *html.Node, name string) string {
	value, _ := attributeSet(n, name)
	return value
}

func attributeSet(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func text(n *html.Node) string {
	var out strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			out.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(out.String())
}

// field is the element of the form control with this name below n.
func field(n *html.Node, name string) *html.Node {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && attribute(d, "name") == name {
			return d
		}
	}
	return nil
}

// eachState runs check on the elements of every state of the storybook.
func eachState(t *testing.T, check func(t *testing.T, s state, all []*html.Node)) {
	t.Helper()
	p := mustPages(t)
	for _, s := range storybook() {
		t.Run(s.name, func(t *testing.T) { check(t, s, elements(t, mustRender(t, p, s))) })
	}
}

func TestPagesObeyTheirPolicy(t *testing.T) {
	t.Run("PH-02_one_script_with_the_nonce_and_nothing_inline", func(t *testing.T) {
		eachState(t, func(t *testing.T, s state, all []*html.Node) {
			scripts := 0
			for _, n := range all {
				for _, a := range n.Attr {
					if strings.HasPrefix(a.Key, "on") || slices.Contains([]string{"style", "srcdoc", "http-equiv"}, a.Key) {
						t.Errorf("<%s> has the attribute %s", n.Data, a.Key)
					}
				}
				switch n.Data {
				case "style", "base", "iframe", "object", "embed":
					t.Errorf("page has <%s>", n.Data)
				case "script":
					scripts++
					if got := attribute(n, "nonce"); got != storyNonce {
						t.Errorf("nonce of the script: got %q, want %q", got, storyNonce)
					}
					if !strings.HasPrefix(attribute(n, "src"), "/static/app.") || n.FirstChild != nil {
						t.Error("the script is not our own file")
					}
				}
			}
			if scripts != 1 {
				t.Errorf("got %d scripts, want 1", scripts)
			}
		})
	})
	t.Run("PH-18_every_url_is_of_the_same_origin", func(t *testing.T) {
		eachState(t, func(t *testing.T, s state, all []*html.Node) {
			for _, n := range all {
				for _, name := range []string{"href", "src", "action", "formaction", "srcset", "poster", "data", "ping"} {
					url, ok := attributeSet(n, name)
					local := strings.HasPrefix(url, "/") && !strings.HasPrefix(url, "//") || strings.HasPrefix(url, "#")
					if ok && !local {
						t.Errorf("<%s %s=%q> leaves the origin", n.Data, name, url)
					}
				}
			}
		})
		for _, name := range []string{"app.css", "app.js"} {
			for _, word := range []string{"url(", "@import", "http:", "https:", "//"} {
				body := staticFile(t, name)
				if name == "app.js" && word == "//" {
					continue // comments; an address with a scheme is caught above
				}
				if strings.Contains(body, word) {
					t.Errorf("%s contains %s", name, word)
				}
			}
		}
	})
}

func TestPagesHaveWhatEachNeeds(t *testing.T) {
	t.Run("PH-12_every_form_is_a_post_with_csrf", func(t *testing.T) {
		eachState(t, func(t *testing.T, s state, all []*html.Node) {
			for _, n := range all {
				if n.Data != "form" {
					continue
				}
				if attribute(n, "method") != "post" || !strings.HasPrefix(attribute(n, "action"), "/") {
					t.Errorf("form %v is no POST to a path of ours", n.Attr)
				}
				if csrf := field(n, "csrf"); csrf == nil || attribute(csrf, "value") != storyCSRF {
					t.Errorf("form to %s has no csrf", attribute(n, "action"))
				}
			}
		})
	})
	t.Run("SC-12_a_visible_logout_on_each_logged_in_page", func(t *testing.T) {
		eachState(t, func(t *testing.T, s state, all []*html.Node) {
			seen := false
			for _, n := range all {
				if n.Data == "form" && attribute(n, "action") == "/logout" && strings.Contains(text(n), "Log out") {
					seen = true
				}
			}
			if want := s.view.LoggedIn != nil; seen != want {
				t.Errorf("log out shown: got %v, want %v", seen, want)
			}
		})
	})
	t.Run("contract_5_below_40_kB_with_style_and_script", func(t *testing.T) {
		const limit = 40_000 // bytes, uncompressed
		p, rest := mustPages(t), len(staticFile(t, "app.css"))+len(staticFile(t, "app.js"))
		for _, s := range storybook() {
			if got := len(mustRender(t, p, s)) + rest; got >= limit {
				t.Errorf("%s weighs %d bytes, want less than %d", s.name, got, limit)
			}
		}
	})
}

func TestPasswordFields(t *testing.T) {
	t.Run("PW-14_masked_and_open_to_managers", func(t *testing.T) {
		eachState(t, func(t *testing.T, s state, all []*html.Node) {
			passwords, usernames := 0, 0
			for _, n := range all {
				if n.Data != "input" {
					continue
				}
				kind, complete := attribute(n, "type"), attribute(n, "autocomplete")
				if complete == "username" {
					usernames++
				}
				if strings.Contains(attribute(n, "name"), "password") != (kind == "password") {
					t.Errorf("field %q has the type %q", attribute(n, "name"), kind)
				}
				if complete == "off" {
					t.Errorf("field %q has autocomplete off", attribute(n, "name"))
				}
				if _, limited := attributeSet(n, "maxlength"); limited {
					t.Errorf("field %q has a maxlength", attribute(n, "name"))
				}
				if kind != "password" {
					continue
				}
				passwords++
				want := "current-password"
				if strings.HasPrefix(attribute(n, "name"), "new_") || s.page == pageRegister {
					want = "new-password"
				}
				if complete != want {
					t.Errorf("autocomplete of %q: got %q, want %q", attribute(n, "name"), complete, want)
				}
				if _, filled := attributeSet(n, "value"); filled {
					t.Errorf("field %q came back filled", attribute(n, "name"))
				}
			}
			if passwords > 0 && usernames == 0 {
				t.Error("no username field beside the password")
			}
		})
	})
}

func TestPagesAfterARefusal(t *testing.T) {
	t.Run("the_summary_names_each_field_as_its_label_does", func(t *testing.T) {
		p := mustPages(t)
		named := 0
		for _, s := range storybook() {
			page := mustRender(t, p, s)
			for _, e := range s.view.Form.Errors {
				label := `<label for="` + e.Field + `">` + e.Label()
				if !strings.Contains(page, ">"+e.Label()+": ") || !strings.Contains(page, label) {
					t.Errorf("%s: the summary calls %s %q, and the field something else", s.name, e.Field, e.Label())
				}
				named++
			}
		}
		if named < 5 {
			t.Errorf("only %d refused fields were looked at", named)
		}
	})
	t.Run("PW-10_a_refusal_shows_reason_and_guidance", func(t *testing.T) {
		p := mustPages(t)
		for _, s := range storybook() {
			for _, e := range s.view.Form.Errors {
				if e.Field != "new_password" && (e.Field != "password" || s.page != pageRegister) {
					continue
				}
				page := mustRender(t, p, s)
				if strings.Count(page, e.Detail) != 2 {
					t.Errorf("%s: the reason stands %d times, want in the summary and at the field", s.name, strings.Count(page, e.Detail))
				}
				if !strings.Contains(page, "At least 15 characters. A few unrelated words") {
					t.Errorf("%s: no guidance for a strong choice", s.name)
				}
			}
		}
	})
	t.Run("a_password_never_comes_back", func(t *testing.T) {
		p := mustPages(t)
		for _, s := range storybook() {
			if strings.Contains(mustRender(t, p, s), "never shown") {
				t.Errorf("%s shows the password that was typed", s.name)
			}
		}
	})
}

func TestPagesKeepWhatWasTypedAndNameWhatIsWrong(t *testing.T) {
	eachState(t, func(t *testing.T, s state, all []*html.Node) {
		byName, byID, links := map[string]*html.Node{}, map[string]*html.Node{}, map[string]bool{}
		for _, n := range all {
			if name := attribute(n, "name"); n.Data == "input" && name != "" {
				byName[name] = n
			}
			if id := attribute(n, "id"); id != "" {
				if byID[id] != nil {
					t.Errorf("two elements have the id %s", id)
				}
				byID[id] = n
			}
			links[attribute(n, "href")] = true
		}
		for name, value := range s.view.Form.Values {
			if in := byName[name]; in != nil && attribute(in, "type") != "password" && attribute(in, "value") != value {
				t.Errorf("field %s: got %q, want what was typed, %q", name, attribute(in, "value"), value)
			}
		}
		for _, e := range s.view.Form.Errors {
			in := byName[e.Field]
			if in == nil || attribute(in, "aria-invalid") != "true" || !links["#"+e.Field] {
				t.Errorf("field %s is not marked, or the summary does not lead to it", e.Field)
				continue
			}
			ids := strings.Fields(attribute(in, "aria-describedby"))
			if len(ids) == 0 || byID[ids[0]] == nil || text(byID[ids[0]]) != e.Detail {
				t.Errorf("field %s is not described by its error", e.Field)
			}
		}
		summary := byID["refusals"]
		if (summary != nil) != s.view.Form.Refused() {
			t.Fatalf("summary shown: got %v, want %v", summary != nil, s.view.Form.Refused())
		}
		if summary == nil {
			return
		}
		if _, focus := attributeSet(summary, "autofocus"); !focus || attribute(summary, "tabindex") != "-1" {
			t.Error("the summary does not take focus")
		}
		for _, n := range all {
			if _, focus := attributeSet(n, "autofocus"); focus && n != summary {
				t.Errorf("<%s> takes focus from the summary", n.Data)
			}
		}
	})
}

func TestPagesHaveOneHeadingAndLabelledFields(t *testing.T) {
	eachState(t, func(t *testing.T, s state, all []*html.Node) {
		count, labels := map[string]int{}, map[string]bool{}
		for _, n := range all {
			count[n.Data]++
			if n.Data == "label" {
				labels[attribute(n, "for")] = true
			}
		}
		for _, name := range []string{"h1", "main", "header", "footer", "title"} {
			if count[name] != 1 {
				t.Errorf("got %d <%s>, want 1", count[name], name)
			}
		}
		if got := attribute(all[0], "lang"); got != "en" {
			t.Errorf("language: got %q, want en", got)
		}
		for _, n := range all {
			_, hidden := attributeSet(n, "hidden")
			if n.Data == "input" && !hidden && attribute(n, "type") != "hidden" && !labels[attribute(n, "id")] {
				t.Errorf("field %s has no label", attribute(n, "name"))
			}
		}
	})
}

func TestRenderWritesTheWholePageOrNothing(t *testing.T) {
	p := mustPages(t)
	var out bytes.Buffer
	if err := p.render(&out, pageAccount, view{Body: errorView{}}); err == nil || out.Len() != 0 {
		t.Errorf("got error %v and %d bytes, want an error and no byte", err, out.Len())
	}
	if err := p.render(&out, "nowhere", view{}); err == nil || out.Len() != 0 {
		t.Errorf("got error %v and %d bytes, want an error and no byte", err, out.Len())
	}
}

func TestStaticFilesAreServedUnderTheirContent(t *testing.T) {
	p := mustPages(t)
	served, err := p.asset("app.css")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		served:                        http.StatusOK,
		"/static/app.css":             http.StatusNotFound,
		"/static/":                    http.StatusNotFound,
		"/static/../pages/login.html": http.StatusNotFound,
		strings.Replace(served, "/static/app.", "/static/app.0", 1): http.StatusNotFound,
	} {
		got := httptest.NewRecorder()
		p.serveStatic(got, httptest.NewRequest(http.MethodGet, path, nil))
		if got.Code != want {
			t.Errorf("%s: got %d, want %d", path, got.Code, want)
		}
		if immutable := strings.Contains(got.Header().Get("Cache-Control"), "immutable"); immutable != (want == http.StatusOK) {
			t.Errorf("%s: kept for ever: got %v", path, immutable)
		}
	}
}
