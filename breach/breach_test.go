package breach

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gatehouse/model"
)

// SHA-1 of "password": 5BAA6 1E4C9B93F3F0682250B6CF8331B7EE68FD8.
const (
	leaked     = model.Password("password")
	leakedHead = "5BAA6"
	leakedRest = "1E4C9B93F3F0682250B6CF8331B7EE68FD8"
	otherRest  = "0018A45C4D1DEF81644B54AB7F969B88D65"
)

// list is a real TLS server that answers like a list of leaks.
func list(t *testing.T, answer http.HandlerFunc) *Checker {
	t.Helper()
	server := httptest.NewTLSServer(answer)
	t.Cleanup(server.Close)
	checker, err := New(server.URL + "/range")
	if err != nil {
		t.Fatal(err)
	}
	checker.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{
		RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, MinVersion: tls.VersionTLS12,
	}
	return checker
}

func saying(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

func TestWhatTheListSaysIsUnderstood(t *testing.T) {
	tests := []struct {
		name, answer string
		want         bool
	}{
		{"listed", otherRest + ":7\r\n" + leakedRest + ":9545824\r\n", true},
		{"lower case and bare line ends", strings.ToLower(leakedRest) + ":1\n" + otherRest + ":7", true},
		{"not listed", otherRest + ":7\r\n", false},
		{"padding is no leak", leakedRest + ":0\r\n" + otherRest + ":7\r\n", false},
		{"padding with more zeros", leakedRest + ":000\r\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := list(t, saying(tt.answer)).Breached(t.Context(), leaked)
			if err != nil || got != tt.want {
				t.Errorf("got %v and %v, want %v", got, err, tt.want)
			}
		})
	}
}

func TestTheListIsToldFiveDigitsAndNothingElse(t *testing.T) {
	checker := list(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.RequestURI != "/range/"+leakedHead || r.ContentLength > 0 {
			t.Errorf("asked %s %s with %d bytes", r.Method, r.RequestURI, r.ContentLength)
		}
		if got := r.Header.Get("Add-Padding"); got != "true" {
			t.Errorf("Add-Padding: got %q, want true", got)
		}
		for name, values := range r.Header {
			if text := strings.ToLower(strings.Join(values, " ")); strings.Contains(text, string(leaked)) || strings.Contains(text, strings.ToLower(leakedRest)) {
				t.Errorf("header %s tells the password or its hash", name)
			}
		}
		fmt.Fprint(w, leakedRest+":1")
	})
	if got, err := checker.Breached(t.Context(), leaked); !got || err != nil {
		t.Errorf("got %v and %v, want a leak", got, err)
	}
}

func TestWhoDoesNotAnswerLikeAListIsAnError(t *testing.T) {
	elsewhere := false
	other := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere = true }))
	defer other.Close()
	tests := map[string]http.HandlerFunc{
		"a page":    saying("<html><body>Welcome to the wireless network</body></html>"),
		"nothing":   saying(""),
		"a status":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"no body":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"too much":  saying(strings.Repeat(otherRest+":1\r\n", maxAnswer/len(otherRest))),
		"one line":  saying(strings.Repeat("A", maxAnswer)),
		"redirects": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, otherRest+":7\r\n")
		},
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := list(t, answer).Breached(t.Context(), leaked)
			if err == nil || got {
				t.Errorf("got %v and %v, want an error", got, err)
			}
			if err != nil && (strings.Contains(err.Error(), leakedHead) || strings.Contains(err.Error(), "https://")) {
				t.Errorf("the error tells what was asked: %v", err)
			}
		})
	}
	if elsewhere {
		t.Error("a redirect was followed")
	}
}

func TestASilentListIsGivenUp(t *testing.T) {
	silent := make(chan struct{})
	checker := list(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-silent:
		case <-r.Context().Done():
		}
	})
	defer close(silent)
	if checker.client.Timeout != patience {
		t.Errorf("got a timeout of %s, want %s", checker.client.Timeout, patience)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := checker.Breached(ctx, leaked)
	if err == nil || strings.Contains(err.Error(), leakedHead) {
		t.Errorf("got %v, want an error without the digits", err)
	}
}

func TestACertificateOfNobodyIsAnError(t *testing.T) {
	checker := list(t, saying(leakedRest+":1"))
	checker.client.Transport.(*http.Transport).TLSClientConfig = nil
	if got, err := checker.Breached(t.Context(), leaked); err == nil || got {
		t.Errorf("got %v and %v, want an error", got, err)
	}
}

func TestOnlyHTTPSIsTaken(t *testing.T) {
	for _, base := range []string{
		"", "http://list.example/range/", "list.example/range", "https://", "https:///range", "https://u:p@list.example/",
		"https://list.example/?range=", "https://list.example/?", "https://list.example/#range", "ftp://list.example/", "https://list.example/%zz",
	} {
		if _, err := New(base); err == nil {
			t.Errorf("%q is taken", base)
		}
	}
	for base, want := range map[string]string{
		"https://api.pwnedpasswords.com/range/": "https://api.pwnedpasswords.com/range/",
		"https://list.example":                  "https://list.example/",
	} {
		if checker, err := New(base); err != nil || checker.base != want {
			t.Errorf("%q: %v", base, err)
		}
	}
}
