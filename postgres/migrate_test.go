package postgres_test

import (
	"crypto/rand"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/model"
	"gatehouse/postgres"
)

// newest is the version of the tables.
const newest = 5

func TestMigrations(t *testing.T) {
	t.Run("ST-07_of_many_starters_one_makes_the_tables", func(t *testing.T) {
		dsn := newSchema(t)
		var all sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			all.Go(func() {
				store, err := postgres.Open(t.Context(), dsn+" pool_max_conns=2")
				if err == nil {
					err = errors.Join(store.Ping(t.Context()), store.Close())
				}
				errs[i] = err
			})
		}
		all.Wait()
		must(t, errors.Join(errs...))
		if n := query[int](t, dsn, `SELECT count(*) FROM migrations`); n != newest {
			t.Errorf("%d versions were made, want %d", n, newest)
		}
	})
	t.Run("Migrate_says_what_it_did", func(t *testing.T) {
		dsn := newSchema(t)
		for _, want := range [][2]int{{0, newest}, {newest, newest}} {
			before, after, err := postgres.Migrate(t.Context(), dsn)
			if got := [2]int{before, after}; err != nil || got != want {
				t.Errorf("got %v and error %v, want %v", got, err, want)
			}
		}
	})
	t.Run("ST-07_tables_of_a_newer_program_are_refused", func(t *testing.T) {
		dsn := newSchema(t)
		must(t, third(postgres.Migrate(t.Context(), dsn)))
		execute(t, dsn, `INSERT INTO migrations VALUES (1000, 0)`)
		refusedWith(t, dsn, "newer program")
	})
	t.Run("tables_of_another_program_are_refused_and_left_alone", func(t *testing.T) {
		for _, table := range []string{"users", "migrations"} {
			dsn := newSchema(t)
			execute(t, dsn, `CREATE TABLE `+table+` (version INTEGER)`)
			refusedWith(t, dsn, "another program")
			if n := query[int](t, dsn, `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()`); n != 1 {
				t.Errorf("%d tables are there, want the one", n)
			}
		}
	})
	t.Run("ST-07_half_a_migration_is_none", func(t *testing.T) {
		dsn := newSchema(t)
		execute(t, dsn, `CREATE VIEW codes_expiry AS SELECT 1`) // the name of an index that comes late
		refusedWith(t, dsn, "codes_expiry")
		execute(t, dsn, `DROP VIEW codes_expiry`)
		must(t, open(t, dsn).Ping(t.Context()))
	})
}

func third[A, B any](_ A, _ B, err error) error { return err }

func refusedWith(t *testing.T, dsn, want string) {
	t.Helper()
	store, err := postgres.Open(t.Context(), dsn)
	if err == nil {
		must(t, store.Close())
		t.Fatal("it was opened")
	}
	if !strings.Contains(err.Error(), want) || errors.Is(err, model.ErrStoreUnavailable) {
		t.Errorf("got error %q, want one that says %q", err, want)
	}
}

func TestServersThatAreNotGoodEnough(t *testing.T) {
	t.Run("AI-33_a_database_in_another_encoding", func(t *testing.T) {
		refusedWith(t, newDatabase(t, `ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`), "UTF8")
	})
	t.Run("ST-02_synchronous_commit_off_by_options", func(t *testing.T) {
		// It comes before the setting in its own right, which wins.
		store := open(t, newSchema(t)+" options='-c synchronous_commit=off'")
		must(t, store.Ping(t.Context()))
	})
	t.Run("ST-02_the_default_of_a_role_does_not_count", func(t *testing.T) {
		dsn, role := newSchema(t), newRole(t)
		superuser(t, `ALTER ROLE `+role+` SUPERUSER`, `ALTER ROLE `+role+` SET synchronous_commit = off`)
		must(t, open(t, dsn+" user="+role).Ping(t.Context()))
	})
	t.Run("a_server_that_only_reads", func(t *testing.T) {
		dsn, role := newSchema(t), newRole(t)
		superuser(t, `ALTER ROLE `+role+` SUPERUSER`, `ALTER ROLE `+role+` SET default_transaction_read_only = on`)
		if _, err := postgres.Open(t.Context(), dsn+" user="+role); !errors.Is(err, model.ErrStoreUnavailable) {
			t.Errorf("got error %v, want %v", err, model.ErrStoreUnavailable)
		}
	})
}

// newRole returns a role that may log in and nothing else.
func newRole(t *testing.T) string {
	t.Helper()
	role := "role_" + strings.ToLower(rand.Text())
	superuser(t, `CREATE ROLE `+role+` LOGIN`)
	t.Cleanup(func() { superuser(t, `DROP OWNED BY `+role, `DROP ROLE `+role) })
	return role
}

