package jwt

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

func TestVerifyHeader(t *testing.T) {
	key := testKey(EdDSA)
	v := verifierOf(t, key)

	t.Run("JW-02_none_in_any_spelling", func(t *testing.T) {
		for _, alg := range []string{`"none"`, `"None"`, `"nOnE"`, `"NONE"`, `""`, "", "null", "0", `["EdDSA"]`, `{}`, `"EdDSA "`, `"eddsa"`, `"EdDSA\u0000"`} {
			header := headerOf(key, [2]string{"alg", alg})
			refuse(t, v, forge(t, key, header, payloadOf()), ErrAlgorithm)
			unsigned := base64url.EncodeToString([]byte(header)) + "." + base64url.EncodeToString([]byte(payloadOf())) + "."
			refuse(t, v, unsigned, ErrAlgorithm)
		}
	})
	t.Run("JW-04_keys_brought_along", func(t *testing.T) {
		for _, name := range []string{"jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"} {
			for _, value := range []string{`"https://evil.example/keys"`, `{}`, `[]`, "null"} {
				refuse(t, v, forge(t, key, headerOf(key, [2]string{name, value}), payloadOf()), ErrMalformed)
			}
		}
	})
	t.Run("JW-04_and_nobody_is_asked_for_them", func(t *testing.T) { bringsItsKeys(t, v) })
	t.Run("JW-05_kid_byte_for_byte", func(t *testing.T) {
		id := key.KeyID()
		for _, kid := range []string{
			"", "null", "1", `""`, `["` + id + `"]`, quote(id + " "), quote(" " + id), quote(id + "\x00"), quote(strings.ToUpper(id)),
			`"../../etc/passwd"`, `"' OR 1=1 --"`, `"unknown"`, quote(strings.Repeat("k", 65)), quote(strings.Repeat("k", 600)),
		} {
			refuse(t, v, forge(t, key, headerOf(key, [2]string{"kid", kid}), payloadOf()), ErrUnknownKey)
		}
		refuse(t, v, forge(t, key, headerOf(key, [2]string{"kid", quote(strings.Repeat("k", 10<<10))}), payloadOf()), ErrMalformed)
		retired := newTestKey(t, EdDSA)
		refuse(t, v, signed(t, retired, testClaims()), ErrUnknownKey)
		// Another spelling of the same id in JSON is the same id.
		accept(t, v, forge(t, key, headerOf(key, [2]string{"kid", `"` + "\\u00" + hexByte(id[0]) + id[1:] + `"`}), payloadOf()))
	})
	t.Run("JW-06_crit_and_b64", func(t *testing.T) {
		for _, change := range [][2]string{
			{"crit", `["exp"]`}, {"crit", `[]`}, {"crit", `"exp"`}, {"crit", "null"}, {"b64", "false"}, {"b64", "true"},
		} {
			refuse(t, v, forge(t, key, headerOf(key, change), payloadOf()), ErrMalformed)
		}
		refuse(t, v, forge(t, key, headerOf(key, [2]string{"b64", "false"}, [2]string{"crit", `["b64"]`}), payloadOf()), ErrMalformed)
	})
	t.Run("JW-07_typ", func(t *testing.T) {
		for _, typ := range []string{"", `"JWT"`, `"id+jwt"`, `"statuslist+jwt"`, `"at+jwt "`, `"text/at+jwt"`, `"application/"`, `"application/application/at+jwt"`, "null", "1", `["at+jwt"]`, `""`} {
			refuse(t, v, forge(t, key, headerOf(key, [2]string{"typ", typ}), payloadOf()), ErrType)
		}
		for _, typ := range []string{`"at+jwt"`, `"AT+JWT"`, `"application/at+jwt"`, `"Application/AT+jwt"`} {
			accept(t, v, forge(t, key, headerOf(key, [2]string{"typ", typ}), payloadOf()))
		}
	})
	t.Run("JW-15_no_JWE_no_zip_no_nested", func(t *testing.T) {
		for _, change := range [][2]string{{"zip", `"DEF"`}, {"cty", `"JWT"`}, {"enc", `"A256GCM"`}} {
			refuse(t, v, forge(t, key, headerOf(key, change), payloadOf()), ErrMalformed)
		}
		refuse(t, v, forge(t, key, headerOf(key, [2]string{"alg", `"PBES2-HS256+A128KW"`}, [2]string{"p2c", "2147483647"}), payloadOf()), ErrAlgorithm)
	})
	t.Run("unknown_members_are_ignored", func(t *testing.T) {
		accept(t, v, forge(t, key, headerOf(key, [2]string{"future", `{"a":[1,2]}`}), payloadOf()))
	})
}

