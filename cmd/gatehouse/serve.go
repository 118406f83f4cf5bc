package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"gatehouse"
	"gatehouse/web"
)

// sweepPeriod is the time between two rounds of forgetting what has expired.
const sweepPeriod = time.Minute

// serveCommand runs the server until a signal ends it.
type serveCommand struct{}

// Run serves. Everything that can be wrong is found before the first line is
// printed.
func (serveCommand) Run(ctx context.Context, p *program, cfg config) (err error) {
	// Who reads standard error or output may go away; the server stays.
	signal.Ignore(syscall.SIGPIPE)
	log, flush := newServerLogger(p.stderr, p.stdout, cfg.logFormat)
	defer flush()
	if err := makeDataDir(cfg.dataDir); err != nil {
		return err
	}
	release, err := lockDataDir(cfg.dataDir)
	if err != nil {
		return err
	}
	defer release()
	port, err := listenOn(ctx, cfg.listen.String())
	if err != nil {
		return err
	}
	defer port.Close()
	admin, err := openAdmin(ctx, cfg)
	if err != nil {
		return err
	}
	defer admin.close()
	s := &server{program: p, cfg: cfg, log: log, port: port, admin: admin, publicURL: cfg.urlFor(portOf(port))}
	if err := rememberURL(cfg.dataDir, s.publicURL); err != nil {
		return err
	}
	if s.certificates, err = p.openCertificates(cfg, s.publicURL, log); err != nil {
		return err
	}
	if s.secret, err = introspectionSecret(cfg); err != nil {
		return err
	}
	if s.installation, err = openCounted(ctx, cfg, s.publicURL, log, admin.counting()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	// A backup that was put back revives nothing, not even for one request.
	if err := s.guardStore(ctx); err != nil {
		return err
	}
	// The first round sees to it that there is a key before anybody asks for it.
	if err := s.auth.Sweep(ctx); err != nil {
		return err
	}
	if _, chosen := p.environment("GOMEMLIMIT"); !chosen {
		boundMemory(s.auth.HashMemoryKiB())
	}
	if _, chosen := p.environment("GOGC"); !chosen {
		debug.SetGCPercent(garbagePercent)
	}
	p.leaveRoomBesideHashes()
	return s.run(ctx)
}

// besideHashes is what the collector keeps all else within, in bytes: 2,000
// connections at once have 50 MiB in use.
const besideHashes = 96 << 20

// boundMemory makes the collector keep up with a storm of logins, whose heap would
// otherwise double before it is taken back.
func boundMemory(hashesKiB uint64) {
	limit := int64(besideHashes)
	if !slices.Contains([]string{"linux", "darwin", "dragonfly", "freebsd", "netbsd", "openbsd"}, runtime.GOOS) {
		limit += int64(hashesKiB) << 10 // only those have the memory of hashes outside the heap
	}
	debug.SetMemoryLimit(limit)
}

// garbagePercent is how much garbage may gather, in percent of what is in use.
// As the memory of hashes is not counted, a few megabytes are: with no more garbage
// than those, collecting it takes a sixth of the time of a short request. The bound
// of boundMemory holds all the same.
const garbagePercent = 200

// leaveRoomBesideHashes lets the system decide between hashes and everything else.
// There are never more hashes than there were processors in Go's sense when the
// installation was opened; with more of them, a request that costs no hash need
// not wait until one is interrupted, and whoever wakes up goes first.
func (p *program) leaveRoomBesideHashes() {
	if p.spareProcessors > 0 {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + p.spareProcessors)
	}
}

func portOf(listener net.Listener) uint16 {
	address, _ := listener.Addr().(*net.TCPAddr)
	return address.AddrPort().Port()
}

// server is everything that is open while gatehouse serve runs.
type server struct {
	*program
	*installation
	cfg          config
	log          *slog.Logger
	port         net.Listener
	admin        *adminDoor // nil where there are no metrics
	publicURL    string
	certificates certificates // nil behind a proxy
	secret       string
}

