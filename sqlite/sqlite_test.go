package sqlite_test

import (
	"path/filepath"
	"testing"

	"gatehouse/model"
	"gatehouse/sqlite"
	"gatehouse/storetest"
)

func open(t *testing.T, path string) model.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path)
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

func TestStoreKeepsItsContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) model.Store {
		return open(t, filepath.Join(t.TempDir(), "gatehouse.db"))
	})
}

func TestTwoProcessesOnOneFileKeepTheContract(t *testing.T) {
	storetest.RunShared(t, func(t *testing.T) (model.Store, model.Store) {
		path := filepath.Join(t.TempDir(), "gatehouse.db")
		return open(t, path), open(t, path)
	})
}
