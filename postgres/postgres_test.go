package postgres_test

import (
	"testing"

	"gatehouse/model"
	"gatehouse/postgres"
	"gatehouse/storetest"
)

func open(t *testing.T, dsn string) model.Store {
	t.Helper()
	store, err := postgres.Open(t.Context(), dsn)
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
	schema := oneSchema(t)
	storetest.Run(t, func(t *testing.T) model.Store { return open(t, schema(t)) })
}

func TestTwoProcessesOnOneDatabaseKeepTheContract(t *testing.T) {
	schema := oneSchema(t)
	storetest.RunShared(t, func(t *testing.T) (model.Store, model.Store) {
		dsn := schema(t)
		return open(t, dsn), open(t, dsn)
	})
}
