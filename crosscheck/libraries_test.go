package crosscheck

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	golang "github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"

	"gatehouse/jwt"
)

// accessClaims is what golang-jwt and go-jose read claims into and write them from.
type accessClaims struct {
	golang.RegisteredClaims
	ClientID  string          `json:"client_id,omitempty"`
	SessionID string          `json:"sid,omitempty"`
	AuthTime  int64           `json:"auth_time,omitempty"`
	AMR       []string        `json:"amr,omitempty"`
	ACR       string          `json:"acr,omitempty"`
	Roles     []string        `json:"roles,omitempty"`
	Status    *statusClaim    `json:"status,omitempty"`
	TTL       int64           `json:"ttl,omitempty"`
	List      json.RawMessage `json:"status_list,omitempty"`
}

type statusClaim struct {
	StatusList struct {
		Index int64  `json:"idx"`
		URI   string `json:"uri"`
	} `json:"status_list"`
}

func golangIssuer(k key, typ string) (func(any) (string, error), error) {
	method := golang.GetSigningMethod(string(k.alg))
	return func(claims any) (string, error) {
		var token *golang.Token
		switch claims := claims.(type) {
		case *accessClaims:
			token = golang.NewWithClaims(method, claims)
		case map[string]any:
			token = golang.NewWithClaims(method, golang.MapClaims(claims))
		}
		token.Header["kid"], token.Header["typ"] = k.id, typ
		return token.SignedString(k.private)
	}, nil
}

func golangVerifier(d demands) (func(string) (any, error), error) {
	options := []golang.ParserOption{
		golang.WithIssuer(d.issuer), golang.WithExpirationRequired(), golang.WithIssuedAt(), golang.WithLeeway(jwt.Leeway),
		golang.WithValidMethods([]string{"EdDSA", "ES256", "RS256", "HS256"}), golang.WithStrictDecoding(),
	}
	if d.audience != "" {
		options = append(options, golang.WithAudience(d.audience))
	}
	parser := golang.NewParser(options...)
	find := func(token *golang.Token) (any, error) {
		typ, _ := token.Header["typ"].(string)
		kid, _ := token.Header["kid"].(string)
		k, err := checkHeader(d, typ, kid, token.Method.Alg())
		return k.public, err
	}
	return func(token string) (any, error) {
		var claims accessClaims
		if _, err := parser.ParseWithClaims(token, &claims, find); err != nil {
			return nil, err
		}
		return &claims, nil
	}, nil
}

func joseIssuer(k key, typ string) (func(any) (string, error), error) {
	// Of a secret go-jose does not write the id by itself.
	options := (&jose.SignerOptions{}).WithType(jose.ContentType(typ)).WithHeader("kid", k.id)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.alg), Key: k.private}, options)
	if err != nil {
		return nil, err
	}
	return func(claims any) (string, error) { return josejwt.Signed(signer).Claims(claims).Serialize() }, nil
}

func joseVerifier(d demands) (func(string) (any, error), error) {
	accepted := []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256, jose.RS256, jose.HS256}
	expected := josejwt.Expected{Issuer: d.issuer}
	if d.audience != "" {
		expected.AnyAudience = josejwt.Audience{d.audience}
	}
	return func(text string) (any, error) {
		token, err := josejwt.ParseSigned(text, accepted)
		if err != nil {
			return nil, err
		}
		header := token.Headers[0]
		typ, _ := header.ExtraHeaders[jose.HeaderType].(string)
		k, err := checkHeader(d, typ, header.KeyID, header.Algorithm)
		if err != nil {
			return nil, err
		}
		var claims accessClaims
		if err := token.Claims(k.public, &claims); err != nil {
			return nil, err
		}
		if claims.ExpiresAt == nil {
			return nil, errors.New("exp is missing")
		}
		return &claims, validateByJose(&claims, expected)
	}, nil
}

// validateByJose checks with go-jose what was read once for both.
func validateByJose(c *accessClaims, expected josejwt.Expected) error {
	date := func(from *golang.NumericDate) *josejwt.NumericDate {
		if from == nil {
			return nil
		}
		return josejwt.NewNumericDate(from.Time)
	}
	expected.Time = time.Now()
	return josejwt.Claims{
		Issuer: c.Issuer, Subject: c.Subject, Audience: josejwt.Audience(c.Audience), ID: c.ID,
		Expiry: date(c.ExpiresAt), NotBefore: date(c.NotBefore), IssuedAt: date(c.IssuedAt),
	}.ValidateWithLeeway(expected, jwt.Leeway)
}

