package jwt

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// readsAlike fails unless the quick reader, when it reads the payload at all,
// reads what the strict one does.
func readsAlike(t *testing.T, doc string) (plain bool) {
	t.Helper()
	var quick, strict payload
	if !quick.readPlain(doc) {
		return false
	}
	if err := strict.readAny(doc); err != nil {
		t.Fatalf("%q: read, but the strict reader says %v", doc, err)
	}
	if quick.notBefore != strict.notBefore || !reflect.DeepEqual(quick.claims, strict.claims) {
		t.Fatalf("%q:\ngot  %+v\nwant %+v", doc, quick.claims, strict.claims)
	}
	return true
}

func TestPlainClaimsAreThoseThatAreIssued(t *testing.T) {
	for i, all := 0, reflect.ValueOf(*testClaims()); i < all.NumField(); i++ {
		if all.Field(i).IsZero() {
			t.Errorf("%s is not among the claims of the tests: whether it is read quickly is not known", all.Type().Field(i).Name)
		}
	}
	for name, change := range map[string]func(*Claims){
		"all":         func(*Claims) {},
		"no_roles":    func(c *Claims) { c.Roles = nil },
		"no_status":   func(c *Claims) { c.Status = StatusReference{} },
		"four_roles":  func(c *Claims) { c.Roles = []string{"a", "b", "", "c"} },
		"first_place": func(c *Claims) { c.Status.Index = 0 },
		"1970":        func(c *Claims) { c.IssuedAt, c.AuthTime = time.Unix(0, 0).UTC(), time.Time{} },
		"least": func(c *Claims) {
			*c = Claims{Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience, IssuedAt: c.IssuedAt, ExpiresAt: c.ExpiresAt, TokenID: c.TokenID, ClientID: c.ClientID}
		},
	} {
		t.Run(name, func(t *testing.T) {
			claims := testClaims()
			change(claims)
			if !readsAlike(t, string(claims.appendJSON(nil))) {
				t.Error("the quick reader left it to the other one")
			}
		})
	}
}

func TestPlainClaimsAreReadStrictly(t *testing.T) {
	good := string(testClaims().appendJSON(nil))
	t.Run("JW-14_nothing_but_the_form_of_our_own", func(t *testing.T) {
		for _, change := range [][2]string{
			{`{"iss"`, ` {"iss"`}, {`,"sub"`, `, "sub"`}, {`,"sub"`, `,"sub":"x","sub"`}, {`,"sub"`, `,"Sub"`}, {`,"exp"`, `,"nbf":1,"exp"`}, {`}}}`, `}}} `},
			{`}}}`, `}}}}`}, {`}}}`, `}}`}, {`}}}`, `}},"x":1}`}, {`,"aud":"shop"`, `,"aud":""`}, {`,"aud":"shop"`, `,"aud":["shop"]`}, {`,"amr":["pwd"]`, `,"amr":[]`},
			{`,"amr":["pwd"]`, `,"amr":["pwd",]`}, {`,"amr":["pwd"]`, `,"amr":["pwd",1]`}, {`,"amr":["pwd"]`, `,"amr":["pwd"`}, {`,"scope":"read`, `,"scope":"\u0072ead`},
			{`,"scope":"read`, ",\"scope\":\"\x00read"}, {`,"scope":"read`, ",\"scope\":\"é"}, {`"idx":4711`, `"idx":04711`}, {`"idx":4711`, `"idx":-1`}, {`"idx":4711`, `"idx":`},
			{`"idx":4711`, `"idx":4711.0`}, {`"idx":4711`, `"idx":4e3`}, {`"idx":4711`, `"idx":"4711"`}, {`"idx":4711`, `"idx":9999999999999999`}, {`"uri":"https`, `"uri":"","x":"https`},
			{`,"iat":1790000000`, `,"iat":null`}, {`,"iat":1790000000`, `,"iat":1790000000,"iat":1`},
			{`,"roles":["admin","editor"]`, `,"roles":["a","b","c","d","e","f","g","h","i"]`}, {good, "}"}, {good, ""}, {good, `{"iss":"`}, {good, "{}"},
		} {
			doc := strings.Replace(good, change[0], change[1], 1)
			if doc == good {
				t.Fatalf("%q: nothing to change", change[0])
			}
			if readsAlike(t, doc) {
				t.Errorf("%q was read by the quick reader", doc)
			}
		}
	})
	t.Run("JW-01_every_flipped_bit", func(t *testing.T) {
		for i := range len(good) {
			for bit := range 8 {
				bad := []byte(good)
				bad[i] ^= 1 << bit
				readsAlike(t, string(bad))
			}
			readsAlike(t, good[:i])
			readsAlike(t, good[:i]+good[i+1:])
			readsAlike(t, good[:i]+good[i:i+1]+good[i:])
		}
	})
	t.Run("what_was_half_read_is_forgotten", func(t *testing.T) {
		var p payload
		if err := p.readClaims(strings.Replace(good, `"scope":"read write"`, `"other":1`, 1)); err != nil {
			t.Fatal(err)
		}
		want := *testClaims()
		want.Scope = ""
		if !reflect.DeepEqual(p.claims, want) || p.used != 4 {
			t.Errorf("got %+v, %d texts, want %+v", p.claims, p.used, want)
		}
	})
}

func FuzzClaims(f *testing.F) {
	f.Add(string(testClaims().appendJSON(nil)))
	f.Add(payloadOf())
	f.Add(`{"iss":"a","aud":["b"],"amr":["",""],"status":{"status_list":{"idx":0,"uri":"u"}}}`)
	f.Fuzz(func(t *testing.T, doc string) { readsAlike(t, doc) })
}
