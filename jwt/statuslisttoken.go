package jwt

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// StatusListClaims is what a status list token says
// (draft-ietf-oauth-status-list-21 section 5.1).
type StatusListClaims struct {
	// Issuer is "iss"; absent when empty.
	Issuer string
	// URI is "sub": where the list is published, and what access tokens refer to. Required.
	URI string
	// IssuedAt is "iat" and ExpiresAt "exp": both are required.
	IssuedAt, ExpiresAt time.Time
	// TTL is "ttl", how long to use the list before asking again, in whole
	// seconds; absent when zero.
	TTL time.Duration
	// List is "status_list". Required.
	List *StatusList
}

// SignStatusList returns a status list token. It refuses claims that miss a
// required one, hold text that is not UTF-8, or make a token above MaxStatusListTokenSize.
func (k *SigningKey) SignStatusList(l StatusListClaims) (string, error) {
	if k == nil || k.m == nil {
		return "", errNoKey
	}
	if err := l.checkForIssue(); err != nil {
		return "", fmt.Errorf("jwt: sign status list: %w", err)
	}
	compressed, err := l.List.Compress()
	if err != nil {
		return "", err
	}
	payload := make([]byte, 1, 512+base64url.EncodedLen(len(compressed)))
	payload[0] = '{'
	if l.Issuer != "" {
		payload = appendJSONMember(payload, "iss", l.Issuer)
	}
	payload = appendJSONMember(payload, "sub", l.URI)
	payload = appendJSONInteger(payload, "iat", l.IssuedAt.Unix())
	payload = appendJSONInteger(payload, "exp", l.ExpiresAt.Unix())
	if l.TTL > 0 {
		payload = appendJSONInteger(payload, "ttl", int64(l.TTL/time.Second))
	}
	payload = append(appendJSONName(payload, "status_list"), `{"bits":1,"lst":"`...)
	payload = append(base64url.AppendEncode(payload, compressed), `"}}`...)
	token, err := k.sign(k.m.statusList, payload)
	if err != nil {
		return "", err
	}
	if len(token) > MaxStatusListTokenSize {
		return "", fmt.Errorf("jwt: sign status list: %d bytes are more than %d", len(token), MaxStatusListTokenSize)
	}
	return token, nil
}

func (l *StatusListClaims) checkForIssue() error {
	switch {
	case l.URI == "":
		return errors.New("the required URI is missing")
	case l.List == nil:
		return errors.New("the required list is missing")
	case !utf8.ValidString(l.URI) || !utf8.ValidString(l.Issuer):
		return errors.New("a claim is not valid UTF-8")
	case l.TTL < 0 || l.TTL%time.Second != 0:
		return errors.New("ttl is not a number of whole seconds")
	}
	return checkDates(l.IssuedAt, l.ExpiresAt)
}