func jwxAlgorithm(alg jwt.Algorithm) jwa.SignatureAlgorithm {
	return map[jwt.Algorithm]jwa.SignatureAlgorithm{
		jwt.EdDSA: jwa.EdDSA(), jwt.ES256: jwa.ES256(), jwt.RS256: jwa.RS256(), jwt.HS256: jwa.HS256(),
	}[alg]
}

func jwxIssuer(k key, typ string) (func(any) (string, error), error) {
	alg, headers := jwxAlgorithm(k.alg), jws.NewHeaders()
	if err := errors.Join(headers.Set(jws.KeyIDKey, k.id), headers.Set(jws.TypeKey, typ)); err != nil {
		return nil, err
	}
	return func(claims any) (string, error) {
		builder := jwxjwt.NewBuilder()
		switch claims := claims.(type) {
		case *accessClaims:
			builder.Issuer(claims.Issuer).Subject(claims.Subject).Audience(claims.Audience).IssuedAt(claims.IssuedAt.Time).
				Expiration(claims.ExpiresAt.Time).JwtID(claims.ID).Claim("client_id", claims.ClientID).Claim("sid", claims.SessionID).
				Claim("auth_time", claims.AuthTime).Claim("amr", claims.AMR).Claim("acr", claims.ACR).Claim("status", claims.Status)
		case map[string]any:
			for name, value := range claims {
				builder.Claim(name, value)
			}
		}
		token, err := builder.Build()
		if err != nil {
			return "", err
		}
		signed, err := jwxjwt.Sign(token, jwxjwt.WithKey(alg, k.private, jws.WithProtectedHeaders(headers)))
		return string(signed), err
	}, nil
}

func jwxVerifier(d demands) (func(string) (any, error), error) {
	find := func(_ context.Context, sink jws.KeySink, signature *jws.Signature, _ *jws.Message) error {
		header := signature.ProtectedHeaders()
		typ, _ := header.Type()
		kid, _ := header.KeyID()
		alg, _ := header.Algorithm()
		k, err := checkHeader(d, typ, kid, alg.String())
		if err == nil {
			sink.Key(alg, k.public)
		}
		return err
	}
	options := []jwxjwt.ParseOption{
		jwxjwt.WithKeyProvider(jws.KeyProviderFunc(find)), jwxjwt.WithIssuer(d.issuer), jwxjwt.WithRequiredClaim("exp"),
		jwxjwt.WithAcceptableSkew(jwt.Leeway),
	}
	if d.audience != "" {
		options = append(options, jwxjwt.WithAudience(d.audience))
	}
	return func(token string) (any, error) {
		parsed, err := jwxjwt.Parse([]byte(token), options...)
		if err != nil {
			return nil, err
		}
		return parsed, nil
	}, nil
}

// josePublishes returns a key set as go-jose writes it.
func josePublishes(t testing.TB, keys ...key) []byte {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.public, KeyID: k.id, Algorithm: string(k.alg), Use: "sig"})
	}
	return must(json.Marshal(set))(t)
}

// jwxPublishes returns a key set as jwx writes it.
func jwxPublishes(t testing.TB, keys ...key) []byte {
	t.Helper()
	set := jwk.NewSet()
	for _, k := range keys {
		made := must(jwk.Import(k.public))(t)
		err := errors.Join(made.Set(jwk.KeyIDKey, k.id), made.Set(jwk.AlgorithmKey, jwxAlgorithm(k.alg)), made.Set(jwk.KeyUsageKey, jwk.ForSignature), set.AddKey(made))
		if err != nil {
			t.Fatal(err)
		}
	}
	return must(json.Marshal(set))(t)
}

// thumbprints returns the RFC 7638 thumbprint as both libraries compute it.
func thumbprints(t testing.TB, public any) (byJose, byJWX []byte) {
	t.Helper()
	jwx := must(jwk.Import(public))(t)
	byJose = must((&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256))(t)
	return byJose, must(jwx.Thumbprint(crypto.SHA256))(t)
}
