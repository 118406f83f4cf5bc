package crosscheck

import (
	"bytes"
	"compress/zlib"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v3/jwk"

	"gatehouse/jwt"
)

var published = []jwt.Algorithm{jwt.EdDSA, jwt.ES256, jwt.RS256}

func TestTheyReadTheKeySetThatWePublish(t *testing.T) {
	var keys []jwt.VerifyKey
	for _, alg := range published {
		keys = append(keys, ourKeys()[alg].VerifyKey())
	}
	document := must(json.Marshal(must(jwt.NewKeySet(keys...))(t)))(t)
	var byJose jose.JSONWebKeySet
	if err := json.Unmarshal(document, &byJose); err != nil {
		t.Fatal(err)
	}
	byJWX := must(jwk.Parse(document))(t)
	if len(byJose.Keys) != len(keys) || byJWX.Len() != len(keys) {
		t.Fatalf("go-jose reads %d keys, jwx %d, want %d", len(byJose.Keys), byJWX.Len(), len(keys))
	}
	for _, alg := range published {
		t.Run("JW-23_"+string(alg), func(t *testing.T) {
			want := asTheirs(t, ourKeys()[alg])
			found := byJose.Key(want.id)
			if len(found) != 1 || !found[0].Valid() || !found[0].IsPublic() || found[0].Algorithm != string(alg) || found[0].Use != "sig" {
				t.Fatalf("go-jose reads %+v", found)
			}
			other, ok := byJWX.LookupKeyID(want.id)
			if !ok {
				t.Fatal("jwx does not find the key")
			}
			var raw any
			if err := jwk.Export(other, &raw); err != nil {
				t.Fatal(err)
			}
			public := want.public.(interface{ Equal(crypto.PublicKey) bool })
			if !public.Equal(found[0].Key) || !public.Equal(raw) {
				t.Errorf("the keys differ: go-jose %v, jwx %v, want %v", found[0].Key, raw, want.public)
			}
		})
	}
}

func TestWeReadTheKeySetsThatTheyPublish(t *testing.T) {
	var keys []key
	for _, alg := range published {
		keys = append(keys, theirKeys()[alg])
	}
	for name, document := range map[string][]byte{"go-jose": josePublishes(t, keys...), "jwx": jwxPublishes(t, keys...)} {
		t.Run("JW-31_"+name, func(t *testing.T) {
			set := must(jwt.ParseKeySet(document))(t)
			if set.Len() != len(keys) {
				t.Fatalf("got %d keys, want %d", set.Len(), len(keys))
			}
			v := ourVerifier(t, set)
			for _, k := range keys {
				claims := accessClaimsAt(time.Now().Truncate(time.Second).UTC())
				got := must(v.Verify(must(must(golangIssuer(k, atJWT))(t)(asMap(claims)))(t)))(t)
				if diff := cmp.Diff(claims, got); diff != "" {
					t.Errorf("%s: the claims differ (-issued +read):\n%s", k.alg, diff)
				}
			}
		})
	}
	t.Run("JW-25_a_secret_is_no_key_to_publish", func(t *testing.T) {
		for name, document := range map[string][]byte{
			"go-jose": josePublishes(t, theirKeys()[jwt.HS256]), "jwx": jwxPublishes(t, theirKeys()[jwt.HS256]),
		} {
			if set, err := jwt.ParseKeySet(document); err == nil || set.Len() != 0 {
				t.Errorf("%s: got %d keys, %v, want an error", name, set.Len(), err)
			}
		}
	})
}

func TestThumbprintsAreEqual(t *testing.T) {
	for _, alg := range published {
		t.Run("JW-23_"+string(alg), func(t *testing.T) {
			ours := ourKeys()[alg]
			byJose, byJWX := thumbprints(t, asTheirs(t, ours).public)
			if !bytes.Equal(byJose, byJWX) {
				t.Errorf("go-jose computes %x, jwx %x", byJose, byJWX)
			}
			if got := base64.RawURLEncoding.EncodeToString(byJose); got != ours.KeyID() {
				t.Errorf("the key id is %s, the thumbprint %s", ours.KeyID(), got)
			}
		})
	}
}

func listDemands(keys ...key) demands {
	d := accessDemands(keys...)
	d.typ, d.audience = listJWT, ""
	return d
}

func TestStatusLists(t *testing.T) {
	each(t, "they_read_ours", func(t *testing.T, alg jwt.Algorithm, lib library) {
		ours, now := ourKeys()[alg], time.Now().Truncate(time.Second)
		list := jwt.NewStatusList(1 << 18)
		for _, index := range []int64{0, 7, 8, 4711, 1<<18 - 1} {
			list.Revoke(index)
		}
		token := must(ours.SignStatusList(jwt.StatusListClaims{
			Issuer: issuer, URI: statusURI, IssuedAt: now, ExpiresAt: now.Add(time.Minute), TTL: time.Second, List: list,
		}))(t)
		got := leveled(t, must(must(lib.verifier(listDemands(asTheirs(t, ours))))(t)(token))(t))
		if got["sub"] != statusURI || got["ttl"] != 1.0 || got["exp"] != float64(now.Unix()+60) {
			t.Errorf("got %v", got)
		}
		packed := must(base64.RawURLEncoding.DecodeString(got["status_list"].(map[string]any)["lst"].(string)))(t)
		bits := must(io.ReadAll(must(zlib.NewReader(bytes.NewReader(packed)))(t)))(t)
		for index := range int64(1 << 18) {
			if marked := bits[index/8]>>(index%8)&1 == 1; marked != list.Revoked(index) {
				t.Fatalf("place %d: got %v", index, marked)
			}
		}
		if _, err := must(lib.verifier(accessDemands(asTheirs(t, ours))))(t)(token); err == nil {
			t.Error("a list passes for an access token")
		}
	})
	each(t, "we_read_theirs", func(t *testing.T, alg jwt.Algorithm, lib library) {
		theirs, now := theirKeys()[alg], time.Now().Unix()
		set := asOurs(t, theirs)
		v := must(jwt.NewStatusListVerifier(jwt.StatusListVerifierConfig{Issuer: issuer, URI: statusURI, Keys: func() jwt.KeySet { return set }}))(t)
		claims := map[string]any{
			// The example of the draft, section 4.
			"iss": issuer, "sub": statusURI, "iat": now, "exp": now + 60, "ttl": 1, "status_list": map[string]any{"bits": 1, "lst": "eNrbuRgAAhcBXQ"},
		}
		got := must(v.Verify(must(must(lib.issuer(theirs, listJWT))(t)(claims))(t)))(t)
		if got.TTL != time.Second || got.List.Len() != 16 || !got.List.Revoked(0) || got.List.Revoked(1) || !got.List.Revoked(15) {
			t.Errorf("got %+v", got)
		}
		mistyped := must(must(lib.issuer(theirs, atJWT))(t)(claims))(t)
		if list, err := v.Verify(mistyped); !errors.Is(err, jwt.ErrType) || list != nil {
			t.Errorf("got %v, %v, want %v", list, err, jwt.ErrType)
		}
	})
}
