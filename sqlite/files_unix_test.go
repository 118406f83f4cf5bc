//go:build unix

package sqlite

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gatehouse/model"
)

func TestFiles(t *testing.T) {
	t.Run("KY-13_everything_is_private_also_without_a_umask", filesArePrivate)
	t.Run("KY-01_a_database_that_others_can_use_is_refused", sharedFileRefused)
	t.Run("KY-01_a_file_knows_its_owner", otherAccount)
	t.Run("only_a_path_is_a_path", onlyPaths)
	t.Run("a_path_is_taken_literally", literalPaths)
	t.Run("another_programs_database_is_refused_and_untouched", foreignDatabase)
	t.Run("what_is_no_database_is_refused", noDatabase)
}

func filesArePrivate(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	root := t.TempDir()
	store := openTestAt(t, filepath.Join(root, "data", "deep", "gatehouse.db"))
	if _, err := store.MasterKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := store.Record(t.Context(), model.Event{At: someTime, Name: model.EventLoginFail}); err != nil {
		t.Fatal(err)
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	var seen []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %04o, want %04o", path, got, want)
		}
		seen = append(seen, entry.Name())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(seen, " "), "data deep gatehouse.db gatehouse.db-shm gatehouse.db-wal master.key"; got != want {
		t.Errorf("got files %q, want %q", got, want)
	}
}

// otherAccount needs no second account: a file of ours is another's to that one.
func otherAccount(t *testing.T) {
	store := openTest(t)
	if _, err := store.MasterKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(keyPath(store))
	if err != nil {
		t.Fatal(err)
	}
	if !ownedBy(info, os.Geteuid()) || ownedBy(info, os.Geteuid()+1) {
		t.Error("the owner is not told from others")
	}
}

func sharedFileRefused(t *testing.T) {
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660, 0o610} {
		path := filepath.Join(t.TempDir(), "gatehouse.db")
		openTestAt(t, path)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), path)
		if err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %04o: got error %v, want one that says how to mend it", mode, err)
		}
	}
}

func onlyPaths(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"", ":memory:", ":x", "file:x.db", "FILE:x.db?mode=memory", "file::memory:?cache=shared", "a\x00b", "."} {
		if store, err := Open(t.Context(), name); err == nil {
			t.Errorf("%q was opened", name)
			_ = store.Close()
		}
	}
	entries, err := os.ReadDir(".")
	if err != nil || len(entries) != 0 {
		t.Errorf("got files %v and error %v, want none", entries, err)
	}
}

func literalPaths(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a?mode=memory.db", "50%41.db", "a#b.db", "with space.db", "ümläut.db", "a&_pragma=x.db"} {
		openTestAt(t, filepath.Join(dir, name))
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	t.Chdir(dir)
	openTestAt(t, "relative.db")
	if _, err := os.Stat(filepath.Join(dir, "relative.db")); err != nil {
		t.Error(err)
	}
}

func foreignDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	db, err := openDatabase(path, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`CREATE TABLE migrations (version INTEGER)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path)
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("got error %v, want one that says whose it is", err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the file was changed")
	}
}

func noDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("This is no database. ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); err == nil {
		t.Error("it was opened")
	}
}
