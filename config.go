package gatehouse

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"gatehouse/argon2id"
	"gatehouse/jwt"
	"gatehouse/model"
)

// Limits and lifetimes that are not configuration. Their sources stand in
// docs/standards.md.
const (
	refreshWindow   = 10 * time.Second
	refreshIdle     = 7 * 24 * time.Hour
	sessionIdle     = 24 * time.Hour
	sessionLifetime = 30 * 24 * time.Hour
	freshness       = 5 * time.Minute
	sessionsPerUser = 20
	eventRetention  = 400 * 24 * time.Hour
	overloadedRetry = 5 * time.Second
	recordPatience  = 5 * time.Second
	useInterval     = time.Minute
)

// Defaults and limits of what is configured, and lifetimes that people are told.
const (
	DefaultAccessTTL   = 10 * time.Minute
	MaxAccessTTL       = 60 * time.Minute
	DefaultPasswordMin = 15
	LowestPasswordMin  = 8

	ResetCodeTTL  = 30 * time.Minute // of a code for a password that was lost
	InviteCodeTTL = 24 * time.Hour   // of a code for a first password
)

// Config says who we are and how strict we are. Issuer and Audience are
// required; the zero value of everything else is the safe default.
type Config struct {
	// Issuer is the public URL of the installation, https, without a slash at
	// its end: the iss claim of every token.
	Issuer string
	// Audience names the services that accept our tokens: their aud claim.
	Audience string
	// MasterKey seals the signing keys and derives the refresh tokens. The zero
	// value asks the store, if it is a model.MasterKeyKeeper as SQLite's is.
	MasterKey model.MasterKey

	// Algorithm signs the access tokens: "EdDSA" (the default), "ES256",
	// "RS256" or "HS256". Tokens of another algorithm are not accepted.
	Algorithm string
	// ClientID is the client_id claim; by default the audience.
	ClientID string
	// AccessTTL is how long an access token lives; by default 10 minutes, at
	// most 60, since a stateless token outlives its revocation elsewhere.
	AccessTTL time.Duration
	// StrictRefresh refuses a refresh token the second time even when the
	// answer to the first was lost. By default its immediate successor is
	// repeated for 10 seconds.
	StrictRefresh bool
	// StatusListURI is where verifiers find the status list; by default
	// /v1/status-list under the issuer.
	StatusListURI string

	// PasswordMin is the shortest password accepted, in code points after
	// normalisation: by default 15, at least 8 (NIST SP 800-63B-4 section
	// 3.1.1.2 asks for 15 where the password is the only factor).
	PasswordMin int
	// HashParams is the price of a password hash; by default 64 MiB, 3 passes,
	// 1 lane (RFC 9106 section 4).
	HashParams argon2id.Params
	// HashMemoryKiB bounds the memory of all hashes at once; zero takes what
	// suits the machine.
	HashMemoryKiB uint64

	// Now is the clock; by default time.Now.
	Now func() time.Time
	// Logger hears of trouble that no caller is told of; by default nobody.
	Logger *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if err := checkIssuer(c.Issuer); err != nil {
		return c, err
	}
	if c.Audience == "" {
		return c, errors.New("gatehouse: Config.Audience is required: the name of the services that accept the tokens")
	}
	if c.Algorithm == "" {
		c.Algorithm = string(jwt.EdDSA)
	}
	if _, err := jwt.ParseAlgorithm(c.Algorithm); err != nil {
		return c, fmt.Errorf("gatehouse: Config.Algorithm: %w", err)
	}
	if c.ClientID == "" {
		c.ClientID = c.Audience
	}
	if c.AccessTTL == 0 {
		c.AccessTTL = DefaultAccessTTL
	}
	if c.AccessTTL < time.Second || c.AccessTTL > MaxAccessTTL {
		return c, errors.New("gatehouse: Config.AccessTTL must lie between 1 second and 60 minutes")
	}
	if c.StatusListURI == "" {
		c.StatusListURI = c.Issuer + "/v1/status-list"
	}
	if c.PasswordMin == 0 {
		c.PasswordMin = DefaultPasswordMin
	}
	if c.PasswordMin < LowestPasswordMin || c.PasswordMin > model.MaxPasswordRunes {
		return c, fmt.Errorf("gatehouse: Config.PasswordMin must lie between %d and %d", LowestPasswordMin, model.MaxPasswordRunes)
	}
	if c.HashParams == (argon2id.Params{}) {
		c.HashParams = argon2id.DefaultParams()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// checkIssuer holds the issuer to RFC 8414 section 2: https, no query, no
// fragment; and to one spelling, since verifiers compare it byte for byte.
func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" || u.ForceQuery || u.Path != "" || u.String() != issuer {
		return errors.New("gatehouse: Config.Issuer must be an https URL of scheme and host alone, such as https://id.example.com")
	}
	return nil
}
