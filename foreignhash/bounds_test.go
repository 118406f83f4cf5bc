package foreignhash

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// What no text may ask for, and what is no hash at all.
var poisoned = map[string]string{
	"bcrypt_cost_15": "$2b$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
	"bcrypt_cost_31": "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
	"bcrypt_cost_3":  "$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
	"bcrypt_cost_5":  "$2b$5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
	"bcrypt_sign":    "$2b$+5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
	"bcrypt_2x":      "$2x$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e",
	"bcrypt_2":       "$2$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
	"bcrypt_short":   "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
	"bcrypt_letters": "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyO=W",
	"bcrypt_line":    "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe\n",
	"bcrypt_empty":   "$2b$05$",
	"wordpress_14+":  "$wp$2y$20$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
	"django_bcrypt":  "bcrypt_sha256$$2b$20$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",

	"scrypt_ln_31":   "$scrypt$ln=31,r=8,p=1$" + salt16 + "$" + digest32,
	"scrypt_ln_19":   "$scrypt$ln=19,r=8,p=1$" + salt16 + "$" + digest32,
	"scrypt_N":       "$scrypt$ln=524288,r=8,p=1$" + salt16 + "$" + digest32,
	"scrypt_N_odd":   "$scrypt$ln=16385,r=8,p=1$" + salt16 + "$" + digest32,
	"scrypt_ln_0":    "$scrypt$ln=0,r=8,p=1$" + salt16 + "$" + digest32,
	"scrypt_r":       "$scrypt$ln=10,r=1073741824,p=1$" + salt16 + "$" + digest32,
	"scrypt_p":       "$scrypt$ln=10,r=8,p=1073741824$" + salt16 + "$" + digest32,
	"scrypt_work":    "$scrypt$ln=17,r=8,p=3$" + salt16 + "$" + digest32,
	"scrypt_wraps":   "$scrypt$ln=24,r=64,p=64$" + salt16 + "$" + digest32,
	"scrypt_no_salt": "$scrypt$ln=10,r=8,p=1$$" + digest32,
	"scrypt_4_bytes": "$scrypt$ln=10,r=8,p=1$" + salt16 + "$MDEyMw",
	"scrypt_order":   "$scrypt$r=8,ln=10,p=1$" + salt16 + "$" + digest32,
	"scrypt_django":  "scrypt$16777216$seasalt2-abc$8$1$" + digest32,
	"firebase_ln":    "$firescrypt$ln=31,r=8,p=1$" + salt16 + "$" + digest32 + "$Bw$" + digest32,
	"firebase_key":   "$firescrypt$ln=14,r=8,p=1$" + salt16 + "$" + digest32 + "$Bw$" + salt16,
	"firebase_parts": "$firescrypt$ln=14,r=8,p=1$" + salt16 + "$" + digest32,

	"pbkdf2_iterations": "$pbkdf2-sha256$i=2000001,l=32$" + salt16 + "$" + digest32,
	"pbkdf2_of_sha512":  "$pbkdf2-sha512$i=1000001,l=32$" + salt16 + "$" + digest32,
	"pbkdf2_4_billion":  "$pbkdf2-sha512$i=4294967295,l=32$" + salt16 + "$" + digest32,
	"pbkdf2_none":       "$pbkdf2-sha256$i=0,l=32$" + salt16 + "$" + digest32,
	"pbkdf2_zero_first": "$pbkdf2-sha256$i=01000,l=32$" + salt16 + "$" + digest32,
	"pbkdf2_length":     "$pbkdf2-sha256$i=1000,l=all$" + salt16 + "$" + digest32,
	"pbkdf2_no_length":  "$pbkdf2-sha256$i=1000,l=$" + salt16 + "$" + digest32,
	"pbkdf2_sha224":     "$pbkdf2-sha224$i=1000,l=32$" + salt16 + "$" + digest32,
	"pbkdf2_no_salt":    "$pbkdf2-sha256$i=1000,l=32$$" + digest32,
	"pbkdf2_short_tag":  "$pbkdf2-sha256$i=1000,l=3$" + salt16 + "$MDEy",
	"pbkdf2_both":       "$pbkdf2-sha256$1000$" + salt16 + "$" + strings.Repeat("+", 43),
	"pbkdf2_django":     "pbkdf2_sha256$99999999$seasalt2-abc$" + digest32 + "=",
	"pbkdf2_unsalted":   "pbkdf2_sha256$1000$$" + digest32 + "=",
	"pbkdf2_passlib":    "$pbkdf2$2000001$" + salt16 + "$" + digest32,
	"aspnet_iterations": aspNET(1, 1<<31, 16),
	"aspnet_none":       aspNET(1, 0, 16),
	"aspnet_function":   aspNET(9, 1000, 16),
	"aspnet_salt":       aspNET(1, 1000, 1<<31),
	"aspnet_no_salt":    aspNET(1, 1000, 0),
	"aspnet_short":      "AQAAAAEAACcQ",
	"aspnet_2_short":    "AAAB",
	"an_A":              "A",

	"argon2i_8_GiB":   "$argon2i$v=19$m=8388608,t=3,p=1$" + salt16 + "$" + digest32,
	"argon2i_work":    "$argon2i$v=19$m=262144,t=3,p=1$" + salt16 + "$" + digest32,
	"argon2i_passes":  "$argon2i$v=19$m=65536,t=1000,p=1$" + salt16 + "$" + digest32,
	"argon2i_lanes":   "$argon2i$v=19$m=65536,t=3,p=255$" + salt16 + "$" + digest32,
	"argon2i_wraps":   "$argon2i$v=19$m=65536,t=3,p=257$" + salt16 + "$" + digest32,
	"argon2i_16":      "$argon2i$v=16$m=65536,t=3,p=1$" + salt16 + "$" + digest32,
	"argon2i_no_salt": "$argon2i$v=19$m=65536,t=3,p=1$$" + digest32,
	"argon2i_4_bytes": "$argon2i$v=19$m=65536,t=3,p=1$" + salt16 + "$MDEyMw",
	"argon2i_too_few": "$argon2i$v=19$m=8,t=3,p=2$" + salt16 + "$" + digest32,
	"argon2d":         "$argon2d$v=19$m=65536,t=3,p=1$" + salt16 + "$" + digest32,
	"argon2_django":   "argon2$argon2d$v=19$m=65536,t=3,p=1$" + salt16 + "$" + digest32,

	"sha256_rounds":    "$5$rounds=1000001$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
	"sha512_billion":   "$6$rounds=999999999$saltstring$" + strings.Repeat(".", 86),
	"sha256_few":       "$5$rounds=999$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
	"sha256_no_salt":   "$5$$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
	"sha256_long_salt": "$5$saltstringsaltstr$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
	"sha256_bits":      "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEcz",
	"sha256_dollar":    "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5$",
	"md5_no_salt":      "$1$$4/U5.w6NPtLkJ2WyrTwm91",
	"md5_long_salt":    "$1$abcdefghi$4/U5.w6NPtLkJ2WyrTwm91",
	"phpass_rounds":    "$P$JIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
	"phpass_most":      "$P$zIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
	"phpass_least":     "$P$4IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
	"phpass_short":     "$P$9",

	"empty":           "",
	"a_password":      "hunter2hunter2",
	"dollars":         "$$$$$$$$",
	"unsalted_md5":    "5f4dcc3b5aa765d61d8327deb882cf99",
	"unsalted_sha1":   "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
	"des":             "ab1yNTgd8TmNI",
	"yescrypt":        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
	"a_mebibyte":      "$scrypt$ln=10,r=8,p=1$" + salt16 + "$" + strings.Repeat("A", 1<<20),
	"our_own":         "$argon2id$v=19$m=65536,t=3,p=1$" + salt16 + "$" + digest32,
	"our_own_wrapped": "$wrapped$x$argon2id$v=19$m=65536,t=3,p=1$" + salt16 + "$" + digest32,
}

