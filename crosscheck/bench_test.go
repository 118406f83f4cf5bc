package crosscheck

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	golang "github.com/golang-jwt/jwt/v5"

	"gatehouse/jwt"
)

// contestant does the same piece of work as the others.
type contestant struct {
	name string
	work func(turn int) error
}

// BenchmarkVerify checks access tokens of twelve claims that were not seen
// before: signature, typ, key by kid, iss, aud and exp. BenchmarkIssue signs
// them. All take turns with "bare": what the standard library needs for the
// same signature, hash included, on the same bytes.
//
// "bare-ns" is the median of the bare work, "x-more-ns" the median of what x
// took longer in the same turn.
func BenchmarkVerify(b *testing.B) {
	for _, alg := range algorithms {
		b.Run(string(alg), func(b *testing.B) {
			ours := ourKeys()[alg]
			tokens := make([]string, 512)
			for i := range tokens {
				tokens[i] = must(ours.SignAccessToken(accessClaimsAt(time.Now())))(b)
			}
			keys := must(jwt.NewKeySet(ours.VerifyKey()))(b)
			// Tokens come round long after the cache dropped them.
			v := must(jwt.NewVerifier(jwt.VerifierConfig{
				Issuer: issuer, Audience: audience, CacheSize: len(tokens) / 4, Keys: func() jwt.KeySet { return keys },
			}))(b)
			input := tokens[0][:strings.LastIndexByte(tokens[0], '.')]
			bare := bareCheck(b, asTheirs(b, ours), []byte(input))
			contestants := []contestant{
				{"bare", func(int) error { return bare() }},
				{"gatehouse", func(i int) error { return only(v.Verify(tokens[i%len(tokens)])) }},
			}
			for _, lib := range libraries {
				verify := must(lib.verifier(accessDemands(asTheirs(b, ours))))(b)
				contestants = append(contestants, contestant{lib.name, func(i int) error { return only(verify(tokens[i%len(tokens)])) }})
			}
			takeTurns(b, contestants)
		})
	}
}

func BenchmarkIssue(b *testing.B) {
	for _, alg := range algorithms {
		b.Run(string(alg), func(b *testing.B) {
			ours, claims := ourKeys()[alg], accessClaimsAt(time.Now())
			token := must(ours.SignAccessToken(claims))(b)
			input := []byte(token[:strings.LastIndexByte(token, '.')])
			theirs := asTheirs(b, ours)
			contestants := []contestant{
				{"bare", func(int) error { return only(bareSignature(theirs, input)) }},
				{"gatehouse", func(int) error { return only(ours.SignAccessToken(claims)) }},
			}
			status := &statusClaim{}
			status.StatusList.Index, status.StatusList.URI = claims.Status.Index, claims.Status.URI
			same := &accessClaims{
				RegisteredClaims: golang.RegisteredClaims{
					Issuer: claims.Issuer, Subject: claims.Subject, Audience: claims.Audience, ID: claims.TokenID,
					IssuedAt: golang.NewNumericDate(claims.IssuedAt), ExpiresAt: golang.NewNumericDate(claims.ExpiresAt),
				},
				ClientID: claims.ClientID, SessionID: claims.SessionID, AuthTime: claims.AuthTime.Unix(), AMR: claims.AMR, ACR: claims.ACR, Status: status,
			}
			for _, lib := range libraries {
				issue := must(lib.issuer(theirs, atJWT))(b)
				contestants = append(contestants, contestant{lib.name, func(int) error { return only(issue(same)) }})
			}
			takeTurns(b, contestants)
		})
	}
}

// takeTurns lets each work once a turn, another one first each time.
func takeTurns(b *testing.B, contestants []contestant) {
	took := make([][]float64, len(contestants))
	for turn := 0; b.Loop(); turn++ {
		for step := range contestants {
			n := (turn + step) % len(contestants)
			start := time.Now()
			err := contestants[n].work(turn)
			spent := time.Since(start)
			if err != nil {
				b.Fatalf("%s: %v", contestants[n].name, err)
			}
			took[n] = append(took[n], float64(spent))
		}
	}
	b.ReportMetric(0, "ns/op")
	for n := 1; n < len(contestants); n++ {
		more := make([]float64, len(took[n]))
		for turn := range more {
			more[turn] = took[n][turn] - took[0][turn]
		}
		b.ReportMetric(median(more), contestants[n].name+"-more-ns")
	}
	b.ReportMetric(median(took[0]), "bare-ns")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// bareCheck checks one signature with nothing but the standard library.
func bareCheck(b *testing.B, k key, input []byte) func() error {
	signature := must(bareSignature(k, input))(b)
	check := map[jwt.Algorithm]func() bool{
		jwt.EdDSA: func() bool { return ed25519.Verify(k.public.(ed25519.PublicKey), input, signature) },
		jwt.ES256: func() bool {
			digest := sha256.Sum256(input)
			return ecdsa.VerifyASN1(k.public.(*ecdsa.PublicKey), digest[:], signature)
		},
		jwt.RS256: func() bool {
			digest := sha256.Sum256(input)
			return rsa.VerifyPKCS1v15(k.public.(*rsa.PublicKey), crypto.SHA256, digest[:], signature) == nil
		},
		jwt.HS256: func() bool {
			mac := hmac.New(sha256.New, k.public.([]byte))
			mac.Write(input)
			return hmac.Equal(mac.Sum(nil), signature)
		},
	}[k.alg]
	return func() error {
		if !check() {
			return rsa.ErrVerification
		}
		return nil
	}
}

// bareSignature signs with nothing but the standard library.
func bareSignature(k key, input []byte) ([]byte, error) {
	digest := func() []byte { sum := sha256.Sum256(input); return sum[:] }
	switch private := k.private.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(private, input), nil
	case *ecdsa.PrivateKey:
		return ecdsa.SignASN1(rand.Reader, private, digest())
	case *rsa.PrivateKey:
		return rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest())
	}
	mac := hmac.New(sha256.New, k.private.([]byte))
	mac.Write(input)
	return mac.Sum(nil), nil
}
