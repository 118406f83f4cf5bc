package e2e

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// darkLogo is a file with a dark drawing on nothing, as wide as three of its heights.
func darkLogo(t *testing.T) string {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, 432, 144))
	for y := range 144 {
		for x := range 432 {
			dx, dy := x-72, y-72
			disc := dx*dx+dy*dy < 66*66 && dx*dx+dy*dy > 36*36
			bars := x > 170 && x < 430-y && y%48 > 14
			if disc || bars {
				picture.SetNRGBA(x, y, color.NRGBA{R: 0x10, G: 0x20, B: 0x40, A: 0xff})
			}
		}
	}
	path := filepath.Join(t.TempDir(), "logo.png")
	file, err := os.Create(path)
	must(t, err)
	must(t, png.Encode(file, picture))
	must(t, file.Close())
	return path
}

// TestLogoInABrowser draws a mail with a logo as a program for mail does.
func TestLogoInABrowser(t *testing.T) {
	s := serve(t, newData(t), "--smtp", "mailbox", "--mail-from", "Shop <no-reply@shop.example>", "--mail-logo", darkLogo(t), "--hash-params", cheapHash)
	s.ask(t, request{method: "POST", path: "/v1/register", body: object("username", "ana", "email", "ana@example.com", "password", word)}).want(t, 202)
	path, _ := s.shown(t, "ana@example.com", "Confirm your email")
	b := s.browse(t, desk)
	html := strings.Replace(path, "/mailbox/", "/mailbox/html/", 1)
	b.open(t, html, html)
	const shown = `document.querySelector('img.logo')`
	if got := look[[]int](t, b, `[`+shown+`.naturalWidth, `+shown+`.clientWidth, `+shown+`.clientHeight]`); len(got) != 3 || got[0] != 432 || got[1] != 144 || got[2] != 48 {
		t.Errorf("drawn from %d pixels, %d x %d large; want 432, 144 x 48", got[0], got[1], got[2])
	}
	if got := look[string](t, b, `getComputedStyle(`+shown+`).backgroundColor`); got != "rgb(255, 255, 255)" {
		t.Errorf("it stands on %s, want white, so that it is seen on a dark page", got)
	}
	must(t, chromedp.Do(b.ctx, chromedp.EmulateViewport(320, 800)))
	if over := look[int](t, b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
		t.Errorf("scrolls sideways by %d pixels", over)
	}
	b.shoot(t, "mail-logo")
}
