package jwt

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestVerifyIssuerAndAudience(t *testing.T) {
	key := testKey(EdDSA)
	v := verifierOf(t, key)
	token := func(changes ...[2]string) string { return forge(t, key, headerOf(key), payloadOf(changes...)) }

	t.Run("JW-08_issuer_byte_for_byte", func(t *testing.T) {
		for _, iss := range []string{
			quote(testIssuer + "/"), `"https://ID.example.com"`, `"https://id.example.com:443"`, `"http://id.example.com"`, `"https://id.example"`,
			`"https://id.example.com.evil"`, quote(testIssuer + " "), `""`, "",
		} {
			refuse(t, v, token([2]string{"iss", iss}), ErrIssuer)
		}
		refuse(t, v, token([2]string{"iss", "[" + quote(testIssuer) + "]"}), ErrClaims)
		refuse(t, v, token([2]string{"iss", "null"}), ErrClaims)
	})
	t.Run("JW-09_audience", func(t *testing.T) {
		for _, aud := range []string{
			"", `""`, `[]`, `[""]`, `["shop",""]`, `"sho"`, `"shop2"`, `"Shop"`, `" shop"`, `["other"]`, `["sho","p"]`, `1`, `null`, `true`, `{}`,
			`{"aud":"shop"}`, `[["shop"]]`, `["shop",1]`, `["shop",null]`,
		} {
			refuse(t, v, token([2]string{"aud", aud}), ErrAudience)
		}
		for _, aud := range []string{`"shop"`, `["shop"]`, `["other","shop"]`} {
			accept(t, v, token([2]string{"aud", aud}))
		}
	})
	t.Run("JW-10_a_token_for_A_is_nothing_at_B", func(t *testing.T) {
		claims := testClaims()
		claims.Audience = []string{"bakery"}
		refuse(t, v, signed(t, key, claims), ErrAudience)
	})
}

func TestVerifyDates(t *testing.T) {
	key := testKey(EdDSA)
	v := verifierOf(t, key)
	token := func(changes ...[2]string) string { return forge(t, key, headerOf(key), payloadOf(changes...)) }

	t.Run("JW-11_dates_with_leeway", func(t *testing.T) {
		now := testNow.Unix()
		for _, test := range []struct {
			name   string
			offset int64
			want   error
		}{
			{"exp", -59, nil}, {"exp", -60, ErrExpired}, {"exp", -61, ErrExpired}, {"exp", 1, nil},
			{"nbf", 59, nil}, {"nbf", 60, nil}, {"nbf", 61, ErrNotYetValid}, {"nbf", -1000, nil},
			{"iat", 59, nil}, {"iat", 60, nil}, {"iat", 61, ErrNotYetValid}, {"iat", -1000, nil},
		} {
			bad := token([2]string{test.name, strconv.FormatInt(now+test.offset, 10)})
			if test.want != nil {
				refuse(t, v, bad, test.want)
			} else {
				accept(t, v, bad)
			}
		}
		refuse(t, v, token([2]string{"exp", ""}), ErrClaims)
		refuse(t, v, token([2]string{"iat", ""}), ErrClaims)
	})
	t.Run("JW-12_dates_are_finite_numbers", func(t *testing.T) {
		for _, name := range []string{"exp", "nbf", "iat", "auth_time"} {
			for _, date := range []string{
				`"1790000600"`, "-1", "-0.5", "9223372036854775808", "18446744073709551616", "9007199254740993", "9007199254740992.5", "1e300",
				"true", "[1790000600]", "null", `"NaN"`, "{}",
			} {
				refuse(t, v, token([2]string{name, date}), ErrClaims)
			}
			for _, date := range []string{"1e999", "-1e999", "NaN", "Infinity", "0x10", "01", "+1", "1.", ".5", "1e", "--1"} {
				refuse(t, v, token([2]string{name, date}), ErrMalformed)
			}
		}
		claims := accept(t, v, token([2]string{"exp", "1790000600.5"}, [2]string{"iat", "1.79e9"}, [2]string{"nbf", "0"}))
		if want := testNow.Add(600*time.Second + 500*time.Millisecond); !claims.ExpiresAt.Equal(want) || !claims.IssuedAt.Equal(testNow) {
			t.Errorf("got exp %v and iat %v, want %v and %v", claims.ExpiresAt, claims.IssuedAt, want, testNow)
		}
		accept(t, v, token([2]string{"exp", "9007199254740992"}))
	})
}

