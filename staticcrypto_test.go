package gatehouse_test

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// primitive is a package of cryptography that may be imported: by whom, and what
// for. Whoever wants another one, or one somewhere else, has to say it here.
type primitive struct {
	files []string // or folders; nil for all
	why   string
}

func primitives() map[string]primitive {
	jwt, old := []string{"jwt"}, "hashes that other systems made are compared with it; nothing new is made with it"
	return map[string]primitive{
		"crypto/rand":   {nil, "the one place where chance comes from"},
		"crypto/sha256": {nil, "digests of secrets, of files and of keys"},
		"crypto/subtle": {[]string{"argon2id/engine.go", "changepass.go", "codes.go", "foreignhash/hash.go", "web/csrf.go", "web/identify.go"}, "secrets are compared by it"},
		"crypto/hmac": {[]string{"auditchain.go", "device.go", "hashes.go", "jwt", "refreshtoken.go", "throttlelane.go", "web/csrf.go", "foreignhash/bcrypt.go"},
			"MACs, keyed hashes, HS256; bcrypt over HMAC is of other systems"},
		"crypto/hkdf":   {[]string{"mailseal.go", "masterkeys.go"}, "keys of one purpose from the master key"},
		"crypto/aes":    {[]string{"seal.go", "foreignhash/scrypt.go"}, "AES-256-GCM; Firebase hashes encrypt with it"},
		"crypto/cipher": {[]string{"seal.go", "foreignhash/scrypt.go"}, "the same"},

		"crypto":           {[]string{"jwt", "signer.go", "elsewhere.go", "cmd/gatehouse/localca.go"}, "the interface of a signer"},
		"crypto/ed25519":   {jwt, "EdDSA, the default"},
		"crypto/ecdsa":     {[]string{"jwt", "cmd/gatehouse/localca.go", "smtp/smtptest"}, "ES256; keys of certificates"},
		"crypto/elliptic":  {[]string{"jwt", "cmd/gatehouse/localca.go", "smtp/smtptest"}, "the name of P-256"},
		"crypto/rsa":       {jwt, "RS256, from 3072 bits on"},
		"crypto/tls":       {[]string{"cmd/gatehouse", "postgres/fault.go", "smtp", "verify/fetch.go"}, "TLS, and its errors"},
		"crypto/x509":      {[]string{"cmd/gatehouse", "jwt/signingkey.go", "smtp", "verify/config.go", "examples/notes"}, "certificates and PKCS #8"},
		"crypto/x509/pkix": {[]string{"cmd/gatehouse/localca.go", "smtp/smtptest"}, "names in certificates"},

		"golang.org/x/crypto/acme":          {[]string{"cmd/gatehouse/acme.go", "cmd/gatehouse/listen.go"}, "certificates from an authority"},
		"golang.org/x/crypto/acme/autocert": {[]string{"cmd/gatehouse/acme.go"}, "the same"},
		"golang.org/x/crypto/blake2b":       {[]string{"argon2id/derive.go"}, "inside Argon2 (RFC 9106 section 3)"},

		"crypto/sha1":                  {[]string{"breach/breach.go", "foreignhash/pbkdf2.go"}, "lists of leaked passwords are kept by it; PBKDF2-HMAC-SHA-1 of other systems"},
		"crypto/md5":                   {[]string{"foreignhash/md5crypt.go", "foreignhash/phpass.go"}, old},
		"crypto/sha512":                {[]string{"foreignhash"}, old},
		"crypto/pbkdf2":                {[]string{"foreignhash/pbkdf2.go"}, old},
		"golang.org/x/crypto/argon2":   {[]string{"foreignhash/argon2i.go"}, old},
		"golang.org/x/crypto/blowfish": {[]string{"foreignhash/bcrypt.go"}, old},
		"golang.org/x/crypto/scrypt":   {[]string{"foreignhash/scrypt.go"}, old},
	}
}

