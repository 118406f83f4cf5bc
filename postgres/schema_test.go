package postgres_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse/model"
	"gatehouse/postgres"
	"gatehouse/sqlite"
)

// unique is what can be there once, and refersTo who goes with whom, whatever the
// program that writes has looked at before.
var (
	unique = []string{
		"users(id)", "users(username)", "users(username_skeleton)", "users(email)", "sessions(id)", "sessions(status_index)", "sessions(token_digest)",
		"codes(digest)", "codes(user_id,purpose)", "signing_keys(algorithm,generation)", "signing_keys(key_id)", "attempts(lane)", "events(position)", "outbox(id)",
	}
	refersTo = []string{"sessions(user_id) users(id)", "codes(user_id) users(id)", "attempts(user_id) users(id)", "outbox(user_id) users(id)"}
)

const (
	uniqueOnPostgreSQL = `SELECT t.relname || '(' || (SELECT string_agg(a.attname, ',' ORDER BY k.place) FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place)
		JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number) || ')'
		FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid WHERE i.indisunique AND i.indisvalid AND t.relnamespace = current_schema()::regnamespace`
	uniqueOnSQLite = `SELECT name || '(' || columns || ')' FROM (SELECT m.name AS name, i.name AS of, group_concat(c.name, ',') AS columns
		FROM sqlite_schema m, pragma_index_list(m.name) i, pragma_index_info(i.name) c WHERE m.type = 'table' AND i."unique" = 1 GROUP BY m.name, i.name)`
	referencesOnPostgreSQL = `SELECT f.relname || '(' || a.attname || ') ' || t.relname || '(' || b.attname || ')' FROM pg_constraint c
		JOIN pg_class f ON f.oid = c.conrelid JOIN pg_class t ON t.oid = c.confrelid
		JOIN pg_attribute a ON a.attrelid = f.oid AND a.attnum = c.conkey[1] JOIN pg_attribute b ON b.attrelid = t.oid AND b.attnum = c.confkey[1]
		WHERE c.contype = 'f' AND f.relnamespace = current_schema()::regnamespace`
	referencesOnSQLite = `SELECT m.name || '(' || r."from" || ') ' || r."table" || '(' || r."to" || ')' FROM sqlite_schema m, pragma_foreign_key_list(m.name) r WHERE m.type = 'table'`
)

func TestUniquenessRestsOnTheSchema(t *testing.T) {
	dsn, path := newSchema(t), filepath.Join(t.TempDir(), "gatehouse.db")
	open(t, dsn)
	store, err := sqlite.Open(t.Context(), path)
	must(t, err)
	must(t, store.Close())
	for name, test := range map[string]struct {
		db                 *sql.DB
		unique, references string
	}{
		"PostgreSQL": {database(t, "pgx", dsn), uniqueOnPostgreSQL, referencesOnPostgreSQL},
		"SQLite":     {database(t, "sqlite", path), uniqueOnSQLite, referencesOnSQLite},
	} {
		t.Run("ST-04_what_can_be_there_once_on_"+name, func(t *testing.T) { holds(t, test.db, test.unique, unique) })
		t.Run("ST-04_what_must_have_its_user_on_"+name, func(t *testing.T) { holds(t, test.db, test.references, refersTo) })
	}
}

func database(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

// holds wants everything among the answers to a query.
func holds(t *testing.T, db *sql.DB, query string, wanted []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	must(t, err)
	var there []string
	for rows.Next() {
		var one string
		must(t, rows.Scan(&one))
		there = append(there, one)
	}
	must(t, errors.Join(rows.Err(), rows.Close()))
	for _, one := range wanted {
		if !slices.Contains(there, one) {
			t.Errorf("%s is not among %q", one, there)
		}
	}
}

func TestWritersAreAtReadCommitted(t *testing.T) {
	dsn, role := newSchema(t), newRole(t)
	superuser(t, `ALTER ROLE `+role+` SUPERUSER`, `ALTER ROLE `+role+` SET default_transaction_isolation = serializable`)
	store := open(t, dsn+" user="+role+" application_name=writing")
	t.Run("ST-04_whatever_the_role_is_set_to", func(t *testing.T) {
		must(t, store.Tx(t.Context(), func(r model.Records) error {
			if err := r.CreateUser(t.Context(), person("ana"), "hash"); err != nil {
				return err
			}
			// A transaction that is not at READ COMMITTED keeps its snapshot between two
			// statements, and one that is does not.
			if kept := query[bool](t, dsn, `SELECT backend_xmin IS NOT NULL FROM pg_stat_activity WHERE application_name = 'writing' AND state = 'idle in transaction'`); kept {
				t.Error("the snapshot of the first statement is kept")
			}
			return nil
		}))
	})
}

// TestTablesOfEveryVersionAreBroughtForward makes the tables of each version there
// ever was, with a user in them, and starts on them.
func TestTablesOfEveryVersionAreBroughtForward(t *testing.T) {
	scripts, err := filepath.Glob("migrations/*.sql")
	must(t, err)
	if len(scripts) < newest {
		t.Fatal(scripts)
	}
	for version := range len(scripts) {
		t.Run(fmt.Sprintf("ST-07_version_%d", version+1), func(t *testing.T) {
			dsn := newSchema(t)
			execute(t, dsn, `CREATE TABLE migrations (version INTEGER NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)`, `COMMENT ON TABLE migrations IS 'gatehouse'`)
			for i, script := range scripts[:version+1] {
				text, err := os.ReadFile(script)
				must(t, err)
				execute(t, dsn, string(text), fmt.Sprintf(`INSERT INTO migrations VALUES (%d, 0)`, i+1))
			}
			execute(t, dsn, `INSERT INTO users (id, username, username_skeleton, roles, created_at, updated_at, password_hash, password_version)
				VALUES (decode(repeat('ab', 16), 'hex'), 'ana', 'ana', '[]', 1, 1, 'hash', 1)`)
			before, after, err := postgres.Migrate(t.Context(), dsn)
			must(t, err)
			if before != version+1 || after != len(scripts) {
				t.Errorf("from %d to %d, want from %d to %d", before, after, version+1, len(scripts))
			}
			account, err := open(t, dsn).AccountByUsername(t.Context(), "ana")
			if must(t, err); account.PasswordHash != "hash" || strings.Trim(account.User.ID.String(), "ab-") != "" {
				t.Errorf("got %+v", account.User)
			}
			if held, want := tablesOf(t, dsn), tablesOf(t, freshSchema(t)); len(held) != len(want) {
				t.Errorf("there are %q, want %q", held, want)
			}
		})
	}
}

// freshSchema has the tables as a first start makes them.
func freshSchema(t *testing.T) string {
	t.Helper()
	dsn := newSchema(t)
	must(t, third(postgres.Migrate(t.Context(), dsn)))
	return dsn
}