func TestVerifyOtherClaims(t *testing.T) {
	key := testKey(EdDSA)
	v := verifierOf(t, key)
	token := func(changes ...[2]string) string { return forge(t, key, headerOf(key), payloadOf(changes...)) }

	t.Run("JW-19_required_claims", func(t *testing.T) {
		for name, want := range map[string]error{
			"iss": ErrIssuer, "aud": ErrAudience, "exp": ErrClaims, "sub": ErrClaims, "client_id": ErrClaims, "iat": ErrClaims, "jti": ErrClaims,
		} {
			refuse(t, v, token([2]string{name, ""}), want)
			if name == "sub" || name == "client_id" || name == "jti" {
				refuse(t, v, token([2]string{name, `""`}), want)
			}
		}
	})
	t.Run("RF-21_cnf_is_refused", func(t *testing.T) {
		for _, cnf := range []string{`{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}`, `{}`, "null"} {
			refuse(t, v, token([2]string{"cnf", cnf}), ErrClaims)
		}
	})
	t.Run("wrong_types", func(t *testing.T) {
		for _, change := range [][2]string{
			{"sub", "1"}, {"jti", "1"}, {"client_id", "[]"}, {"sid", "1"}, {"acr", "1"}, {"amr", `"pwd"`}, {"amr", `[1]`}, {"roles", `"admin"`},
			{"roles", `{"admin":true}`}, {"roles", "[[]]"}, {"scope", `["read"]`},
			{"status", "1"}, {"status", "{}"}, {"status", `{"other":{}}`}, {"status", `{"status_list":{"idx":1,"uri":"u"},"other":{}}`},
			{"status", `{"status_list":{}}`}, {"status", `{"status_list":{"idx":1}}`}, {"status", `{"status_list":{"uri":"u"}}`},
			{"status", `{"status_list":{"idx":-1,"uri":"u"}}`}, {"status", `{"status_list":{"idx":1.5,"uri":"u"}}`},
			{"status", `{"status_list":{"idx":"1","uri":"u"}}`}, {"status", `{"status_list":{"idx":1,"uri":""}}`},
			{"status", `{"status_list":{"idx":1,"uri":1}}`}, {"status", `{"status_list":[1,"u"]}`},
		} {
			refuse(t, v, token(change), ErrClaims)
		}
	})
	t.Run("not_an_object", func(t *testing.T) {
		for _, payload := range []string{"", "[]", `"x"`, "null", "{", "{}x", "{} {}", payloadOf() + "}", "\ufeff" + payloadOf()} {
			refuse(t, v, forge(t, key, headerOf(key), payload), ErrMalformed)
		}
	})
	t.Run("unknown_claims_are_ignored", func(t *testing.T) {
		accept(t, v, token([2]string{"Sub", `"someone"`}, [2]string{"custom", `{"a":[true,null,1.5e3]}`}))
	})
}

func TestWhatIsIssuedIsVerified(t *testing.T) {
	for _, alg := range testAlgorithms {
		t.Run("JW-33_JW-19_"+string(alg), func(t *testing.T) {
			key := testKey(alg)
			v := verifierOf(t, key)
			for name, change := range map[string]func(*Claims){
				"full": func(*Claims) {},
				"least": func(c *Claims) {
					*c = Claims{Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience, IssuedAt: c.IssuedAt,
						ExpiresAt: c.ExpiresAt, TokenID: c.TokenID, ClientID: c.ClientID}
				},
				"two audiences": func(c *Claims) { c.Audience = []string{"a", testAudience} },
				"many roles":    func(c *Claims) { c.Roles = strings.Split(strings.Repeat("role,", 20)+"last", ",") },
				"odd text":      func(c *Claims) { c.Subject = "a\"b\\c\n\x00\x1f</script>\u2028é😀" },
			} {
				want := testClaims()
				change(want)
				token := signed(t, key, want)
				for _, sight := range []string{"first", "second"} {
					if diff := cmp.Diff(want, accept(t, v, token)); diff != "" {
						t.Errorf("%s, %s sight: claims differ (-want +got):\n%s", name, sight, diff)
					}
				}
			}
		})
	}
}