func TestARoleThatOnlyServes(t *testing.T) {
	dsn, role := newSchema(t), newRole(t)
	schema := query[string](t, dsn, `SELECT current_schema()`)
	serving := dsn + " user=" + role
	execute(t, dsn, `GRANT USAGE ON SCHEMA `+schema+` TO `+role)
	t.Run("KY-11_it_cannot_make_the_tables_and_is_told_who_can", func(t *testing.T) { refusedWith(t, serving, "gatehouse migrate") })

	must(t, third(postgres.Migrate(t.Context(), dsn)))
	grants := documentedGrants(t)
	execute(t, dsn, strings.NewReplacer("SCHEMA public", "SCHEMA "+schema, " TO gatehouse", " TO "+role).Replace(grants))
	store, err := postgres.Open(t.Context(), serving)
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	t.Run("KY-11_it_does_all_that_a_server_does", func(t *testing.T) { serves(t, store) })
	t.Run("KY-11_it_cannot_change_the_tables", func(t *testing.T) {
		conn, ctx := connect(t, serving)
		for _, statement := range []string{`CREATE TABLE x (y INT)`, `DROP TABLE events`, `TRUNCATE events`, `ALTER TABLE users ADD x INT`,
			`DELETE FROM migrations`, `CREATE TRIGGER x BEFORE INSERT ON users EXECUTE FUNCTION suppress_redundant_updates_trigger()`} {
			if _, err := conn.Exec(ctx, statement); err == nil {
				t.Errorf("%s was carried out", statement)
			}
		}
	})
	t.Run("KY-11_Inspect_finds_it_right", func(t *testing.T) { inspects(t, store, dsn, role) })
}

// inspects takes rights away, one after the other, and wants each to be missed.
func inspects(t *testing.T, store *postgres.Store, dsn, role string) {
	t.Helper()
	c, err := store.Inspect(t.Context())
	must(t, err)
	if len(c.MissingRights) != 0 || c.Superuser || c.MayCreate || c.TablesVersion != newest || c.Latency <= 0 || c.Version == "" {
		t.Errorf("got %+v", c)
	}
	if c.ClockGap.Abs() > time.Minute {
		t.Errorf("the clock of the same machine differs by %v", c.ClockGap)
	}
	execute(t, dsn, `GRANT CREATE ON SCHEMA `+query[string](t, dsn, `SELECT current_schema()`)+` TO `+role)
	for _, table := range tablesOf(t, dsn) {
		execute(t, dsn, `REVOKE UPDATE ON `+table+` FROM `+role)
		c, err = store.Inspect(t.Context())
		must(t, err)
		if table != "migrations" && !slices.Equal(c.MissingRights, []string{"UPDATE on " + table}) || !c.MayCreate {
			t.Errorf("%s: got %+v", table, c)
		}
		if table != "migrations" {
			execute(t, dsn, `GRANT UPDATE ON `+table+` TO `+role)
		}
	}
}

// serves does everything that a server does with its tables.
func serves(t *testing.T, store *postgres.Store) {
	t.Helper()
	for _, a := range acts {
		s := &scene{direct: store, user: person(a.name)}
		a.before(t, s)
		must(t, a.run(t.Context(), s, store))
	}
	ctx, later := t.Context(), noon.Add(1000*time.Hour)
	must(t, store.Ping(ctx))
	try := model.Attempt{Lane: model.Lane{Key: model.Digest{1}}, Now: noon, Rule: model.AttemptRule{Free: 1, FirstDelay: time.Second, LongestDelay: time.Hour, Within: time.Hour, Keep: time.Hour}}
	must(t, third(store.ChargeAttempt(ctx, try)))
	must(t, second(store.ForgetAttempts(ctx, later)))
	must(t, store.QueueMail(ctx, model.OutboxRecord{ID: model.NewID[model.OutboxRecord](), Kind: "x", Sealed: []byte{1}, CreatedAt: noon, ExpiresAt: later, NextTryAt: noon}))
	must(t, second(store.CreateSigningKey(ctx, model.SigningKey{KeyID: "k", Algorithm: "EdDSA", Generation: 1, Sealed: []byte{1}, CreatedAt: noon, ActiveFrom: noon})))
	must(t, second(store.ForgetSessions(ctx, later)))
	must(t, second(store.ForgetCodes(ctx, later)))
	must(t, store.KeepEventChain(ctx, []byte("record")))
	rows, err := store.UnsealedEvents(ctx, 1)
	must(t, err)
	rows[0].Seal.Position = 1
	must(t, store.SealEvents(ctx, rows))
	must(t, second(store.ForgetEvents(ctx, 1)))
}

func tablesOf(t *testing.T, dsn string) []string {
	t.Helper()
	return strings.Fields(query[string](t, dsn, `SELECT string_agg(tablename, ' ') FROM pg_tables WHERE schemaname = current_schema()`))
}

// documentedGrants are those of the package's documentation, which the guide
// repeats to the letter.
func documentedGrants(t *testing.T) string {
	t.Helper()
	var grants [2][]string
	for i, file := range []string{"postgres.go", "../docs/guides/many-processes.md"} {
		text, err := os.ReadFile(file)
		must(t, err)
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(strings.TrimPrefix(line, "//")); strings.HasPrefix(line, "GRANT ") {
				grants[i] = append(grants[i], line)
			}
		}
	}
	if len(grants[0]) != 3 || !slices.Equal(grants[0], grants[1]) {
		t.Fatalf("the documentation of the package says %q, and the guide %q", grants[0], grants[1])
	}
	return strings.Join(grants[0], " ")
}
