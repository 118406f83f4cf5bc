package argon2id

import (
	"strings"
	"testing"
)

// A tiny price, which no configuration may have, makes many hashes cheap.
func tinyEngine(t *testing.T) *Engine {
	t.Helper()
	engine := newTestEngine(t, Config{})
	engine.params = Params{MemoryKiB: 8, Passes: 1, Lanes: 1}
	return engine
}

func TestAThousandHashesOfOnePassword(t *testing.T) {
	t.Run("PW-16_have_a_thousand_salts_of_16_random_bytes_and_a_thousand_tags", func(t *testing.T) {
		engine, salts, tags := tinyEngine(t), map[string]bool{}, map[string]bool{}
		var values [16]map[byte]bool // of each byte of the salts
		for i := range values {
			values[i] = map[byte]bool{}
		}
		for range 1000 {
			hash, err := ParseHash(mustHash(t, engine, "the same password"))
			if err != nil || len(hash.Salt) != len(values) {
				t.Fatalf("a salt of %d bytes, %v", len(hash.Salt), err)
			}
			salts[string(hash.Salt)], tags[string(hash.Tag)] = true, true
			for i, b := range hash.Salt {
				values[i][b] = true
			}
		}
		if len(salts) != 1000 || len(tags) != 1000 {
			t.Errorf("%d salts and %d tags", len(salts), len(tags))
		}
		for i := range values {
			// Of 256 values 251 are seen on average, with a deviation of 2.2.
			if len(values[i]) < 236 {
				t.Errorf("byte %d of the salts has %d values", i, len(values[i]))
			}
		}
	})
}

func TestPasswordsOfEveryLength(t *testing.T) {
	t.Run("PW-03_no_octet_can_be_changed_left_out_or_said_twice", func(t *testing.T) {
		engine := tinyEngine(t)
		for length := 15; length <= 256; length++ {
			right := strings.Repeat("abcdefgh", 32)[:length]
			phc := mustHash(t, engine, right)
			wrong := []string{right[:length-1], right + right[length-1:], right[:length-1] + "x", right + " ", " " + right, right[:length-1] + strings.ToUpper(right[length-1:])}
			for _, at := range []int{0, length / 2, 70, 71, 72, 73, 126, 127, 128, 129, 254, 255} {
				if at < length {
					octets := []byte(right)
					octets[at] ^= 1
					wrong = append(wrong, string(octets))
				}
			}
			for _, typed := range wrong {
				if verdict, err := engine.Verify(t.Context(), []byte(typed), phc); err != nil || verdict.Match {
					t.Fatalf("%d octets: %q came in (%v)", length, typed, err)
				}
			}
			if verdict, err := engine.Verify(t.Context(), []byte(right), phc); err != nil || !verdict.Match {
				t.Fatalf("%d octets: the right one: %v, %v", length, verdict, err)
			}
		}
	})
}
