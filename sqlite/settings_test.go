package sqlite

import (
	"context"
	"database/sql"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"gatehouse/model"
)

// openTest opens an empty store that is closed with the test.
func openTest(t *testing.T) *Store {
	t.Helper()
	return openTestAt(t, filepath.Join(t.TempDir(), "gatehouse.db"))
}

func openTestAt(t *testing.T, path string) *Store {
	t.Helper()
	store, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func TestSettings(t *testing.T) {
	both := map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1", "trusted_schema": "0",
		"cell_size_check": "1", "fullfsync": "1", "checkpoint_fullfsync": "1", "temp_store": "2", "mmap_size": "0",
		"journal_size_limit": "16777216",
	}
	writer := map[string]string{"query_only": "0", "cache_size": "-2048", "busy_timeout": "0"}
	reader := map[string]string{"query_only": "1", "cache_size": "-1024", "busy_timeout": "5000"}
	store := openTest(t)
	for name, side := range map[string]struct {
		db   *sql.DB
		want map[string]string
	}{"writer": {store.engine.writer.db, writer}, "reader": {store.engine.reader.db, reader}} {
		t.Run("ST-02_"+name+"_settings_are_in_force", func(t *testing.T) {
			for _, want := range []map[string]string{both, side.want} {
				for setting, value := range want {
					var got string
					if err := side.db.QueryRow("PRAGMA " + setting).Scan(&got); err != nil || got != value {
						t.Errorf("%s: got %q and error %v, want %q", setting, got, err, value)
					}
				}
			}
		})
	}
	t.Run("a_reader_cannot_write", func(t *testing.T) {
		if _, err := store.engine.reader.db.Exec(`DELETE FROM users`); err == nil {
			t.Error("a reader wrote")
		}
	})
	t.Run("ST-02_a_setting_that_is_not_in_force_stops_the_start", func(t *testing.T) {
		conn, err := store.engine.writer.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := conn.ExecContext(t.Context(), `PRAGMA synchronous = NORMAL`); err != nil {
			t.Fatal(err)
		}
		if err := checkSettings(t.Context(), conn); err == nil || !strings.Contains(err.Error(), "synchronous") {
			t.Errorf("got error %v, want one that names synchronous", err)
		}
	})
}

func TestCloseLeavesNothingRunning(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 5 {
		store, err := Open(t.Context(), filepath.Join(t.TempDir(), "gatehouse.db"))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			if err := store.Record(ctx, model.Event{At: someTime, Name: model.EventLoginFail}); err != nil {
				t.Fatal(err)
			}
			if err := store.Ping(ctx); err != nil {
				t.Fatal(err)
			}
			cancel()
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for runtime.NumGoroutine() > before { // ends with the time limit of the tests
		runtime.Gosched()
	}
}
