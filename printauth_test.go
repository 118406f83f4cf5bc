package gatehouse_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"gatehouse"
	"gatehouse/model"
)

// printVerbs are all that package fmt knows, and two that it does not.
var printVerbs = []string{"%v", "%+v", "%#v", "%T %v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%b", "%o", "%O", "%c", "%U", "%t", "%e", "%f", "%g", "%p", "%w", "%y", "%z"}

// secretsOf returns every key that lies in memory under these three.
func secretsOf(t *testing.T, master, former model.MasterKey, pepper model.PepperKey) map[string][]byte {
	t.Helper()
	secrets := map[string][]byte{"master key": master[:], "former master key": former[:], "pepper": pepper[:]}
	for name, key := range map[string]model.MasterKey{"of the master key": master, "of the former one": former} {
		for _, purpose := range []string{"gatehouse refresh token v1", "gatehouse seal v1"} {
			derived, err := hkdf.Key(sha256.New, key[:], nil, purpose, 32)
			if err != nil {
				t.Fatal(err)
			}
			secrets[purpose+" "+name] = derived
		}
	}
	return secrets
}

// prints returns the names of the secrets whose beginning stands in the text, in
// any form in which package fmt writes bytes.
func prints(text string, secrets map[string][]byte) (found []string) {
	for name, secret := range secrets {
		for _, verb := range printVerbs {
			for _, value := range []any{secret[:8], [8]byte(secret), [1][8]byte{[8]byte(secret)}} {
				part := fmt.Sprintf(verb, value)
				if _, bytes, ok := strings.Cut(part, "{"); ok {
					part = bytes // %#v names the type first
				}
				if part = strings.Trim(part, `[]{}"`); len(part) >= 8 && strings.Contains(text, part) {
					found = append(found, name+" as "+verb)
				}
			}
		}
	}
	return found
}

type embedsAuth struct {
	*gatehouse.Auth
	Name string
}

type keepsAuth struct{ auth *gatehouse.Auth }

func TestAnAuthPrintsNoSecret(t *testing.T) {
	master, former := randomMasterKey(), randomMasterKey()
	pepper := model.PepperKey(randomMasterKey())
	for _, algorithm := range []string{"EdDSA", "HS256"} {
		h := newHouse(t, func(c *gatehouse.Config) {
			c.Algorithm, c.MasterKey, c.FormerMasterKeys = algorithm, master, followed(master, former).Former
			c.Peppers = []model.Pepper{{ID: "2026", Key: pepper}}
		})
		h.register(t, "ana")
		h.login(t, "ana")
		secrets := secretsOf(t, master, former, pepper)
		if found := prints(fmt.Sprintf("%v%d%x", struct{ key model.MasterKey }{master}, former[:], pepper[:]), secrets); len(found) < 3 {
			t.Fatalf("printed openly, only %v were found", found)
		}
		holder := keepsAuth{h.Auth}
		values := map[string]any{
			"an Auth":            h.Auth,
			"its value":          reflect.ValueOf(h.Auth).Elem(), // no copy of its locks
			"embedded":           embedsAuth{h.Auth, "shop"},
			"embedded, by ref":   &embedsAuth{h.Auth, "shop"},
			"in a field":         holder,
			"in a field, by ref": &holder,
			"in a slice":         []any{h.Auth, holder},
			"in a map":           map[string]keepsAuth{"shop": holder},
		}
		for name, value := range values {
			t.Run("LG-06_"+algorithm+"_"+name, func(t *testing.T) {
				for _, verb := range printVerbs {
					if found := prints(fmt.Sprintf(verb, value), secrets); len(found) > 0 {
						t.Errorf("%s prints %v", verb, found)
					}
				}
				var text, lines bytes.Buffer
				slog.New(slog.NewTextHandler(&text, nil)).Info("started", "auth", value)
				slog.New(slog.NewJSONHandler(&lines, nil)).Info("started", "auth", value)
				encoded, _ := json.Marshal(value)
				if found := prints(text.String()+lines.String()+string(encoded), secrets); len(found) > 0 || text.Len() == 0 || lines.Len() == 0 {
					t.Errorf("the log prints %v", found)
				}
			})
		}
	}
}

func TestAnAuthSaysThatItIsHidden(t *testing.T) {
	h := newHouse(t)
	for _, printed := range []string{fmt.Sprint(h.Auth), fmt.Sprintf("%#v", h.Auth), fmt.Sprintf("%d", h.Auth), h.GoString(), h.LogValue().String()} {
		if printed != "[gatehouse.Auth hidden]" {
			t.Errorf("got %q", printed)
		}
	}
}
