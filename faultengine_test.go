package gatehouse_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
	"gatehouse/postgres"
	"gatehouse/sqlite"
	"gatehouse/sqlstore"
	"gatehouse/storetest"
)

// tap counts what a store asks its engine: each transaction when it begins, each
// statement, each commit. At the n-th something happens.
type tap struct {
	mu     sync.Mutex
	n      int // 0 while nothing happens
	points int
	writes int // transactions that may change something
	kept   int // those of them that were committed
	happen func() error
}

func (t *tap) point() error {
	t.mu.Lock()
	t.points++
	hit := t.points == t.n
	t.mu.Unlock()
	if hit {
		return t.happen()
	}
	return nil
}

// at makes something happen at the n-th point from now on.
func (t *tap) at(n int, happen func() error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n, t.points, t.writes, t.kept, t.happen = n, 0, 0, 0, happen
}

// reached reports whether there was an n-th point.
func (t *tap) reached() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.points >= t.n
}

func (t *tap) written() (begun, kept int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.writes, t.kept
}

// tappedEngine is an engine with a tap.
type tappedEngine struct {
	sqlstore.Engine
	tap *tap
}

func (e tappedEngine) Read(ctx context.Context, fn func(sqlstore.Runner) error) error {
	if err := e.tap.point(); err != nil {
		return err
	}
	return e.Engine.Read(ctx, func(q sqlstore.Runner) error { return fn(e.tap.runner(q)) })
}

func (e tappedEngine) Write(ctx context.Context, fn func(sqlstore.Runner) error) error {
	return e.change(ctx, e.Engine.Write, fn)
}

func (e tappedEngine) Tx(ctx context.Context, fn func(sqlstore.Runner) error) error {
	return e.change(ctx, e.Engine.Tx, fn)
}

func (e tappedEngine) change(ctx context.Context, run func(context.Context, func(sqlstore.Runner) error) error, fn func(sqlstore.Runner) error) error {
	if err := e.tap.point(); err != nil {
		return err
	}
	e.tap.mu.Lock()
	e.tap.writes++
	e.tap.mu.Unlock()
	err := run(ctx, func(q sqlstore.Runner) error {
		if err := fn(e.tap.runner(q)); err != nil {
			return err
		}
		return e.tap.point() // the commit
	})
	if err == nil {
		e.tap.mu.Lock()
		e.tap.kept++
		e.tap.mu.Unlock()
	}
	return err
}

// tappedRunner passes on what the runner of either engine is.
type tappedRunner struct {
	sqlstore.Runner
	tap *tap
}

type tappedDirect struct {
	tappedRunner
	direct sqlstore.Direct
}

func (t *tap) runner(q sqlstore.Runner) sqlstore.Runner {
	plain := tappedRunner{q, t}
	if direct, ok := q.(sqlstore.Direct); ok {
		return tappedDirect{plain, direct}
	}
	return plain
}

func (r tappedRunner) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := r.tap.point(); err != nil {
		return nil, err
	}
	return r.Runner.ExecContext(ctx, query, args...)
}

func (r tappedRunner) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := r.tap.point(); err != nil {
		return nil, err
	}
	return r.Runner.QueryContext(ctx, query, args...)
}

func (r tappedDirect) Row(ctx context.Context, query string, args, into []any) (bool, error) {
	if err := r.tap.point(); err != nil {
		return false, err
	}
	return r.direct.Row(ctx, query, args, into)
}

func (r tappedRunner) Erased() {
	if eraser, ok := r.Runner.(sqlstore.Eraser); ok {
		eraser.Erased()
	}
}

func (r tappedRunner) Prove(query string, args ...any) {
	if prover, ok := r.Runner.(sqlstore.Prover); ok {
		prover.Prove(query, args...)
	}
}

func (r tappedRunner) Undo(ctx context.Context, fn func() error) error {
	if undoing, ok := r.Runner.(sqlstore.Undoing); ok {
		return undoing.Undo(ctx, fn)
	}
	return fn()
}

