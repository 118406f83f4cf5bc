package web

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// payloads are what strangers put into names, addresses and user agents.
func payloads() []string {
	return []string{
		`<script>alert(1)</script>`, `</script><script>alert(1)</script>`, `"><script>alert(1)</script>`,
		`'><img src=x onerror=alert(1)>`, `"><svg onload=alert(1)>`, `<svg/onload=alert(1)>`,
		`" onfocus="alert(1)" autofocus="`, `' onmouseover='alert(1)' x='`, "` onclick=alert(1) `", `" style="position:fixed" x="`,
		`javascript:alert(1)`, `JaVaScRiPt:alert(1)`, "java\tscript:alert(1)", `data:text/html,<script>alert(1)</script>`,
		`vbscript:msgbox(1)`, `//evil.example/`, `</title><script>alert(1)</script>`, `</textarea><script>alert(1)</script>`,
		`<!--<script>alert(1)//-->`, `--><script>alert(1)</script>`, `]]><script>alert(1)</script>`,
		`<iframe srcdoc="<script>alert(1)</script>">`, `<base href="//evil.example/">`, `<meta http-equiv="refresh" content="0;url=//evil.example">`,
		`<form action="//evil.example/"><input name="password">`, `<a href="javascript:alert(1)">x</a>`, `<math><mtext></form><form>`,
		`&lt;script&gt;alert(1)&lt;/script&gt;`, `&#60;script&#62;alert(1)&#60;/script&#62;`, "\u202e<script>alert(1)</script>",
		`+ADw-script+AD4-alert(1)+ADw-/script+AD4-`, "\x00<script>alert(1)</script>",
	}
}

// templatePayloads would do something if a page were a template again.
func templatePayloads() []string {
	return []string{`{{.}}`, `{{printf "%s" 1}}`, `{{.CSRF}}`, `${7*7}`, `#{7*7}`, `<%= 7*7 %>`, `{{"{{"}}.}}`, `[[7*7]]`}
}

// hostileStates is every page with s wherever a stranger's text can stand.
func hostileStates(s string) []state {
	values := map[string]string{"username": s, "email": s, "identifier": s, "code": s}
	form := formView{Values: values, Summary: s, Errors: []fieldError{{"username", s}, {"email", s}, {"password", s}, {"code", s}}}
	v := loggedInStory(view{Title: s, Product: s, Notice: s, Next: "/" + s, Form: form, LoggedIn: &loggedInView{Username: s}})
	account := accountView{Username: s, Email: s, Since: storyTime, Sessions: []sessionView{
		{ID: s, UserAgent: s, IP: s, CreatedAt: storyTime, LastUsedAt: storyTime},
	}, Activity: []activityView{{What: s, At: storyTime, UserAgent: s, IP: s}}}
	bodies := map[string]any{
		pageAccount: account, pageReset: codeFormView{AskCode: true},
		pageError: errorView{Status: 400, Sentence: s, RequestID: s}, pageCode: codeView{Code: s, Meaning: s, Remedy: s},
		pageVerify: verifyView{}, pageAccountEmail: emailView{Current: s},
		pageMailbox: mailboxView{Messages: []mailView{{Number: 1, At: storyTime, To: s, Subject: s}}},
		pageMail:    mailView{Number: 1, At: storyTime, To: s, Text: s, Links: []mailLink{{"/" + s, s}}},
	}
	var states []state
	for _, name := range pageNames() {
		page := v
		page.Body = bodies[name]
		states = append(states, state{"hostile_" + name, name, page})
	}
	return states
}

// skeleton is a page without its texts and values: what a stranger's text must
// not change.
func skeleton(t *testing.T, page string) string {
	t.Helper()
	var out strings.Builder
	for _, n := range elements(t, page) {
		fmt.Fprintf(&out, "<%s", n.Data)
		for _, a := range n.Attr {
			fmt.Fprintf(&out, " %s", a.Key)
		}
		out.WriteString(">\n")
	}
	return out.String()
}

// carries says whether a text or a value of the page is s, whole.
func carries(t *testing.T, page, s string) bool {
	t.Helper()
	for _, n := range elements(t, page) {
		for _, a := range n.Attr {
			if strings.Contains(a.Val, s) {
				return true
			}
		}
		for c := range n.ChildNodes() {
			if c.Type == html.TextNode && strings.Contains(c.Data, s) {
				return true
			}
		}
	}
	return false
}

func TestHostileText(t *testing.T) {
	p := mustPages(t)
	harmless := map[string]string{}
	for _, s := range hostileStates("x") {
		harmless[s.name] = skeleton(t, mustRender(t, p, s))
	}
	check := func(t *testing.T, payload string) {
		t.Helper()
		// The parser of HTML replaces NUL, as html/template does.
		want := strings.ReplaceAll(payload, "\x00", "\ufffd")
		for _, s := range hostileStates(payload) {
			page := mustRender(t, p, s)
			if skeleton(t, page) != harmless[s.name] {
				t.Errorf("%s: %q changed the elements of the page", s.name, payload)
			}
			if !carries(t, page, want) {
				t.Errorf("%s: %q did not come back literally", s.name, payload)
			}
			for _, n := range elements(t, page) {
				for _, name := range []string{"href", "src", "action"} {
					if url, ok := attributeSet(n, name); ok && !strings.HasPrefix(url, "/") && !strings.HasPrefix(url, "#") {
						t.Errorf("%s: %q led to <%s %s=%q>", s.name, payload, n.Data, name, url)
					}
				}
			}
		}
	}
	t.Run("PH-14_payloads_stay_text", func(t *testing.T) {
		for _, payload := range payloads() {
			check(t, payload)
		}
	})
	t.Run("PH-15_templates_come_back_literally", func(t *testing.T) {
		for _, payload := range templatePayloads() {
			check(t, payload)
		}
	})
}
