package main

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// toHTTPS leads readers of pages to the configured address and refuses
// everything else, without reading a body: what was sent in clear must not be
// of use. The Host of the request is not repeated.
func toHTTPS(publicURL string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dismiss(w)
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
		page := (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
			strings.HasPrefix(r.URL.Path, "/") && !strings.HasPrefix(r.URL.Path, "/v1/") &&
			r.Header.Get("Authorization") == "" && r.Header.Get("Upgrade") == ""
		if !page {
			header.Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte("Use HTTPS.\n"))
			return
		}
		target := url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
		header.Set("Location", publicURL+target.EscapedPath()+query(target.RawQuery))
		w.WriteHeader(http.StatusPermanentRedirect)
	})
}

// dismiss ends the connection after the answer, without waiting for a body.
func dismiss(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now())
}

func query(raw string) string {
	if raw == "" {
		return ""
	}
	return "?" + raw
}

// behindProxy serves plain HTTP to the trusted proxies alone, and only what
// they received over HTTPS. Their own health checks carry no X-Forwarded-Proto
// and hold nothing.
func behindProxy(next http.Handler, trusted []netip.Prefix, publicURL string) http.Handler {
	redirect := toHTTPS(publicURL)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isTrusted(r.RemoteAddr, trusted) {
			dismiss(w)
			http.Error(w, "Only the trusted proxies may connect here.", http.StatusForbidden)
			return
		}
		forwarded := r.Header.Values("X-Forwarded-Proto")
		healthCheck := len(forwarded) == 0 && (r.URL.Path == "/healthz" || r.URL.Path == "/readyz")
		secure := len(forwarded) == 1 && strings.EqualFold(forwarded[0], "https")
		if !secure && !healthCheck {
			redirect.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isTrusted reports whether the peer lies in one of the networks.
func isTrusted(peer string, trusted []netip.Prefix) bool {
	host, _, err := net.SplitHostPort(peer)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(trusted, func(prefix netip.Prefix) bool { return prefix.Contains(address) })
}
