package gatehouse_test

import (
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// Two services with one issuer, one store and one set of keys: only the audience
// tells their tokens apart.
func TestATokenIsForTheAudienceItNames(t *testing.T) {
	h := newHouse(t)
	bankConfig := withMasterKey(t, h)
	bankConfig.Audience = "bank"
	bank, err := gatehouse.New(t.Context(), h.store, bankConfig)
	mustNot(t, err)
	h.register(t, "ana")
	atShop := h.login(t, "ana")
	atBank, err := bank.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
	mustNot(t, err)
	for name, of := range map[string]struct {
		auth         *gatehouse.Auth
		own, foreign string
	}{
		"shop": {h.Auth, atShop.AccessToken, atBank.AccessToken}, "bank": {bank, atBank.AccessToken, atShop.AccessToken},
	} {
		t.Run("JW-10_at_the_"+name, func(t *testing.T) {
			_, err := of.auth.LoginJWT(t.Context(), of.foreign)
			refused(t, err, model.ErrInvalidToken)
			_, err = of.auth.BearerPresence(t.Context(), of.foreign)
			refused(t, err, model.ErrInvalidToken)
			claims, err := of.auth.LoginJWT(t.Context(), of.own)
			if err != nil || len(claims.Audience) != 1 || claims.Audience[0] != name {
				t.Errorf("its own token: %v, %v", claims, err)
			}
		})
		t.Run("JW-22_for_ten_minutes_at_the_"+name, func(t *testing.T) {
			claims, err := of.auth.LoginJWT(t.Context(), of.own)
			mustNot(t, err)
			if lives := claims.ExpiresAt.Sub(claims.IssuedAt); lives != 10*time.Minute || atShop.ExpiresIn != lives {
				t.Errorf("it lives for %v, and %v is told", lives, atShop.ExpiresIn)
			}
		})
		t.Run("JW-28_introspection_at_the_"+name, func(t *testing.T) {
			for token, want := range map[string]bool{of.own: true, of.foreign: false} {
				if seen, err := of.auth.IntrospectToken(t.Context(), token); err != nil || seen.Active != want {
					t.Errorf("active %t, %v; want %t", seen.Active, err, want)
				}
			}
		})
	}
}
