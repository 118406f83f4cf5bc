package e2e

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
)

// Whoever is told that a password is wrong has been counted, whatever happens next.
func TestCountersSurviveBeingKilled(t *testing.T) {
	t.Parallel()
	s := serve(t, newData(t))
	told := map[string]int{}
	for i := range 6 {
		name := fmt.Sprintf("guessed%d", i)
		done(t, s.data, word+"\n", "user", "add", name)
		var answered atomic.Int32
		guess := func(s *server) bool {
			got, err := s.send(request{method: "POST", path: "/v1/login", body: object("identifier", name, "password", "four other words here")})
			if err == nil && got.status == 401 {
				answered.Add(1)
			}
			return err == nil && got.status == 401
		}
		guess(s) // one is answered, and the next ones run into the crash
		crashUnderLoad(t, s, guess)
		told[name] = int(answered.Load())
		s = s.again(t)
	}
	s.stop(t)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.data, "gatehouse.db")+"?mode=ro")
	must(t, err)
	defer db.Close()
	all := 0
	for name, least := range told {
		t.Run("ST-03_LT-01_"+name, func(t *testing.T) {
			var counted int
			must(t, db.QueryRow(`SELECT coalesce(sum(total), 0) FROM attempts JOIN users ON users.id = user_id WHERE username = ?`, name).Scan(&counted))
			if counted < least {
				t.Errorf("%d failures were answered and %d are counted", least, counted)
			}
		})
		all += least
	}
	if all < len(told) {
		t.Errorf("only %d failures were answered", all)
	}
}
