package sqlite

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gatehouse/model"
)

// keyPath is where the key of a store is.
func keyPath(store *Store) string { return filepath.Join(filepath.Dir(store.path), "master.key") }

func TestMasterKey(t *testing.T) {
	t.Run("is_made_once_and_stays", keyMadeOnce)
	t.Run("two_installations_have_two_keys", keysDiffer)
	t.Run("KY-01_a_file_that_others_can_use_is_refused", sharedKeyRefused)
	t.Run("KY-06_former_keys_stand_in_the_lines_after_the_first", formerKeysFollow)
	t.Run("a_damaged_file_is_refused_without_showing_it", damagedKeyRefused)
	t.Run("a_lost_key_is_not_replaced_while_something_is_sealed_with_it", lostKeyStaysLost)
	t.Run("a_directory_in_its_place_is_refused", keyDirectoryRefused)
}

func keyMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	stores := []*Store{openTestAt(t, path), openTestAt(t, path), openTestAt(t, path), openTestAt(t, path)}
	keys := make([]model.MasterKey, len(stores))
	var all sync.WaitGroup
	for i, store := range stores {
		all.Go(func() {
			kept, err := store.MasterKeys(t.Context())
			if err != nil || len(kept.Former) != 0 {
				t.Errorf("%d former keys, error %v", len(kept.Former), err)
				return
			}
			keys[i] = kept.Current
		})
	}
	all.Wait()
	for i, key := range keys {
		if key != keys[0] || key.Check() != nil {
			t.Errorf("store %d has another key, or none", i)
		}
	}
	text, err := os.ReadFile(keyPath(stores[0]))
	if err != nil || string(text) != keys[0].Encode()+"\n" || len(text) != 44 {
		t.Errorf("the file does not hold the key as 43 characters and a line end (error %v)", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "master.key.*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func keysDiffer(t *testing.T) {
	first, err1 := openTest(t).MasterKeys(t.Context())
	second, err2 := openTest(t).MasterKeys(t.Context())
	if err1 != nil || err2 != nil || first.Current == second.Current {
		t.Errorf("the keys are the same, or errors %v, %v", err1, err2)
	}
}

func sharedKeyRefused(t *testing.T) {
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o601} {
		store := openTest(t)
		if _, err := store.MasterKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(keyPath(store), mode); err != nil {
			t.Fatal(err)
		}
		if _, err := store.MasterKeys(t.Context()); err == nil || !strings.Contains(err.Error(), "chmod 600 "+keyPath(store)) {
			t.Errorf("mode %04o: got error %v, want one that says how to mend it", mode, err)
		}
	}
}

func damagedKeyRefused(t *testing.T) {
	good := "c0KPLH4Uue0CJjZQ181ub7_iEiGWIAzVi8EwUxC8h_Q"
	for name, text := range map[string]string{
		"empty": "", "line end only": "\n", "cut": good[:42], "longer": good + "A", "spaces": " " + good, "two lines": good + "\n\n",
		"padded": good + "=", "other alphabet": strings.Repeat("/", 43), "zeros": strings.Repeat("A", 43), "the same key twice": good + "\n" + good + "\n",
	} {
		store := openTest(t)
		if err := os.WriteFile(keyPath(store), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := store.MasterKeys(t.Context())
		if err == nil || !strings.Contains(err.Error(), keyPath(store)) || !strings.Contains(err.Error(), "restore") {
			t.Errorf("%s: got error %v, want one with the path and what to do", name, err)
		} else if len(text) > 2 && strings.Contains(err.Error(), strings.TrimSpace(text)) {
			t.Errorf("%s: the error shows what is in the file", name)
		}
		if after, _ := os.ReadFile(keyPath(store)); string(after) != text {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

func lostKeyStaysLost(t *testing.T) {
	store := openTest(t)
	if _, err := store.MasterKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	sealed := model.SigningKey{KeyID: "k", Algorithm: "EdDSA", Generation: 1, Sealed: []byte{1}, CreatedAt: someTime, ActiveFrom: someTime}
	if _, err := store.CreateSigningKey(t.Context(), sealed); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(keyPath(store)); err != nil {
		t.Fatal(err)
	}
	if _, err := store.MasterKeys(t.Context()); err == nil || !strings.Contains(err.Error(), "restore") {
		t.Errorf("got error %v, want one that says to restore it", err)
	}
	if _, err := os.Stat(keyPath(store)); err == nil {
		t.Error("a new key was made")
	}
}

func keyDirectoryRefused(t *testing.T) {
	store := openTest(t)
	if err := os.Mkdir(keyPath(store), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := store.MasterKeys(t.Context()); err == nil {
		t.Error("a directory is a key")
	}
}

func formerKeysFollow(t *testing.T) {
	store := openTest(t)
	const current, former = "c0KPLH4Uue0CJjZQ181ub7_iEiGWIAzVi8EwUxC8h_Q", "fJzP57WLyk5gFVTopVNAXezBH-iAm8wt1SOL8kcPN-o"
	const text = current + "\n" + former + " 2026-11-22T18:00:00Z\n"
	if err := os.WriteFile(keyPath(store), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := store.MasterKeys(t.Context())
	if err != nil || len(keys.Former) != 1 || keys.Encode() != text {
		t.Errorf("got %d former keys, or in another order, or error %v", len(keys.Former), err)
	}
}
