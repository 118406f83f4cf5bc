// Package web is the doors of Gatehouse: pages for browsers, JSON for programs.
// A door asks the rules and does not decide; it turns a request into a call, a
// value into an answer, and a refusal into its status and sentence.
package web

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"gatehouse"
	"gatehouse/model"
)

// Config says how the doors look to the outside. The zero value is safe: one
// host name, that of the issuer; no proxy is trusted; nobody may introspect.
type Config struct {
	// Product is the name in the title and the header of every page; by
	// default Gatehouse.
	Product string
	// Hosts are further values of the Host header that are answered, each a
	// name with its port where that is not 443. The host of the issuer always
	// is; whatever is not listed is refused.
	Hosts []string
	// TrustedProxies are the peers whose X-Forwarded-For counts. From anybody
	// else it is ignored.
	TrustedProxies []netip.Prefix
	// IntrospectionSecret is the password that opens POST /v1/token/introspect: at
	// least 32 characters from a random generator. Without one, or with one that is
	// shorter or shows that somebody made it up, the route does not exist.
	IntrospectionSecret string
	// Mailbox, where there is one, is shown at /dev/mailbox to whoever asks: for
	// development on a machine that nobody else reaches.
	Mailbox *model.Mailbox
	// Logger hears one line for each request and of all trouble; by default
	// nobody. Give it a JSON handler: that escapes what strangers send.
	Logger *slog.Logger
	// Answered, where it is set, is called once for each request after the line of
	// the log, by many goroutines at once. It has to be quick.
	Answered func(Answered)
}

const hiddenConfig = "[web.Config hidden]"

// Format hides the configuration, which holds a secret, under every verb.
func (Config) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(hiddenConfig)) }

// LogValue hides the configuration in logs.
func (Config) LogValue() slog.Value { return slog.StringValue(hiddenConfig) }

// door is the handler. It never changes after New and is safe for concurrent
// use.
type door struct {
	auth    *gatehouse.Auth
	log     *slog.Logger
	tell    func(Answered) // nil where nobody wants to know
	pages   *pages
	routes  table
	hosts   map[string]bool
	trusted []netip.Prefix
	product string
	secret  *[sha256.Size]byte // of introspection; nil when there is none
	openapi []byte
	headers []fixedHeader
	mailbox *model.Mailbox // for development; nil where there is none
	exports places         // one place for each export under way
	hints   places         // one place for each password whose strength is estimated
}

// New returns pages and API in one handler, to be served over HTTPS alone. It
// panics when the program was built from broken templates, and for nothing
// that a configuration can hold.
func New(auth *gatehouse.Auth, cfg Config) http.Handler {
	pages, err := newPages()
	if err != nil {
		panic(err)
	}
	d := &door{
		auth: auth, log: cfg.Logger, pages: pages, trusted: cfg.TrustedProxies,
		product: cfg.Product, hosts: map[string]bool{}, headers: fixedHeaders(),
		exports: make(places, maxExports), hints: make(places, hintsAtOnce()), mailbox: cfg.Mailbox, tell: cfg.Answered,
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if issuer, err := url.Parse(auth.Issuer()); err == nil {
		d.hosts[canonicalHost(issuer.Host)] = true
	}
	for _, host := range cfg.Hosts {
		d.hosts[canonicalHost(host)] = true
	}
	if cfg.IntrospectionSecret != "" && !fromAGenerator(cfg.IntrospectionSecret) {
		d.log.Error("introspection is off: its secret is not 32 characters or more from a random generator")
	} else if cfg.IntrospectionSecret != "" {
		digest := sha256.Sum256([]byte(cfg.IntrospectionSecret))
		d.secret = &digest
	}
	rows := d.rows()
	if d.routes, err = newTable(rows); err != nil {
		panic(err)
	}
	if d.openapi, err = d.describe(rows); err != nil {
		panic(err)
	}
	return d
}

// canonicalHost gives a Host value the one spelling that is compared: lower
// case, without the port that https has by itself.
func canonicalHost(host string) string {
	return strings.TrimSuffix(strings.ToLower(host), ":443")
}
