package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"gatehouse/model"
	"gatehouse/postgres"
	"gatehouse/sqlite"
	"gatehouse/storetest"
)

// usersVariable is how many users the large of the two databases has; the small
// one has smallCrowd.
const (
	usersVariable = "GATEHOUSE_BENCH_USERS"
	smallCrowd    = 10_000
	sampled       = 5_000 // sessions of each database that are refreshed in turn
	warmUp        = 300
	maxSessions   = 20 // of one user, as the rules have it
)

// crowd is a database with many users, a session and two events of each.
type crowd struct {
	store    model.Store
	users    int
	sessions []model.Session
	bytes    [3]float64 // of a user, a session and an event, indexes included
}

// BenchmarkUsers is the storage work of a login and of a refresh in a large
// database, turn by turn with the same in a small one. Run it by
// scripts/bench --users 1000000.
func BenchmarkUsers(b *testing.B) {
	users := 100_000
	if text := os.Getenv(usersVariable); text != "" {
		var err error
		if users, err = strconv.Atoi(text); err != nil || users < smallCrowd {
			b.Fatalf("%s=%q is no number from %d up", usersVariable, text, smallCrowd)
		}
	}
	for _, engine := range []struct {
		name string
		open func(b *testing.B, users int) *crowd
	}{{"SQLite", sqliteCrowd}, {"PostgreSQL", postgresCrowd}} {
		b.Run(engine.name, func(b *testing.B) {
			small, large := engine.open(b, smallCrowd), engine.open(b, users)
			b.Run("Login", func(b *testing.B) { benchCrowds(b, small, large, (*crowd).login) })
			b.Run("Refresh", func(b *testing.B) { benchCrowds(b, small, large, (*crowd).refresh) })
		})
	}
}

func benchCrowds(b *testing.B, small, large *crowd, do func(c *crowd, ctx context.Context, i int) error) {
	ctx, cancel := context.WithCancel(b.Context()) // can end, like that of a request
	defer cancel()
	timed := func(c *crowd, i int) time.Duration {
		begun := time.Now()
		if err := do(c, ctx, i); err != nil {
			b.Fatal(err)
		}
		return time.Since(begun)
	}
	for i := range warmUp {
		timed(small, i)
		timed(large, i)
	}
	var few, many []time.Duration
	for i := warmUp; b.Loop(); i++ {
		few = append(few, timed(small, i))
		many = append(many, timed(large, i))
	}
	b.ReportMetric(micros(median(few)), "small-µs")
	b.ReportMetric(micros(median(many)), "large-µs")
	b.ReportMetric(float64(median(many))/float64(median(few)), "ratio")
	b.ReportMetric(float64(mean(many))/float64(mean(few)), "mean-ratio")
	for i, unit := range []string{"B/user", "B/session", "B/event"} {
		b.ReportMetric(large.bytes[i], unit)
	}
	b.ReportMetric(0, "ns/op")
}

func mean(times []time.Duration) time.Duration {
	var sum time.Duration
	for _, t := range times {
		sum += t
	}
	return sum / time.Duration(len(times))
}

// login is what LoginUser asks of the store.
func (c *crowd) login(ctx context.Context, i int) error {
	name := model.Username(fmt.Sprintf("user%d", 1+i*7919%c.users))
	account, err := c.store.AccountByUsername(ctx, name)
	if err != nil {
		return err
	}
	now := time.Now()
	session := model.Session{ID: model.NewID[model.Session](), UserID: account.User.ID, SteppedAt: now, AuthenticatedAt: now, CreatedAt: now,
		LastUsedAt: now, IdleExpiresAt: now.Add(7 * 24 * time.Hour), ExpiresAt: now.Add(30 * 24 * time.Hour)}
	return c.store.Tx(ctx, func(tx model.Records) error {
		if _, err := tx.OpenSession(ctx, session, account.PasswordVersion); err != nil {
			return err
		}
		if _, err := tx.EndOldestSessions(ctx, account.User.ID, maxSessions, now); err != nil {
			return err
		}
		return tx.Record(ctx, model.Event{At: now, Name: model.EventLoginSuccess, UserID: account.User.ID, SessionID: session.ID})
	})
}

