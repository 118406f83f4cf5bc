package argon2id

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/argon2"
)

// cheapest is the cheapest price that new hashes may have.
var cheapest = Params{MemoryKiB: 12 * 1024, Passes: 3, Lanes: 1}

func newTestEngine(t testing.TB, config Config) *Engine {
	t.Helper()
	if config.Params == (Params{}) {
		config.Params = cheapest
	}
	engine, err := NewEngine(config)
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func mustHash(t testing.TB, engine *Engine, password string) string {
	t.Helper()
	phc, err := engine.Hash(t.Context(), []byte(password))
	if err != nil {
		t.Fatal(err)
	}
	return phc
}

func TestHash(t *testing.T) {
	t.Run("PW-15_PHC_with_the_default_price", func(t *testing.T) {
		engine, err := NewEngine(Config{})
		if err != nil {
			t.Fatal(err)
		}
		phc := mustHash(t, engine, "fifteen-chars!!")
		if want := regexp.MustCompile(`^\$argon2id\$v=19\$m=65536,t=3,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`); !want.MatchString(phc) {
			t.Errorf("the PHC string does not match %s", want)
		}
		hash, err := ParseHash(phc)
		if err != nil || len(hash.Salt) != 16 || len(hash.Tag) != 32 || hash.Params != engine.Params() {
			t.Errorf("parsed back: %v, %v", hash, err)
		}
	})

	t.Run("PW-16_a_fresh_salt_for_each_hash", func(t *testing.T) {
		engine := newTestEngine(t, Config{})
		salts, tags := map[string]bool{}, map[string]bool{}
		const hashes = 64
		for range hashes {
			hash, err := ParseHash(mustHash(t, engine, "the same password"))
			if err != nil {
				t.Fatal(err)
			}
			salts[string(hash.Salt)], tags[string(hash.Tag)] = true, true
		}
		if len(salts) != hashes || len(tags) != hashes {
			t.Errorf("%d salts and %d tags, want %d of each", len(salts), len(tags), hashes)
		}
		for range 1000 {
			salts[string(freshSalt())] = true
		}
		if got, want := len(salts), hashes+1000; got != want {
			t.Errorf("%d different salts, want %d", got, want)
		}
		for salt := range salts {
			if len(salt) != 16 {
				t.Fatalf("a salt of %d bytes", len(salt))
			}
		}
	})
}

func TestHashOfPasswordsOfAnySize(t *testing.T) {
	t.Run("PW-22_long_and_empty_passwords_cost_nothing", func(t *testing.T) {
		engine := newTestEngine(t, Config{})
		phc := mustHash(t, engine, "fifteen-chars!!")
		before := engine.Evaluations()
		for _, length := range []int{1025, 1 << 20} {
			long := bytes.Repeat([]byte("a"), length)
			_, hashErr := engine.Hash(t.Context(), long)
			_, verifyErr := engine.Verify(t.Context(), long, phc)
			absentErr := engine.VerifyAbsent(t.Context(), long)
			for _, err := range []error{hashErr, verifyErr, absentErr} {
				if !errors.Is(err, ErrPasswordSize) || !errors.Is(err, ErrRejected) {
					t.Errorf("%d bytes: got %v, want %v", length, err, ErrPasswordSize)
				}
			}
		}
		if _, err := engine.Hash(t.Context(), nil); !errors.Is(err, ErrPasswordSize) {
			t.Errorf("empty: got %v, want %v", err, ErrPasswordSize)
		}
		if after := engine.Evaluations(); after != before {
			t.Errorf("%d passwords were evaluated", after-before)
		}
		if _, err := engine.Hash(t.Context(), bytes.Repeat([]byte("a"), 1024)); err != nil {
			t.Errorf("1,024 bytes: %v", err)
		}
	})
}

// A hash of another system that runs on many cores is let in as many.
func TestRunTakesACoreForEachLane(t *testing.T) {
	e, err := NewEngine(Config{Params: Params{MemoryKiB: 12 * 1024, Passes: 3, Lanes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	whole := e.places.limits.whole
	for lanes, want := range map[uint8]int{0: 1, 1: 1, 2: min(2, whole.cores), 16: min(16, whole.cores)} {
		var free place
		err := e.Run(t.Context(), Demand{MemoryKiB: 64, Lanes: lanes}, func() {
			e.places.mu.Lock()
			defer e.places.mu.Unlock()
			free = e.places.free
		})
		if took := whole.cores - free.cores; err != nil || took != want || whole.memoryKiB-free.memoryKiB != 64 {
			t.Errorf("%d lanes took %d cores, want %d; %v", lanes, took, want, err)
		}
	}
	assertAllFree(t, e.places)
}

func TestVerify(t *testing.T) {
	engine := newTestEngine(t, Config{})
	const password = "pässword\x00with NUL"
	phc := mustHash(t, engine, password)

	t.Run("only_the_same_bytes_match", func(t *testing.T) {
		for candidate, want := range map[string]bool{
			password: true, "pässword": false, password + "\x00": false, password + " ": false, " " + password: false,
			strings.ToUpper(password): false, password[:len(password)-1]: false, "": false, "pässword\x00": false,
		} {
			verdict, err := engine.Verify(t.Context(), []byte(candidate), phc)
			if err != nil || verdict != (Verdict{Match: want}) {
				t.Errorf("%q: got %+v, %v; want match %t", candidate, verdict, err, want)
			}
		}
	})

	t.Run("PW-03_the_last_byte_of_1024_counts", func(t *testing.T) {
		long := bytes.Repeat([]byte("a"), 1024)
		phc := mustHash(t, engine, string(long))
		for _, at := range []int{0, 71, 72, 127, 255, 1023} {
			other := bytes.Clone(long)
			other[at] ^= 1
			if verdict, err := engine.Verify(t.Context(), other, phc); err != nil || verdict.Match {
				t.Errorf("byte %d: got %+v, %v", at, verdict, err)
			}
		}
	})

	t.Run("PW-17_outdated_only_with_a_match", func(t *testing.T) {
		dearer := newTestEngine(t, Config{Params: Params{MemoryKiB: 12 * 1024, Passes: 4, Lanes: 1}})
		for candidate, want := range map[string]Verdict{password: {Match: true, Outdated: true}, "wrong": {}} {
			if got, err := dearer.Verify(t.Context(), []byte(candidate), phc); err != nil || got != want {
				t.Errorf("%q: got %+v, %v; want %+v", candidate, got, err, want)
			}
		}
		fresh := mustHash(t, dearer, password)
		if got, err := dearer.Verify(t.Context(), []byte(password), fresh); err != nil || got != (Verdict{Match: true}) {
			t.Errorf("after a new hash: got %+v, %v", got, err)
		}
		if got, err := engine.Verify(t.Context(), []byte(password), fresh); err != nil || got != (Verdict{Match: true, Outdated: true}) {
			t.Errorf("dearer than current: got %+v, %v", got, err)
		}
		short := argon2.IDKey([]byte(password), []byte("8 bytes!"), 3, 12*1024, 1, 16)
		imported := Hash{Params: cheapest, Salt: []byte("8 bytes!"), Tag: short}.PHC()
		if got, err := engine.Verify(t.Context(), []byte(password), imported); err != nil || got != (Verdict{Match: true, Outdated: true}) {
			t.Errorf("short salt and tag: got %+v, %v", got, err)
		}
	})
}

func TestVerifyComparesWholeTags(t *testing.T) {
	engine := newTestEngine(t, Config{})
	phc := mustHash(t, engine, "fifteen-chars!!")

	t.Run("PW-21_any_wrong_byte_of_the_tag_counts", func(t *testing.T) {
		hash, err := ParseHash(phc)
		if err != nil {
			t.Fatal(err)
		}
		for at := range hash.Tag {
			wrong := Hash{Params: hash.Params, Salt: hash.Salt, Tag: bytes.Clone(hash.Tag)}
			wrong.Tag[at] ^= 0x80
			if sameTag(wrong.Tag, hash.Tag) || sameTag(hash.Tag[:at], hash.Tag) {
				t.Errorf("byte %d does not count", at)
			}
		}
		if !sameTag(hash.Tag, bytes.Clone(hash.Tag)) {
			t.Error("a tag is not itself")
		}
	})

	t.Run("PW-27_the_empty_password_never_matches", func(t *testing.T) {
		tag := argon2.IDKey(nil, []byte("sixteen bytes!!!"), 3, 12*1024, 1, 32)
		ofEmpty := Hash{Params: cheapest, Salt: []byte("sixteen bytes!!!"), Tag: tag}.PHC()
		if got, err := engine.Verify(t.Context(), nil, ofEmpty); err != nil || got != (Verdict{}) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestEN02VerifyAbsentIsOneEvaluation(t *testing.T) {
	engine := newTestEngine(t, Config{})
	phc := mustHash(t, engine, "fifteen-chars!!")
	before := engine.Evaluations()
	if err := engine.VerifyAbsent(t.Context(), []byte("fifteen-chars!!")); err != nil {
		t.Fatal(err)
	}
	if got := engine.Evaluations() - before; got != 1 {
		t.Errorf("a missing user costs %d evaluations, want 1", got)
	}
	if _, err := engine.Verify(t.Context(), []byte("wrong"), phc); err != nil {
		t.Fatal(err)
	}
	if got := engine.Evaluations() - before; got != 2 {
		t.Errorf("a wrong password costs %d evaluations, want 1", got-1)
	}
}

func TestEN13CheaperHashesArePadded(t *testing.T) {
	whole := DefaultParams()
	for _, stored := range []Params{{19 * 1024, 2, 1}, {46 * 1024, 1, 1}, {12 * 1024, 3, 1}, {8, 1, 1}, {65536, 2, 1}, {65536, 1, 4}, {4096, 1, 1}} {
		rest, ok := stored.missing(whole)
		if !ok {
			t.Errorf("%s is not padded", stored)
			continue
		}
		if got, want := stored.work()+rest.work(), whole.work(); got > want || want-got >= uint64(whole.Passes) {
			t.Errorf("%s and %s fill %d KiB, want %d", stored, rest, got, want)
		}
		if rest.MemoryKiB > whole.MemoryKiB {
			t.Errorf("padding %s needs %s, more memory than the place has", stored, rest)
		}
	}
	for _, stored := range []Params{whole, {65536, 4, 1}, {131072, 3, 1}, {65535, 3, 1}} {
		if rest, ok := stored.missing(whole); ok {
			t.Errorf("%s is padded with %s", stored, rest)
		}
	}
}

func TestEN13ACheapHashCostsWhatAMissingUserCosts(t *testing.T) {
	engine := newTestEngine(t, Config{})
	if err := engine.VerifyAbsent(t.Context(), []byte("fifteen-chars!!")); err != nil {
		t.Fatal(err)
	}
	want := engine.filledKiB.Load()
	for _, stored := range []Params{cheapest, {8, 1, 1}, {4096, 2, 1}, {12 * 1024, 1, 1}} {
		before, evaluations := engine.filledKiB.Load(), engine.Evaluations()
		phc := Hash{Params: stored, Salt: make([]byte, 16), Tag: make([]byte, 32)}.PHC()
		if _, err := engine.Verify(t.Context(), []byte("fifteen-chars!!"), phc); err != nil {
			t.Fatal(err)
		}
		if got := engine.filledKiB.Load() - before; got > want || want-got > uint64(cheapest.Passes) {
			t.Errorf("%s: %d KiB were filled, want %d", stored, got, want)
		}
		if got := engine.Evaluations() - evaluations; got != 1 {
			t.Errorf("%s: %d evaluations, want 1", stored, got)
		}
	}
}

func TestPW19PoisonedRowsAreRefusedBeforeMemoryIsAskedFor(t *testing.T) {
	engine := newTestEngine(t, Config{})
	for name, phc := range rejected() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			verdict, err := engine.Verify(t.Context(), []byte("fifteen-chars!!"), phc)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, ErrRejected) || verdict != (Verdict{}) {
				t.Errorf("got %+v, %v; want %v", verdict, err, ErrRejected)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 {
				t.Errorf("%d bytes were allocated", grown)
			}
		})
	}
	if got := engine.Evaluations(); got != 0 {
		t.Errorf("%d passwords were evaluated", got)
	}
	t.Run("above_the_budget", func(t *testing.T) {
		small := newTestEngine(t, Config{MemoryBudgetKiB: 12 * 1024})
		_, err := small.Verify(t.Context(), []byte("fifteen-chars!!"), "$argon2id$v=19$m=65536,t=3,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
		if !errors.Is(err, ErrRejected) || small.Evaluations() != 0 {
			t.Errorf("got %v", err)
		}
	})
}

func TestPW28EnginesAreSafeForConcurrentUse(t *testing.T) {
	engine := newTestEngine(t, Config{MemoryBudgetKiB: 2 * 12 * 1024})
	phc := mustHash(t, engine, "fifteen-chars!!")
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			password, want := "fifteen-chars!!", i%2 == 0
			if !want {
				password = fmt.Sprint("wrong ", i)
			}
			verdict, err := engine.Verify(context.Background(), []byte(password), phc)
			if err != nil || verdict.Match != want {
				t.Errorf("got %+v, %v; want match %t", verdict, err, want)
			}
		})
	}
	group.Wait()
	if got := engine.Evaluations(); got != 17 {
		t.Errorf("%d evaluations, want 17", got)
	}
}

func TestPW21OneFunctionComparesSecrets(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	comparisons := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		comparisons += bytes.Count(source, []byte("subtle.ConstantTimeCompare("))
		for _, forbidden := range []string{"bytes.Equal", "bytes.Compare", "EqualFold", "reflect.DeepEqual", "math/rand"} {
			if bytes.Contains(source, []byte(forbidden)) {
				t.Errorf("%s uses %s", file, forbidden)
			}
		}
	}
	if comparisons != 1 {
		t.Errorf("%d places compare tags, want 1", comparisons)
	}
}
