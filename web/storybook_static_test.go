package web

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func staticFile(t testing.TB, name string) string {
	t.Helper()
	body, err := pageFiles.ReadFile("static/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestScript(t *testing.T) {
	script := staticFile(t, "app.js")
	t.Run("PH-24_strict_small_without_globals_or_forbidden_words", func(t *testing.T) {
		if !strings.HasPrefix(script, "(() => {\n  'use strict';\n") || !strings.HasSuffix(script, "})();\n") {
			t.Error("the script is not one strict function")
		}
		if got, limit := len(script), 3000; got >= limit {
			t.Errorf("the script has %d bytes, want less than %d", got, limit)
		}
		for _, word := range []string{
			"eval", "Function(", "postMessage", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
			"window.", "globalThis", "self.", "var ", "import", "XMLHttpRequest", "WebSocket", "location",
			"document.cookie", ".style", "setAttribute('on", "callback", "jsonp", "http",
		} {
			if strings.Contains(script, word) {
				t.Errorf("the script contains %q", word)
			}
		}
	})
	t.Run("PH-24_one_question_to_one_place_of_ours", func(t *testing.T) {
		const question = "fetch('" + strengthPath + "', { method: 'POST', body })"
		if strings.Count(script, "fetch") != 1 || !strings.Contains(script, question) {
			t.Errorf("the script asks something else than %s", question)
		}
	})
	t.Run("SC-22_nothing_is_kept_in_the_browser", func(t *testing.T) {
		for _, word := range []string{"localStorage", "sessionStorage", "indexedDB", "caches", "cookie", "history", "serviceWorker"} {
			if strings.Contains(script, word) {
				t.Errorf("the script contains %q", word)
			}
		}
	})
	t.Run("SC-22_no_secret_in_any_url", func(t *testing.T) {
		eachState(t, func(t *testing.T, s state, all []*html.Node) {
			for _, n := range all {
				for _, name := range []string{"href", "src", "action"} {
					url := attribute(n, name)
					mailed := s.page == pageMail && strings.HasPrefix(url, verifyPath+"?code=") // a link of a mail, as it stands there
					if strings.Contains(url, storyCode) && !mailed || strings.Contains(url, storyCSRF) {
						t.Errorf("<%s %s> holds a secret", n.Data, name)
					}
				}
			}
		})
	})
}

// colours reads the custom properties of both themes from the style sheet.
func colours(t *testing.T) (light, dark map[string]string) {
	t.Helper()
	blocks := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(staticFile(t, "app.css"), -1)
	if len(blocks) != 2 {
		t.Fatalf("got %d blocks of colours, want light and dark", len(blocks))
	}
	themes := make([]map[string]string, 2)
	for i, block := range blocks {
		themes[i] = map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(block[1], -1) {
			themes[i][m[1]] = m[2]
		}
	}
	return themes[0], themes[1]
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil || colour == "" {
		t.Fatalf("no colour: %q", colour)
	}
	linear := func(c uint64) float64 {
		v := float64(c&0xff) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(n>>16) + 0.7152*linear(n>>8) + 0.0722*linear(n)
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestColoursCanBeToldApart(t *testing.T) {
	const forText, forParts = 4.5, 3 // WCAG 2.2, 1.4.3 and 1.4.11
	pairs := []struct {
		front string
		on    []string
		least float64
	}{
		{"text", []string{"card", "ground", "tint", "sunk", "danger-soft"}, forText},
		{"muted", []string{"card", "ground", "tint", "sunk"}, forText},
		{"accent", []string{"card", "ground", "tint", "sunk", "danger-soft"}, forText},
		{"deep", []string{"card", "ground", "tint", "sunk", "danger-soft"}, forText},
		{"on-accent", []string{"accent", "deep"}, forText},
		{"danger", []string{"card", "danger-soft"}, forText},
		{"on-danger", []string{"danger", "deep-danger"}, forText},
		{"good", []string{"card", "good-soft", "sunk"}, forText},
		{"edge", []string{"card", "sunk", "tint", "ground"}, forParts},
		{"ring", []string{"card", "ground", "tint", "sunk", "danger-soft"}, forParts},
		{"fair", []string{"card", "line"}, forParts},
		{"good", []string{"line"}, forParts},
		{"danger", []string{"line"}, forParts},
	}
	light, dark := colours(t)
	for name, theme := range map[string]map[string]string{"light": light, "dark": dark} {
		t.Run("contrast_in_"+name, func(t *testing.T) {
			used := []string{"line", "rim"} // lines that only please the eye
			for _, p := range pairs {
				used = append(append(used, p.front), p.on...)
				for _, ground := range p.on {
					if got := contrast(t, theme[p.front], theme[ground]); got < p.least {
						t.Errorf("%s on %s: got %.2f, want at least %.1f", p.front, ground, got, p.least)
					}
				}
			}
			for colour := range theme {
				if !slices.Contains(used, colour) {
					t.Errorf("colour %s is not measured", colour)
				}
			}
		})
	}
	if got := contrast(t, "#767676", "#ffffff"); math.Abs(got-4.54) > 0.01 {
		t.Errorf("the measure itself: got %.2f, want 4.54", got)
	}
}

func TestDevicesHaveNamesPeopleKnow(t *testing.T) {
	for agent, want := range map[string][2]string{
		storyUA: {"Firefox on Linux", "computer"},
		phoneUA: {"Safari on iPhone", "phone"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":               {"Chrome on Windows", "computer"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0": {"Edge on Windows", "computer"},
		"Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36":                  {"Chrome on Android", "phone"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Safari/605.1.15":         {"Safari on macOS", "computer"},
		"curl/8.14.1":              {"curl", "program"},
		"Go-http-client/2.0":       {"Go-http-client", "program"},
		"":                         {"Unknown device", "program"},
		"\xff\xfe":                 {"Unknown device", "program"},
		strings.Repeat("x", 9_000): {strings.Repeat("x", 40) + "…", "program"},
	} {
		if got := [2]string{deviceName(agent), deviceIcon(agent)}; got != want {
			t.Errorf("%.60q: got %q, want %q", agent, got, want)
		}
	}
}
