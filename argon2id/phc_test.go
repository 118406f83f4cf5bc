package argon2id

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const (
	goodSalt = "c29tZXNhbHRzb21lc2FsdA"                      // "somesaltsomesalt"
	goodTag  = "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4" // 32 bytes
	goodPHC  = "$argon2id$v=19$m=65536,t=3,p=1$" + goodSalt + "$" + goodTag
)

// rejected lists strings that no hash may have.
func rejected() map[string]string {
	with := func(old, replacement string) string { return strings.Replace(goodPHC, old, replacement, 1) }
	raw := func(n int) string { return base64.RawStdEncoding.EncodeToString(make([]byte, n)) }
	return map[string]string{
		"empty": "", "dollar": "$", "dollars": strings.Repeat("$", 1<<20), "megabyte": goodPHC + strings.Repeat("A", 1<<20),
		"m_of_8_GiB": with("m=65536", "m=8388608"), "m_above_the_bound": with("m=65536", "m=262145"), "m_of_uint32": with("m=65536", "m=4294967295"),
		"m_above_uint32": with("m=65536", "m=4294967296"), "m_above_uint64": with("m=65536", "m=18446744073709551617"),
		"m_zero": with("m=65536", "m=0"), "m_below_8_a_lane": with("m=65536", "m=7"), "m_below_8_for_each_lane": with("m=65536,t=3,p=1", "m=127,t=3,p=16"),
		"t_of_1000": with("t=3", "t=1000"), "t_above_the_bound": with("t=3", "t=11"), "t_zero": with("t=3", "t=0"), "t_negative": with("t=3", "t=-3"),
		"p_of_255": with("p=1", "p=255"), "p_above_the_bound": with("p=1", "p=17"), "p_zero": with("p=1", "p=0"), "p_of_257": with("p=1", "p=257"),
		"leading_zero": with("m=65536", "m=065536"), "plus": with("t=3", "t=+3"), "hexadecimal": with("t=3", "t=0x3"), "underscore": with("m=65536", "m=65_536"),
		"space": with("t=3", "t= 3"), "no_number": with("t=3", "t="), "other_order": with("m=65536,t=3", "t=3,m=65536"), "missing": with(",p=1", ""),
		"twice": with("p=1", "p=1,p=1"), "data_member": with("p=1", "p=1,data=AAAA"), "keyid_member": with("p=1", "p=1,keyid=AAAA"), "capital": with("m=", "M="),
		"wide_digit": with("t=3", "t=３"), "argon2i": with("argon2id", "argon2i"), "argon2d": with("argon2id", "argon2d"), "bcrypt": "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"upper_case": with("argon2id", "ARGON2ID"), "version_16": with("v=19", "v=16"), "version_0x13": with("v=19", "v=0x13"), "version_019": with("v=19", "v=019"), "no_version": with("$v=19", ""),
		"no_salt": with(goodSalt, ""), "salt_of_7": with(goodSalt, raw(7)), "salt_of_65": with(goodSalt, raw(65)),
		"no_tag": with(goodTag, ""), "tag_of_4": with(goodTag, raw(4)), "tag_of_15": with(goodTag, raw(15)), "tag_of_65": with(goodTag, raw(65)),
		"padding": goodPHC + "=", "padding_in_salt": with(goodSalt, goodSalt+"=="), "bad_base64": with(goodTag, "!"+goodTag[1:]), "url_base64": with("MR/u", "MR_u"),
		"trailing_bits": with(goodSalt, goodSalt[:21]+"B"), "newline_in_salt": with(goodSalt, goodSalt[:4]+"\n"+goodSalt[4:]), "CRLF_in_tag": with(goodTag, goodTag[:4]+"\r\n"+goodTag[4:]),
		"newline_after": goodPHC + "\n", "space_before": " " + goodPHC, "NUL_after": goodPHC + "\x00", "one_part_more": goodPHC + "$", "part_before": "x" + goodPHC,
		"no_first_dollar": goodPHC[1:], "two_hashes": goodPHC + goodPHC,
	}
}

func TestParseHash(t *testing.T) {
	for name, phc := range rejected() {
		t.Run("PW-19_"+name, func(t *testing.T) {
			hash, err := ParseHash(phc)
			if !errors.Is(err, ErrRejected) || hash.Salt != nil || hash.Tag != nil {
				t.Errorf("got %v, %v; want %v", hash, err, ErrRejected)
			}
			if err != nil && (strings.Contains(err.Error(), goodSalt[:8]) || strings.Contains(err.Error(), goodTag[1:9])) {
				t.Errorf("the error shows a salt or a tag: %v", err)
			}
		})
	}
	t.Run("PW-19_bounds_are_inclusive", func(t *testing.T) {
		for _, hash := range []Hash{
			{Params{262144, 10, 16}, make([]byte, 64), make([]byte, 64)},
			{Params{8, 1, 1}, make([]byte, 8), make([]byte, 16)},
			{Params{128, 1, 16}, make([]byte, 16), make([]byte, 32)},
		} {
			phc := hash.PHC()
			got, err := ParseHash(phc)
			if err != nil || got.PHC() != phc || got.Params != hash.Params {
				t.Errorf("%s: got %v, %v", phc, got, err)
			}
		}
	})
}

func TestHashPrintsItsPriceOnly(t *testing.T) {
	hash, err := ParseHash(goodPHC)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{hash, &hash, []Hash{hash}, struct{ Inner Hash }{hash}} {
			got := fmt.Sprintf(verb, value)
			if strings.Contains(got, "somesalt") || strings.Contains(got, fmt.Sprintf("%x", "somesalt")) ||
				strings.Contains(got, "115 111 109") || strings.Contains(got, "0x73") || strings.Contains(got, goodTag[:6]) {
				t.Errorf("%s prints %s", verb, got)
			}
		}
	}
	if got, want := fmt.Sprint(hash), "argon2id(m=65536,t=3,p=1)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add(goodPHC)
	for _, phc := range rejected() {
		if len(phc) < 1024 {
			f.Add(phc)
		}
	}
	f.Fuzz(func(t *testing.T, phc string) {
		hash, err := ParseHash(phc)
		if err != nil {
			if !errors.Is(err, ErrRejected) {
				t.Fatalf("%q: %v", phc, err)
			}
			return
		}
		if got := hash.PHC(); got != phc {
			t.Fatalf("%q is read as %q", phc, got)
		}
		if hash.MemoryKiB > maxMemoryKiB || hash.MemoryKiB < 8*uint32(hash.Lanes) || hash.Passes-1 >= maxPasses || hash.Lanes-1 >= maxLanes ||
			len(hash.Salt) < 8 || len(hash.Salt) > 64 || len(hash.Tag) < 16 || len(hash.Tag) > 64 {
			t.Fatalf("%q is out of bounds", phc)
		}
	})
}
