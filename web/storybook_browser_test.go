package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"gatehouse/model"
)

// storyPolicy is the Content-Security-Policy of the pages, PH-02.
const storyPolicy = "default-src 'none'; script-src 'nonce-%s'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"

// violations makes each document remember what its policy refused.
const violations = `window.refused = [];
document.addEventListener('securitypolicyviolation', (e) => window.refused.push(e.violatedDirective + ' ' + e.blockedURI));`

// storyServer serves the storybook as the real server does: each state under
// its name, the static files under their hashes. It counts what is posted.
type storyServer struct {
	*httptest.Server
	posts chan string // paths
}

func newStoryServer(t *testing.T) *storyServer {
	t.Helper()
	p, states := mustPages(t), map[string]state{}
	for _, s := range storybook() {
		states[s.name] = s
	}
	for _, s := range hostileStates(payloads()[0]) {
		states[s.name] = s
	}
	server := &storyServer{posts: make(chan string, 16)}
	auth, mux := open(t).auth, http.NewServeMux()
	mux.HandleFunc("GET /static/", p.serveStatic)
	mux.HandleFunc("GET /story/{name}", func(w http.ResponseWriter, r *http.Request) {
		s, nonce := states[r.PathValue("name")], rand.Text()
		s.view.Nonce = nonce
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", fmt.Sprintf(storyPolicy, nonce))
		if err := p.render(w, s.page, s.view); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	})
	mux.HandleFunc("GET /inline", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", fmt.Sprintf(storyPolicy, "x"))
		fmt.Fprint(w, `<!DOCTYPE html><html lang="en"><title>x</title><p style="width:2000px">x<script>window.ran = true</script>`)
	})
	mux.HandleFunc("POST "+strengthPath, func(w http.ResponseWriter, r *http.Request) {
		advice := auth.PasswordStrength(model.Password(r.PostFormValue("password")), r.PostFormValue("username"))
		text, err := writeJSON(strengthAnswer(advice))
		if err != nil || r.PostFormValue(csrfField) != storyCSRF {
			t.Errorf("asked for the strength with %d fields: %v", len(r.PostForm), err)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(text)
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		server.posts <- r.URL.Path
		w.WriteHeader(http.StatusNoContent) // the page stays
	})
	server.Server = httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// browser is one tab of a real Chromium with a fresh profile.
type browser struct {
	t        *testing.T
	ctx      context.Context
	server   *storyServer
	mu       sync.Mutex
	messages []string // what the console said
}

// newBrowser skips the test without Chromium, or fails it where
// GATEHOUSE_REQUIRE_BROWSER is 1.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("GATEHOUSE_REQUIRE_BROWSER") == "1" {
			t.Fatal("chromium is not installed, and GATEHOUSE_REQUIRE_BROWSER is 1")
		}
		t.Skip("chromium is not installed")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true))
	alloc, cancelAlloc := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancelAlloc)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx, server: newStoryServer(t)}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.messages = append(b.messages, string(m.Type)+": "+m.Text)
			b.mu.Unlock()
		}
	}()
	b.carry(t, violations)
	return b
}