// TestSignatureFirst changes every bit of a token, and combines faults.
func TestSignatureFirst(t *testing.T) {
	for _, alg := range testAlgorithms {
		t.Run("JW-01_every_flipped_bit_of_"+string(alg), func(t *testing.T) {
			key := testKey(alg)
			v := verifierOf(t, key)
			token := signed(t, key, testClaims())
			accept(t, v, token)
			for i := range len(token) {
				for bit := range 8 {
					bad := []byte(token)
					bad[i] ^= 1 << bit
					if claims, err := v.Verify(string(bad)); !errors.Is(err, ErrInvalid) || claims != nil {
						t.Fatalf("bit %d of byte %d flipped: got claims %v, error %v", bit, i, claims, err)
					}
				}
			}
		})
	}
	t.Run("JW-01_a_forged_token_is_forged_whatever_else_it_is", func(t *testing.T) {
		key, other := testKey(EdDSA), newTestKey(t, EdDSA)
		v := verifierOf(t, key)
		for _, change := range [][2]string{{"exp", "1"}, {"nbf", "1890000000"}, {"iss", `"evil"`}, {"aud", `"evil"`}, {"cnf", "{}"}, {"sub", "1"}, {"x", "{"}} {
			token := forge(t, other, headerOf(key), payloadOf(change))
			refuse(t, v, token, ErrSignature)
		}
	})
	t.Run("JW-01_signatures_of_the_wrong_length", func(t *testing.T) {
		for _, alg := range testAlgorithms {
			key := testKey(alg)
			v := verifierOf(t, key)
			token := signed(t, key, testClaims())
			c, err := parseCompact(token, MaxTokenSize)
			if err != nil {
				t.Fatal(err)
			}
			signature, err := decodeBase64(nil, c.signature)
			if err != nil {
				t.Fatal(err)
			}
			for _, bad := range [][]byte{
				{}, signature[1:], signature[:len(signature)-1], append([]byte{0}, signature...), append(signature[:len(signature):len(signature)], 0),
				make([]byte, len(signature)), append(signature[:len(signature):len(signature)], signature...),
			} {
				refuse(t, v, c.header+"."+c.payload+"."+base64url.EncodeToString(bad), ErrSignature)
			}
		}
	})
}

func TestNewVerifier(t *testing.T) {
	keys := func() KeySet { return KeySet{} }
	t.Run("JW-30_cannot_be_built_without_issuer_audience_and_keys", func(t *testing.T) {
		for _, config := range []VerifierConfig{
			{}, {Audience: "a", Keys: keys}, {Issuer: "i", Keys: keys}, {Issuer: "i", Audience: "a"},
		} {
			if v, err := NewVerifier(config); err == nil || v != nil {
				t.Errorf("NewVerifier(%+v): got %v, %v, want an error", config, v, err)
			}
		}
	})
	t.Run("JW-30_zero_values_verify_nothing", func(t *testing.T) {
		key := testKey(EdDSA)
		token := signed(t, key, testClaims())
		var none *Verifier
		refuse(t, none, token, ErrInvalid)
		refuse(t, new(Verifier), token, ErrInvalid)
		v, err := NewVerifier(VerifierConfig{Issuer: testIssuer, Audience: testAudience, Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		refuse(t, v, token, ErrUnknownKey)
		if (VerifyKey{}).KeyID() != "" || (VerifyKey{}).Algorithm() != "" {
			t.Error("an empty key has a name")
		}
	})
}
