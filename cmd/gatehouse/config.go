package main

import (
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse"
	"gatehouse/argon2id"
	"gatehouse/jwt"
	"gatehouse/model"
)

// tlsKind says where the certificate comes from.
type tlsKind string

const (
	tlsLocal tlsKind = "local" // an authority of our own, for this machine
	tlsFiles tlsKind = "files" // two files, read again when they change
	tlsACME  tlsKind = "acme"  // Let's Encrypt and its like
	tlsProxy tlsKind = "proxy" // none: a proxy before us has it
)

// config is every setting, checked as far as one can without touching a disk.
type config struct {
	listen       listenAddress
	listenChosen bool           // by a setting, not by default
	adminListen  *listenAddress // nil for none
	// publicURL is the address people see, without trailing slash; "" means
	// localhost with the port that is listened on.
	publicURL string
	dataDir   string
	database  database
	tls       tlsConfig

	masterKeyFile           string // "" for the one beside the database
	pepperFile              string // "" for no pepper
	introspectionSecretFile string

	algorithm   string
	audience    string // "" for the URL
	accessTTL   time.Duration
	passwordMin int
	breach      breachConfig
	hashParams  argon2id.Params
	// hashMemoryKiB bounds the memory of all hashes at once; 0 for what suits the
	// machine.
	hashMemoryKiB uint64
	limits        gatehouse.Limits // zero is the default of each
	mail          mailConfig
	// auditRetention is how long events are kept; 0 for the default.
	auditRetention time.Duration
	logFormat      string // "" for the kind that suits standard error
}

// database is where the store is: a file or a server.
type database struct {
	file string // the path of the SQLite file; "" with PostgreSQL
	dsn  string // may hold a password, so it is never printed
}

// String names the database for people.
func (d database) String() string {
	if d.file == "" {
		return "the PostgreSQL database"
	}
	return d.file
}

// tlsConfig is what belongs to HTTPS.
type tlsConfig struct {
	kind           tlsKind
	certFile       string
	keyFile        string
	acmeEmail      string
	minVersion     uint16 // of TLS
	trustedProxies []netip.Prefix
}

// listenAddress is a host, possibly empty, and a port.
type listenAddress struct {
	host string
	port uint16
}

func (a listenAddress) String() string {
	return net.JoinHostPort(a.host, strconv.Itoa(int(a.port)))
}

// isLoopback reports whether only this machine can reach the address.
func (a listenAddress) isLoopback() bool { return isLoopbackHost(a.host) }

