package foreignhash

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

const staple = "correct horse battery staple"

type knownHash struct {
	name, text, password string
	canonical            string // "" for text itself
	scheme               scheme
	weak                 bool
}

// Hashes of other systems. Where no source is named they were made with
// Python's hashlib or with openssl passwd.
var known = []knownHash{
	// The tests of crypt_blowfish.
	{"bcrypt_2a", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", "", schemeBcrypt, true},
	{"bcrypt_2a_other_salt", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U", "", schemeBcrypt, true},
	{"bcrypt_2y_high_bit", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq", "\xa3", "", schemeBcrypt, true},
	{"bcrypt_2a_long", "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored", "", schemeBcrypt, true},
	{"bcrypt_Django", "bcrypt$$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", schemeBcrypt, true},

	{"scrypt_PHC", "$scrypt$ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$mp90zEQd5XGhjEv4WArVH4Z0XRSzkGWtJK2S/AXJlRU", staple, "", schemeScrypt, true},
	{"scrypt_Kratos", "$scrypt$ln=1024,r=8,p=1$AAECAwQFBgcICQoLDA0ODw==$mp90zEQd5XGhjEv4WArVH4Z0XRSzkGWtJK2S/AXJlRU=", staple,
		"$scrypt$ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$mp90zEQd5XGhjEv4WArVH4Z0XRSzkGWtJK2S/AXJlRU", schemeScrypt, true},
	{"scrypt_Django", "scrypt$1024$seasalt2-abc$8$1$16FDoMbNuqKMGvycCSAjO33yRybX+/EfE9ypsblyOdps355mnshP9bFE2KF8DDAWwMTp4boy860sOtHXnQCDIQ==", staple,
		"$scrypt$ln=10,r=8,p=1$c2Vhc2FsdDItYWJj$16FDoMbNuqKMGvycCSAjO33yRybX+/EfE9ypsblyOdps355mnshP9bFE2KF8DDAWwMTp4boy860sOtHXnQCDIQ", schemeScrypt, true},

	{"PBKDF2_SHA-512", "$pbkdf2-sha512$i=1000,l=64$AAECAwQFBgcICQoLDA0ODw$A6AmFIti7CKlYdoPiV9jf1d9llp37o27Wms8Zx8fwMJGCOigJzAthOW3Pg+XF5PnNiYnsQsIz1N5NtynrEm78w", staple, "", schemePBKDF2SHA512, true},
	{"PBKDF2_of_two_blocks", "$pbkdf2-sha256$i=1000,l=64$AAECAwQFBgcICQoLDA0ODw$ppsXnjrdPB4KryJ6DrOqKqhkWrhv7PbKAMF1Eml8cZ7TX23G+6QgERwdCrtdq7/IU5aB6IVSOpTz6igHBLZ5Gw", staple, "", schemePBKDF2SHA256, true},
	{"PBKDF2_passlib", "$pbkdf2-sha256$1000$c2Vhc2FsdDItYWJj$Pk4.i5mig90YS/CXcpq/JOuNgI4iuDiKH3rP8Q7yfE0", staple,
		"$pbkdf2-sha256$i=1000,l=32$c2Vhc2FsdDItYWJj$Pk4+i5mig90YS/CXcpq/JOuNgI4iuDiKH3rP8Q7yfE0", schemePBKDF2SHA256, true},
	{"PBKDF2_passlib_SHA-1", "$pbkdf2$1000$c2Vhc2FsdDItYWJj$eD7a37zoTUTXr0OcQX5NkvertJ8", staple,
		"$pbkdf2-sha1$i=1000,l=20$c2Vhc2FsdDItYWJj$eD7a37zoTUTXr0OcQX5NkvertJ8", schemePBKDF2SHA1, true},
	{"PBKDF2_Django", "pbkdf2_sha256$1000$seasalt2-abc$Pk4+i5mig90YS/CXcpq/JOuNgI4iuDiKH3rP8Q7yfE0=", staple,
		"$pbkdf2-sha256$i=1000,l=32$c2Vhc2FsdDItYWJj$Pk4+i5mig90YS/CXcpq/JOuNgI4iuDiKH3rP8Q7yfE0", schemePBKDF2SHA256, true},
	{"PBKDF2_Django_SHA-1", "pbkdf2_sha1$1000$seasalt2-abc$eD7a37zoTUTXr0OcQX5NkvertJ8=", staple,
		"$pbkdf2-sha1$i=1000,l=20$c2Vhc2FsdDItYWJj$eD7a37zoTUTXr0OcQX5NkvertJ8", schemePBKDF2SHA1, true},
	{"ASP.NET_2", "AAABAgMEBQYHCAkKCwwNDg8A6b+Q5v/5gBndnBKiBiA27187WD3zrXpRRPbHcnNx7A==", staple,
		"$pbkdf2-sha1$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$AOm/kOb/+YAZ3ZwSogYgNu9fO1g98616UUT2x3Jzcew", schemePBKDF2SHA1, true},
	{"ASP.NET_3", "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg/Z+V9lwt+dKF0miCMAylvinj7VAFVmY4NcTGLicFFQIg==", staple,
		"$pbkdf2-sha256$i=10000,l=32$AAECAwQFBgcICQoLDA0ODw$2flfZcLfnShdJogjAMpb4p4+1QBVZmODXExi4nBRUCI", schemePBKDF2SHA256, true},
	{"ASP.NET_3_SHA-512", "AQAAAAIAAAPoAAAAEAABAgMEBQYHCAkKCwwNDg8DoCYUi2LsIqVh2g+JX2N/V32WWnfujbtaazxnHx/Awg==", staple,
		"$pbkdf2-sha512$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$A6AmFIti7CKlYdoPiV9jf1d9llp37o27Wms8Zx8fwMI", schemePBKDF2SHA512, true},

	// The tests of the reference implementation of Argon2.
	{"Argon2i", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8", "password", "", schemeArgon2i, true},
	{"Argon2i_Django", "argon2$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8", "password",
		"$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8", schemeArgon2i, true},

	// The examples of the specification of SHA-crypt.
	{"SHA-256-crypt", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "Hello world!", "", schemeSHA256Crypt, true},
	{"SHA-256-crypt_rounds", "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA", "Hello world!", "", schemeSHA256Crypt, true},
	{"SHA-256-crypt_rounds_said", "$5$rounds=5000$toolongsaltstrin$Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5", "This is just a test", "$5$toolongsaltstrin$Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5", schemeSHA256Crypt, true},
	{"SHA-256-crypt_long", "$5$rounds=1400$anotherlongsalts$Rx.j8H.h8HjEDGomFU8bDkXm3XIUnzyxf12oP84Bnq1", "a very much longer text to encrypt.  This one even stretches over morethan one line.", "", schemeSHA256Crypt, true},
	{"SHA-256-crypt_Kratos", "$sha256-crypt$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", schemeSHA256Crypt, true},
	{"SHA-512-crypt", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1", "Hello world!", "", schemeSHA512Crypt, true},
	{"SHA-512-crypt_rounds", "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.", "Hello world!", "", schemeSHA512Crypt, true},
	{"SHA-512-crypt_long", "$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1", "a very much longer text to encrypt.  This one even stretches over morethan one line.", "", schemeSHA512Crypt, true},
	{"SHA-512-crypt_openssl", "$6$saltstring$qvPJY4PeugKzKQqyIJ0gRdJnpS0uaaiZ.X1SaheFedsK/yZPwlluTLS90fJPM41sD5JxCHKgGr1..qt5HqEY8.", staple, "", schemeSHA512Crypt, true},

	{"md5-crypt", "$1$abcdefgh$4/U5.w6NPtLkJ2WyrTwm91", staple, "", schemeMD5Crypt, true},
	{"md5-crypt_short", "$1$oKnN0HHt$Aul2g/J4edgga3WE/03cN/", "hello", "", schemeMD5Crypt, true},
	{"md5-crypt_Kratos", "$md5-crypt$abcdefgh$4/U5.w6NPtLkJ2WyrTwm91", staple, "$1$abcdefgh$4/U5.w6NPtLkJ2WyrTwm91", schemeMD5Crypt, true},
	// The test of phpass itself.
	{"phpass", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "test12345", "", schemePhpass, true},
	{"phpass_phpBB", "$H$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "test12345", "", schemePhpass, true},
}

// knownDear take long to compute: they are looked at fewer times.
var knownDear = []knownHash{
	// The example of Firebase's own scrypt program.
	{"Firebase", "$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==$Bw==$jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==", "user1password",
		"$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ$Bw$jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA", schemeFirebaseScrypt, true},

	// An example of the specification of SHA-crypt.
	{"SHA-256-crypt_short_salt", "$5$rounds=77777$short$JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/", "we have a short salt string but not a short password", "", schemeSHA256Crypt, true},

	// A test of the reference implementation of Argon2.
	{"Argon2i_64_MiB", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA", "password", "", schemeArgon2i, false},
}

func TestHashesOfOtherSystems(t *testing.T) {
	for _, tt := range known {
		t.Run(tt.name, func(t *testing.T) {
			h := checkSpelling(t, tt)
			checkPasswords(t, tt, h)
		})
	}
	for _, tt := range knownDear {
		t.Run(tt.name, func(t *testing.T) {
			h := checkSpelling(t, tt)
			if h.Match([]byte("x"+tt.password)) || !h.Match([]byte(tt.password)) {
				t.Error("a wrong password matches, or the right one does not")
			}
		})
	}
}

// checkSpelling looks at what needs no computing.
func checkSpelling(t *testing.T, want knownHash) Hash {
	t.Helper()
	h, err := Parse(want.text)
	if err != nil {
		t.Fatal(err)
	}
	if want.canonical == "" {
		want.canonical = want.text
	}
	if h.Canonical() != want.canonical || h.scheme != want.scheme || h.Weak() != want.weak {
		t.Errorf("got %s, %s, weak %t; want %s, %s, %t", h.Canonical(), h.scheme, h.Weak(), want.canonical, want.scheme, want.weak)
	}
	again, err := Parse(h.Canonical())
	if err != nil || again.Canonical() != h.Canonical() || !bytes.Equal(again.Digest(), h.Digest()) {
		t.Errorf("the canonical form is read as %v, %v", again, err)
	}
	recipe, err := Parse(h.Parameters())
	if err != nil || recipe.Parameters() != h.Parameters() || recipe.scheme != want.scheme || bytes.Equal(recipe.Digest(), h.Digest()) {
		t.Fatalf("the parameters are read as %v, %v, or hold the digest", recipe, err)
	}
	if h.MemoryKiB() < littleKiB || h.MemoryKiB() > 256*1024+64 {
		t.Errorf("it takes %d KiB", h.MemoryKiB())
	}
	return h
}

func checkPasswords(t *testing.T, want knownHash, h Hash) {
	t.Helper()
	password := want.password
	if !h.Match([]byte(password)) {
		t.Error("the right password does not match")
	}
	for _, wrong := range []string{"", "x" + password, password[:len(password)-1] + "\x01", strings.ToUpper(password) + "x"} {
		if len(password) > bcryptKeyBytes && want.scheme == schemeBcrypt {
			wrong = "x" + wrong // what follows the 72nd byte does not count there
		}
		if h.Match([]byte(wrong)) {
			t.Errorf("%q matches", wrong)
		}
	}
	recipe, err := Parse(h.Parameters())
	if err != nil || !bytes.Equal(recipe.Derive([]byte(password)), h.Digest()) {
		t.Errorf("the parameters do not derive the digest: %v", err)
	}
}

func TestBcryptWithSomethingBefore(t *testing.T) {
	long := strings.Repeat("longer than seventy-two bytes, ", 4)
	digest := sha256.Sum256([]byte(long))
	django := mustBcrypt(t, hex.EncodeToString(digest[:]))
	mac := hmac.New(sha512.New384, []byte("wp-sha384"))
	mac.Write([]byte(long))
	wordPress := strings.Replace(mustBcrypt(t, base64.StdEncoding.EncodeToString(mac.Sum(nil))), "$2a$", "$2y$", 1)
	for _, tt := range []knownHash{
		{"Django", "bcrypt_sha256$" + django, long, "", schemeBcryptSHA256, true},
		{"WordPress", "$wp" + wordPress, long, "", schemeBcryptWordPress, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := checkSpelling(t, tt)
			checkPasswords(t, tt, h)
		})
	}
}

func mustBcrypt(t *testing.T, password string) string {
	t.Helper()
	text, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestBcryptIsThatOfTheGoTeam(t *testing.T) {
	for length := 1; length <= bcryptKeyBytes; length += 5 {
		password := strings.Repeat("pä\x01w", 20)[:length]
		h, err := Parse(mustBcrypt(t, password))
		if err != nil || !h.Match([]byte(password)) || h.Match([]byte(password[1:])) {
			t.Errorf("%d bytes: %v, %v", length, h, err)
		}
		if bcrypt.CompareHashAndPassword([]byte(h.Canonical()), []byte(password)) != nil {
			t.Errorf("%d bytes: our spelling is not theirs", length)
		}
	}
}

func TestBcryptCutsAfter72BytesAsElsewhere(t *testing.T) {
	password := strings.Repeat("a", 72)
	h, err := Parse(mustBcrypt(t, password))
	if err != nil {
		t.Fatal(err)
	}
	if !h.Match([]byte(password+"b")) || h.Match([]byte(password[1:])) {
		t.Error("not the first 72 bytes are what counts")
	}
}

func TestOnlyBcryptLeavesOutTheEnd(t *testing.T) {
	long := bytes.Repeat([]byte("a"), bcryptKeyBytes)
	for _, tt := range known {
		h, err := Parse(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		// 72 bytes may be the beginning of more.
		if got, want := h.Cuts(long), h.scheme == schemeBcrypt; got != want || h.Cuts(long[1:]) {
			t.Errorf("PW-03: %s: %t", h, got)
		}
	}
}

// What other systems are given of these is the same key as without the NUL.
func TestNULIsNoPartOfAForeignPassword(t *testing.T) {
	for _, tt := range known {
		h, err := Parse(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		for _, typed := range []string{tt.password + "\x00", tt.password + "\x00" + tt.password, "\x00" + tt.password} {
			if h.Match([]byte(typed)) || h.Derive([]byte(typed)) != nil && h.scheme != schemeArgon2i {
				t.Errorf("PW-26: %s: %q was computed", tt.name, typed)
			}
		}
	}
}

func TestArgon2idIsReadOnRequest(t *testing.T) {
	// A test of the reference implementation of Argon2.
	const text = "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"
	if _, err := Parse(text); !errors.Is(err, ErrRejected) {
		t.Errorf("Parse leaves it to another package, and says %v", err)
	}
	h, err := ParseArgon2id(text)
	if err != nil || h.Canonical() != text || h.Lanes() != 2 || h.MemoryKiB() != 256 {
		t.Fatalf("%s, %d lanes, %v", h.Canonical(), h.Lanes(), err)
	}
	if !h.Match([]byte("password")) || h.Match([]byte("password\x00")) || h.Match([]byte("Password")) {
		t.Error("a wrong password matches, or the right one does not")
	}
	recipe, err := ParseArgon2id(h.Parameters())
	if err != nil || recipe.Parameters() != h.Parameters() || !bytes.Equal(recipe.Derive([]byte("password")), h.Digest()) {
		t.Errorf("the parameters are %s, %v", h.Parameters(), err)
	}
	for _, text := range []string{"", "$argon2i" + text[len("$argon2id"):], "$argon2id$v=19$m=262144,t=3,p=1$" + salt16 + "$" + digest32} {
		if _, err := ParseArgon2id(text); !errors.Is(err, ErrRejected) {
			t.Errorf("PW-19: %q: %v", text, err)
		}
	}
}

func TestSpareBitsOfABcryptSaltAreDropped(t *testing.T) {
	h, err := Parse("$2a$05$CCCCCCCCCCCCCCCCCCCCCOE5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")
	if err != nil {
		t.Fatal(err)
	}
	other, err := Parse("$2a$05$CCCCCCCCCCCCCCCCCCCCCPE5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")
	if err != nil || other.Canonical() != h.Canonical() {
		t.Errorf("%s and %s, %v", other.Canonical(), h.Canonical(), err)
	}
}

// The test vectors of RFC 6070 and RFC 7914, whose salts are too short to be
// read from a text.
func TestPublishedVectors(t *testing.T) {
	pbkdf2 := func(scheme scheme, salt string, count uint32) algorithm {
		return pbkdf2Hash{scheme: scheme, iterations: count, salt: []byte(salt)}
	}
	scrypt := func(salt string, log2N, r, p uint32) algorithm {
		return scryptHash{scryptCost: scryptCost{log2N: log2N, r: r, p: p}, salt: []byte(salt)}
	}
	tests := []struct {
		name, password string
		how            algorithm
		want           string
	}{
		{"RFC_6070_1", "password", pbkdf2(schemePBKDF2SHA1, "salt", 1), "0c60c80f961f0e71f3a9b524af6012062fe037a6"},
		{"RFC_6070_2", "password", pbkdf2(schemePBKDF2SHA1, "salt", 2), "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"},
		{"RFC_6070_4096", "password", pbkdf2(schemePBKDF2SHA1, "salt", 4096), "4b007901b765489abead49d926f721d065a429c1"},
		{"RFC_6070_NUL", "pass\x00word", pbkdf2(schemePBKDF2SHA1, "sa\x00lt", 4096), "56fa6aa75548099dcc37d7f03425e0c3"},
		{"RFC_7914_PBKDF2_1", "passwd", pbkdf2(schemePBKDF2SHA256, "salt", 1), "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"},
		{"RFC_7914_PBKDF2_80000", "Password", pbkdf2(schemePBKDF2SHA256, "NaCl", 80000), "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"},
		{"RFC_7914_scrypt_16", "", scrypt("", 4, 1, 1), "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442" + "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"},
		{"RFC_7914_scrypt_1024", "password", scrypt("NaCl", 10, 8, 16), "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162" + "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"},
		{"RFC_7914_scrypt_16384", "pleaseletmein", scrypt("SodiumChloride", 14, 8, 1), "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2" + "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := hex.EncodeToString(tt.how.derive([]byte(tt.password), len(tt.want)/2)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestALongDigestIsCheckedByItsFirstBlock(t *testing.T) {
	h, err := Parse("$pbkdf2-sha256$i=1000,l=64$AAECAwQFBgcICQoLDA0ODw$ppsXnjrdPB4KryJ6DrOqKqhkWrhv7PbKAMF1Eml8cZ7TX23G+6QgERwdCrtdq7/IU5aB6IVSOpTz6igHBLZ5Gw")
	if err != nil || len(h.Digest()) != sha256.Size || len(h.Derive([]byte(staple))) != sha256.Size {
		t.Errorf("%d bytes, %v", len(h.Digest()), err)
	}
}

func TestALongPasswordIsNoWayToMuchWork(t *testing.T) {
	digest256, digest16 := strings.Repeat(".", 43), strings.Repeat(".", 22)
	for _, text := range []string{"$5$rounds=1000000$saltsalt$" + digest256, "$P$IsaltsaltX"[:12] + digest16} {
		h, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if h.Derive(bytes.Repeat([]byte("x"), 1024)) != nil || h.Match(bytes.Repeat([]byte("x"), 1024)) {
			t.Errorf("PW-19: %s of 1,024 bytes was computed", h)
		}
	}
	h, err := Parse("$5$rounds=5000$saltsalt$" + digest256)
	if err != nil || h.Derive(bytes.Repeat([]byte("x"), 1024)) == nil {
		t.Errorf("an ordinary hash of 1,024 bytes was not computed: %v", err)
	}
}

func TestHashesDoNotPrintThemselves(t *testing.T) {
	h, err := Parse("$1$abcdefgh$4/U5.w6NPtLkJ2WyrTwm91")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{h, &h} {
			if printed := fmt.Sprintf(verb, value); printed != "foreignhash(md5-crypt)" {
				t.Errorf("LG-06: %s prints %s", verb, printed)
			}
		}
	}
}
