package gatehouse_test

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gatehouse"
	"gatehouse/jwt"
)

func TestNobodyBringsClaimsOfTheirOwn(t *testing.T) {
	t.Run("JW-21_Config_offers_no_way", func(t *testing.T) {
		if path := wayToClaims(reflect.TypeFor[gatehouse.Config](), nil); path != nil {
			t.Errorf("claims come in by %v", path)
		}
		// The walk finds the ways that there could be.
		for name, hook := range map[string]reflect.Type{
			"function":  reflect.TypeFor[struct{ F func() map[string]any }](),
			"change":    reflect.TypeFor[struct{ F func(*jwt.Claims) }](),
			"interface": reflect.TypeFor[struct{ F interface{ Extra() []any } }](),
			"document":  reflect.TypeFor[struct{ F struct{ G json.RawMessage } }](),
		} {
			if wayToClaims(hook, nil) == nil {
				t.Errorf("%s: not found", name)
			}
		}
	})
	t.Run("JW-21_roles_are_elements_and_never_members", func(t *testing.T) {
		h := newHouse(t)
		roles := []string{"iss", "sub", "aud", "exp", "sid", "client_id", "admin"}
		user, err := h.RegisterUser(t.Context(), gatehouse.Registration{Username: "ana", Password: goodPassword, Roles: roles})
		if err != nil {
			t.Fatal(err)
		}
		token := h.login(t, "ana").AccessToken
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(payload, &members); err != nil {
			t.Fatal(err)
		}
		var names []string
		for name := range members {
			names = append(names, name)
		}
		allowed := []string{"iss", "sub", "aud", "exp", "iat", "jti", "client_id", "sid", "auth_time", "amr", "acr", "status", "roles"}
		slices.Sort(names)
		slices.Sort(allowed)
		if !slices.Equal(names, allowed) {
			t.Errorf("got the members %v, want %v", names, allowed)
		}
		claims, err := h.LoginJWT(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(roles)
		slices.Sort(claims.Roles)
		if claims.Subject != user.ID.String() || claims.Issuer != "https://id.example.com" || !slices.Equal(claims.Roles, roles) {
			t.Errorf("got %+v", claims)
		}
	})
}

// wayToClaims returns the names on the way from a type to one that could hold a
// claim, or nil. It looks into types of ours and into those without a name.
func wayToClaims(t reflect.Type, path []string) []string {
	path = append(path[:len(path):len(path)], t.String())
	if t == reflect.TypeFor[jwt.Claims]() || t == reflect.TypeFor[json.RawMessage]() || t.Kind() == reflect.Interface && t.Name() == "" && t.NumMethod() == 0 {
		return path
	}
	if len(path) > 8 || t.PkgPath() != "" && !strings.HasPrefix(t.PkgPath(), "gatehouse") {
		return nil
	}
	var next []reflect.Type
	switch t.Kind() {
	case reflect.Map:
		next = []reflect.Type{t.Key(), t.Elem()}
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Chan:
		next = []reflect.Type{t.Elem()}
	case reflect.Func:
		for i := range t.NumIn() {
			next = append(next, t.In(i))
		}
		for i := range t.NumOut() {
			next = append(next, t.Out(i))
		}
	case reflect.Struct:
		for i := range t.NumField() {
			if t.Field(i).IsExported() {
				next = append(next, t.Field(i).Type)
			}
		}
	case reflect.Interface:
		for i := range t.NumMethod() {
			next = append(next, t.Method(i).Type)
		}
	}
	for _, n := range next {
		if found := wayToClaims(n, path); found != nil {
			return found
		}
	}
	return nil
}
