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
	// least 32 characters from a random generator. Without one, or with a shorter
	// one, the route does not exist.
	IntrospectionSecret string
	// Logger hears one line for each request and of all trouble; by default
	// nobody. Give it a JSON handler: that escapes what strangers send.
	Logger *slog.Logger
}

// minIntrospectionSecret is in bytes: 128 bits even when written as hexadecimal.
const minIntrospectionSecret = 32

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
	pages   *pages
	routes  table
	hosts   map[string]bool
	trusted []netip.Prefix
	product string
	secret  *[sha256.Size]byte // of introspection; nil when there is none
	openapi []byte
	headers []fixedHeader
	exports chan struct{} // one place for each export under way
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
		exports: make(chan struct{}, maxExports),
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
	if n := len(cfg.IntrospectionSecret); n > 0 && n < minIntrospectionSecret {
		d.log.Error("introspection is off: its secret is shorter than 32 characters")
	} else if n > 0 {
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