// isLoopbackHost is true for what RFC 6761 section 6.3 and the address families
// keep on the machine.
func isLoopbackHost(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// knownURL returns the address people see, for commands beside a server: the one
// that is set, or the one that the last server had, or the default.
func (c config) knownURL() string {
	if c.publicURL == "" && !c.listenChosen {
		if served := servedURL(c.dataDir); served != "" {
			return served
		}
	}
	return c.urlFor(c.listen.port)
}

// urlFor returns the address people see when the server listens on port.
func (c config) urlFor(port uint16) string {
	switch {
	case c.publicURL != "":
		return c.publicURL
	case port == 443:
		return "https://localhost"
	}
	return "https://localhost:" + strconv.Itoa(int(port))
}

// parseConfig checks every setting. The first wrong one is named in a sentence.
func parseConfig(values map[string]setting) (config, error) {
	cfg := config{
		dataDir:                 or(values["data"].text, "gatehouse-data"),
		masterKeyFile:           values["master-key-file"].text,
		pepperFile:              values["pepper-file"].text,
		introspectionSecretFile: values["introspection-secret-file"].text,
		audience:                values["audience"].text,
	}
	for _, step := range []func(*config, map[string]setting) error{
		parseListen, parseURL, parseDatabase, parseTLS, parseTLSMin, parseTrustedProxies, parsePlace, parseAdminListen,
		parseTokens, parsePasswordMin, parseBreachCheck, parseHash, parseLimits, parseAuditRetention, parseMail, parseLogFormat,
	} {
		if err := step(&cfg, values); err != nil {
			return config{}, err
		}
	}
	return cfg, nil
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func parseListen(cfg *config, values map[string]setting) error {
	value := values["listen"]
	address, err := parseAddress(value, or(value.text, usualAddress), usualAddress)
	cfg.listen, cfg.listenChosen = address, value.text != ""
	return err
}

// usualAddress is where a server listens that nobody told.
const usualAddress = "127.0.0.1:8443"

// parseAddress reads the host and the port of a setting; a refusal shows an example.
func parseAddress(value setting, text, example string) (listenAddress, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return listenAddress{}, value.wrong("%q is no address; write host:port, as in %s", text, example)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return listenAddress{}, value.wrong("%q is no port; write a number from 0 to 65535", port)
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && host != "localhost" {
		return listenAddress{}, value.wrong("%q is no address of this machine; write an IP address or leave it out", host)
	}
	return listenAddress{host: host, port: uint16(number)}, nil
}

func parseURL(cfg *config, values map[string]setting) error {
	value := values["url"]
	if value.text == "" {
		return nil
	}
	parsed, err := url.Parse(value.text)
	if err != nil || parsed.Scheme != "https" || parsed.Hostname() == "" || parsed.Opaque != "" {
		return value.wrong("%q is no https address; write it as in https://id.example.com", value.text)
	}
	if parsed.User != nil || parsed.RawQuery != "" || parsed.ForceQuery || strings.Contains(value.text, "#") || strings.Trim(parsed.Path, "/") != "" {
		return value.wrong("%q has more than scheme, host and port; Gatehouse needs a host of its own", value.text)
	}
	if port := parsed.Port(); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return value.wrong("%q is no port", port)
		}
	}
	cfg.publicURL = "https://" + strings.TrimSuffix(strings.ToLower(parsed.Host), ":443")
	return nil
}

func parseDatabase(cfg *config, values map[string]setting) error {
	value := values["database"]
	if value.text == "" {
		cfg.database.file = filepath.Join(cfg.dataDir, "gatehouse.db")
		return nil
	}
	scheme, rest, _ := strings.Cut(value.text, ":")
	switch {
	case scheme == "postgres" || scheme == "postgresql":
		cfg.database.dsn = value.text
		return nil
	case scheme != "sqlite" || rest == "" || strings.HasPrefix(rest, "//"):
		// What was typed may hold a password, so it is not repeated.
		return value.wrong("it must be sqlite:FILE or postgres://USER@HOST/NAME")
	}
	cfg.database.file = rest
	return nil
}

func parseTLS(cfg *config, values map[string]setting) error {
	kind := values["tls"]
	cfg.tls.kind = tlsKind(or(kind.text, string(tlsLocal)))
	switch cfg.tls.kind {
	case tlsLocal, tlsFiles, tlsACME, tlsProxy:
	default:
		return kind.wrong("%q is none of local, files, acme and proxy", kind.text)
	}
	cfg.tls.certFile, cfg.tls.keyFile = values["cert"].text, values["key"].text
	for _, name := range []string{"cert", "key"} {
		given := values[name].text != ""
		if given && cfg.tls.kind != tlsFiles {
			return values[name].wrong("it is only read with --tls=files")
		}
		if !given && cfg.tls.kind == tlsFiles {
			return values[name].wrong("--tls=files needs it")
		}
	}
	if email := values["acme-email"]; email.text != "" {
		if cfg.tls.kind != tlsACME {
			return email.wrong("it is only read with --tls=acme")
		}
		parsed, err := model.ParseEmail(email.text)
		if err != nil {
			return email.wrong("%q is no email", email.text)
		}
		cfg.tls.acmeEmail = parsed.String()
	}
	return nil
}

