package e2e

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"fmt"
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
)

// violations makes each document remember what its policy refused.
const violations = `window.refused = [];
document.addEventListener('securitypolicyviolation', (e) => window.refused.push(e.violatedDirective + ' ' + e.blockedURI));`

// tab is one tab of a real Chromium with a profile of its own.
type tab struct {
	ctx      context.Context
	url      string
	mu       sync.Mutex
	messages []string // what the console said
}

// browse opens a tab that believes one certificate which no public authority
// has signed: the one the server shows. The test is skipped without Chromium,
// or fails where GATEHOUSE_REQUIRE_BROWSER is 1.
func (s *server) browse(t *testing.T, userAgent string) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("GATEHOUSE_REQUIRE_BROWSER") == "1" {
			t.Fatal("chromium is not installed, and GATEHOUSE_REQUIRE_BROWSER is 1")
		}
		t.Skip("chromium is not installed")
	}
	profile := t.TempDir()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.Env("TMPDIR="+profile),
		chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserAgent(userAgent), chromedp.Flag("ignore-certificate-errors-spki-list", s.keyDigest(t)),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true))
	alloc, cancelAlloc := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancelAlloc)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	b := &tab{ctx: ctx, url: s.url}
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
	_, err = chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: violations})
	must(t, err)
	return b
}

// keyDigest names the key of the server's certificate as Chromium wants it.
func (s *server) keyDigest(t *testing.T) string {
	t.Helper()
	conn, err := tls.Dial("tcp", s.port(t), s.tls(t))
	must(t, err)
	defer conn.Close()
	digest := sha256.Sum256(conn.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(digest[:])
}

// withoutScripts lets no script of a page run.
func (b *tab) withoutScripts(t *testing.T) {
	t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	must(t, err)
}

// leads does something that leads to another page, waits until it is there and
// checks its place and status.
func (b *tab) leads(t *testing.T, place string, status int64, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	answer, err := chromedp.RunResponse(ctx, steps...)
	must(t, err)
	if got := strings.TrimPrefix(answer.URL, b.url); got != place || answer.Status != status {
		t.Fatalf("got to %s with status %d, want %s with %d", got, answer.Status, place, status)
	}
	for _, said := range b.said(t) {
		refused := status >= 400 && strings.Contains(said, fmt.Sprintf("responded with a status of %d", status))
		if !refused && !strings.HasPrefix(said, "info: Clear-Site-Data header") {
			t.Errorf("PH-02 the browser complained on %s: %s", place, said)
		}
	}
}

func (b *tab) open(t *testing.T, path, place string) {
	t.Helper()
	b.leads(t, place, 200, chromedp.Navigate(b.url+path))
}

// fill types into the fields of the form and sends it.
func (b *tab) fill(t *testing.T, place string, status int64, pairs ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	b.settled(t)
	for i := 0; i+1 < len(pairs); i += 2 {
		// What was typed before may stand there again.
		must(t, chromedp.Do(ctx, chromedp.Clear(chromedp.CSS("#"+pairs[i])), chromedp.SendKeys(chromedp.CSS("#"+pairs[i]), pairs[i+1])))
	}
	b.leads(t, place, status, chromedp.Click("form button.main"))
}

// settled waits until the browser has put the focus where the page wants it;
// typing before makes it complain.
func (b *tab) settled(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if look[bool](t, b, `document.activeElement === (document.querySelector('[autofocus]') || document.activeElement)`) {
			return
		}
	}
	t.Fatal("the focus is not where the page wants it")
}

// said returns and forgets what the console said and the policy refused.
func (b *tab) said(t *testing.T) []string {
	t.Helper()
	refused := look[[]string](t, b, `window.refused || []`)
	b.mu.Lock()
	defer b.mu.Unlock()
	all := append(refused, b.messages...)
	b.messages = nil
	return all
}

// look evaluates an expression in the page.
func look[T any](t *testing.T, b *tab, expression string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%.120s: %v", expression, err)
	}
	return got
}

// sees fails unless the page shows the text.
func (b *tab) sees(t *testing.T, text string) {
	t.Helper()
	if got := look[string](t, b, `document.body.innerText`); !strings.Contains(got, text) {
		t.Fatalf("the page does not show %q:\n%s", text, got)
	}
}

// count is how many elements there are.
func (b *tab) count(t *testing.T, selector string) int {
	t.Helper()
	return look[int](t, b, `document.querySelectorAll(`+"`"+selector+"`"+`).length`)
}

// shoot keeps pictures of the page where GATEHOUSE_SCREENSHOTS names a
// directory: phone and desk, light and dark.
func (b *tab) shoot(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("GATEHOUSE_SCREENSHOTS")
	if dir == "" {
		return
	}
	for _, width := range []int64{390, 1280} {
		for _, theme := range []string{"light", "dark"} {
			must(t, chromedp.Do(b.ctx, chromedp.EmulateViewport(width, 800)))
			_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
			}})
			must(t, err)
			picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
			must(t, err)
			file := filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, width, theme))
			must(t, os.WriteFile(file, picture, 0o644))
		}
	}
}
