package web

import (
	"strings"
	"unicode/utf8"
)

// deviceNameMax is in code points: enough for every product name, too short
// for a user agent that wants to fill the page.
const deviceNameMax = 40

// deviceName turns a user agent into words people know, "Firefox on Linux".
// It is a courtesy and proves nothing: a user agent is what the sender says.
func deviceName(userAgent string) string {
	browser, system := browserOf(userAgent), systemOf(userAgent)
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser != "":
		return browser
	case system != "":
		return system
	}
	product, _, _ := strings.Cut(strings.TrimSpace(userAgent), "/")
	if product == "" || !utf8.ValidString(product) {
		return "Unknown device"
	}
	if runes := []rune(product); len(runes) > deviceNameMax {
		return string(runes[:deviceNameMax]) + "…"
	}
	return product
}

// deviceIcon is "phone", "computer" or "program".
func deviceIcon(userAgent string) string {
	switch systemOf(userAgent) {
	case "Android", "iPhone", "iPad":
		return "phone"
	case "":
		return "program"
	}
	return "computer"
}

func browserOf(userAgent string) string {
	// The order matters: each browser also claims to be the ones below it.
	for _, b := range []struct{ mark, name string }{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
	} {
		if strings.Contains(userAgent, b.mark) {
			return b.name
		}
	}
	return ""
}

func systemOf(userAgent string) string {
	// Android says Linux too, and an iPhone says it is like Mac OS X.
	for _, s := range []struct{ mark, name string }{
		{"Android", "Android"},
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Windows", "Windows"},
		{"Macintosh", "macOS"},
		{"CrOS", "ChromeOS"},
		{"Linux", "Linux"},
	} {
		if strings.Contains(userAgent, s.mark) {
			return s.name
		}
	}
	return ""
}