func parseTrustedProxies(cfg *config, values map[string]setting) error {
	value := values["trusted-proxies"]
	if value.text == "" {
		if cfg.tls.kind == tlsProxy {
			return value.wrong("--tls=proxy needs it: the addresses of the proxies, as in 10.0.0.5,10.1.0.0/16")
		}
		return nil
	}
	for part := range strings.SplitSeq(value.text, ",") {
		part = strings.TrimSpace(part)
		prefix, err := netip.ParsePrefix(part)
		if err != nil {
			address, err := netip.ParseAddr(part)
			if err != nil || address.Zone() != "" {
				return value.wrong("%q is neither an address nor a network", part)
			}
			address = address.Unmap()
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		if prefix.Bits() == 0 {
			return value.wrong("%s would trust everybody", prefix)
		}
		cfg.tls.trustedProxies = append(cfg.tls.trustedProxies, prefix.Masked())
	}
	return nil
}

// parsePlace checks what listen, url and tls say together.
func parsePlace(cfg *config, values map[string]setting) error {
	host := ""
	if cfg.publicURL != "" {
		parsed, err := url.Parse(cfg.publicURL)
		if err != nil {
			return values["url"].wrong("%v", err)
		}
		host = parsed.Hostname()
	}
	switch {
	case cfg.tls.kind == tlsLocal && !cfg.listen.isLoopback():
		return values["listen"].wrong("%s is reachable from other machines, and --tls=local is for this one only; "+
			"use --tls=files, --tls=acme or --tls=proxy", cfg.listen)
	case cfg.tls.kind == tlsLocal && host != "" && !isLoopbackHost(host):
		return values["url"].wrong("the local authority vouches for localhost only, not for %s; "+
			"use --tls=files, --tls=acme or --tls=proxy", host)
	case cfg.tls.kind == tlsACME && (!strings.Contains(host, ".") || isLoopbackHost(host) || isAddress(host)):
		return values["url"].wrong("--tls=acme needs a public name, as in https://id.example.com")
	case host == "" && !cfg.listen.isLoopback():
		return values["url"].wrong("say the address people see, as in https://id.example.com")
	}
	return nil
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func parseTokens(cfg *config, values map[string]setting) error {
	algorithm := values["algorithm"]
	cfg.algorithm = or(algorithm.text, "EdDSA")
	if _, err := jwt.ParseAlgorithm(cfg.algorithm); err != nil {
		return algorithm.wrong("%q is none of EdDSA, ES256, RS256 and HS256", algorithm.text)
	}
	if audience := values["audience"]; audience.text != "" && !gatehouse.IsAudience(audience.text) {
		return audience.wrong("%q has a space at its end, a line end or the like, which nobody would see", audience.text)
	}
	ttl := values["access-ttl"]
	cfg.accessTTL = gatehouse.DefaultAccessTTL
	if ttl.text == "" {
		return nil
	}
	life, err := time.ParseDuration(ttl.text)
	if err != nil {
		return ttl.wrong("%q is no time; write it as in 10m", ttl.text)
	}
	if life < time.Second || life > gatehouse.MaxAccessTTL {
		return ttl.wrong("%s is out of range; an access token lives from 1s to 60m", ttl.text)
	}
	cfg.accessTTL = life
	return nil
}

func parsePasswordMin(cfg *config, values map[string]setting) error {
	value := values["password-min"]
	cfg.passwordMin = gatehouse.DefaultPasswordMin
	if value.text == "" {
		return nil
	}
	number, err := strconv.Atoi(value.text)
	if err != nil {
		return value.wrong("%q is no number", value.text)
	}
	if number < 8 || number > model.MaxPasswordRunes {
		return value.wrong("%d is out of range; it may be 8 to %d", number, model.MaxPasswordRunes)
	}
	cfg.passwordMin = number
	return nil
}

func parseLogFormat(cfg *config, values map[string]setting) error {
	value := values["log-format"]
	if !slices.Contains([]string{"", "text", "json"}, value.text) {
		return value.wrong("%q is neither text nor json", value.text)
	}
	cfg.logFormat = value.text
	return nil
}
