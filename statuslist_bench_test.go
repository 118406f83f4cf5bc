package gatehouse_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// sessionsVariable is how many sessions the database of BenchmarkStatusList has.
const sessionsVariable = "GATEHOUSE_BENCH_SESSIONS"

// BenchmarkStatusList makes the list of a store with many sessions, of which
// 10,000 were ended while a token may still name them. Their places lie as far
// apart as those of ten million sessions do. Run it by
// scripts/bench --status-list 1000000.
func BenchmarkStatusList(b *testing.B) {
	const ended, places = 10_000, 1 << 26
	sessions := 50_000
	if text := os.Getenv(sessionsVariable); text != "" {
		var err error
		if sessions, err = strconv.Atoi(text); err != nil || sessions < ended || sessions > places {
			b.Fatalf("%s=%q is no number from %d to %d", sessionsVariable, text, ended, places)
		}
	}
	h := newHouse(b)
	ana, bob := h.register(b, "ana"), h.register(b, "bob")
	fillSessions(b, h, ana.ID[:], sessions, places/sessions, sessions/ended)
	b.Run("EndedIndexes", func(b *testing.B) {
		for b.Loop() {
			if kept, err := h.store.EndedIndexes(b.Context()); err != nil || len(kept) != ended {
				b.Fatalf("%d places, %v", len(kept), err)
			}
		}
	})
	b.Run("StatusBound", func(b *testing.B) {
		for b.Loop() {
			if bound, err := h.store.StatusBound(b.Context()); err != nil || bound < places/2 {
				b.Fatalf("bound %d, %v", bound, err)
			}
		}
	})
	// With a session ended since the last list, as in every second of so large a site.
	b.Run("after_an_end", func(b *testing.B) {
		b.ReportAllocs()
		var size int
		for b.Loop() {
			b.StopTimer()
			session := h.page(b, "bob").Session
			if err := h.EndSession(b.Context(), bob.ID, session.ID); err != nil {
				b.Fatal(err)
			}
			h.clock.Add(time.Second)
			b.StartTimer()
			token, err := h.StatusList(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			size = len(token)
		}
		b.ReportMetric(float64(size), "wire-B")
	})
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			h.clock.Add(time.Second)
			if _, err := h.StatusList(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// fillSessions adds sessions with a step from place to place, each so many'th
// of which was ended just now and belongs to nobody any more.
func fillSessions(b *testing.B, h *house, user []byte, sessions, step, each int) {
	b.Helper()
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "gatehouse.db")+"?_pragma=synchronous(OFF)&_pragma=busy_timeout(10000)")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	now := h.clock.Now()
	if _, err := db.ExecContext(b.Context(), `
		WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1)
		INSERT INTO sessions (id, user_id, counter, status_index, authenticated_at, created_at, last_used_at, idle_expires_at, expires_at, ended_at, sweep_at)
		SELECT randomblob(16), CASE WHEN i % $3 = 0 THEN NULL ELSE $4 END, 0, (i + 1) * $2 - 1, $5, $5, $5, $6, $6,
			CASE WHEN i % $3 = 0 THEN $5 END, $6 FROM n`,
		sessions, step, each, user, now.UnixMicro(), now.Add(7*24*time.Hour).UnixMicro()); err != nil {
		b.Fatal(err)
	}
}