// must runs steps, each within a minute.
func (b *browser) must(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	for _, step := range steps {
		ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
		err := chromedp.Do(ctx, step)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// open waits for the focus too: a key pressed before it would get in its way.
func (b *browser) open(t *testing.T, path string) {
	t.Helper()
	b.must(t, chromedp.Navigate(b.server.URL+path))
	b.await(t, `document.activeElement === (document.querySelector('[autofocus]') || document.activeElement)`)
}

// said returns and forgets what the console said and the policy refused.
func (b *browser) said(t *testing.T) []string {
	t.Helper()
	refused := ask[[]string](t, b, `window.refused`)
	b.mu.Lock()
	defer b.mu.Unlock()
	all := append(refused, b.messages...)
	b.messages = nil
	return all
}

// look sets the size of the window, in CSS pixels, and the wanted theme.
func (b *browser) look(t *testing.T, width, height int64, theme string) {
	t.Helper()
	b.must(t, chromedp.EmulateViewport(width, height))
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// ask evaluates an expression in the page; a promise is waited for.
func ask[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%.120s: %v", expression, err)
	}
	return got
}

// screenshotsVariable names a directory for pictures of the pages.
const screenshotsVariable = "GATEHOUSE_SCREENSHOTS"

// shoot keeps a picture where somebody wants pictures.
func (b *browser) shoot(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv(screenshotsVariable)
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

// axe is the accessibility checker, or nothing where it is not installed.
func axe(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("testdata/axe/node_modules/axe-core/axe.min.js")
	if err != nil {
		if os.Getenv("GATEHOUSE_REQUIRE_BROWSER") == "1" {
			t.Fatal("axe-core is not installed, and GATEHOUSE_REQUIRE_BROWSER is 1: run npm ci in web/testdata/axe")
		}
		t.Log("axe-core is not installed: run npm ci in web/testdata/axe")
		return ""
	}
	return string(script)
}

// carry gives every page that is opened from now on a script of ours, which the
// browser reads once.
func (b *browser) carry(t *testing.T, script string) {
	t.Helper()
	if _, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
		t.Fatal(err)
	}
}

// complaints asks axe for what breaks WCAG 2.2 AA or its best practices. A theme
// changes colours and nothing else, so that in a second one the rules about
// colours are enough.
const (
	complaints       = `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})` + violated
	colourComplaints = `axe.run(document, {runOnly: {type: 'rule', values: ['color-contrast', 'link-in-text-block']}})` + violated
	violated         = `.then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html + ' ' + n.failureSummary).join(' | ')))`
)

// small lists what a finger would miss: less than 44 CSS pixels high.
const small = `[...document.querySelectorAll('button, input:not([type=hidden]):not([hidden]), a.main, .brand, .links a, .aside a, .back a')]
.filter((n) => n.getBoundingClientRect().height < 43.9).map((n) => n.outerHTML + ' ' + n.getBoundingClientRect().height)`

const focused = `!document.getElementById('refusals') || document.activeElement.id === 'refusals'`

const overflow = `Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - innerWidth`

// tabs share the storybook, each in a browser of its own.
const tabs = 2

func TestStorybookInABrowser(t *testing.T) {
	t.Parallel()
	states := append(storybook(), hostileStates(payloads()[0])...)
	for shelf := range tabs {
		t.Run(fmt.Sprintf("tab_%d", shelf+1), func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t)
			checker := axe(t)
			b.carry(t, checker)
			for i, s := range states {
				if i%tabs == shelf {
					t.Run(s.name, func(t *testing.T) { b.inspect(t, s, checker != "") })
				}
			}
		})
	}
	t.Run("PH-02_the_watch_itself_notices", func(t *testing.T) {
		t.Parallel()
		b := newBrowser(t)
		b.open(t, "/inline")
		if ask[bool](t, b, `window.ran === true`) {
			t.Error("the policy let an inline script run")
		}
		if said := strings.Join(b.said(t), "\n"); !strings.Contains(said, "script-src") || !strings.Contains(said, "style-src") {
			t.Errorf("got %q, want the refused script and style", said)
		}
	})
}

// inspect looks at a state at every width. A theme changes colours alone, so that
// the second one is only asked about those.
func (b *browser) inspect(t *testing.T, s state, checked bool) {
	t.Helper()
	b.look(t, 320, 640, "light")
	b.open(t, "/story/"+s.name)
	if !ask[bool](t, b, focused) {
		t.Error("the summary of refusals is there and has no focus")
	}
	fits := func(width int64) {
		t.Helper()
		if over := ask[int](t, b, overflow); over > 0 {
			t.Errorf("scrolls sideways by %d pixels at %d", over, width)
		}
	}
	fits(320)
	for _, width := range []int64{1280, 390} {
		b.look(t, width, 800, "light")
		fits(width)
		b.shootThemes(t, s.name, width)
	}
	for _, tooSmall := range ask[[]string](t, b, small) {
		t.Errorf("too small to touch: %s", tooSmall)
	}
	// Before axe, whose own work is no work of the page.
	for _, m := range b.said(t) {
		t.Errorf("PH-02 the browser complained: %s", m)
	}
	if !checked {
		return
	}
	for _, c := range ask[[]string](t, b, complaints) {
		t.Errorf("axe, light: %s", c)
	}
	b.look(t, 390, 800, "dark")
	for _, c := range ask[[]string](t, b, colourComplaints) {
		t.Errorf("axe, dark: %s", c)
	}
	b.said(t)
}

// shootThemes keeps pictures in both themes, and leaves the page in the light one.
func (b *browser) shootThemes(t *testing.T, name string, width int64) {
	t.Helper()
	if os.Getenv(screenshotsVariable) == "" {
		return
	}
	for _, theme := range []string{"dark", "light"} {
		b.look(t, width, 800, theme)
		b.shoot(t, fmt.Sprintf("%s-%d-%s", name, width, theme))
	}
}
