package verify

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"gatehouse/jwt"
)

// Config says whose tokens are accepted, and for whom. Issuer and Audience are
// required; the zero value of everything else is the safe default.
type Config struct {
	// Issuer is the public URL of the server, https, without a slash at its
	// end: what "iss" must be, byte for byte.
	Issuer string
	// Audience is this service: what "aud" must be or contain, byte for byte.
	Audience string

	// KeySetURL is where the keys are published; by default
	// /.well-known/jwks.json under the issuer.
	KeySetURL string
	// StatusListURL is where the status list is published, and byte for byte
	// what a token must refer to; by default /v1/status-list under the issuer.
	StatusListURL string
	// RootCAs are the authorities that may vouch for the server, such as the
	// local-ca.pem of its data directory; by default those of the system.
	RootCAs *x509.CertPool
	// Proxy chooses the proxy to reach the server through, such as
	// http.ProxyFromEnvironment; by default there is none, whatever the
	// environment says.
	Proxy func(*http.Request) (*url.URL, error)

	// StatusInterval is the time between two looks at the status list, which
	// chance makes up to an eighth longer; by default 1 second, as long as the
	// server keeps one; from 100 milliseconds to 1 minute.
	StatusInterval time.Duration
	// StatusMaxAge is how long after its last confirmation a list is relied on;
	// by default 30 seconds; from twice StatusInterval to 5 minutes. A list is
	// never relied on after its own exp.
	StatusMaxAge time.Duration
	// KeySetInterval is the time between two looks at the key set; by default 5
	// minutes, as long as the server lets caches keep one; from 10 seconds to 30 minutes.
	KeySetInterval time.Duration
	// KeySetMaxAge is how long after their last confirmation keys are relied on;
	// by default 1 hour, from twice KeySetInterval to 1 hour: the server
	// publishes a key that long before it signs, so that younger sets are complete.
	KeySetMaxAge time.Duration

	// Logger hears of trouble with the server, once for each change; by default nobody.
	Logger *slog.Logger
	// Now is the clock; by default time.Now.
	Now func() time.Time
}

const (
	defaultStatusInterval = time.Second
	defaultStatusMaxAge   = 30 * time.Second
	defaultKeySetInterval = 5 * time.Minute
	defaultKeySetMaxAge   = time.Hour
)

func (c Config) withDefaults() (Config, error) {
	if err := jwt.CheckIssuer(c.Issuer); err != nil {
		return c, fmt.Errorf("verify: Config.Issuer %w", err)
	}
	if c.Audience == "" {
		return c, errors.New("verify: Config.Audience is required: the name of this service, as the tokens carry it")
	}
	if c.KeySetURL == "" {
		c.KeySetURL = c.Issuer + "/.well-known/jwks.json"
	}
	if c.StatusListURL == "" {
		c.StatusListURL = c.Issuer + "/v1/status-list"
	}
	if err := checkURL("KeySetURL", c.KeySetURL); err != nil {
		return c, err
	}
	if err := checkURL("StatusListURL", c.StatusListURL); err != nil {
		return c, err
	}
	if err := c.setTimes(); err != nil {
		return c, err
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

// setTimes checks the intervals before the ages, which depend on them.
func (c *Config) setTimes() error {
	err := errors.Join(
		span{"StatusInterval", defaultStatusInterval, 100 * time.Millisecond, time.Minute}.apply(&c.StatusInterval),
		span{"KeySetInterval", defaultKeySetInterval, 10 * time.Second, 30 * time.Minute}.apply(&c.KeySetInterval),
	)
	if err != nil {
		return err
	}
	return errors.Join(
		span{"StatusMaxAge", defaultStatusMaxAge, 2 * c.StatusInterval, 5 * time.Minute}.apply(&c.StatusMaxAge),
		span{"KeySetMaxAge", defaultKeySetMaxAge, 2 * c.KeySetInterval, time.Hour}.apply(&c.KeySetMaxAge),
	)
}

// span is the default and the limits of a setting.
type span struct {
	name                        string
	fallback, shortest, longest time.Duration
}

func (s span) apply(value *time.Duration) error {
	if *value == 0 {
		*value = s.fallback
	}
	if *value < s.shortest || *value > s.longest {
		return fmt.Errorf("verify: Config.%s must lie between %s and %s", s.name, s.shortest, s.longest)
	}
	return nil
}

func checkURL(field, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" || u.String() != address {
		return fmt.Errorf("verify: Config.%s must be an https URL without user and fragment", field)
	}
	return nil
}
