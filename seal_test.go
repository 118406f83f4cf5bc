package gatehouse

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"gatehouse/model"
)

func testSealer(t *testing.T, first byte) sealer {
	t.Helper()
	var master model.MasterKey
	for i := range master {
		master[i] = first + byte(i)
	}
	s, err := newSealer(master)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSeal(t *testing.T) {
	s := testSealer(t, 0)
	plain := []byte("what nobody else may read")
	record := s.encrypt(plain, "table.column\x00row")
	if got, err := s.decrypt(record, "table.column\x00row"); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("got %q, %v", got, err)
	}
	t.Run("KY-05_every_nonce_is_another", func(t *testing.T) {
		const records = 100_000
		seen := make(map[string]bool, records)
		for range records {
			seen[string(s.encrypt(nil, "")[sealHead:sealHead+s.aead().NonceSize()])] = true
		}
		if len(seen) != records {
			t.Errorf("%d nonces of %d records", len(seen), records)
		}
	})
	t.Run("KY-05_KY-07_whatever_was_changed_does_not_open_and_the_answer_is_one", func(t *testing.T) {
		for i := range record {
			for _, bit := range []byte{1, 0x80} {
				changed := bytes.Clone(record)
				changed[i] ^= bit
				if got, err := s.decrypt(changed, "table.column\x00row"); !errors.Is(err, errSealed) || got != nil {
					t.Errorf("byte %d: got %q, %v", i, got, err)
				}
			}
			if _, err := s.decrypt(record[:i], "table.column\x00row"); !errors.Is(err, errSealed) {
				t.Errorf("cut after %d bytes: %v", i, err)
			}
		}
		for name, open := range map[string]func() ([]byte, error){
			"another label":      func() ([]byte, error) { return s.decrypt(record, "table.column\x00other") },
			"another master key": func() ([]byte, error) { return testSealer(t, 7).decrypt(record, "table.column\x00row") },
			"a byte more":        func() ([]byte, error) { return s.decrypt(append(bytes.Clone(record), 0), "table.column\x00row") },
		} {
			if got, err := open(); !errors.Is(err, errSealed) || got != nil {
				t.Errorf("%s: got %q, %v", name, got, err)
			}
		}
	})
	t.Run("KY-05_the_record_names_its_key", func(t *testing.T) {
		if got := sealedUnder(record); got != s.name() || got == testSealer(t, 7).name() || len(got) != 16 {
			t.Errorf("got %q, want %q", got, s.name())
		}
	})
}

type gcmVectors struct {
	NumberOfTests int `json:"numberOfTests"`
	TestGroups    []struct {
		IvSize, TagSize int
		Tests           []struct {
			TcID                               int `json:"tcId"`
			Key, Iv, Aad, Msg, Ct, Tag, Result string
		}
	}
}

func TestWycheproofGCM(t *testing.T) {
	folder, named := os.LookupEnv("GATEHOUSE_VECTORS")
	if !named {
		folder = filepath.Join("..", "shared", "vectors")
	}
	data, err := os.ReadFile(filepath.Join(folder, "wycheproof", "aes_gcm_test.json"))
	if errors.Is(err, os.ErrNotExist) && !named {
		t.Skip("public test vectors are absent: set GATEHOUSE_VECTORS to the folder with wycheproof/aes_gcm_test.json")
	}
	if err != nil {
		t.Fatal(err)
	}
	var file gcmVectors
	if err := json.Unmarshal(data, &file); err != nil || file.NumberOfTests != 316 {
		t.Fatalf("%d tests, want 316 (%v)", file.NumberOfTests, err)
	}
	opened := 0
	t.Run("KY-05_vectors", func(t *testing.T) {
		for _, group := range file.TestGroups {
			for _, v := range group.Tests {
				aead := gcmOf(t, unhex(t, v.Key))
				s := sealer{aead: func() cipher.AEAD { return aead }, keyID: [sealKeyBytes]byte{1, 2, 3}}
				record := append([]byte{sealVersion}, s.keyID[:]...)
				record = append(append(append(record, unhex(t, v.Iv)...), unhex(t, v.Ct)...), unhex(t, v.Tag)...)
				got, err := s.decrypt(record, string(unhex(t, v.Aad)))
				// A record has a nonce of 96 bits and a tag of 128, and no other.
				ours := group.IvSize == 96 && group.TagSize == 128
				if want := ours && v.Result == "valid"; want != (err == nil) || want && !bytes.Equal(got, unhex(t, v.Msg)) {
					t.Errorf("test %d: got %x, %v, want success %v", v.TcID, got, err, want)
				} else if want {
					opened++
				}
			}
		}
	})
	if opened < 100 {
		t.Errorf("only %d records opened", opened)
	}
}

func gcmOf(t *testing.T, key []byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