// bringsItsKeys signs with a key of its own and says where that is: on a server that
// has it, and in a file.
func bringsItsKeys(t *testing.T, v *Verifier) {
	t.Helper()
	evil := newTestKey(t, EdDSA)
	document, err := json.Marshal(keySetOf(t, evil))
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	canary := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write(document)
	}))
	defer canary.Close()
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, where := range []string{canary.URL, "file://" + file, file} {
		for _, name := range []string{"jku", "x5u"} {
			refuse(t, v, forge(t, evil, headerOf(evil, [2]string{name, quote(where)}), payloadOf()), ErrMalformed)
		}
		refuse(t, v, forge(t, evil, headerOf(evil, [2]string{"kid", quote(where[:min(len(where), 64)])}), payloadOf()), ErrUnknownKey)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the server of the token was asked %d times", n)
	}
}

func hexByte(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}

// TestAlgorithmConfusion signs with HMAC over everything that is public.
func TestAlgorithmConfusion(t *testing.T) {
	for _, alg := range []Algorithm{EdDSA, ES256, RS256} {
		t.Run("JW-03_"+string(alg)+"_public_key_as_HMAC_secret", func(t *testing.T) {
			key := testKey(alg)
			v := verifierOf(t, key)
			der, err := x509.MarshalPKIXPublicKey(key.VerifyKey().m.public)
			if err != nil {
				t.Fatal(err)
			}
			document, err := json.Marshal(keySetOf(t, key))
			if err != nil {
				t.Fatal(err)
			}
			members := key.VerifyKey().m.publicMembers()
			raw, err := decodeBase64(nil, members[len(members)-1].text)
			if err != nil {
				t.Fatal(err)
			}
			secrets := [][]byte{
				der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
				document, key.VerifyKey().m.thumbprintInput(), raw, []byte(members[len(members)-1].text), {},
			}
			for _, name := range []string{"HS256", "HS384", "HS512", string(alg)} {
				for _, secret := range secrets {
					input := base64url.EncodeToString([]byte(headerOf(key, [2]string{"alg", quote(name)}))) + "." +
						base64url.EncodeToString([]byte(payloadOf()))
					token := input + "." + base64url.EncodeToString(newMACPool(secret).sum(nil, []byte(input)))
					want := ErrAlgorithm
					if name == string(alg) {
						want = ErrSignature
					}
					refuse(t, v, token, want)
				}
			}
		})
	}
	t.Run("JW-03_HS256_accepts_no_other_algorithm", func(t *testing.T) {
		v := verifierOf(t, testKey(HS256))
		for _, alg := range []Algorithm{EdDSA, ES256, RS256} {
			other := testKey(alg)
			refuse(t, v, signed(t, other, testClaims()), ErrUnknownKey)
			refuse(t, v, forge(t, other, headerOf(other, [2]string{"kid", quote(testKey(HS256).KeyID())}), payloadOf()), ErrAlgorithm)
		}
	})
}

func TestVerifyParts(t *testing.T) {
	key := testKey(EdDSA)
	v := verifierOf(t, key)
	token := signed(t, key, testClaims())
	parts := strings.Split(token, ".")

	t.Run("JW-13_exactly_three_parts", func(t *testing.T) {
		for _, bad := range []string{
			"", ".", "..", "...", token + ".", "." + token, parts[0], parts[0] + "." + parts[1], token + "." + parts[2],
			token + ".." + parts[1], strings.Repeat(".", 1_000_000), "Bearer " + token, token + "\x00",
		} {
			refuse(t, v, bad, ErrMalformed)
		}
		refuse(t, v, parts[0]+"..", ErrSignature)
		refuse(t, v, parts[0]+"."+parts[1]+".", ErrSignature)
	})
	t.Run("JW-13_a_million_dots_cost_no_memory", func(t *testing.T) {
		for _, count := range []int{8000, 1_000_000} {
			dots := strings.Repeat(".", count)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			refuse(t, v, dots, ErrMalformed)
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 64<<10 {
				t.Errorf("%d dots allocated %d bytes, want at most 64 KiB", count, got)
			}
		}
	})
}

func TestVerifyBase64url(t *testing.T) {
	key := testKey(EdDSA)
	v := verifierOf(t, key)
	token := signed(t, key, testClaims())
	parts := strings.Split(token, ".")

	t.Run("JW-13_strict_base64url", func(t *testing.T) {
		for i := range parts {
			for _, change := range []func(string) string{
				func(s string) string { return s + "=" },
				func(s string) string { return s + "==" },
				func(s string) string { return s + "\n" },
				func(s string) string { return s + "\r\n" },
				func(s string) string { return s[:4] + "\n" + s[4:] },
				func(s string) string { return " " + s },
				func(s string) string { return s[:2] + "+" + s[3:] },
				func(s string) string { return s[:2] + "/" + s[3:] },
				func(s string) string { return s[:2] + "é" + s[4:] },
				func(s string) string { return s + "A" },
			} {
				changed := append([]string(nil), parts...)
				changed[i] = change(changed[i])
				if claims, err := v.Verify(strings.Join(changed, ".")); err == nil || claims != nil {
					t.Errorf("part %d as %q was accepted", i, changed[i])
				}
			}
		}
	})
	t.Run("JW-13_unused_bits_are_zero", func(t *testing.T) {
		last := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", token[len(token)-1])
		// A signature of 64 bytes leaves four unused bits in its last character.
		for low := 1; low < 16; low++ {
			refuse(t, v, token[:len(token)-1]+string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last|low]), ErrMalformed)
		}
	})
}