func (s *server) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer stop()

	work := func(do func(context.Context)) { background.Go(func() { keepUp(ctx, s.log, do) }) }

	work(func(ctx context.Context) {
		every(ctx, sweepPeriod, s.log, func(ctx context.Context) {
			if err := s.auth.Sweep(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("sweep", "error", err)
			}
		})
	})
	work(s.keepMasterKeys)
	work(s.keepMemory)
	work(s.keepAudit)
	work(s.keepMail)
	if s.admin != nil {
		work(s.serveAdmin)
	}
	var secured *tls.Config
	if s.certificates != nil {
		secured = serverTLS(s.certificates, s.cfg.tls.minVersion)
		if s.cfg.tls.kind == tlsACME || portOf(s.port) == 443 {
			// Before keep, which may be asked for an answer on that port at once.
			work(s.openRedirect(ctx))
		}
		work(s.certificates.keep)
	}
	if s.cfg.passwordMin < gatehouse.DefaultPasswordMin {
		s.log.Warn("passwords may be short; 15 or more is what NIST SP 800-63B asks for where there is no second factor",
			"setting", "--password-min", "value", s.cfg.passwordMin)
	}
	s.greet()
	handler := s.handler()
	listener := newReception(s.port, receptionConfig{
		tls: secured, handshake: s.limits.handshake, crowd: crowdOf(s.limits.connections, s.cfg.tls.trustedProxies),
		unreadable: unreadableBy(handler), log: s.log,
	})
	err := serveUntil(ctx, newHTTPServer(s.outside(handler), s.limits, s.log), listener, s.limits.farewell)
	s.leaveMemory(ctx)
	s.log.Info("stopped")
	return err
}

// handler is the doors.
func (s *server) handler() http.Handler {
	return web.New(s.auth, web.Config{
		Hosts:               s.hosts(),
		TrustedProxies:      s.cfg.tls.trustedProxies,
		IntrospectionSecret: s.secret,
		Mailbox:             s.mailbox,
		Product:             s.cfg.mail.style.Product,
		Logger:              s.log,
		Answered:            s.admin.onceAnswered(),
	})
}

// outside is the doors, with what only the listener knows around them.
func (s *server) outside(handler http.Handler) http.Handler {
	if s.cfg.tls.kind == tlsProxy {
		handler = behindProxy(handler, s.cfg.tls.trustedProxies, s.publicURL)
	}
	return boundStreams(closeAfterChunked(handler), crowdOf(s.limits.connections/2, s.cfg.tls.trustedProxies))
}

// hosts are the names beside that of the URL: the local certificate is also
// good for the addresses.
func (s *server) hosts() []string {
	if s.cfg.tls.kind != tlsLocal {
		return nil
	}
	port := fmt.Sprint(portOf(s.port))
	return []string{
		net.JoinHostPort("localhost", port), net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port),
	}
}

// openRedirect opens the port for plain HTTP and returns what serves it. Without
// it the server is complete, so that a taken port is only worth a warning.
func (s *server) openRedirect(ctx context.Context) (serve func(context.Context)) {
	server := newHTTPServer(s.certificates.overHTTP(toHTTPS(s.publicURL)), s.limits, s.log)
	server.SetKeepAlivesEnabled(false)
	address := net.JoinHostPort(s.cfg.listen.host, s.redirectPort)
	listener, err := listenOn(ctx, address)
	if err != nil {
		s.log.Warn("nobody is led from http to https", "address", address, "error", err)
		return func(context.Context) {}
	}
	return func(ctx context.Context) {
		plain := newReception(listener, receptionConfig{
			handshake: s.limits.handshake, crowd: crowdOf(s.limits.connections/4, s.cfg.tls.trustedProxies), log: s.log,
		})
		if err := serveUntil(ctx, server, plain, s.limits.farewell); err != nil {
			s.log.Error("port for plain http", "error", err)
		}
	}
}

// greet prints where the server is and what to do next.
func (s *server) greet() {
	var b strings.Builder
	line := func(label, text string) { fmt.Fprintf(&b, "  %-10s %s\n", label, text) }
	fmt.Fprintf(&b, "Gatehouse is ready at %s\n", s.publicURL)
	switch s.cfg.tls.kind {
	case tlsLocal:
		line("trust", "its certificate is good for this machine alone; once: gatehouse trust")
		line("", "or: curl --cacert "+localPathsIn(s.cfg.dataDir).authority+" "+s.publicURL+"/healthz")
	case tlsProxy:
		line("proxy", "plain HTTP on "+s.port.Addr().String()+" for the trusted proxies alone")
	}
	line("next", s.publicURL+"/register, or: gatehouse user add NAME")
	if s.mailbox != nil {
		line("mail", s.publicURL+"/dev/mailbox shows what would be sent; nothing leaves this machine")
	}
	line("verify", "tokens with "+s.publicURL+"/.well-known/jwks.json")
	if s.admin != nil {
		line("metrics", s.admin.url())
	}
	line("data", s.cfg.dataDir+"; keep a copy of "+masterKeyPath(s.cfg)+" elsewhere")
	_, _ = fmt.Fprint(s.stdout, b.String())
	s.log.Info("ready", "url", s.publicURL, "address", s.port.Addr().String(), "pid", os.Getpid())
	if s.admin != nil {
		s.log.Info("metrics", "url", s.admin.url())
	}
}