const (
	salt16   = "MDEyMzQ1Njc4OWFiY2RlZg"
	digest32 = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
)

// aspNET is a hash of ASP.NET Identity 3 with these numbers in it.
func aspNET(function, iterations, saltBytes uint32) string {
	raw := []byte{1}
	for _, number := range []uint32{function, iterations, saltBytes} {
		raw = binary.BigEndian.AppendUint32(raw, number)
	}
	return base64.StdEncoding.EncodeToString(append(raw, make([]byte, 48)...))
}

func TestWhatIsOutOfBoundsIsNotBegun(t *testing.T) {
	for name, text := range poisoned {
		t.Run("PW-19_"+name, func(t *testing.T) {
			var start, end runtime.MemStats
			runtime.ReadMemStats(&start)
			h, err := Parse(text)
			runtime.ReadMemStats(&end)
			if !errors.Is(err, ErrRejected) {
				t.Fatalf("read as %v, %v", h, err)
			}
			if grown := end.TotalAlloc - start.TotalAlloc; grown > 1<<20 {
				t.Errorf("%d bytes were allocated for it", grown)
			}
			if len(text) > 20 && strings.Contains(err.Error(), text[len(text)-20:]) {
				t.Errorf("LG-06: the error holds the hash: %v", err)
			}
		})
	}
}

