package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/argon2id"
	"gatehouse/model"
	"gatehouse/postgres"
	"gatehouse/sqlite"
)

// TestKeysOnBothEngines has four processes that change the keys at once.
func TestKeysOnBothEngines(t *testing.T) {
	for engine, open := range map[string]func(*testing.T) model.Store{
		"sqlite": func(t *testing.T) model.Store {
			store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "gatehouse.db"))
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
		"postgres": func(t *testing.T) model.Store {
			store, err := postgres.Open(t.Context(), newDatabase(t))
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
	} {
		t.Run("JW-24_ST-04_"+engine, func(t *testing.T) {
			store := open(t)
			t.Cleanup(func() { _ = store.Close() })
			keysChangedByMany(t, store)
		})
	}
}

func keysChangedByMany(t *testing.T, store model.Store) {
	ctx := context.Background()
	first, second := model.NewMasterKey(), model.NewMasterKey()
	var processes []*gatehouse.Auth
	for range 4 {
		auth, err := gatehouse.New(ctx, store, gatehouse.Config{
			Issuer: "https://id.example.com", Audience: "shop", MasterKey: second, FormerMasterKeys: []model.FormerMasterKey{{Key: first}},
			HashParams: argon2id.Params{MemoryKiB: 12 * 1024, Passes: 3, Lanes: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		processes = append(processes, auth)
	}
	for round := range 5 {
		var all sync.WaitGroup
		for i := range 12 {
			auth := processes[i%len(processes)]
			all.Go(func() {
				var err error
				switch (i + round) % 4 {
				case 0:
					_, _, err = auth.ReplaceKeys(ctx)
				case 1:
					_, err = auth.RotateKeys(ctx)
				case 2:
					err = auth.Sweep(ctx)
				case 3:
					_, err = auth.ResealKeys(ctx)
				}
				if err != nil {
					t.Errorf("round %d, caller %d: %v", round, i, err)
				}
			})
		}
		all.Wait()
		keys, err := processes[0].SigningKeys(ctx)
		active := 0
		for _, key := range keys {
			if key.State == gatehouse.KeyActive {
				active++
			}
		}
		if err != nil || active != 1 || len(keys) > 2 {
			t.Fatalf("round %d left %+v (%v), want one active key and at most a next one", round, keys, err)
		}
		// Each process answers with the same set, whatever it had loaded before.
		want := ""
		for i, auth := range processes {
			set, err := auth.KeySet(ctx)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(set)
			if i == 0 {
				want = string(text)
			}
			if err != nil || string(text) != want {
				t.Errorf("round %d: process %d publishes another set (%v)", round, i, err)
			}
		}
	}
}

func TestTheMasterKeyOfPostgreSQLIsChangedByHand(t *testing.T) {
	database, dir := newDatabase(t), filepath.Join(t.TempDir(), "data")
	run := func(args ...string) (int, string) {
		p, stdout, stderr := testProgram()
		p.environment = func(name string) (string, bool) {
			if name == "GATEHOUSE_DATABASE" {
				return database, true
			}
			return "", false
		}
		code := p.run(t.Context(), append(args, "--data", dir))
		return code, stdout.String() + stderr.String()
	}
	for _, args := range [][]string{{"migrate"}, {"keys", "rotate"}} {
		if code, said := run(args...); code != exitDone {
			t.Fatalf("%v: %d %s", args, code, said)
		}
	}
	path := filepath.Join(dir, "master.key")
	old, err := readMasterKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	// No key is made here: other processes would not have it.
	for _, args := range [][]string{{"keys", "reseal"}, {"keys", "reseal", "--yes"}} {
		if code, said := run(args...); code != exitRefused || !strings.Contains(said, "second line of "+path) {
			t.Errorf("%v: %d %s", args, code, said)
		}
	}
	fresh := model.NewMasterKey()
	learned := model.MasterKeys{Current: old.Current, Former: []model.FormerMasterKey{{Key: fresh}}}
	used := model.MasterKeys{Current: fresh, Former: []model.FormerMasterKey{{Key: old.Current, ReplacedAt: time.Now()}}}
	for _, keys := range []model.MasterKeys{learned, used} {
		if err := writeMasterKeys(path, keys); err != nil {
			t.Fatal(err)
		}
		if code, said := run("keys", "list"); code != exitDone {
			t.Fatalf("%d %s", code, said)
		}
	}
	if code, said := run("keys", "reseal", "--yes"); code != exitDone || !strings.Contains(said, "Sealed 1 signing key anew") {
		t.Errorf("%d %s", code, said)
	}
	if err := writeMasterKeys(path, model.MasterKeys{Current: fresh}); err != nil {
		t.Fatal(err)
	}
	if code, said := run("keys", "list"); code != exitDone || strings.Count(said, "EdDSA") != 1 {
		t.Errorf("with the new key alone: %d %s", code, said)
	}
}