// isCrypto reports whether a package is one that primitives has to name.
func isCrypto(imported string) bool {
	return imported == "crypto" || strings.HasPrefix(imported, "crypto/") || strings.HasPrefix(imported, "golang.org/x/crypto/")
}

func TestOnlyTheseHoldPrimitives(t *testing.T) {
	allowed, used := primitives(), map[string]map[string]bool{}
	for _, s := range parsed(t) {
		for _, spec := range s.file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			if !isCrypto(imported) {
				continue
			}
			one, known := allowed[imported]
			in := slices.IndexFunc(one.files, func(place string) bool { return s.name == place || strings.HasPrefix(s.name, place+"/") })
			if !known || one.files != nil && in < 0 {
				t.Errorf("KY-04: %s imports %s, which primitives does not allow there", s.name, imported)
				continue
			}
			if used[imported] == nil {
				used[imported] = map[string]bool{}
			}
			if in >= 0 {
				used[imported][one.files[in]] = true
			}
		}
	}
	for imported, one := range allowed {
		t.Run("KY-04_"+imported, func(t *testing.T) {
			if one.why == "" || used[imported] == nil || len(used[imported]) != len(one.files) {
				t.Errorf("%v are allowed and %v use it; take out the others, and say why", one.files, used[imported])
			}
		})
	}
}

// What the system gives is what is used: nobody puts another source of chance
// into its place, and none is asked that can fail without ending what asked.
func TestNobodyReplacesTheSourceOfChance(t *testing.T) {
	asked := 0
	for _, s := range parsed(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, left := range n.Lhs {
					if s.selects(left, "crypto/rand", "Reader") {
						t.Errorf("KY-08: %s replaces crypto/rand.Reader", s.at(n))
					}
				}
			case *ast.SelectorExpr:
				if s.selects(n, "crypto/rand", n.Sel.Name) {
					asked++
				}
			}
			return true
		})
	}
	t.Run("KY-08_it_is_asked_where_it_stands", func(t *testing.T) {
		if asked < 15 {
			t.Errorf("only %d uses were found", asked)
		}
	})
}

// outsideGuards are the goroutines beside those of the command, and what becomes of
// a panic there. The name is that of the function that begins them.
func outsideGuards() map[string]string {
	return map[string]string{
		"outbox.go DeliverMail":               "keepPanic hands it to the goroutine of the caller",
		"elsewhere.go ask":                    "an error, as if the Signer had answered so",
		"verify/verify.go run":                "run guards each turn; worker_test.go",
		"argon2id/fill.go fillSliceTogether":  "arithmetic on memory of its own, without input that could be out of bounds",
		"argon2id/propose.go measureTogether": "for a command, which may end",
		"smtp/smtptest/smtptest.go Start":     "for tests",
		"examples/notes/main.go run":          "an example",
	}
}

func TestEveryGoroutineOfTheLibraryIsGuarded(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range parsed(t) {
		if folder := path.Dir(s.name); folder == "cmd/gatehouse" || folder == "storetest" {
			continue // the command has a test of its own, and the suite is for tests
		}
		for _, declared := range s.file.Decls {
			function, ok := declared.(*ast.FuncDecl)
			if !ok || !begins(function) {
				continue
			}
			name := s.name + " " + function.Name.Name
			if seen[name] = true; outsideGuards()[name] == "" {
				t.Errorf("AI-25: %s begins a goroutine; say in outsideGuards what becomes of a panic there", name)
			}
		}
	}
	t.Run("AI-25_each_that_is_listed_is_there", func(t *testing.T) {
		for name := range outsideGuards() {
			if !seen[name] {
				t.Errorf("%s begins no goroutine; take it out", name)
			}
		}
	})
}

// begins reports whether a function begins a goroutine.
func begins(function *ast.FuncDecl) (found bool) {
	ast.Inspect(function, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = true
		case *ast.CallExpr:
			called, ok := n.Fun.(*ast.SelectorExpr)
			found = found || ok && called.Sel.Name == "Go"
		}
		return true
	})
	return found
}