// refresh is what RefreshJWT asks of the store.
func (c *crowd) refresh(ctx context.Context, i int) error {
	s := &c.sessions[i%len(c.sessions)]
	now := time.Now()
	got, err := c.store.StepSession(ctx, model.Step{SessionID: s.ID, Counter: s.Counter, Now: now, IdleExpiresAt: now.Add(7 * 24 * time.Hour)})
	s.Counter = got.Session.Counter
	return err
}

// The rows are as long as real ones: a hash of 97 characters that is none, the
// name of a common browser, a cookie for every second session. The places in
// the status list are spread over eight times as many, as the store spreads
// them. No row is made in the order of its key.
const (
	fakeHash = `'$argon2id$v=19$m=65536,t=3,p=1$' || substr(%[1]s || %[1]s || %[1]s, 1, 22) || '$' || substr(%[1]s || %[1]s || %[1]s, 1, 43)`
	browser  = `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36`

	fillUsers = `INSERT INTO users (id, username, username_skeleton, email, roles, created_at, updated_at, password_hash, password_version)
		%s SELECT %s, 'user' || i, 'skeleton' || i, 'user' || i || '@example.com', '[]', 1700000000000000 + i, 1700000000000000 + i, %s, 1 FROM n`
	fillSessions = `INSERT INTO sessions (id, user_id, token_digest, counter, stepped_at, status_index, authenticated_at, created_at,
		last_used_at, idle_expires_at, expires_at, sweep_at, address, user_agent, request_id)
		SELECT %[1]s, id, CASE WHEN created_at %% 2 = 0 THEN %[2]s END, 1, 1700000000000000, ((created_at - 1700000000000000) * 2654435761) %% %[3]d,
		created_at, created_at, created_at, 4102444800000000 - created_at %% 1000000007, 4102444800000000, 4102444800000000 - created_at %% 1000000007,
		'203.0.113.7', %[4]s, %[5]s FROM users`
	fillEvents = `INSERT INTO events (at, name, user_id, session_id, address, user_agent, request_id)
		SELECT created_at, 'user_created', user_id, NULL, address, user_agent, request_id FROM sessions
		UNION ALL SELECT created_at, 'authn_login_success', user_id, id, address, user_agent, request_id FROM sessions`
	someSessions = `SELECT id FROM sessions WHERE (status_index / 8) %% %d = 0 LIMIT %d`
)

// statusPlaces is how many places the status list has for so many sessions.
func statusPlaces(users int) int { return 8 << bits.Len(uint(users-1)) }

// sizes turns how large the database was after each step into bytes of each row.
func (c *crowd) sizes(after [4]float64) {
	for i, rows := range []int{c.users, c.users, 2 * c.users} {
		c.bytes[i] = (after[i+1] - after[i]) / float64(rows)
	}
}

// pick finds the sessions to refresh, from all over the table.
func (c *crowd) pick(b *testing.B, ids [][]byte) {
	b.Helper()
	if len(ids) < sampled/4 {
		b.Fatalf("only %d sessions were found", len(ids))
	}
	for _, id := range ids {
		c.sessions = append(c.sessions, model.Session{ID: model.SessionID(id), Counter: 1})
	}
}

// stride is every which session is refreshed, of those in the status list.
func stride(users int) int { return max(1, users/sampled) }

