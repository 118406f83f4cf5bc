package jwt

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// VerifierConfig is what a Verifier needs to know.
type VerifierConfig struct {
	// Issuer is what "iss" must be, byte for byte. Required.
	Issuer string
	// Audience is what "aud" must be or contain, byte for byte. Required.
	Audience string
	// Keys returns the keys that are valid now. It is called for each token,
	// by several goroutines at once, and must not block. Required.
	Keys func() KeySet
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// CacheSize is how many verified tokens are remembered; 8192 when zero,
	// none when negative.
	CacheSize int
}

// Verifier checks access tokens. Safe for use by several goroutines. The zero
// value refuses every token.
type Verifier struct {
	issuer, audience string
	keys             func() KeySet
	now              func() time.Time
	cache            *tokenCache // nil when nothing is remembered
}

const defaultCacheSize = 8192

// NewVerifier returns a verifier for the tokens that one issuer makes for one
// audience. It refuses to be built without issuer, audience and keys.
func NewVerifier(config VerifierConfig) (*Verifier, error) {
	switch {
	case config.Issuer == "":
		return nil, errors.New("jwt: VerifierConfig.Issuer is missing")
	case config.Audience == "":
		return nil, errors.New("jwt: VerifierConfig.Audience is missing")
	case config.Keys == nil:
		return nil, errors.New("jwt: VerifierConfig.Keys is missing")
	}
	v := &Verifier{
		issuer:   config.Issuer,
		audience: config.Audience,
		keys:     config.Keys,
		now:      config.Now,
	}
	if v.now == nil {
		v.now = time.Now
	}
	size := config.CacheSize
	if size == 0 {
		size = defaultCacheSize
	}
	if size < 0 {
		return v, nil
	}
	v.cache = newTokenCache(size)
	return v, nil
}

// Verify returns the claims of a valid access token (RFC 9068 section 4). With
// an error there are no claims; the error is ErrInvalid and one of the others.
//
// The claims belong to the caller. Whether the token was revoked is not known
// here: ask the status list that Claims.Status names.
//
// A token seen before is recognised as a whole, signature included, and is not
// verified again as long as its key is in the key set; its dates are checked
// each time.
func (v *Verifier) Verify(token string) (*Claims, error) {
	if v == nil || v.keys == nil {
		return nil, fmt.Errorf("%w: the verifier was not made by NewVerifier", ErrInvalid)
	}
	if len(token) > MaxTokenSize {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, MaxTokenSize)
	}
	keys, now := v.keys(), v.now()
	if v.cache == nil {
		known, err := v.verify(token, keys, now)
		if err != nil {
			return nil, err
		}
		return &known.claims, nil
	}
	if known := v.cache.find(token); known != nil {
		if current := keys.key(known.key.keyID); current != nil && current.sameKey(known.key) {
			if err := known.checkTimes(now); err != nil {
				v.cache.remove(token)
				return nil, err
			}
			return known.claims.copy(), nil
		}
		v.cache.remove(token)
	}
	known, err := v.verify(token, keys, now)
	if err != nil {
		return nil, err
	}
	if known.text == "" {
		return &known.claims, nil
	}
	v.cache.add(known.text, known)
	return known.claims.copy(), nil
}

// Forget drops what is remembered of a token, so that its next sight is a first
// one. A verifier that learned of a revocation calls it for the memory, not for
// the refusal: the token still verifies.
func (v *Verifier) Forget(token string) {
	if v == nil || v.cache == nil {
		return
	}
	v.cache.remove(token)
}

// verifiedToken is a token that passed every check, and what to check again.
type verifiedToken struct {
	payload
	text string // empty when it is too long to be remembered
	key  *verifyMaterial
}

func (v *Verifier) verify(token string, keys KeySet, now time.Time) (*verifiedToken, error) {
	open, err := openToken(token, typeAccessToken, MaxTokenSize, keys)
	if err != nil {
		return nil, err
	}
	t := &verifiedToken{text: open.text, key: open.key}
	if err := t.readClaims(open.payload); err != nil {
		return nil, err
	}
	if err := v.checkClaims(&t.payload, now); err != nil {
		return nil, err
	}
	return t, nil
}

// checkClaims demands what RFC 9068 section 2.2 requires.
func (v *Verifier) checkClaims(p *payload, now time.Time) error {
	c := &p.claims
	if c.Issuer != v.issuer {
		return fmt.Errorf("%w: iss is not %q", ErrIssuer, v.issuer)
	}
	if !slices.Contains(c.Audience, v.audience) {
		return fmt.Errorf("%w: aud does not contain %q", ErrAudience, v.audience)
	}
	for _, required := range [...]struct {
		name    string
		missing bool
	}{
		{"exp", c.ExpiresAt.IsZero()},
		{"sub", c.Subject == ""},
		{"client_id", c.ClientID == ""},
		{"iat", c.IssuedAt.IsZero()},
		{"jti", c.TokenID == ""},
	} {
		if required.missing {
			return fmt.Errorf("%w: %s is missing", ErrClaims, required.name)
		}
	}
	return p.checkTimes(now)
}

// checkTimes checks what time can change (RFC 7519 sections 4.1.4 to 4.1.6).
func (p *payload) checkTimes(now time.Time) error {
	if !now.Before(p.claims.ExpiresAt.Add(Leeway)) {
		return fmt.Errorf("%w: exp was %s", ErrExpired, p.claims.ExpiresAt.Format(time.RFC3339))
	}
	latest := now.Add(Leeway)
	if p.claims.IssuedAt.After(latest) {
		return fmt.Errorf("%w: iat is %s", ErrNotYetValid, p.claims.IssuedAt.Format(time.RFC3339))
	}
	if p.notBefore.After(latest) {
		return fmt.Errorf("%w: nbf is %s", ErrNotYetValid, p.notBefore.Format(time.RFC3339))
	}
	return nil
}
