package crosscheck

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse/jwt"
)

// each runs a test for every algorithm and library.
func each(t *testing.T, name string, test func(t *testing.T, alg jwt.Algorithm, lib library)) {
	for _, alg := range algorithms {
		for _, lib := range libraries {
			t.Run(name+"_"+string(alg)+"_"+lib.name, func(t *testing.T) { test(t, alg, lib) })
		}
	}
}

func accessDemands(keys ...key) demands {
	d := demands{typ: atJWT, issuer: issuer, audience: audience, keys: map[string]key{}}
	for _, k := range keys {
		d.keys[k.id] = k
	}
	return d
}

func TestTheyVerifyWhatWeIssue(t *testing.T) {
	each(t, "JW-19", func(t *testing.T, alg jwt.Algorithm, lib library) {
		ours := ourKeys()[alg]
		verify := must(lib.verifier(accessDemands(asTheirs(t, ours))))(t)
		for name, change := range map[string]func(*jwt.Claims){
			"usual":         func(*jwt.Claims) {},
			"roles":         func(c *jwt.Claims) { c.Roles = []string{"admin", "editor"} },
			"odd text":      func(c *jwt.Claims) { c.Subject = "a\"b\\c\n\x00</script>\u2028é😀" },
			"two audiences": func(c *jwt.Claims) { c.Audience = []string{"bakery", audience} },
		} {
			claims := accessClaimsAt(time.Now().Truncate(time.Second))
			change(claims)
			want := asMap(claims)
			want["aud"] = claims.Audience
			got := must(verify(must(ours.SignAccessToken(claims))(t)))(t)
			if diff := cmp.Diff(leveled(t, want), leveled(t, got)); diff != "" {
				t.Errorf("%s: the claims differ (-issued +read):\n%s", name, diff)
			}
		}
	})
}

func TestWeVerifyWhatTheyIssue(t *testing.T) {
	each(t, "JW-19", func(t *testing.T, alg jwt.Algorithm, lib library) {
		theirs := theirKeys()[alg]
		v := ourVerifier(t, asOurs(t, theirs))
		want := accessClaimsAt(time.Now().Truncate(time.Second).UTC())
		token := must(must(lib.issuer(theirs, atJWT))(t)(asMap(want)))(t)
		for _, sight := range []string{"first", "second"} {
			got := must(v.Verify(token))(t)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s sight: the claims differ (-issued +read):\n%s", sight, diff)
			}
		}
		if got := must(must(lib.verifier(accessDemands(theirs)))(t)(token))(t); leveled(t, got)["sub"] != want.Subject {
			t.Errorf("the library does not read its own token: %v", got)
		}
	})
}

// TestBothRefuse gives the same broken tokens to the library and to us.
func TestBothRefuse(t *testing.T) {
	each(t, "JW-01", func(t *testing.T, alg jwt.Algorithm, lib library) {
		theirs := theirKeys()[alg]
		issue := func(typ string, change map[string]any) string {
			claims := asMap(accessClaimsAt(time.Now()))
			for name, value := range change {
				claims[name] = value
				if value == nil {
					delete(claims, name)
				}
			}
			return must(must(lib.issuer(theirs, typ))(t)(claims))(t)
		}
		now := time.Now().Unix()
		mutants := map[string]string{
			"JW-07_another_typ": issue("JWT", nil), "JW-08_another_iss": issue(atJWT, map[string]any{"iss": issuer + "/"}),
			"JW-08_no_iss": issue(atJWT, map[string]any{"iss": nil}), "JW-09_another_aud": issue(atJWT, map[string]any{"aud": "shop2"}),
			"JW-09_no_aud": issue(atJWT, map[string]any{"aud": nil}), "JW-11_expired": issue(atJWT, map[string]any{"exp": now - 61}),
			"JW-11_no_exp": issue(atJWT, map[string]any{"exp": nil}), "JW-11_too_early": issue(atJWT, map[string]any{"nbf": now + 90}),
			"JW-11_from_the_future": issue(atJWT, map[string]any{"iat": now + 90}),
		}
		good := issue(atJWT, nil)
		for name, text := range mutantsOf(t, good, issue(atJWT, nil), theirs) {
			mutants[name] = text
		}
		theirVerify, v := must(lib.verifier(accessDemands(theirs)))(t), ourVerifier(t, asOurs(t, theirs))
		if err := errors.Join(only(theirVerify(good)), only(v.Verify(good))); err != nil {
			t.Fatal(err)
		}
		for name, mutant := range mutants {
			t.Run(name, func(t *testing.T) {
				if claims, err := theirVerify(mutant); err == nil {
					t.Errorf("%s accepts it: %v", lib.name, claims)
				}
				if claims, err := v.Verify(mutant); !errors.Is(err, jwt.ErrInvalid) || claims != nil {
					t.Errorf("we accept it: %v, %v", claims, err)
				}
			})
		}
	})
}

