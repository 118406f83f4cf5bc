package gatehouse

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"

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
	freshness       = 5 * time.Minute
	sessionsPerUser = 20
	recordPatience  = 5 * time.Second
	useInterval     = time.Minute
)

// Defaults and limits of what is configured, and lifetimes that people are told.
const (
	DefaultAccessTTL   = 10 * time.Minute
	MaxAccessTTL       = 60 * time.Minute
	DefaultPasswordMin = 15
	LowestPasswordMin  = 8

	// SessionLifetime is the longest life of a session, and with it of its
	// refresh tokens.
	SessionLifetime = 30 * 24 * time.Hour

	ResetCodeTTL  = 30 * time.Minute // of a code for a password that was lost
	InviteCodeTTL = 24 * time.Hour   // of a code for a first password
	VerifyCodeTTL = 24 * time.Hour   // of a code that proves a mailbox
	DigitsTTL     = 10 * time.Minute // of the digits in a mail

	DigitsCount = 8
	DigitsTries = 5

	// DefaultEventRetention and LowestEventRetention are how long events are kept.
	DefaultEventRetention = 400 * 24 * time.Hour
	LowestEventRetention  = 24 * time.Hour

	// DeviceLifetime is how long a device is known after a login.
	DeviceLifetime = 180 * 24 * time.Hour
)

// Config says who we are and how strict we are. Issuer and Audience are
// required; the zero value of everything else is the safe default. Its keys hide
// themselves where it is printed, but not behind an unexported field: package fmt
// prints a Config that a struct keeps in one with its keys. Give it to New and
// keep the Auth, which hides all.
type Config struct {
	// Issuer is the public URL of the installation, https, without a slash at
	// its end: the iss claim of every token.
	Issuer string
	// Audience names the services that accept our tokens: their aud claim.
	Audience string
	// MasterKey seals the signing keys and derives the refresh tokens. The zero
	// value asks the store, if it is a model.MasterKeyKeeper as SQLite's is.
	MasterKey model.MasterKey
	// FormerMasterKeys still open what was sealed under them, and are good for
	// the sessions that began under them; see Auth.UseMasterKeys.
	FormerMasterKeys []model.FormerMasterKey
	// Signer keeps the private keys elsewhere, such as in a KMS. By default they
	// are kept in the store, sealed. Not for HS256, whose secret also verifies.
	Signer Signer

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
	// Peppers go into every password before it is hashed: the first into new
	// hashes, the others into those that were made with them. By default none.
	// Where the key of a hash is missing, its user is told ErrUnavailable, so a
	// lost pepper locks out everybody whose hash was made with it.
	Peppers []model.Pepper

	// ContextWords are further words that no password may be made of, such as
	// the name of the product. What this package, the issuer, the audience and
	// the user are called counts anyway.
	ContextWords []string
	// BreachChecker is asked whether a new password is known from a leak; by
	// default nobody is. Where it does not answer, the password is refused with
	// ErrUnavailable.
	BreachChecker model.BreachChecker
	// AcceptUnchecked takes a new password all the same where the BreachChecker
	// does not answer. It is recorded.
	AcceptUnchecked bool

	// EventRetention is how long events are kept: by default 400 days, at least one
	// day.
	EventRetention time.Duration

	// Mailer sends mails. With one, an email has to be proven before its user logs
	// in, passwords are recovered by mail, and users are told of what happens to
	// their account; whoever serves calls Auth.DeliverMail. By default there is none,
	// and none of that.
	Mailer model.Mailer
	// Mail is how mails look.
	Mail MailStyle

	// Limits bound how often things may happen; zero is the default of each.
	Limits Limits

	// Now is the clock; by default time.Now.
	Now func() time.Time
	// Logger hears of trouble that no caller is told of; by default nobody.
	Logger *slog.Logger
}

// IsAudience reports whether text can be compared with what others type: it is
// not empty, and what stands in it can be seen.
func IsAudience(text string) bool {
	return text != "" && text == strings.TrimSpace(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

func (c Config) withDefaults() (Config, error) {
	if err := jwt.CheckIssuer(c.Issuer); err != nil {
		return c, fmt.Errorf("gatehouse: Config.Issuer %w", err)
	}
	if c.Audience == "" {
		return c, errors.New("gatehouse: Config.Audience is required: the name of the services that accept the tokens")
	}
	if !IsAudience(c.Audience) {
		return c, errors.New("gatehouse: Config.Audience has a space at its end, a line end or the like, which nobody would see")
	}
	if c.Algorithm == "" {
		c.Algorithm = string(jwt.EdDSA)
	}
	if _, err := jwt.ParseAlgorithm(c.Algorithm); err != nil {
		return c, fmt.Errorf("gatehouse: Config.Algorithm: %w", err)
	}
	if c.Signer != nil && c.Algorithm == string(jwt.HS256) {
		return c, errors.New("gatehouse: Config.Signer: the secret of HS256 also verifies, so it cannot be kept elsewhere")
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
	c.StatusListURI = cmp.Or(c.StatusListURI, c.Issuer+"/v1/status-list")
	if c.PasswordMin == 0 {
		c.PasswordMin = DefaultPasswordMin
	}
	if c.PasswordMin < LowestPasswordMin || c.PasswordMin > model.MaxPasswordRunes {
		return c, fmt.Errorf("gatehouse: Config.PasswordMin must lie between %d and %d", LowestPasswordMin, model.MaxPasswordRunes)
	}
	if err := model.CheckPeppers(c.Peppers); err != nil {
		return c, fmt.Errorf("gatehouse: Config.Peppers: %w", err)
	}
	if c.EventRetention == 0 {
		c.EventRetention = DefaultEventRetention
	}
	if c.EventRetention < LowestEventRetention {
		return c, errors.New("gatehouse: Config.EventRetention must be at least 24 hours")
	}
	if c.HashParams == (argon2id.Params{}) {
		c.HashParams = argon2id.DefaultParams()
	}
	var err error
	if c.Limits, err = c.Limits.withDefaults(); err != nil {
		return c, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}
