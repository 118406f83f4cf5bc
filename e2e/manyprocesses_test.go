package e2e

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"gatehouse/storetest"
)

// farm is several processes on one PostgreSQL database, with one master key and
// one public address, as docs/guides/many-processes.md sets them up.
type farm struct {
	admin    *pgx.Conn // to another database of the server
	database string
	keyFile  string
	url      string
	servers  []*server
}

// newFarm is a database and no process yet. scripts/postgres starts the server;
// the tests skip without one unless GATEHOUSE_REQUIRE_POSTGRES is set.
func newFarm(t *testing.T) *farm {
	t.Helper()
	dsn := storetest.PostgreSQL(t)
	ctx := context.Background() // outlives the test, for the clean-up
	admin, err := pgx.Connect(ctx, dsn)
	must(t, err)
	f := &farm{admin: admin, database: "farm_" + strings.ToLower(rand.Text()), keyFile: filepath.Join(t.TempDir(), "master.key"), url: "https://localhost:8443"}
	f.execute(t, `CREATE DATABASE `+f.database)
	t.Cleanup(func() {
		f.execute(t, `DROP DATABASE IF EXISTS `+f.database+` WITH (FORCE)`)
		must(t, admin.Close(ctx))
	})
	var key [32]byte
	_, _ = rand.Read(key[:])
	must(t, os.WriteFile(f.keyFile, []byte(base64.RawURLEncoding.EncodeToString(key[:])+"\n"), 0o600))
	return f
}

func (f *farm) execute(t *testing.T, statement string) {
	t.Helper()
	_, err := f.admin.Exec(context.Background(), statement)
	must(t, err)
}

// inside runs statements in the farm's own database.
func (f *farm) inside(t *testing.T, statements string) {
	t.Helper()
	config := f.admin.Config().Copy()
	config.Database = f.database
	conn, err := pgx.ConnectConfig(t.Context(), config)
	must(t, err)
	defer conn.Close(t.Context())
	_, err = conn.PgConn().Exec(t.Context(), statements).ReadAll()
	must(t, err)
}

// start adds a process to the farm.
func (f *farm) start(t *testing.T) *server {
	t.Helper()
	config := f.admin.Config()
	words := url.Values{"host": {config.Host}, "port": {fmt.Sprint(config.Port)}, "user": {config.User}}
	if config.Password != "" {
		words.Set("password", config.Password)
	}
	data := newData(t)
	cmd := exec.Command(os.Getenv(binaryVariable), "serve", "--listen", "127.0.0.1:0", "--url", f.url, "--data", data, "--master-key-file", f.keyFile)
	cmd.Env = append(os.Environ(), "GATEHOUSE_DATABASE=postgres:///"+f.database+"?"+words.Encode())
	s := start(t, data, cmd)
	f.servers = append(f.servers, s)
	return s
}

// stop ends every process, as for a restore.
func (f *farm) stop(t *testing.T) {
	t.Helper()
	for _, s := range f.servers {
		if code := s.stop(t); code != 0 {
			t.Errorf("a process ended with %d", code)
		}
	}
	f.servers = nil
}

func TestSeveralProcessesOnOneDatabase(t *testing.T) {
	f := newFarm(t)
	a, b := f.start(t), f.start(t)
	a.register(t, "ana")
	g := b.login(t, "ana")
	a.ask(t, request{method: "GET", path: "/v1/me", bearer: g.Access}).want(t, 200)

	status, next, err := a.refresh(g.Refresh)
	if err != nil || status != 200 {
		t.Fatalf("a session of one process got status %d at the other: %v", status, err)
	}
	if _, again, err := b.refresh(g.Refresh); err != nil || again.Refresh != next.Refresh {
		t.Errorf("RF-03 two processes gave two successors of one refresh token: %v", err)
	}

	t.Run("an_end_at_one_process_counts_at_the_other_with_the_next_request", func(t *testing.T) {
		a.ask(t, request{method: "POST", path: "/v1/logout", bearer: next.Access}).want(t, 204)
		b.ask(t, request{method: "GET", path: "/v1/me", bearer: next.Access}).want(t, 401)
		if status, _, err := b.refresh(next.Refresh); err != nil || status != 401 {
			t.Errorf("got status %d, want 401: %v", status, err)
		}
	})
	t.Run("both_publish_one_key", func(t *testing.T) {
		ask := request{method: "GET", path: "/.well-known/jwks.json"}
		if got, want := b.ask(t, ask).want(t, 200).body, a.ask(t, ask).want(t, 200).body; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// The restore is done once as it should not be, to see that there is something
// to revive, and once as the guide says.
func TestARestoredBackup(t *testing.T) {
	f := newFarm(t)
	s := f.start(t)
	s.register(t, "ana")
	g := s.login(t, "ana")
	f.stop(t)
	backup := f.database + "_backup"
	f.execute(t, `CREATE DATABASE `+backup+` TEMPLATE `+f.database)
	t.Cleanup(func() { f.execute(t, `DROP DATABASE `+backup+` WITH (FORCE)`) })

	s = f.start(t)
	s.ask(t, request{method: "POST", path: "/v1/logout", bearer: g.Access}).want(t, 204)
	f.stop(t)

	restore := func(t *testing.T) {
		t.Helper()
		f.execute(t, `DROP DATABASE `+f.database)
		f.execute(t, `CREATE DATABASE `+f.database+` TEMPLATE `+backup)
	}
	restore(t)
	s = f.start(t)
	if s.ask(t, request{method: "GET", path: "/v1/me", bearer: g.Access}).status != 200 {
		t.Fatal("the backup holds no session that could come to life again")
	}
	f.stop(t)

	t.Run("ST-05_revives_no_session_after_the_statement_of_the_guide", func(t *testing.T) {
		restore(t)
		f.inside(t, afterRestore(t))
		s := f.start(t)
		s.ask(t, request{method: "GET", path: "/v1/me", bearer: g.Access}).want(t, 401)
		if status, _, err := s.refresh(g.Refresh); err != nil || status != 401 {
			t.Errorf("got status %d, want 401: %v", status, err)
		}
		s.login(t, "ana")
		f.stop(t)
	})
}

// afterRestore is the SQL that the guide has run after a restore.
func afterRestore(t *testing.T) string {
	t.Helper()
	guide, err := os.ReadFile(filepath.Join("..", "docs", "guides", "many-processes.md"))
	must(t, err)
	_, rest, found := strings.Cut(string(guide), "\n## Restore\n")
	_, rest, block := strings.Cut(rest, "\n```sql\n")
	statements, _, closed := strings.Cut(rest, "\n```")
	if !found || !block || !closed {
		t.Fatal("the guide has no SQL under Restore")
	}
	return statements
}
