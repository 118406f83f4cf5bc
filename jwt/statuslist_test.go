package jwt

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"
)

const testStatusURI = testIssuer + "/v1/status-list"

// draftList is the example of draft-ietf-oauth-status-list-21 section 4.1.
var draftList = []int64{0, 3, 4, 5, 7, 8, 9, 13, 15}

func TestStatusListOfTheDraft(t *testing.T) {
	list := NewStatusList(16)
	for _, index := range draftList {
		list.Revoke(index)
	}
	if got, want := hex.EncodeToString(list.bits), "b9a3"; got != want {
		t.Errorf("got bytes %s, want %s", got, want)
	}
	encoded, err := decodeBase64(nil, "eNrbuRgAAhcBXQ") // section 4.2
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(encoded), "78dadbb918000217015d"; got != want { // section 4.1
		t.Fatalf("the two examples differ: %s, %s", got, want)
	}
	read, err := DecompressStatusList(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read.bits, list.bits) || read.Len() != 16 {
		t.Errorf("got %x of length %d, want %x of 16", read.bits, read.Len(), list.bits)
	}
}

// TestLongStatusListOfTheDraft is the 1-bit vector of the draft's appendix with test vectors.
func TestLongStatusListOfTheDraft(t *testing.T) {
	encoded, err := decodeBase64(nil, "eNrt3AENwCAMAEGogklACtKQPg9LugC9k_ACvreiogE"+
		"AAKkeCQAAAAAAAAAAAAAAAAAAAIBylgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"+
		"AAAAAAAAAAAAAAAAAAAXG9IAAAAAAAAAPwsJAAAAAAAAAAAAAAAvhsSAAAAAAAAAAAA"+
		"7KpLAAAAAAAAAAAAAAAAAAAAAJsLCQAAAAAAAAAAADjelAAAAAAAAAAAKjDMAQAAAACAZC8L2AEb")
	if err != nil {
		t.Fatal(err)
	}
	list, err := DecompressStatusList(encoded)
	if err != nil {
		t.Fatal(err)
	}
	want := NewStatusList(1 << 20)
	for _, index := range []int64{0, 1993, 25460, 159495, 495669, 554353, 645645, 723232, 854545, 934534, 1000345} {
		want.Revoke(index)
	}
	if !bytes.Equal(list.bits, want.bits) {
		t.Error("the lists differ")
	}
}

func TestStatusListEntries(t *testing.T) {

	t.Run("entries_outside_are_revoked", func(t *testing.T) {
		list := NewStatusList(10)
		list.Revoke(-1)
		list.Revoke(10)
		list.Revoke(1 << 60)
		for index := range int64(10) {
			if list.Revoked(index) {
				t.Errorf("entry %d is revoked", index)
			}
		}
		for _, index := range []int64{-1, 10, 15, 16, 1 << 62} {
			if !list.Revoked(index) {
				t.Errorf("entry %d is not revoked", index)
			}
		}
		var none *StatusList
		if !none.Revoked(0) || none.Len() != 0 {
			t.Error("a missing list says that something is valid")
		}
		none.Revoke(0)
	})
	t.Run("each_entry_is_its_own", func(t *testing.T) {
		for index := range int64(33) {
			list := NewStatusList(33)
			list.Revoke(index)
			list.Revoke(index)
			for other := range int64(33) {
				if got, want := list.Revoked(other), other == index; got != want {
					t.Errorf("entry %d after revoking %d: got %v, want %v", other, index, got, want)
				}
			}
		}
	})
	t.Run("sizes_out_of_range_panic", func(t *testing.T) {
		for _, size := range []int{-1, MaxStatusListEntries + 1} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("size %d: no panic", size)
					}
				}()
				NewStatusList(size)
			}()
		}
	})
}

