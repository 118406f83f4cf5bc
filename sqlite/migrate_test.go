package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/model"
)

// someTime is when the tests of this package take place.
var someTime = time.Date(2026, time.March, 14, 12, 0, 0, 0, time.UTC)

func TestMigrations(t *testing.T) {
	t.Run("ST-07_many_starters_at_once_make_the_tables_once", manyStarters)
	t.Run("ST-07_a_database_of_a_newer_program_is_refused", newerProgram)
	t.Run("ST-07_a_migration_that_fails_leaves_nothing", failingMigration)
	t.Run("ST-07_versions_are_numbered_without_a_gap", numberedWithoutGap)
	t.Run("what_was_kept_is_there_after_a_restart", afterRestart)
	t.Run("ST-07_a_file_of_every_version_is_brought_forward", fromEveryVersion)
}

func manyStarters(t *testing.T) {
	for range 5 {
		path := filepath.Join(t.TempDir(), "gatehouse.db")
		stores := make([]*Store, 8)
		errs := make([]error, len(stores))
		var all sync.WaitGroup
		for i := range stores {
			all.Go(func() { stores[i], errs[i] = Open(t.Context(), path) })
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		var applied int
		if err := stores[0].engine.reader.db.QueryRow(`SELECT count(*) FROM migrations`).Scan(&applied); err != nil {
			t.Fatal(err)
		}
		if names, _ := fs.Glob(migrationFiles, "migrations/*.sql"); applied != len(names) {
			t.Errorf("%d migrations were applied, want %d", applied, len(names))
		}
		for i, store := range stores {
			if err := store.Record(t.Context(), model.Event{At: someTime, Name: model.EventLoginFail}); err != nil {
				t.Errorf("store %d: %v", i, err)
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func newerProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	store := openTestAt(t, path)
	if _, err := store.engine.writer.db.Exec(`INSERT INTO migrations VALUES (99, 0)`); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("got error %v, want one that names the version", err)
	}
}

func failingMigration(t *testing.T) {
	db, err := openDatabase(filepath.Join(t.TempDir(), "x.db"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	// A table of ours is in the way of the last statement of its kind.
	if _, err := db.Exec(`PRAGMA application_id = 1197569125;
		CREATE TABLE migrations (version INTEGER NOT NULL PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT;
		CREATE TABLE events (x)`); err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := migrate(t.Context(), conn); err == nil {
		t.Fatal("the migration succeeded")
	}
	var tables int
	if err := conn.QueryRowContext(t.Context(), `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`).Scan(&tables); err != nil || tables != 2 {
		t.Errorf("%d tables are there (error %v), want the 2 from before", tables, err)
	}
}

func numberedWithoutGap(t *testing.T) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for i, name := range names {
		if want := "migrations/000" + string(rune('1'+i)) + "_"; !strings.HasPrefix(name, want) {
			t.Errorf("%s is number %d and does not begin with %s", name, i+1, want)
		}
	}
}

func afterRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	user := model.User{ID: model.NewID[model.User](), Username: "ana", CreatedAt: someTime, UpdatedAt: someTime}
	first, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.CreateUser(t.Context(), user, "hash"); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if account, err := openTestAt(t, path).AccountByUsername(t.Context(), "ana"); err != nil || account.User.ID != user.ID {
		t.Errorf("got %v and error %v", account, err)
	}
}

// fromEveryVersion makes the tables of each version there ever was, with a user in
// them, and starts on them.
func fromEveryVersion(t *testing.T) {
	scripts, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil || len(scripts) < 5 {
		t.Fatal(scripts, err)
	}
	fresh := schemaOf(t, openTest(t))
	for version := 1; version <= len(scripts); version++ {
		path := filepath.Join(t.TempDir(), "gatehouse.db")
		tablesOfVersion(t, path, scripts[:version])
		store := openTestAt(t, path)
		account, err := store.AccountByUsername(t.Context(), "ana")
		if err != nil || account.PasswordHash != "$pepper$k1$argon2id$" {
			t.Errorf("from version %d: got %+v and error %v", version, account.User, err)
		}
		if ids, err := store.PepperIDs(t.Context()); err != nil || len(ids) != 1 || ids[0] != "k1" {
			t.Errorf("from version %d: got %q and error %v", version, ids, err)
		}
		if got := schemaOf(t, store); got != fresh {
			t.Errorf("from version %d: the schema is\n%s\nwant\n%s", version, got, fresh)
		}
	}
}

// tablesOfVersion is a file as a program that knew so many scripts has left it.
func tablesOfVersion(t *testing.T, path string, scripts []string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := openDatabase(path, false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`PRAGMA application_id = 1197569125;
		CREATE TABLE migrations (version INTEGER NOT NULL PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT`)
	for i, script := range scripts {
		text, readErr := fs.ReadFile(migrationFiles, script)
		_, execErr := db.Exec(string(text)+`; INSERT INTO migrations VALUES (?, 0)`, i+1)
		err = errors.Join(err, readErr, execErr)
	}
	_, execErr := db.Exec(`INSERT INTO users (id, username, username_skeleton, roles, created_at, updated_at, password_hash, password_version)
		VALUES (randomblob(16), 'ana', 'ana', '[]', 1, 1, '$pepper$k1$argon2id$', 1)`)
	if err = errors.Join(err, execErr, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func schemaOf(t *testing.T, store *Store) (all string) {
	t.Helper()
	err := store.engine.reader.db.QueryRow(`SELECT group_concat(name || ' ' || coalesce(sql, ''), char(10)) FROM (SELECT * FROM sqlite_schema ORDER BY name)`).Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
