package model

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

const (
	keyA = "c0KPLH4Uue0CJjZQ181ub7_iEiGWIAzVi8EwUxC8h_Q"
	keyB = "fJzP57WLyk5gFVTopVNAXezBH-iAm8wt1SOL8kcPN-o"
	keyC = "bdbtGRh0BDtC1yMfsgGV5wFoBiUDvo4P5_qnbhxzDWU"
)

func TestAFileOfMasterKeysReadsAsItIsWritten(t *testing.T) {
	for name, text := range map[string]string{
		"one":           keyA + "\n",
		"undated":       keyA + "\n" + keyB + "\n",
		"dated":         keyA + "\n" + keyB + " 2026-11-22T18:00:00Z\n",
		"one of either": keyA + "\n" + keyB + " 2026-11-22T18:00:00Z\n" + keyC + "\n",
	} {
		keys, err := ParseMasterKeys(text)
		if err != nil || keys.Encode() != text {
			t.Errorf("KY-06 %s: read as %q (%v)", name, keys.Encode(), err)
		}
	}
	keys, err := ParseMasterKeys(keyA + "\r\n" + keyB + " 2026-11-22T18:00:00Z\r\n")
	if want := time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC); err != nil || len(keys.Former) != 1 || !keys.Former[0].ReplacedAt.Equal(want) {
		t.Errorf("KY-06 the time is read as %v (%v)", keys.Former, err)
	}
}

func TestAFileOfMasterKeysIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"the first has a time": keyA + " 2026-11-22T18:00:00Z\n" + keyB + "\n",
		"two spaces":           keyA + "\n" + keyB + "  2026-11-22T18:00:00Z\n",
		"a space alone":        keyA + "\n" + keyB + " \n",
		"no zone":              keyA + "\n" + keyB + " 2026-11-22T18:00:00\n",
		"another zone":         keyA + "\n" + keyB + " 2026-11-22T18:00:00+01:00\n",
		"UTC in numbers":       keyA + "\n" + keyB + " 2026-11-22T18:00:00+00:00\n",
		"a fraction":           keyA + "\n" + keyB + " 2026-11-22T18:00:00.5Z\n",
		"a date":               keyA + "\n" + keyB + " 2026-11-22\n",
		"no such day":          keyA + "\n" + keyB + " 2026-02-30T18:00:00Z\n",
		"the zero time":        keyA + "\n" + keyB + " 0001-01-01T00:00:00Z\n",
		"something behind":     keyA + "\n" + keyB + " 2026-11-22T18:00:00Z x\n",
		"the same key, dated":  keyA + "\n" + keyA + " 2026-11-22T18:00:00Z\n",
		"an empty line":        keyA + "\n\n" + keyB + "\n",
	} {
		if keys, err := ParseMasterKeys(text); err == nil {
			t.Errorf("KY-02 %s: read as %q", name, keys.Encode())
		} else if strings.Contains(err.Error(), keyA) || strings.Contains(err.Error(), keyB) {
			t.Errorf("KY-02 %s: the error holds a key: %v", name, err)
		}
	}
}

func TestAMasterKeyIsFollowed(t *testing.T) {
	keys, err := ParseMasterKeys(keyA + "\n" + keyB + "\n")
	if err != nil {
		t.Fatal(err)
	}
	next, err := ParseMasterKey(keyC)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 19, 0, 0, 999, time.FixedZone("", 3600))
	// Of the one before it is not known when it was replaced, but not after this.
	want := keyC + "\n" + keyA + " 2026-11-22T18:00:00Z\n" + keyB + " 2026-11-22T18:00:00Z\n"
	if got := keys.Followed(next, at).Encode(); got != want {
		t.Errorf("KY-06 got %q, want %q", got, want)
	}
	if keys.Current.Encode() != keyA || !keys.Former[0].ReplacedAt.IsZero() {
		t.Error("the keys before were changed")
	}
}

func TestKeysThatNobodysRandomGeneratorMade(t *testing.T) {
	keys := map[string]func(i int) byte{
		"counting from 0":           func(i int) byte { return byte(i) },
		"counting from 32":          func(i int) byte { return byte(32 + i) },
		"counting down":             func(i int) byte { return byte(255 - i) },
		"counting in threes":        func(i int) byte { return byte(3 * i) },
		"counting in 16 bits":       func(i int) byte { return byte(i % 2 * (i / 2)) },
		"two counters, interleaved": func(i int) byte { return byte(i%2*128 + i/2*5) },
		"all alike":                 func(int) byte { return 7 },
		"a block of 16, repeated":   func(i int) byte { return byte(i % 16 * i % 16 * 11) },
		"text":                      func(i int) byte { return "abcdefghijklmnopqrstuvwxyzABCDEF"[i*7%32] },
	}
	for name, at := range keys {
		var key MasterKey
		for i := range key {
			key[i] = at(i)
		}
		if key.Check() == nil {
			t.Errorf("KY-02 %s: a good master key", name)
		}
		if (Pepper{ID: "2026", Key: PepperKey(key)}).Check() == nil {
			t.Errorf("KY-02 %s: a good pepper", name)
		}
		if _, err := ParseMasterKey(base64.RawURLEncoding.EncodeToString(key[:])); err == nil {
			t.Errorf("KY-02 %s: read from a file", name)
		}
	}
	for range 10_000 {
		if err := NewMasterKey().Check(); err != nil {
			t.Fatal(err)
		}
	}
}
