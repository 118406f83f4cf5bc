package main

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"gatehouse/storetest"
)

// newDatabase makes an empty PostgreSQL database for one test and returns its
// URL.
func newDatabase(t *testing.T) string {
	t.Helper()
	dsn := storetest.PostgreSQL(t)
	ctx := context.Background() // outlives the test, for the clean-up
	admin, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := "command_" + strings.ToLower(rand.Text())
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		_ = admin.Close(ctx)
	})
	where := url.URL{Scheme: "postgres", User: url.UserPassword(admin.Config().User, "unused-secret"), Path: "/" + name}
	where.RawQuery = url.Values{"host": {admin.Config().Host}}.Encode()
	return where.String()
}

func TestCommandsOnPostgreSQL(t *testing.T) {
	database, dir := newDatabase(t), filepath.Join(t.TempDir(), "data")
	environment := func(name string) (string, bool) {
		if name == "GATEHOUSE_DATABASE" {
			return database, true
		}
		return "", false
	}
	// ends runs a command that is to end with this code, and returns what it says.
	ends := func(t *testing.T, want int, stdin string, args ...string) string {
		t.Helper()
		p, stdout, stderr := testProgram()
		p.stdin = strings.NewReader(stdin)
		p.environment = environment
		if code := p.run(t.Context(), append(args, "--data", dir)); code != want {
			t.Fatalf("%s: got %d\n%s%s", args[0], code, stdout, stderr)
		}
		if all := stdout.String() + stderr.String(); strings.Contains(all, "unused-secret") {
			t.Errorf("LG-06: %s prints the password of the database", args[0])
		}
		return stdout.String()
	}
	run := func(t *testing.T, stdin string, args ...string) string {
		t.Helper()
		return ends(t, exitDone, stdin, args...)
	}
	t.Run("migrate_makes_the_tables_and_a_master_key", func(t *testing.T) {
		if got := run(t, "", "migrate"); got != "The schema of the PostgreSQL database is up to date.\n" {
			t.Errorf("got %q", got)
		}
		info, err := os.Stat(filepath.Join(dir, "master.key"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("KY-01: %v, %v", info, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "gatehouse.db")); err == nil {
			t.Error("there is a SQLite file too")
		}
	})
	t.Run("users_are_kept_there", func(t *testing.T) {
		run(t, "correct horse battery staple\n", "user", "add", "ana", "--email", "ana@example.com")
		if got := run(t, "", "user", "list"); !strings.Contains(got, "ana@example.com") {
			t.Errorf("got %s", got)
		}
	})
	t.Run("users_of_another_system_come_in_several_at_once", func(t *testing.T) {
		run(t, "", "import", "--from", "django", "--wrap", "../../importer/testdata/django.json")
		if got := run(t, "", "user", "list"); !strings.Contains(got, "djana@example.com") || !strings.Contains(got, "dlegacy") {
			t.Errorf("got %s", got)
		}
	})
	t.Run("doctor_looks_at_the_server", func(t *testing.T) {
		// The server of the tests does not sync its disk, which is no way to serve.
		got := ends(t, exitRefused, "", "doctor")
		for _, want := range []string{
			"ok    store        PostgreSQL ", "warn  role         it is a superuser", "fail  replication  fsync=off", "ok    clock        the database's differs",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("it does not say %q:\n%s", want, got)
			}
		}
	})
	t.Run("export_leads_to_the_other_engine", func(t *testing.T) {
		lines := run(t, "", "export")
		p, _, stderr := testProgram()
		p.stdin = strings.NewReader(lines)
		other := filepath.Join(t.TempDir(), "data")
		if code := p.run(t.Context(), []string{"migrate", "--data", other}); code != exitDone {
			t.Fatalf("got %d: %s", code, stderr)
		}
		if code := p.run(t.Context(), []string{"import", "-", "--data", other}); code != exitDone {
			t.Fatalf("got %d: %s", code, stderr)
		}
		back, stdout, _ := testProgram()
		if code := back.run(t.Context(), []string{"export", "--data", other}); code != exitDone || stdout.String() != lines {
			t.Errorf("%d: the lines changed on the way", code)
		}
	})
	t.Run("another_master_key_is_not_made_for_a_database_that_has_keys", func(t *testing.T) {
		r := start(t, func(p *program) {
			p.environment = environment
		}, "--master-key-file", filepath.Join(dir, "master.key"))
		if code := r.stop(); code != exitDone {
			t.Fatalf("got %d: %s", code, r.stderr)
		}
		p, _, stderr := testProgram()
		p.environment = environment
		code := p.run(t.Context(), []string{"serve", "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "data")})
		if code != exitRefused || !strings.Contains(stderr.String(), "copy the file from the process that made it") {
			t.Errorf("got %d: %s", code, stderr)
		}
	})
}