func TestBrokenStatusLists(t *testing.T) {

	t.Run("lists_that_are_too_long_or_broken", func(t *testing.T) {
		var bomb bytes.Buffer
		w, err := zlib.NewWriterLevel(&bomb, zlib.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		zeros := make([]byte, 1<<20)
		for range maxStatusListBytes>>20 + 1 {
			if _, err := w.Write(zeros); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		good, err := NewStatusList(1000).Compress()
		if err != nil {
			t.Fatal(err)
		}
		badSum := append([]byte{}, good...)
		badSum[len(badSum)-1] ^= 1
		for name, data := range map[string][]byte{
			"bomb": bomb.Bytes(), "empty": nil, "cut": good[:len(good)-3], "trailing": append(good[:len(good):len(good)], 0),
			"checksum": badSum, "raw deflate": good[2 : len(good)-4], "gzip": {0x1f, 0x8b, 8, 0},
		} {
			if list, err := DecompressStatusList(data); err == nil || list != nil {
				t.Errorf("%s: got %v, %v, want an error", name, list, err)
			}
		}
	})
}

func statusPayloadOf(changes ...[2]string) string {
	return changed([][2]string{
		{"iss", quote(testIssuer)}, {"sub", quote(testStatusURI)}, {"iat", "1790000000"}, {"exp", "1790000600"}, {"ttl", "60"},
		{"status_list", `{"bits":1,"lst":"eNrbuRgAAhcBXQ"}`},
	}, changes)
}

func TestStatusListToken(t *testing.T) {
	for _, alg := range testAlgorithms {
		t.Run("round_trip_"+string(alg), func(t *testing.T) {
			key := testKey(alg)
			v := statusVerifierOf(t, key)
			list := NewStatusList(100_000)
			for index := int64(0); index < 100_000; index += 997 {
				list.Revoke(index)
			}
			token, err := key.SignStatusList(StatusListClaims{
				Issuer: testIssuer, URI: testStatusURI, IssuedAt: testNow, ExpiresAt: testNow.Add(time.Hour), TTL: 2 * time.Second, List: list,
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := v.Verify(token)
			if err != nil {
				t.Fatal(err)
			}
			if got.Issuer != testIssuer || got.URI != testStatusURI || !got.IssuedAt.Equal(testNow) ||
				!got.ExpiresAt.Equal(testNow.Add(time.Hour)) || got.TTL != 2*time.Second || !bytes.Equal(got.List.bits, list.bits) {
				t.Errorf("got %+v", got)
			}
			for i := range len(token) {
				bad := []byte(token)
				bad[i] ^= 4
				if claims, err := v.Verify(string(bad)); !errors.Is(err, ErrInvalid) || claims != nil {
					t.Fatalf("byte %d changed: got %v, %v", i, claims, err)
				}
			}
			refuse(t, verifierOf(t, key), token[:min(len(token), MaxTokenSize)], ErrInvalid)
		})
	}
}

func TestVerifyStatusListType(t *testing.T) {
	key := testKey(EdDSA)
	v := statusVerifierOf(t, key)
	header := headerOf(key, [2]string{"typ", `"statuslist+jwt"`})

	t.Run("JW-07_the_two_kinds_of_token_do_not_pass_for_each_other", func(t *testing.T) {
		refuse(t, verifierOf(t, key), forge(t, key, header, payloadOf()), ErrType)
		for _, typ := range []string{`"at+jwt"`, `"JWT"`, "", `"statuslist+cwt"`} {
			bad := forge(t, key, headerOf(key, [2]string{"typ", typ}), statusPayloadOf())
			if claims, err := v.Verify(bad); !errors.Is(err, ErrType) || claims != nil {
				t.Errorf("typ %s: got %v, %v", typ, claims, err)
			}
		}
		if _, err := v.Verify(forge(t, key, headerOf(key, [2]string{"typ", `"application/StatusList+JWT"`}), statusPayloadOf())); err != nil {
			t.Error(err)
		}
	})
}

func TestVerifyStatusListClaims(t *testing.T) {
	key := testKey(EdDSA)
	v := statusVerifierOf(t, key)
	header := headerOf(key, [2]string{"typ", `"statuslist+jwt"`})

	t.Run("claims", func(t *testing.T) {
		list := func(json string) [2]string { return [2]string{"status_list", json} }
		for _, test := range []struct {
			change [2]string
			want   error
		}{
			{[2]string{"iss", `"https://evil.example"`}, ErrIssuer}, {[2]string{"iss", "1"}, ErrClaims},
			{[2]string{"sub", `"https://id.example.com/v1/status-list/"`}, ErrClaims}, {[2]string{"sub", ""}, ErrClaims},
			{[2]string{"iat", ""}, ErrClaims}, {[2]string{"iat", "1790000061"}, ErrNotYetValid}, {[2]string{"iat", `"1790000000"`}, ErrClaims},
			{[2]string{"exp", ""}, ErrClaims}, {[2]string{"exp", "1789999940"}, ErrExpired}, {[2]string{"exp", "-1"}, ErrClaims},
			{[2]string{"nbf", "1790000061"}, ErrNotYetValid},
			{[2]string{"ttl", "0"}, ErrClaims}, {[2]string{"ttl", "-1"}, ErrClaims}, {[2]string{"ttl", `"60"`}, ErrClaims},
			{list(""), ErrClaims}, {list("[]"), ErrClaims}, {list(`{}`), ErrClaims}, {list(`{"bits":1}`), ErrClaims}, {list(`{"lst":"eNrbuRgAAhcBXQ"}`), ErrClaims},
			{list(`{"bits":2,"lst":"eNrbuRgAAhcBXQ"}`), ErrClaims}, {list(`{"bits":"1","lst":"eNrbuRgAAhcBXQ"}`), ErrClaims},
			{list(`{"bits":1,"lst":"eNrbuRgAAhcBXQ=="}`), ErrClaims}, {list(`{"bits":1,"lst":"AAAA"}`), ErrClaims}, {list(`{"bits":1,"lst":1}`), ErrClaims},
			{list(`{"bits":1,"bits":1,"lst":"eNrbuRgAAhcBXQ"}`), ErrMalformed},
		} {
			claims, err := v.Verify(forge(t, key, header, statusPayloadOf(test.change)))
			if !errors.Is(err, test.want) || claims != nil {
				t.Errorf("%v: got %v, %v, want %v", test.change, claims, err, test.want)
			}
		}
		for _, change := range [][2]string{{"iss", ""}, {"ttl", ""}, {"ttl", "1e300"}, {"ttl", "0.5"}, {"future", "{}"}} {
			claims, err := v.Verify(forge(t, key, header, statusPayloadOf(change)))
			if err != nil || !claims.List.Revoked(0) || claims.List.Revoked(1) {
				t.Errorf("%v: got %v, %v", change, claims, err)
			}
		}
	})
}

func TestVerifyStatusListOrder(t *testing.T) {
	key := testKey(EdDSA)
	v := statusVerifierOf(t, key)
	header := headerOf(key, [2]string{"typ", `"statuslist+jwt"`})

	t.Run("JW-01_signature_before_the_list", func(t *testing.T) {
		other := newTestKey(t, EdDSA)
		bad := forge(t, other, header, statusPayloadOf([2]string{"status_list", `{"bits":1,"lst":"AAAA"}`}))
		if _, err := v.Verify(bad); !errors.Is(err, ErrSignature) {
			t.Errorf("got %v, want %v", err, ErrSignature)
		}
	})
}

func TestNewStatusListVerifier(t *testing.T) {
	t.Run("JW-30_cannot_be_built_without_issuer_URI_and_keys", func(t *testing.T) {
		keys := func() KeySet { return KeySet{} }
		for _, config := range []StatusListVerifierConfig{{}, {URI: "u", Keys: keys}, {Issuer: "i", Keys: keys}, {Issuer: "i", URI: "u"}} {
			if v, err := NewStatusListVerifier(config); err == nil || v != nil {
				t.Errorf("%+v: got %v, %v", config, v, err)
			}
		}
		if _, err := new(StatusListVerifier).Verify("a.b.c"); !errors.Is(err, ErrInvalid) {
			t.Errorf("zero value: got %v", err)
		}
	})
}

func TestIncompleteStatusListsAreNotIssued(t *testing.T) {
	key := testKey(EdDSA)
	for name, change := range map[string]func(*StatusListClaims){
		"no URI":         func(l *StatusListClaims) { l.URI = "" },
		"no list":        func(l *StatusListClaims) { l.List = nil },
		"no iat":         func(l *StatusListClaims) { l.IssuedAt = time.Time{} },
		"no exp":         func(l *StatusListClaims) { l.ExpiresAt = time.Time{} },
		"exp before iat": func(l *StatusListClaims) { l.ExpiresAt = l.IssuedAt.Add(-time.Second) },
		"half a second":  func(l *StatusListClaims) { l.TTL = time.Second / 2 },
		"negative ttl":   func(l *StatusListClaims) { l.TTL = -time.Second },
		"not UTF-8":      func(l *StatusListClaims) { l.URI = "\xff" },
	} {
		claims := StatusListClaims{Issuer: testIssuer, URI: testStatusURI, IssuedAt: testNow, ExpiresAt: testNow.Add(time.Hour), List: NewStatusList(8)}
		change(&claims)
		if token, err := key.SignStatusList(claims); err == nil || token != "" {
			t.Errorf("%s: got token %q, error %v", name, token, err)
		}
	}
	if _, err := new(SigningKey).SignStatusList(StatusListClaims{}); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("an empty key: got %v", err)
	}
}

func statusVerifierOf(t testing.TB, key *SigningKey) *StatusListVerifier {
	t.Helper()
	set := keySetOf(t, key)
	v, err := NewStatusListVerifier(StatusListVerifierConfig{
		Issuer: testIssuer, URI: testStatusURI, Keys: func() KeySet { return set }, Now: func() time.Time { return testNow },
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestUnionOfStatusLists(t *testing.T) {
	short, long := NewStatusList(16), NewStatusList(32)
	short.Revoke(3)
	long.Revoke(4)
	long.Revoke(20)
	for _, both := range []*StatusList{short.Union(long), long.Union(short)} {
		if both.Len() != 32 {
			t.Errorf("the union has %d entries, want 32", both.Len())
		}
		for i := range int64(40) {
			if got, want := both.Revoked(i), i == 3 || i == 4 || i == 20 || i >= 32; got != want {
				t.Errorf("entry %d: %v, want %v", i, got, want)
			}
		}
		if !both.Includes(short) || !both.Includes(long) || short.Includes(long) || long.Includes(short) {
			t.Error("a list includes what it does not, or lacks what it has")
		}
	}
	if long.Revoked(3) || short.Revoked(4) {
		t.Error("a union changed its parts")
	}
	if none := NewStatusList(8); !none.Includes(NewStatusList(32)) || !short.Includes(none) {
		t.Error("a list lacks what no list marks")
	}
}
