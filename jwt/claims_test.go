package jwt

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestClaimsAreAClosedList(t *testing.T) {
	t.Run("JW-21_no_field_takes_another_claim", func(t *testing.T) {
		want := []string{
			"Issuer string", "Subject string", "Audience []string", "IssuedAt time.Time", "ExpiresAt time.Time", "AuthTime time.Time", "TokenID string",
			"ClientID string", "SessionID string", "AMR []string", "ACR string", "Roles []string", "Scope string", "Status jwt.StatusReference",
		}
		var got []string
		for i := range reflect.TypeFor[Claims]().NumField() {
			field := reflect.TypeFor[Claims]().Field(i)
			got = append(got, field.Name+" "+field.Type.String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("got the fields %q, want %q", got, want)
		}
	})
	t.Run("JW-21_nothing_else_signs", func(t *testing.T) {
		var got []string
		methods := reflect.TypeFor[*SigningKey]()
		for i := range methods.NumMethod() {
			if m := methods.Method(i); strings.HasPrefix(m.Name, "Sign") {
				got = append(got, m.Name+" "+m.Type.In(1).String())
			}
		}
		if want := []string{"SignAccessToken *jwt.Claims", "SignStatusList jwt.StatusListClaims"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("JW-21_texts_stay_inside_their_claims", func(t *testing.T) {
		key := testKey(EdDSA)
		v := verifierOf(t, key)
		for _, text := range []string{`x","sub":"root`, `x","exp":9999999999,"y":"`, `"],"iss":"evil`, `\","sub":"root`, "\\", "\"", `}`, `x"}}}`} {
			want := testClaims()
			want.Roles, want.Scope, want.ACR, want.AMR = []string{text, "Sub"}, text, text, []string{text}
			got := accept(t, v, signed(t, key, want))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%q: got %+v, want %+v", text, got, want)
			}
		}
	})
	t.Run("JW-21_a_claim_in_another_spelling_is_another_claim", func(t *testing.T) {
		key := testKey(EdDSA)
		v := verifierOf(t, key)
		var changes [][2]string
		for _, name := range []string{"Iss", "Sub", "SUB", "Aud", "Exp", "Sid", "Client_id", "sub ", "ſub", "custom"} {
			changes = append(changes, [2]string{name, `"root"`})
		}
		got := accept(t, v, forge(t, key, headerOf(key), payloadOf(changes...)))
		if got.Subject != "user-1" || got.Issuer != testIssuer || got.ClientID != "gatehouse" || got.SessionID != "" {
			t.Errorf("got %+v", got)
		}
	})
}
