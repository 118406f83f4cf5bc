// Package sqlite keeps the store in one SQLite file: nothing to install, one
// writer, many readers, every answered write on the disk.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"modernc.org/sqlite" // the driver; see docs/decisions

	"gatehouse/model"
	"gatehouse/sqlstore"
)

const (
	// busyTimeout is how long a write waits for another process.
	busyTimeout = 5 * time.Second
	// readTimeout bounds a read, the wait for a free reader included.
	readTimeout = 5 * time.Second
	// readers is how many reads run side by side. Each keeps up to a
	// mebibyte of pages.
	readers = 4
)

// Store is model.Store in one SQLite file, and keeps the master key in a file
// beside it. Several processes may open the same file.
type Store struct {
	*sqlstore.Store
	engine *engine
	path   string
}

var (
	_ model.Store           = (*Store)(nil)
	_ model.MasterKeyKeeper = (*Store)(nil)
)

// Open opens the database file, makes it and its directory (0600 and 0700)
// where they are missing, and brings the tables up to date. The path is a path
// and nothing else: names that SQLite would read as a URI or as a database in
// memory are refused, and so is a file that other accounts may read or that
// something else than Gatehouse wrote.
func Open(ctx context.Context, path string) (*Store, error) {
	full, err := prepareFile(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open: %w", err)
	}
	engine, err := openEngine(ctx, full)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", full, err)
	}
	return &Store{Store: sqlstore.New(engine, sqlstore.Dialect{Name: "sqlite"}), engine: engine, path: full}, nil
}

// prepareFile checks the path and makes an empty file that belongs to this
// account alone. SQLite gives its side files (-wal, -shm) the same mode.
func prepareFile(path string) (string, error) {
	if path == "" || strings.HasPrefix(path, ":") || strings.HasPrefix(strings.ToLower(path), "file:") || strings.ContainsRune(path, 0) {
		return "", fmt.Errorf("%q is not the path of a file; name one, such as ./gatehouse.db", path)
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		return "", err
	}
	// A file that is there is not opened here: closing it again would drop the
	// locks that this process holds on it through SQLite (POSIX fcntl).
	file, err := os.OpenFile(full, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return full, file.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	info, err := os.Stat(full)
	if err != nil {
		return "", err
	}
	return full, checkPrivate(full, info)
}

// checkPrivate refuses anything but a regular file that only its owner can use.
func checkPrivate(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	// Windows has access lists instead, which the mode does not show.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return fmt.Errorf("%s can be used by other accounts (mode %04o); mend it with: chmod 600 %s", path, mode, path)
	}
	return nil
}

// dsn names the file with the settings of every connection.
func dsn(path string, reader bool) string {
	settings := url.Values{}
	// Readers do not wait for the writer, nor the writer for readers.
	settings.Set("_journal_mode", "WAL")
	// What was answered survives a loss of power: the log is synced by every commit.
	settings.Set("_synchronous", "FULL")
	// SQLite checks references only when asked.
	settings.Set("_foreign_keys", "on")
	// No statement can switch to a mode that corrupts the file.
	settings.Set("_defensive", "1")
	// "name" is a column, never by mistake a text.
	settings.Set("_dqs", "0")
	// Errors carry the message of their own operation only.
	settings.Set("_error_rc", "1")
	cache := "cache_size(-2048)"
	if reader {
		cache = "cache_size(-1024)"
	}
	settings["_pragma"] = []string{
		// Deleted content is overwritten.
		"secure_delete(on)",
		// A schema that somebody wrote into the file runs no functions.
		"trusted_schema(off)",
		// A damaged page is found when it is read.
		"cell_size_check(on)",
		// A disk that only says it has synced does not count (macOS).
		"fullfsync(on)", "checkpoint_fullfsync(on)",
		// Nothing of a query is written elsewhere.
		"temp_store(memory)",
		// Pages are read, not mapped: a failing disk is an error, not a signal.
		"mmap_size(0)",
		// The log gives its space back after a burst: 16 MiB.
		"journal_size_limit(16777216)",
		// KiB: the system caches the file anyway, and memory at rest stays small.
		cache,
	}
	if reader {
		settings.Set("_query_only", "on")
		// A read may have to wait while a log is recovered after a crash.
		settings.Set("_busy_timeout", fmt.Sprint(busyTimeout.Milliseconds()))
	} else {
		// The writer waits in Go, where a context can end the wait.
		settings.Set("_busy_timeout", "0")
		// Hand-written BEGINs say so themselves; this is for any other.
		settings.Set("_txlock", "immediate")
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: settings.Encode()}).String()
}

// openDatabase returns a pool that opens connections of one kind. The driver is
// named by value, not by a name that the program it lives in may have taken.
func openDatabase(path string, reader bool) (*sql.DB, error) {
	connector, err := sqlite.NewConnector(dsn(path, reader))
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	limit := 1
	if reader {
		limit = readers
	}
	db.SetMaxOpenConns(limit)
	db.SetMaxIdleConns(limit)
	return db, nil
}