// tappedStore is what an engine keeps, behind a tap.
type tappedStore struct {
	model.Store
	tap           *tap
	db            *sql.DB // beside the store
	tables        string  // the query for the names of all tables
	master, other model.MasterKey
}

// The names of all tables there are.
const (
	tablesOfSQLite     = `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	tablesOfPostgreSQL = `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`
)

// onBothEngines runs a test on a store of either engine.
func onBothEngines(t *testing.T, test func(t *testing.T, store *tappedStore)) {
	t.Run("on_SQLite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "gatehouse.db")
		store, err := sqlite.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		test(t, newTappedStore(t, store.Store, sqlDB(t, "sqlite", path), tablesOfSQLite))
	})
	t.Run("ST-09_on_PostgreSQL_with_one_connection", func(t *testing.T) {
		t.Parallel()
		dsn := emptySchema(t)
		store, err := postgres.Open(t.Context(), dsn+" pool_max_conns=1")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		test(t, newTappedStore(t, store.Store, sqlDB(t, "pgx", dsn), tablesOfPostgreSQL))
	})
}

func sqlDB(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func newTappedStore(_ *testing.T, store *sqlstore.Store, db *sql.DB, tables string) *tappedStore {
	watched := &tap{}
	through := store.Through(func(e sqlstore.Engine) sqlstore.Engine { return tappedEngine{e, watched} })
	return &tappedStore{Store: through, tap: watched, db: db, tables: tables, master: randomMasterKey(), other: randomMasterKey()}
}

// auth is the rules over the store, with a clock of their own.
func (s *tappedStore) auth(t *testing.T) (*gatehouse.Auth, *clock) {
	t.Helper()
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	return s.rules(t, c, nil), c
}

func (s *tappedStore) rules(t *testing.T, c *clock, mailer model.Mailer) *gatehouse.Auth {
	t.Helper()
	auth, err := gatehouse.New(t.Context(), s, gatehouse.Config{
		Issuer: "https://id.example.com", Audience: "shop", HashParams: cheap, Now: c.Now, MasterKey: s.master, Mailer: mailer,
		Limits: gatehouse.Limits{MailsPerUser: gatehouse.Limit{Count: 1000, Within: time.Hour}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// forgetAttempts lets everybody begin anew.
func (s *tappedStore) forgetAttempts(t *testing.T) {
	t.Helper()
	if _, err := s.db.ExecContext(t.Context(), `DELETE FROM attempts`); err != nil {
		t.Fatal(err)
	}
}

// empty takes away what other scenes have left, but for the signing keys.
func (s *tappedStore) empty(t *testing.T) {
	t.Helper()
	for _, table := range []string{"outbox", "codes", "attempts", "sessions", "events", "users"} {
		if _, err := s.db.ExecContext(t.Context(), `DELETE FROM `+table); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.db.ExecContext(t.Context(), `UPDATE event_chain SET record = $1`, []byte{}); err != nil {
		t.Fatal(err)
	}
}

// contents is every row of every table there is, by the name of the table.
type contents map[string][]string

func (s *tappedStore) contents(t *testing.T) contents {
	t.Helper()
	return contentsOf(t, s.db, s.tables)
}

func contentsOf(t *testing.T, db *sql.DB, tables string) contents {
	t.Helper()
	all := contents{}
	for _, name := range storetest.Rows(t, db, tables) {
		name = strings.TrimPrefix(name, " ")
		all[name] = storetest.Rows(t, db, "SELECT * FROM "+name)
	}
	return all
}

func (s *tappedStore) rows(t *testing.T, query string) []string {
	t.Helper()
	return storetest.Rows(t, s.db, query)
}

// differ names the tables that are not the same in both, but for some.
func (c contents) differ(other contents, but []string) (tables []string) {
	for name := range c {
		if !slices.Contains(but, name) && !slices.Equal(c[name], other[name]) {
			tables = append(tables, name)
		}
	}
	return tables
}
