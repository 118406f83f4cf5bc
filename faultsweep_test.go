package gatehouse_test

import (
	"testing"
	"time"

	"gatehouse"
)

// What is over is forgotten, and nothing else: a row each that ends at a known time
// is looked for just before and just after.
func TestSweepForgetsWhatIsOverAndNothingElse(t *testing.T) {
	const kept = gatehouse.MaxAccessTTL + 2*time.Minute // of a session that is over
	for name, test := range map[string]struct {
		table, query string
		make         func(t *testing.T, h *house)
		life         time.Duration
	}{
		"code": {"codes", "SELECT count(*) FROM codes", func(t *testing.T, h *house) {
			h.code(t, h.register(t, "ana").ID)
		}, gatehouse.ResetCodeTTL},
		"session over the API": {"sessions", "SELECT count(*) FROM sessions", func(t *testing.T, h *house) {
			h.register(t, "ana")
			h.login(t, "ana")
		}, 7*24*time.Hour + kept},
		"session of a page": {"sessions", "SELECT count(*) FROM sessions", func(t *testing.T, h *house) {
			h.register(t, "ana")
			h.page(t, "ana")
		}, 24*time.Hour + kept},
		"event": {"events", "SELECT count(*) FROM events WHERE name = 'user_created'", func(t *testing.T, h *house) {
			h.register(t, "ana")
		}, gatehouse.DefaultEventRetention},
	} {
		t.Run("ST-11_"+name, func(t *testing.T) {
			h := newHouse(t)
			test.make(t, h)
			db := sqlDB(t, "sqlite", h.dir+"/gatehouse.db")
			want := func(n int, when string) {
				t.Helper()
				h.sweep(t)
				var got int
				if err := db.QueryRowContext(t.Context(), test.query).Scan(&got); err != nil || got != n {
					t.Errorf("%s: %d rows (%v), want %d", when, got, err, n)
				}
			}
			want(1, "at once")
			h.pass(t, test.life-time.Second)
			want(1, "a second before its end")
			h.clock.Add(2 * time.Second)
			want(0, "a second after its end")
		})
	}
}