// StatusListVerifierConfig is what a StatusListVerifier needs to know.
type StatusListVerifierConfig struct {
	// Issuer is what "iss" must be when the list has one. Required.
	Issuer string
	// URI is what "sub" must be, byte for byte. Required.
	URI string
	// Keys returns the keys that are valid now. Required.
	Keys func() KeySet
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// StatusListVerifier checks status list tokens. Safe for use by several
// goroutines. The zero value refuses every token.
type StatusListVerifier struct {
	config StatusListVerifierConfig
}

// NewStatusListVerifier returns a verifier for the list that one issuer
// publishes at one URI. It refuses to be built without issuer, URI and keys.
func NewStatusListVerifier(config StatusListVerifierConfig) (*StatusListVerifier, error) {
	switch {
	case config.Issuer == "":
		return nil, errors.New("jwt: StatusListVerifierConfig.Issuer is missing")
	case config.URI == "":
		return nil, errors.New("jwt: StatusListVerifierConfig.URI is missing")
	case config.Keys == nil:
		return nil, errors.New("jwt: StatusListVerifierConfig.Keys is missing")
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	return &StatusListVerifier{config}, nil
}

// Verify returns the claims of a valid status list token, checked in the order
// and with the strictness of Verifier.Verify; "exp" is required here although
// the draft only recommends it, because an old list lets revoked tokens in.
// With an error there are no claims. Nothing is decompressed before the signature is checked.
func (v *StatusListVerifier) Verify(token string) (*StatusListClaims, error) {
	if v == nil || v.config.Keys == nil {
		return nil, fmt.Errorf("%w: the verifier was not made by NewStatusListVerifier", ErrInvalid)
	}
	open, err := openToken(token, typeStatusList, MaxStatusListTokenSize, v.config.Keys())
	if err != nil {
		return nil, err
	}
	var list jsonValue
	p, ttl, err := readStatusListClaims(open.payload, &list)
	if err != nil {
		return nil, err
	}
	c := &p.claims
	switch {
	case c.Issuer != "" && c.Issuer != v.config.Issuer:
		return nil, fmt.Errorf("%w: iss is not %q", ErrIssuer, v.config.Issuer)
	case c.Subject != v.config.URI:
		return nil, fmt.Errorf("%w: sub is not %q", ErrClaims, v.config.URI)
	case c.IssuedAt.IsZero():
		return nil, fmt.Errorf("%w: iat is missing", ErrClaims)
	case c.ExpiresAt.IsZero():
		return nil, fmt.Errorf("%w: exp is missing", ErrClaims)
	}
	if err := p.checkTimes(v.config.Now()); err != nil {
		return nil, err
	}
	bits, err := readStatusList(list)
	if err != nil {
		return nil, err
	}
	return &StatusListClaims{
		Issuer: c.Issuer, URI: c.Subject, IssuedAt: c.IssuedAt, ExpiresAt: c.ExpiresAt, TTL: ttl, List: bits,
	}, nil
}

// readStatusListClaims reads the claims a list shares with an access token,
// "ttl", and leaves "status_list" for later.
func readStatusListClaims(doc string, list *jsonValue) (*payload, time.Duration, error) {
	members, err := parseJSONObject(nil, doc)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: payload: %w", ErrMalformed, err)
	}
	p := new(payload)
	var ttl time.Duration
	for _, member := range members {
		ok := true
		switch member.name {
		case "iss", "sub", "iat", "exp", "nbf":
			ok, err = p.read(member)
		case "ttl":
			ttl, ok = positiveSeconds(member.value)
		case "status_list":
			*list = member.value
		}
		if err != nil {
			return nil, 0, err
		}
		if !ok {
			return nil, 0, fmt.Errorf("%w: %s has a wrong type or value", ErrClaims, member.name)
		}
	}
	return p, ttl, nil
}

// positiveSeconds reads "ttl": a positive number. More than a hundred years is
// taken as a hundred years.
func positiveSeconds(v jsonValue) (time.Duration, bool) {
	const most = 100 * 365 * 24 * time.Hour
	seconds, ok := v.float()
	if !ok || seconds <= 0 {
		return 0, false
	}
	if seconds > most.Seconds() {
		return most, true
	}
	return time.Duration(seconds * float64(time.Second)), true
}

// readStatusList reads {"bits":1,"lst":"..."} (section 4.2). Lists with more
// than one bit per entry are not ours.
func readStatusList(v jsonValue) (*StatusList, error) {
	if v.kind != jsonObject {
		return nil, fmt.Errorf("%w: status_list is missing or not an object", ErrClaims)
	}
	members, err := parseJSONObject(nil, v.raw)
	if err != nil {
		return nil, fmt.Errorf("%w: status_list: %w", ErrMalformed, err)
	}
	var bits int64
	var encoded string
	for _, member := range members {
		ok := true
		switch member.name {
		case "bits":
			bits, ok = member.value.integer()
		case "lst":
			encoded, ok = member.value.text()
		}
		if !ok {
			return nil, fmt.Errorf("%w: status_list: %s has a wrong type or value", ErrClaims, member.name)
		}
	}
	if bits != 1 {
		return nil, fmt.Errorf("%w: status_list: bits is not 1", ErrClaims)
	}
	compressed, err := decodeBase64(nil, encoded)
	if err != nil {
		return nil, fmt.Errorf("%w: status_list: lst: %w", ErrClaims, err)
	}
	list, err := DecompressStatusList(compressed)
	if err != nil {
		return nil, fmt.Errorf("%w: status_list: %w", ErrClaims, err)
	}
	return list, nil
}