func TestVerifyOnlyCompactTokens(t *testing.T) {
	key := testKey(EdDSA)
	v := verifierOf(t, key)
	token := signed(t, key, testClaims())
	parts := strings.Split(token, ".")

	t.Run("JW-13_size_limits", func(t *testing.T) {
		refuse(t, v, forge(t, key, headerOf(key, [2]string{"pad", quote(strings.Repeat("x", 1100))}), payloadOf()), ErrMalformed)
		accept(t, v, forge(t, key, headerOf(key, [2]string{"pad", quote(strings.Repeat("x", 800))}), payloadOf()))
		refuse(t, v, forge(t, key, headerOf(key), payloadOf([2]string{"pad", quote(strings.Repeat("x", 6<<10))})), ErrMalformed)
		accept(t, v, forge(t, key, headerOf(key), payloadOf([2]string{"pad", quote(strings.Repeat("x", 5<<10))})))
	})
	t.Run("JW-15_five_parts", func(t *testing.T) {
		refuse(t, v, parts[0]+".."+parts[1]+"."+parts[1]+"."+parts[2], ErrMalformed)
	})
	t.Run("JW-16_only_the_compact_form", func(t *testing.T) {
		refuse(t, v, `{"protected":"`+parts[0]+`","payload":"`+parts[1]+`","signature":"`+parts[2]+`"}`, ErrMalformed)
		refuse(t, v, `{"payload":"`+parts[1]+`","signatures":[{"protected":"`+parts[0]+`","signature":"`+parts[2]+`"}]}`, ErrMalformed)
		refuse(t, v, "["+token+"]", ErrMalformed)
	})
}

func TestVerifyStrictJSON(t *testing.T) {
	key := testKey(EdDSA)
	v := verifierOf(t, key)

	t.Run("JW-14_duplicates_and_case", func(t *testing.T) {
		for _, header := range []string{
			strings.Replace(headerOf(key), `"alg"`, `"alg":"none","alg"`, 1),
			strings.Replace(headerOf(key), `"alg"`, `"alg":"EdDSA","alg"`, 1),
			strings.Replace(headerOf(key), `"kid"`, `"\u006bid":"x","kid"`, 1),
			headerOf(key, [2]string{"x", `{"a":1,"a":1}`}),
		} {
			refuse(t, v, forge(t, key, header, payloadOf()), ErrMalformed)
		}
		for _, payload := range []string{
			strings.Replace(payloadOf(), `"sub"`, `"sub":"user-2","sub"`, 1),
			strings.Replace(payloadOf(), `"sub"`, `"s\u0075b":"user-2","sub"`, 1),
			payloadOf([2]string{"unknown", `[{"a":1,"b":2,"a":3}]`}),
		} {
			refuse(t, v, forge(t, key, headerOf(key), payload), ErrMalformed)
		}
		refuse(t, v, forge(t, key, headerOf(key), payloadOf([2]string{"exp", ""}, [2]string{"EXP", "1790000600"})), ErrClaims)
		refuse(t, v, forge(t, key, headerOf(key, [2]string{"alg", ""}, [2]string{"ALG", `"EdDSA"`}), payloadOf()), ErrAlgorithm)
	})
	t.Run("JW-38_valid_UTF-8_only", func(t *testing.T) {
		for _, text := range []string{"\xff", "\xc0\xaf", "\xed\xa0\x80", `\ud800`, `\udc00`, `\udc00\ud800`, `\ud800\u0041`, `\ud800x`, "\xf4\x90\x80\x80"} {
			bad := `"` + text + `"`
			refuse(t, v, forge(t, key, headerOf(key, [2]string{"x", bad}), payloadOf()), ErrMalformed)
			refuse(t, v, forge(t, key, headerOf(key), payloadOf([2]string{"x", bad})), ErrMalformed)
			refuse(t, v, forge(t, key, headerOf(key), payloadOf([2]string{"sub", bad})), ErrMalformed)
			refuse(t, v, forge(t, key, headerOf(key), strings.Replace(payloadOf(), "{", "{"+bad+":1,", 1)), ErrMalformed)
		}
		claims := accept(t, v, forge(t, key, headerOf(key), payloadOf([2]string{"sub", `"\ud83d\ude00é"`})))
		if want := "😀é"; claims.Subject != want {
			t.Errorf("got sub %q, want %q", claims.Subject, want)
		}
	})
}
