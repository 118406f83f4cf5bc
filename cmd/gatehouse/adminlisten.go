package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"gatehouse/web"
)

// adminDoor is the listener of --admin-listen and what it shows. A nil one is off.
type adminDoor struct {
	listener net.Listener
	metrics  *metrics
	secure   bool // HTTPS, since others can reach it
}

// parseAdminListen checks the setting against those beside it.
func parseAdminListen(cfg *config, values map[string]setting) error {
	value := values["admin-listen"]
	if value.text == "" {
		return nil
	}
	address, err := parseAddress(value, value.text, "127.0.0.1:8445")
	switch {
	case err != nil:
		return err
	case address.port != 0 && address.port == cfg.listen.port:
		return value.wrong("port %d is that of --listen; choose another, as in 127.0.0.1:8445", address.port)
	case !address.isLoopback() && cfg.tls.kind == tlsProxy:
		return value.wrong("%s is reachable from other machines, and with --tls=proxy there is no certificate for it; "+
			"listen on this machine alone, as in 127.0.0.1:8445", address)
	case !address.isLoopback() && cfg.tls.kind == tlsLocal:
		return value.wrong("%s is reachable from other machines, and --tls=local is for this one only; "+
			"listen on this machine alone, as in 127.0.0.1:8445", address)
	}
	cfg.adminListen = &address
	return nil
}

// openAdmin opens the port; nil where there is none to open.
func openAdmin(ctx context.Context, cfg config) (*adminDoor, error) {
	if cfg.adminListen == nil {
		return nil, nil
	}
	listener, err := listenFor(ctx, "--admin-listen", cfg.adminListen.String())
	if err != nil {
		return nil, err
	}
	return &adminDoor{listener: listener, metrics: newMetrics(), secure: !cfg.adminListen.isLoopback()}, nil
}

// close closes the port.
func (a *adminDoor) close() {
	if a != nil {
		_ = a.listener.Close()
	}
}

// counting is what counts; nil where nothing is counted.
func (a *adminDoor) counting() *metrics {
	if a == nil {
		return nil
	}
	return a.metrics
}

// url is where the figures are.
func (a *adminDoor) url() string {
	scheme := "http"
	if a.secure {
		scheme = "https"
	}
	return scheme + "://" + a.listener.Addr().String() + "/metrics"
}

// onceAnswered counts requests; nil where nothing is counted.
func (a *adminDoor) onceAnswered() func(web.Answered) {
	if a == nil {
		return nil
	}
	return a.metrics.answered
}

// adminShare is the part of all connections that this port has beside them: one in
// so many. A collector or two come, each with one.
const adminShare = 64

// serveAdmin answers collectors until ctx is cancelled.
func (s *server) serveAdmin(ctx context.Context) {
	a := s.admin
	cfg := receptionConfig{
		handshake: s.limits.handshake, crowd: crowdOf(s.limits.connections/adminShare, nil), log: s.log,
	}
	if a.secure {
		// HTTP/1 has one request for each connection, so that the crowd bounds both.
		cfg.tls = tlsFor(s.certificates, s.cfg.tls.minVersion, "http/1.1")
	}
	server := newHTTPServer(s.adminHandler(), s.limits, s.log)
	if err := serveUntil(ctx, server, newReception(a.listener, cfg), s.limits.farewell); err != nil {
		s.log.Error("port of --admin-listen", "error", err)
	}
}

// adminHandler shows the figures, and that the process answers, to whoever asks
// by an address or by our own name: a page of a stranger whose name leads here
// does neither.
func (s *server) adminHandler() http.Handler {
	asker := &storeAsker{installation: s.installation}
	ours := map[string]bool{"localhost": true}
	if public, err := url.Parse(s.publicURL); err == nil {
		ours[strings.ToLower(public.Hostname())] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.SetHeaders(w.Header())
		if !s.admin.secure { // RFC 6797 section 7.2
			w.Header().Del("Strict-Transport-Security")
		}
		host := hostOf(r.Host)
		path := r.URL.EscapedPath()
		switch {
		case !isBareAddress(host) && !ours[host]:
			answerPlain(w, http.StatusBadRequest, "Ask by address, or by the name of the server.\n")
		case path != "/metrics" && path != "/healthz":
			answerPlain(w, http.StatusNotFound, "There is /metrics and /healthz.\n")
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			answerPlain(w, http.StatusMethodNotAllowed, "There is GET and HEAD.\n")
		case path == "/healthz":
			answerPlain(w, http.StatusOK, "ok")
		default:
			e := new(exposition)
			s.admin.metrics.writeTo(e)
			writeHashes(e, s.auth)
			asker.figures(r.Context()).writeTo(e)
			writeRuntime(e)
			writeProcess(e, s.admin.metrics.began)
			w.Header().Set("Content-Type", expositionType)
			w.Header().Set("Content-Length", fmt.Sprint(len(e.text)))
			_, _ = w.Write(e.text) // that the collector went away is nobody's trouble
		}
	})
}

// answerPlain answers with a line of text.
func answerPlain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

// isBareAddress wants no zone, as in fe80::1%eth0: it could be any name.
func isBareAddress(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.Zone() == ""
}

// hostOf is the name or address of a Host header, in lower case and without port.
func hostOf(text string) string {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	} else if inner, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	return strings.ToLower(text)
}
