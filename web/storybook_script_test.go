package web

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// await waits until the expression is true in the page.
func (b *browser) await(t *testing.T, expression string) {
	t.Helper()
	got := ask[bool](t, b, `new Promise((done) => {
		const end = Date.now() + 20000;
		const look = () => (`+expression+`) ? done(true) : Date.now() > end ? done(false) : setTimeout(look, 20);
		look();
	})`)
	if !got {
		t.Fatalf("never became true: %s", expression)
	}
}

// typeInto replaces the content of the field with this id.
func (b *browser) typeInto(t *testing.T, id, text string) {
	t.Helper()
	ask[bool](t, b, `(document.getElementById('`+id+`').value = '', true)`)
	b.must(t, chromedp.SendKeys(chromedp.CSS("#"+id), text))
}

// posted is the path of the next form that reaches the server.
func (b *browser) posted(t *testing.T) string {
	t.Helper()
	select {
	case path := <-b.server.posts:
		return path
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was posted")
		return ""
	}
}

func TestScriptInABrowser(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	b.look(t, 390, 800, "light")
	t.Run("PW-14_the_show_switch_unmasks_and_tells_so", func(t *testing.T) {
		b.open(t, "/story/login_empty")
		const now = `document.getElementById('password').type + ' ' + document.querySelector('.show').getAttribute('aria-pressed')`
		var got []string
		got = append(got, ask[string](t, b, now))
		b.must(t, chromedp.Click(chromedp.CSS(".show")))
		got = append(got, ask[string](t, b, now))
		b.must(t, chromedp.Click(chromedp.CSS(".show")))
		got = append(got, ask[string](t, b, now))
		if want := []string{"password false", "text true", "password false"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if name := ask[string](t, b, `document.querySelector('.show').textContent`); name != "Show password" {
			t.Errorf("name of the switch: got %q, want %q", name, "Show password")
		}
	})

	t.Run("the_strength_is_an_honest_estimate", func(t *testing.T) {
		b.open(t, "/story/register_empty")
		b.typeInto(t, "username", "marguerite")
		for _, c := range []struct{ password, want string }{
			{"bright", "9 more characters needed."},
			{"bright harbour", "1 more character needed."},
			{"xyxyxyxyxyxyxyxyxyxyxy", "Weak: it repeats itself."},
			{"abcdefghijklmnopqrst", "Weak: runs like abc"},
			{"responsibilities", "This password is common"},
			{"the marguerite", "1 more character needed."},
			{"marguerite-1987", "This password is made of your name"},
			{"harbourmountain", "Fair"},
			{"lantern quarry velvet moth", "Strong"},
		} {
			b.typeInto(t, "password", c.password)
			b.await(t, `document.querySelector('[aria-live=polite]').textContent.startsWith('`+c.want+`')`)
		}
		for _, width := range []int64{390, 1280} {
			for _, theme := range []string{"light", "dark"} {
				b.look(t, width, 800, theme)
				b.shoot(t, fmt.Sprintf("register_strength-%d-%s", width, theme))
			}
		}
		b.look(t, 390, 800, "light")
		b.typeInto(t, "password", "zxcvbnmasdfghjkl")
		b.await(t, `document.querySelector('[aria-live=polite]').textContent.startsWith('Weak')`)
		b.shoot(t, "register_weak-390-light")
	})

	t.Run("a_second_press_sends_nothing", func(t *testing.T) {
		b.open(t, "/story/login_empty")
		b.typeInto(t, "identifier", "ana")
		b.must(t, chromedp.Click(chromedp.CSS("button.main")))
		if got := b.posted(t); got != "/login" {
			t.Errorf("posted to %q, want /login", got)
		}
		if !ask[bool](t, b, `document.querySelector('button.main').disabled`) {
			t.Error("the button can be pressed again")
		}
		ask[bool](t, b, `(document.querySelector('button.main').click(), true)`)
		b.must(t, chromedp.KeyEvent(kb.Enter))
		ask[bool](t, b, `(dispatchEvent(new Event('pageshow')), true)`)
		if ask[bool](t, b, `document.querySelector('button.main').disabled`) {
			t.Error("the button stays dead when the page comes back")
		}
		b.open(t, "/story/account_export")
		b.typeInto(t, "password", "x")
		b.must(t, chromedp.Click(chromedp.CSS("button.main")))
		if got := b.posted(t); got != "/account/export" {
			t.Errorf("posted to %q, want only /account/export: the second press was sent", got)
		}
		if ask[bool](t, b, `document.querySelector('button.main').disabled`) {
			t.Error("a download leaves the page, its button must stay alive")
		}
	})

	t.Run("the_tab_key_walks_in_reading_order", func(t *testing.T) {
		for story, want := range map[string][]string{
			"login_notice": {"Skip to content", "Gatehouse", "identifier", "password", "Show password", "Log in", "Forgot your password?", "Register"},
			"account_plain": {"Skip to content", "Gatehouse", "Log out", "Change password", "Change email", "Export my data", "Delete my user and data",
				"End session on Firefox on Linux from 9 Mar 2026, 08:05 UTC"},
		} {
			b.open(t, "/story/"+story)
			// Start before everything, not at the field that took focus.
			ask[bool](t, b, `(document.body.tabIndex = -1, document.body.focus(), true)`)
			var got []string
			for range want {
				b.must(t, chromedp.KeyEvent(kb.Tab))
				got = append(got, ask[string](t, b, `(document.activeElement.id || document.activeElement.textContent)`))
				if thin := ask[bool](t, b, `parseFloat(getComputedStyle(document.activeElement).outlineWidth) < 2`); thin {
					t.Errorf("%s: no visible focus on %q", story, got[len(got)-1])
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", story, got, want)
			}
		}
	})

	t.Run("PH-02_the_script_works_under_the_policy", func(t *testing.T) {
		if said := b.said(t); len(said) != 0 {
			t.Errorf("the browser complained: %s", strings.Join(said, "\n"))
		}
	})

	t.Run("PH-25_pages_work_without_scripts_and_say_so", func(t *testing.T) {
		off := emulation.SetScriptExecutionDisabledParams{Value: true}
		if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, off); err != nil {
			t.Fatal(err)
		}
		b.must(t, chromedp.Navigate(b.server.URL+"/story/login_empty"))
		b.must(t, chromedp.SendKeys(chromedp.CSS("#identifier"), "ana"), chromedp.SendKeys(chromedp.CSS("#password"), "x"+kb.Enter))
		if got := b.posted(t); got != "/login" {
			t.Errorf("posted to %q, want /login", got)
		}
		footer, err := chromedp.Run(b.ctx, chromedp.TextContent(chromedp.CSS("footer")))
		if err != nil || !strings.Contains(footer, "works without scripts") {
			t.Errorf("got footer %q and error %v, want it to say so", footer, err)
		}
	})
}
