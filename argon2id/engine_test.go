package argon2id

import (
	"bytes"
	"context"
	"encoding/hex"
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

func TestReferenceVectors(t *testing.T) {
	// From test.c of the reference implementation, version 0x13, argon2id. Those
	// of RFC 9106 section 5.3 need a secret and associated data, which a PHC
	// string does not have.
	for name, v := range map[string]struct {
		params         Params
		password, salt string
		want           string
	}{
		"t=2,m=2^16": {Params{65536, 2, 1}, "password", "somesalt", "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"},
		"t=2,m=2^8":  {Params{256, 2, 1}, "password", "somesalt", "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"},
		"p=2":        {Params{256, 2, 2}, "password", "somesalt", "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"},
		"t=1":        {Params{65536, 1, 1}, "password", "somesalt", "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"},
		"t=4":        {Params{65536, 4, 1}, "password", "somesalt", "9025d48e68ef7395cca9079da4c4ec3affb3c8911fe4f86d1a2520856f63172c"},
		"password":   {Params{65536, 2, 1}, "differentpassword", "somesalt", "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde"},
		"salt":       {Params{65536, 2, 1}, "password", "diffsalt", "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := hex.EncodeToString(derive([]byte(v.password), []byte(v.salt), v.params, 32)); got != v.want {
				t.Errorf("derive gives %s, want %s", got, v.want)
			}
			tag, err := hex.DecodeString(v.want)
			if err != nil {
				t.Fatal(err)
			}
			phc := Hash{Params: v.params, Salt: []byte(v.salt), Tag: tag}.PHC()
			verdict, err := newTestEngine(t, Config{}).Verify(t.Context(), []byte(v.password), phc)
			if err != nil || !verdict.Match {
				t.Errorf("Verify gives %+v, %v", verdict, err)
			}
		})
	}
	const want = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	hash, err := ParseHash(want)
	if err != nil || string(hash.Salt) != "somesalt" || hash.PHC() != want {
		t.Errorf("ParseHash gives %v, %v", hash, err)
	}
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
				t.Fatalf("a salt of %d octets", len(salt))
			}
		}
	})

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
					t.Errorf("%d octets: got %v, want %v", length, err, ErrPasswordSize)
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
			t.Errorf("1,024 octets: %v", err)
		}
	})
}

func TestVerify(t *testing.T) {
	engine := newTestEngine(t, Config{})
	const password = "pässword\x00with NUL"
	phc := mustHash(t, engine, password)

	t.Run("only_the_same_octets_match", func(t *testing.T) {
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

	t.Run("PW-03_the_last_octet_of_1024_counts", func(t *testing.T) {
		long := bytes.Repeat([]byte("a"), 1024)
		phc := mustHash(t, engine, string(long))
		for _, at := range []int{0, 71, 72, 127, 255, 1023} {
			other := bytes.Clone(long)
			other[at] ^= 1
			if verdict, err := engine.Verify(t.Context(), other, phc); err != nil || verdict.Match {
				t.Errorf("octet %d: got %+v, %v", at, verdict, err)
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
		short := argon2.IDKey([]byte(password), []byte("8 octets"), 3, 12*1024, 1, 16)
		imported := Hash{Params: cheapest, Salt: []byte("8 octets"), Tag: short}.PHC()
		if got, err := engine.Verify(t.Context(), []byte(password), imported); err != nil || got != (Verdict{Match: true, Outdated: true}) {
			t.Errorf("short salt and tag: got %+v, %v", got, err)
		}
	})

	t.Run("PW-21_any_wrong_octet_of_the_tag_counts", func(t *testing.T) {
		hash, err := ParseHash(phc)
		if err != nil {
			t.Fatal(err)
		}
		for at := range hash.Tag {
			wrong := Hash{Params: hash.Params, Salt: hash.Salt, Tag: bytes.Clone(hash.Tag)}
			wrong.Tag[at] ^= 0x80
			if sameTag(wrong.Tag, hash.Tag) || sameTag(hash.Tag[:at], hash.Tag) {
				t.Errorf("octet %d does not count", at)
			}
		}
		if !sameTag(hash.Tag, bytes.Clone(hash.Tag)) {
			t.Error("a tag is not itself")
		}
	})

	t.Run("PW-27_the_empty_password_never_matches", func(t *testing.T) {
		tag := argon2.IDKey(nil, []byte("sixteen octets!!"), 3, 12*1024, 1, 32)
		ofEmpty := Hash{Params: cheapest, Salt: []byte("sixteen octets!!"), Tag: tag}.PHC()
		if got, err := engine.Verify(t.Context(), nil, ofEmpty); err != nil || got != (Verdict{}) {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestVerifyAbsentIsOneEvaluation(t *testing.T) {
	engine := newTestEngine(t, Config{})
	phc := mustHash(t, engine, "fifteen-chars!!")
	before := engine.Evaluations()
	if err := engine.VerifyAbsent(t.Context(), []byte("fifteen-chars!!")); err != nil {
		t.Fatal(err)
	}
	if got := engine.Evaluations() - before; got != 1 {
		t.Errorf("EN-02: a missing user costs %d evaluations, want 1", got)
	}
	if _, err := engine.Verify(t.Context(), []byte("wrong"), phc); err != nil {
		t.Fatal(err)
	}
	if got := engine.Evaluations() - before; got != 2 {
		t.Errorf("EN-02: a wrong password costs %d evaluations, want 1", got-1)
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
				t.Errorf("%d octets were allocated", grown)
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

func TestEnginesAreSafeForConcurrentUse(t *testing.T) {
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
				t.Errorf("PW-28: got %+v, %v; want match %t", verdict, err, want)
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
