package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gatehouse/model"
	"gatehouse/sqlite"

	_ "modernc.org/sqlite"
)

// BenchmarkStepAlone is the storage work of a refresh, one caller at a time,
// turn by turn with its reference: the bare commit of one row by a connection
// that does nothing else, on the same disk with the same durability. The rate
// is that of the medians; 1.00 is as fast as the bare commit. Both logs have been
// written through once: while a log grows, each sync takes longer.
func BenchmarkStepAlone(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context()) // can end, like that of a request
	defer cancel()
	bare := bareCommit(b)
	store := openStore(b)
	sessions := openSessions(b, store, 1000)
	stepThrough(b, store, sessions)
	var reference, steps []time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		bare()
		between := time.Now()
		stepOn(b, ctx, store, &sessions[i%len(sessions)], between)
		steps = append(steps, time.Since(between))
		reference = append(reference, between.Sub(start))
	}
	b.ReportMetric(float64(median(reference).Nanoseconds())/1e3, "bare-µs")
	b.ReportMetric(float64(median(steps).Nanoseconds())/1e3, "step-µs")
	b.ReportMetric(float64(median(reference))/float64(median(steps)), "rate")
}

// BenchmarkStepTogether is the same with 64 callers at once: each round is 64
// bare commits after each other, and 64 steps at once.
func BenchmarkStepTogether(b *testing.B) {
	const callers = 64
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	bare := bareCommit(b)
	store := openStore(b)
	sessions := openSessions(b, store, 1024)
	stepThrough(b, store, sessions)
	var reference, steps []time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		for range callers {
			bare()
		}
		between := time.Now()
		done := make(chan struct{}, callers)
		for caller := range callers {
			go func() {
				stepOn(b, ctx, store, &sessions[(i*callers+caller)%len(sessions)], between)
				done <- struct{}{}
			}()
		}
		for range callers {
			<-done
		}
		steps = append(steps, time.Since(between))
		reference = append(reference, between.Sub(start))
	}
	b.ReportMetric(float64(median(reference).Nanoseconds())/1e3/callers, "bare-µs")
	b.ReportMetric(float64(median(steps).Nanoseconds())/1e3/callers, "step-µs")
	b.ReportMetric(float64(median(reference))/float64(median(steps)), "rate")
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

// bareCommit returns a function that updates one of a thousand rows. Making them
// takes as many commits, more pages than the log holds before it begins anew.
func bareCommit(b *testing.B) func() {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "bare.db")+"?_journal_mode=WAL&_synchronous=FULL")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`CREATE TABLE t (id BLOB PRIMARY KEY, n INTEGER NOT NULL, x BLOB)`); err != nil {
		b.Fatal(err)
	}
	ids := make([]model.UserID, 1000)
	for i := range ids {
		ids[i] = model.NewID[model.User]()
		if _, err := db.Exec(`INSERT INTO t VALUES ($1, 0, zeroblob(150))`, ids[i][:]); err != nil {
			b.Fatal(err)
		}
	}
	update, err := db.Prepare(`UPDATE t SET n = n + 1 WHERE id = $1`)
	if err != nil {
		b.Fatal(err)
	}
	next := 0
	return func() {
		if _, err := update.Exec(ids[next%len(ids)][:]); err != nil {
			b.Error(err)
		}
		next++
	}
}

func openStore(b *testing.B) model.Store {
	b.Helper()
	store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "gatehouse.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	return store
}

func stepOn(b *testing.B, ctx context.Context, store model.Store, s *model.Session, now time.Time) {
	p, err := store.StepSession(ctx, model.Step{SessionID: s.ID, Counter: s.Counter, Now: now, IdleExpiresAt: now.Add(time.Hour)})
	if err != nil {
		b.Error(err)
	}
	s.Counter = p.Session.Counter
}

// stepThrough writes as many pages as the log holds before it begins anew.
func stepThrough(b *testing.B, store model.Store, sessions []model.Session) {
	b.Helper()
	for i := range sessions {
		stepOn(b, b.Context(), store, &sessions[i], time.Now())
	}
}

func openSessions(b *testing.B, store model.Store, n int) []model.Session {
	b.Helper()
	now := time.Now()
	var sessions []model.Session
	err := store.Tx(b.Context(), func(r model.Records) error {
		for i := range n {
			user := model.User{ID: model.NewID[model.User](), Username: model.Username(fmt.Sprintf("user%d", i)), CreatedAt: now, UpdatedAt: now}
			if err := r.CreateUser(b.Context(), user, "hash"); err != nil {
				return err
			}
			s := model.Session{ID: model.NewID[model.Session](), UserID: user.ID, Counter: 1, AuthenticatedAt: now, CreatedAt: now,
				LastUsedAt: now, IdleExpiresAt: now.Add(time.Hour), ExpiresAt: now.Add(24 * time.Hour)}
			if _, err := r.OpenSession(b.Context(), s, 1); err != nil {
				return err
			}
			sessions = append(sessions, s)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return sessions
}

// BenchmarkLogin is the storage work of one login, the account and the session
// with its event, among few users and among many. A login among ten million
// should cost at most 1.5 times what it costs among ten thousand; a million is
// what fits into the time of a benchmark.
func BenchmarkLogin(b *testing.B) {
	for _, users := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("users_%d", users), func(b *testing.B) { benchmarkLogin(b, users) })
	}
}

func benchmarkLogin(b *testing.B, users int) {
	path := filepath.Join(b.TempDir(), "gatehouse.db")
	store, err := sqlite.Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	fill(b, path, users)
	now := time.Now()
	var times []time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		account, err := store.AccountByUsername(b.Context(), model.Username(fmt.Sprintf("user%d", 1+i*7919%users)))
		if err != nil {
			b.Fatal(err)
		}
		session := model.Session{ID: model.NewID[model.Session](), UserID: account.User.ID, AuthenticatedAt: now, CreatedAt: now,
			LastUsedAt: now, IdleExpiresAt: now.Add(time.Hour), ExpiresAt: now.Add(24 * time.Hour)}
		err = store.Tx(b.Context(), func(r model.Records) error {
			if _, err := r.OpenSession(b.Context(), session, account.PasswordVersion); err != nil {
				return err
			}
			return r.Record(b.Context(), model.Event{At: now, Name: model.EventLoginSuccess, UserID: account.User.ID, SessionID: session.ID})
		})
		if err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	b.ReportMetric(float64(median(times).Nanoseconds())/1e3, "median-µs")
}

// fill adds users, each with a session, faster than the store would.
func fill(b *testing.B, path string, users int) {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_synchronous=OFF&_pragma=cache_size(-262144)")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	_, err = db.Exec(`
		INSERT INTO users (id, username, username_skeleton, email, roles, created_at, updated_at, password_hash, password_version)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		SELECT randomblob(16), 'user' || i, 'skeleton' || i, 'user' || i || '@example.com', '[]', 1, 1, hex(randomblob(48)), 1 FROM n;
		INSERT INTO sessions (id, user_id, counter, status_index, authenticated_at, created_at, last_used_at, idle_expires_at, expires_at, sweep_at)
		SELECT randomblob(16), id, 1, row_number() OVER (), 1, 1, 1, 4102444800000000, 4102444800000000, 4102444800000000 FROM users`, users)
	if err != nil {
		b.Fatal(err)
	}
}