// The largest of each scheme is read, and says what it takes.
func TestTheBoundsThemselvesAreWithin(t *testing.T) {
	for text, wantKiB := range map[string]uint32{
		"$2b$14$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW": littleKiB,
		"$scrypt$ln=17,r=8,p=1$" + salt16 + "$" + digest32:             128*1024 + 2,
		"$scrypt$ln=17,r=8,p=2$" + salt16 + "$" + digest32:             128*1024 + 3,
		"$pbkdf2-sha256$i=2000000,l=32$" + salt16 + "$" + digest32:     littleKiB,
		"$pbkdf2-sha512$i=1000000,l=32$" + salt16 + "$" + digest32:     littleKiB,
		"$argon2i$v=19$m=262144,t=2,p=16$" + salt16 + "$" + digest32:   256 * 1024,
		"$argon2i$v=19$m=52428,t=10,p=16$" + salt16 + "$" + digest32:   52428,
		"$5$rounds=1000000$saltstring$" + strings.Repeat(".", 43):      littleKiB,
		"$P$IIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0":                           littleKiB,
	} {
		if h, err := Parse(text); err != nil || h.MemoryKiB() != wantKiB {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestWhatIsNotWeak(t *testing.T) {
	for _, text := range []string{
		"$2b$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"$scrypt$ln=17,r=8,p=1$" + salt16 + "$" + digest32, "$scrypt$ln=14,r=8,p=5$" + salt16 + "$" + digest32,
		"$pbkdf2-sha256$i=600000,l=32$" + salt16 + "$" + digest32, "$pbkdf2-sha512$i=210000,l=32$" + salt16 + "$" + digest32,
		"$argon2i$v=19$m=12288,t=3,p=1$" + salt16 + "$" + digest32, "$6$rounds=656000$saltstring$" + strings.Repeat(".", 86),
	} {
		if h, err := Parse(text); err != nil || h.Weak() {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, tt := range slices.Concat(known, knownDear) {
		f.Add(tt.text)
	}
	for _, text := range poisoned {
		if len(text) < maxTextBytes {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrRejected) {
				t.Fatalf("trouble: %v", err)
			}
			return
		}
		if h.MemoryKiB() > maxScryptKiB+64 || len(h.Digest()) < minDigestBytes {
			t.Fatalf("%q takes %d KiB and has %d bytes", text, h.MemoryKiB(), len(h.Digest()))
		}
		again, err := Parse(h.Canonical())
		if err != nil || again.Canonical() != h.Canonical() || !bytes.Equal(again.digest, h.digest) || again.scheme != h.scheme {
			t.Fatalf("%q is kept as %q, which is read as %v, %v", text, h.Canonical(), again, err)
		}
		recipe, err := Parse(h.Parameters())
		if err != nil || recipe.Parameters() != h.Parameters() || recipe.checked != h.checked {
			t.Fatalf("%q has the parameters %q, which are read as %v, %v", text, h.Parameters(), recipe, err)
		}
	})
}