func only(_ any, err error) error { return err }

// mutantsOf changes the text of a token; other is another one of the same key.
func mutantsOf(t *testing.T, token, other string, k key) map[string]string {
	t.Helper()
	part, others := strings.Split(token, "."), strings.Split(other, ".")
	header := func(change func(map[string]any)) string {
		var members map[string]any
		if err := json.Unmarshal(must(base64.RawURLEncoding.DecodeString(part[0]))(t), &members); err != nil {
			t.Fatal(err)
		}
		change(members)
		return base64.RawURLEncoding.EncodeToString(must(json.Marshal(members))(t))
	}
	flipped := func(i int) string {
		copied := append([]string(nil), part...)
		middle := len(copied[i]) / 2
		next := map[bool]string{true: "B", false: "A"}[copied[i][middle] == 'A']
		copied[i] = copied[i][:middle] + next + copied[i][middle+1:]
		return strings.Join(copied, ".")
	}
	stranger := ourKeys()[k.alg]
	forged := must(stranger.SignAccessToken(accessClaimsAt(time.Now())))(t)
	none := header(func(m map[string]any) { m["alg"] = "none" })
	return map[string]string{
		"JW-01_header_changed": flipped(0), "JW-01_payload_changed": flipped(1), "JW-01_signature_changed": flipped(2),
		"JW-01_the_signature_of_another_token": part[0] + "." + part[1] + "." + others[2],
		"JW-01_the_payload_of_another_token":   part[0] + "." + others[1] + "." + part[2],
		"JW-01_no_signature":                   part[0] + "." + part[1] + ".",
		"JW-01_half_a_signature":               part[0] + "." + part[1] + "." + part[2][:len(part[2])/4*2],
		"JW-02_none":                           none + "." + part[1] + ".",
		"JW-02_none_with_the_signature":        none + "." + part[1] + "." + part[2],
		"JW-03_another_alg":                    header(func(m map[string]any) { m["alg"] = "HS384" }) + "." + part[1] + "." + part[2],
		"JW-05_an_unknown_kid":                 forged,
		"JW-05_a_stranger_with_our_kid":        header(func(map[string]any) {}) + "." + strings.Join(strings.Split(forged, ".")[1:], "."),
		"JW-05_no_kid":                         header(func(m map[string]any) { delete(m, "kid") }) + "." + part[1] + "." + part[2],
		"JW-13_two_parts":                      part[0] + "." + part[1],
		"JW-13_four_parts":                     token + "." + part[2],
		"JW-13_nothing":                        "",
		"JW-15_five_parts":                     part[0] + ".." + part[1] + "." + part[1] + "." + part[2],
	}
}

// TestConfusion signs by HMAC with the public key as the secret.
func TestConfusion(t *testing.T) {
	for _, alg := range []jwt.Algorithm{jwt.EdDSA, jwt.ES256, jwt.RS256} {
		for _, lib := range libraries {
			t.Run("JW-03_"+string(alg)+"_"+lib.name, func(t *testing.T) {
				theirs := theirKeys()[alg]
				document := josePublishes(t, theirs)
				v := ourVerifier(t, asOurs(t, theirs))
				verify := must(lib.verifier(accessDemands(theirs)))(t)
				secret := key{alg: jwt.HS256, id: theirs.id, private: document, public: document}
				token := must(must(lib.issuer(secret, atJWT))(t)(asMap(accessClaimsAt(time.Now()))))(t)
				if _, err := verify(token); err == nil {
					t.Errorf("%s accepts it", lib.name)
				}
				if claims, err := v.Verify(token); !errors.Is(err, jwt.ErrAlgorithm) || claims != nil {
					t.Errorf("got %v, %v, want %v", claims, err, jwt.ErrAlgorithm)
				}
			})
		}
	}
}
