package postgres_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"gatehouse/postgres"
	"gatehouse/storetest"
)

// server is how to reach a throw-away server as its superuser; scripts/postgres
// starts one. The tests skip without it unless GATEHOUSE_REQUIRE_POSTGRES is set.
func server(t testing.TB) *pgx.ConnConfig {
	t.Helper()
	dsn := storetest.PostgreSQL(t)
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// newSchema returns the DSN of an empty schema that goes with the test. It is as
// good as a database of its own, and sooner there.
func newSchema(t testing.TB) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	superuser(t, `CREATE SCHEMA `+name)
	t.Cleanup(func() { superuser(t, `SET client_min_messages = error`, `DROP SCHEMA `+name+` CASCADE`) })
	return keywords(server(t), "search_path="+name)
}

// oneSchema returns a function that empties a schema, which goes with the test, and
// returns its DSN. To empty it is much sooner there than another one.
func oneSchema(t *testing.T) func(t *testing.T) string {
	t.Helper()
	dsn := newSchema(t)
	store, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	// In any order: a replica does not ask what refers to a row.
	empty := query[string](t, dsn, `SELECT 'SET session_replication_role = replica; ' || string_agg('DELETE FROM ' || table_name, '; ')
		FROM information_schema.tables WHERE table_schema = current_schema() AND table_name NOT IN ('migrations', 'event_chain')`)
	return func(t *testing.T) string {
		t.Helper()
		execute(t, dsn, empty, `UPDATE event_chain SET record = ''`)
		return dsn
	}
}

// newDatabase returns the DSN of an empty database that goes with the test. The
// options are those of CREATE DATABASE.
func newDatabase(t testing.TB, options ...string) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	superuser(t, `CREATE DATABASE `+name+` `+strings.Join(options, " "))
	t.Cleanup(func() { superuser(t, `DROP DATABASE `+name+` WITH (FORCE)`) })
	return keywords(server(t), "dbname="+name)
}

// keywords writes a DSN, to which more words can be added.
func keywords(config *pgx.ConnConfig, more ...string) string {
	return fmt.Sprintf("host=%s port=%d user=%s password='%s' dbname=%s %s",
		config.Host, config.Port, config.User, config.Password, config.Database, strings.Join(more, " "))
}

func superuser(t testing.TB, statements ...string) {
	t.Helper()
	execute(t, server(t).ConnString(), statements...)
}

// execute runs statements beside the store.
func execute(t testing.TB, dsn string, statements ...string) {
	t.Helper()
	conn, ctx := connect(t, dsn)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// query returns one value, found beside the store.
func query[V any](t testing.TB, dsn, statement string, args ...any) (value V) {
	t.Helper()
	conn, ctx := connect(t, dsn)
	if err := conn.QueryRow(ctx, statement, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return value
}

// connect returns a connection that ends with the test. Its context outlives
// that of the test, for what is done in its cleanup.
func connect(t testing.TB, dsn string) (*pgx.Conn, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close(ctx)
		cancel()
	})
	return conn, ctx
}