func sqliteCrowd(b *testing.B, users int) *crowd {
	b.Helper()
	path := filepath.Join(b.TempDir(), "gatehouse.db")
	store, err := sqlite.Open(b.Context(), path)
	must(b, err)
	must(b, store.Close())
	db, err := sql.Open("sqlite", "file:"+path+"?_synchronous=OFF&_pragma=cache_size(-524288)&_pragma=temp_store(2)")
	must(b, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	c := &crowd{users: users}
	var after [4]float64
	size := func(step int) {
		must(b, db.QueryRow(`SELECT (page_count - freelist_count) * page_size FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()`).Scan(&after[step]))
	}
	size(0)
	agent, request := "CAST('"+browser+"' AS BLOB)", "CAST(lower(hex(randomblob(16))) AS BLOB)"
	for i, fill := range []string{
		fmt.Sprintf(fillUsers, fmt.Sprintf("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)", users),
			"randomblob(16)", fmt.Sprintf(fakeHash, "hex(randomblob(16))")),
		fmt.Sprintf(fillSessions, "randomblob(16)", "randomblob(32)", statusPlaces(users), agent, request),
		fillEvents,
	} {
		_, err := db.Exec(fill)
		must(b, err)
		size(i + 1)
	}
	c.sizes(after)
	rows, err := db.Query(fmt.Sprintf(someSessions, stride(users), sampled))
	must(b, err)
	var ids [][]byte
	for rows.Next() {
		var id []byte
		must(b, rows.Scan(&id))
		ids = append(ids, id)
	}
	must(b, rows.Err())
	c.pick(b, ids)
	_, err = db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	must(b, err)
	c.store, err = sqlite.Open(b.Context(), path)
	must(b, err)
	b.Cleanup(func() { must(b, c.store.Close()) })
	return c
}

// postgresCrowd works on the server that scripts/postgres starts, which does
// not sync its disk: what is compared is the work.
func postgresCrowd(b *testing.B, users int) *crowd {
	b.Helper()
	server := storetest.PostgreSQL(b)
	ctx := context.Background() // outlives the benchmark, for the clean-up
	admin, err := pgx.Connect(ctx, server)
	must(b, err)
	name := fmt.Sprintf("crowd_%d_%d", users, time.Now().UnixNano())
	_, err = admin.Exec(ctx, `CREATE DATABASE `+name)
	must(b, err)
	b.Cleanup(func() {
		_, err := admin.Exec(ctx, `DROP DATABASE `+name+` WITH (FORCE)`)
		must(b, err)
		must(b, admin.Close(ctx))
	})
	dsn := server + " dbname=" + name
	c := &crowd{users: users}
	c.store, err = postgres.Open(ctx, dsn)
	must(b, err)
	b.Cleanup(func() { must(b, c.store.Close()) })
	db, err := pgx.Connect(ctx, dsn)
	must(b, err)
	defer db.Close(ctx)
	var after [4]float64
	size := func(step int) {
		must(b, db.QueryRow(ctx, `SELECT sum(pg_total_relation_size(CAST(t AS regclass)))::float8 FROM unnest(ARRAY['users', 'sessions', 'events']) AS t`).Scan(&after[step]))
	}
	size(0)
	random := "uuid_send(gen_random_uuid())"
	for i, fill := range []string{
		fmt.Sprintf(fillUsers, fmt.Sprintf("WITH n (i) AS (SELECT generate_series(1, %d))", users), random,
			fmt.Sprintf(fakeHash, "md5(CAST(random() AS text))")),
		fmt.Sprintf(fillSessions, random, random+" || "+random, statusPlaces(users), "convert_to('"+browser+"', 'UTF8')",
			"convert_to(md5(CAST(random() AS text)), 'UTF8')"),
		fillEvents,
	} {
		_, err := db.Exec(ctx, fill)
		must(b, err)
		size(i + 1)
	}
	c.sizes(after)
	for _, statement := range []string{`VACUUM ANALYZE`, `CHECKPOINT`} {
		_, err := db.Exec(ctx, statement)
		must(b, err)
	}
	rows, err := db.Query(ctx, fmt.Sprintf(someSessions, stride(users), sampled))
	must(b, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	must(b, err)
	c.pick(b, ids)
	return c
}
