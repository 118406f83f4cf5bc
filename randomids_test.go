package gatehouse_test

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse"
)

// An id tells neither how many there are nor which was first.
func TestIDsSayNothing(t *testing.T) {
	const many, logins = 100, 30
	h := newHouse(t)
	users, sessions, tokens := make([]string, many), make([]string, logins), make([]string, many)
	for i := range many {
		user, _, err := h.InviteUser(t.Context(), gatehouse.Registration{Username: fmt.Sprint("user", i)}) // which costs no hash
		mustNot(t, err)
		users[i] = user.ID.String()
	}
	h.register(t, "ana")
	for i := range logins {
		sessions[i] = h.page(t, "ana").Session.ID.String()
	}
	h.register(t, "ben") // whose one session is not the oldest of many
	who, err := h.SessionPresence(t.Context(), h.page(t, "ben").Token)
	mustNot(t, err)
	for i := range many {
		access, err := h.IssueJWT(t.Context(), who)
		mustNot(t, err)
		claims, err := h.LoginJWT(t.Context(), access.AccessToken)
		mustNot(t, err)
		tokens[i] = claims.TokenID
	}
	for name, ids := range map[string][]string{"EN-12_of_users": users, "EN-12_of_sessions": sessions, "JW-19_EN-12_of_tokens": tokens} {
		t.Run(name, func(t *testing.T) { wantNoOrder(t, ids) })
	}
	t.Run("EN-12_of_users_and_sessions_are_UUIDs_of_version_4", func(t *testing.T) {
		for _, id := range append(users, sessions...) {
			if len(id) != 36 || id[14] != '4' || !strings.ContainsRune("89ab", rune(id[19])) {
				t.Fatalf("got %s", id)
			}
		}
	})
}

// wantNoOrder wants ids of which each differs from the one before it in many
// characters, and which rise as often as they fall. The bounds are more than six
// standard deviations wide.
func wantNoOrder(t *testing.T, ids []string) {
	t.Helper()
	seen, rises := map[string]bool{}, 0
	for i, id := range ids {
		seen[id] = true
		if i == 0 {
			continue
		}
		if id > ids[i-1] {
			rises++
		}
		same := 0
		for at := range min(len(id), len(ids[i-1])) {
			if id[at] == ids[i-1][at] && id[at] != '-' {
				same++
			}
		}
		if same > 16 { // of 32, of which one in 16 is the same by chance, and that of the version
			t.Errorf("%s follows %s", id, ids[i-1])
		}
	}
	// Of n random values (n-1)/2 rise, with a variance of (n+1)/12.
	if off := rises - (len(ids)-1)/2; len(seen) != len(ids) || off*off > 36*(len(ids)+1)/12 {
		t.Errorf("%d different ones, %d of %d are above the one before", len(seen), rises, len(ids)-1)
	}
}
