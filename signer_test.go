package gatehouse_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"gatehouse"
	"gatehouse/jwt"
	"gatehouse/model"
)

// The signer of these tests is a process of its own, as a KMS is a machine of its
// own: this test binary, started once more, with a line of JSON for each question
// and for each answer.
const signerProcess = "GATEHOUSE_TEST_SIGNER"

func TestMain(m *testing.M) {
	if os.Getenv(signerProcess) != "" {
		signElsewhere(os.Stdin, os.Stdout)
		return
	}
	os.Exit(m.Run())
}

type signerQuestion struct {
	Do        string // create, public, sign or reveal
	Algorithm string
	Handle    string
	Hash      crypto.Hash
	Message   []byte
}

type signerAnswer struct {
	Handle string
	Bytes  []byte
	Error  string
}

func signElsewhere(in io.Reader, out io.Writer) {
	keys := map[string]crypto.Signer{}
	answers := json.NewEncoder(out)
	questions := json.NewDecoder(in)
	for {
		var q signerQuestion
		if questions.Decode(&q) != nil {
			return
		}
		var a signerAnswer
		var err error
		switch q.Do {
		case "create":
			a.Handle = fmt.Sprintf("projects/shop/keys/%d", len(keys)+1)
			keys[a.Handle], err = newPrivateKey(q.Algorithm)
		case "public":
			a.Bytes, err = x509.MarshalPKIXPublicKey(keys[q.Handle].Public())
		case "sign":
			a.Bytes, err = keys[q.Handle].Sign(rand.Reader, q.Message, q.Hash)
		case "reveal":
			a.Bytes, err = x509.MarshalPKCS8PrivateKey(keys[q.Handle])
		}
		if err != nil {
			a.Error = err.Error()
		}
		if answers.Encode(a) != nil {
			return
		}
	}
}

func newPrivateKey(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case "EdDSA":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	return rsa.GenerateKey(rand.Reader, 3072)
}

// distant is the gatehouse.Signer that asks the process.
type distant struct {
	mu        sync.Mutex
	questions *json.Encoder
	answers   *json.Decoder
	silent    bool // it does not answer
	asked     map[string]int
}

func newDistant(t *testing.T) *distant {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), signerProcess+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &distant{questions: json.NewEncoder(in), answers: json.NewDecoder(out), asked: map[string]int{}}
}

var errSilent = errors.New("the HSM is on fire")

func (d *distant) ask(q signerQuestion) (a signerAnswer, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.silent {
		return a, errSilent
	}
	d.asked[q.Do]++
	if err := errors.Join(d.questions.Encode(q), d.answers.Decode(&a)); err != nil {
		return a, err
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

func (d *distant) CreateKey(_ context.Context, algorithm string) ([]byte, error) {
	a, err := d.ask(signerQuestion{Do: "create", Algorithm: algorithm})
	return []byte(a.Handle), err
}

func (d *distant) OpenKey(_ context.Context, _ string, handle []byte) (crypto.Signer, error) {
	a, err := d.ask(signerQuestion{Do: "public", Handle: string(handle)})
	if err != nil {
		return nil, err
	}
	public, err := x509.ParsePKIXPublicKey(a.Bytes)
	return distantKey{d, string(handle), public}, err
}

type distantKey struct {
	*distant
	handle string
	public crypto.PublicKey
}

func (k distantKey) Public() crypto.PublicKey { return k.public }

func (k distantKey) Sign(_ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	a, err := k.ask(signerQuestion{Do: "sign", Handle: k.handle, Message: message, Hash: opts.HashFunc()})
	return a.Bytes, err
}

func TestKeysElsewhere(t *testing.T) {
	for _, algorithm := range []string{"EdDSA", "ES256", "RS256"} {
		t.Run("KY-09_"+algorithm, func(t *testing.T) {
			signer := newDistant(t)
			h := newHouse(t, func(c *gatehouse.Config) { c.Algorithm, c.Signer = algorithm, signer })
			h.register(t, "ana")
			grant := h.login(t, "ana")
			for range 2 {
				if _, err := h.BearerPresence(t.Context(), grant.AccessToken); err != nil {
					t.Fatal(err)
				}
				var err error
				if grant, err = h.RefreshJWT(t.Context(), grant.RefreshToken); err != nil {
					t.Fatal(err)
				}
				listVerifies(t, h)
				h.reopen(t)
			}
			first := keyOf(t, grant.AccessToken)
			if rotation, err := h.RotateKeys(t.Context()); err != nil || !rotation.Made {
				t.Fatalf("no rotation: %v", err)
			}
			h.clock.Add(gatehouse.KeyPublishedAhead)
			next, err := h.RefreshJWT(t.Context(), grant.RefreshToken)
			if err != nil || keyOf(t, next.AccessToken) == first {
				t.Fatalf("the next key does not sign (%v)", err)
			}
			listVerifies(t, h)
			if _, forgotten, err := h.ReplaceKeys(t.Context()); err != nil || len(forgotten) != 2 {
				t.Errorf("forgot %d keys (%v)", len(forgotten), err)
			}
			_, err = h.BearerPresence(t.Context(), next.AccessToken)
			refused(t, err, model.ErrInvalidToken)
			if signer.asked["create"] != 3 || signer.asked["sign"] == 0 {
				t.Errorf("the signer was asked for %v", signer.asked)
			}
			privateKeysAreElsewhere(t, h, signer)
		})
	}
}

// listVerifies checks the status list as a service does.
func listVerifies(t *testing.T, h *house) {
	t.Helper()
	token, err := h.StatusList(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := jwt.NewStatusListVerifier(jwt.StatusListVerifierConfig{
		Issuer: h.cfg.Issuer, URI: h.cfg.Issuer + "/v1/status-list", Now: h.clock.Now,
		Keys: func() jwt.KeySet { keys, _ := h.KeySet(t.Context()); return keys },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verifier.Verify(token); err != nil {
		t.Errorf("the status list: %v", err)
	}
}

// privateKeysAreElsewhere looks for them in the files of the store, and at what is
// sealed: as long as the handle, and not longer.
func privateKeysAreElsewhere(t *testing.T, h *house, signer *distant) {
	t.Helper()
	kept, err := h.store.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const overhead, handle = 1 + 8 + 12 + 16, len("projects/shop/keys/1")
	for _, key := range kept {
		if len(key.Sealed) != overhead+handle {
			t.Errorf("%d bytes are sealed, want those of a handle", len(key.Sealed)-overhead)
		}
	}
	files, err := filepath.Glob(filepath.Join(h.dir, "gatehouse.db*"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for n := range 3 {
		revealed, err := signer.ask(signerQuestion{Do: "reveal", Handle: fmt.Sprintf("projects/shop/keys/%d", n+1)})
		if err != nil {
			t.Fatal(err)
		}
		secret := revealed.Bytes[len(revealed.Bytes)-24:]
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(content, secret) {
				t.Errorf("%s holds private key %d", filepath.Base(file), n+1)
			}
		}
	}
}

func TestASignerThatDoesNotAnswer(t *testing.T) {
	signer := newDistant(t)
	h := newHouse(t, func(c *gatehouse.Config) { c.Signer = signer })
	h.register(t, "ana")
	grant := h.login(t, "ana")
	if _, err := h.StatusList(t.Context()); err != nil {
		t.Fatal(err)
	}
	signer.silent = true
	trouble := func(what, token string, err error) {
		t.Helper()
		if !errors.Is(err, model.ErrSignerUnavailable) || !errors.Is(err, errSilent) || token != "" {
			t.Errorf("KY-09 %s: a token of %d bytes, and %v", what, len(token), err)
		}
	}
	login, err := h.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
	trouble("login", login.AccessToken+string(login.RefreshToken), err)
	refresh, err := h.RefreshJWT(t.Context(), grant.RefreshToken)
	trouble("refresh", refresh.AccessToken+string(refresh.RefreshToken), err)
	_, err = h.RotateKeys(t.Context())
	trouble("rotation", "", err)
	_, _, err = h.ReplaceKeys(t.Context())
	trouble("replacement", "", err)
	if _, err := h.BearerPresence(t.Context(), grant.AccessToken); err != nil {
		t.Errorf("verifying needs no signer: %v", err)
	}
	h.clock.Add(gatehouse.KeySetAge)
	list, err := h.StatusList(t.Context())
	trouble("status list", list, err)

	t.Run("RF-04_it_costs_no_session", func(t *testing.T) {
		signer.silent = false
		if _, err := h.RefreshJWT(t.Context(), grant.RefreshToken); err != nil {
			t.Errorf("the refresh token was spent though no successor was given: %v", err)
		}
	})
	t.Run("a_store_whose_keys_are_elsewhere_wants_the_signer", func(t *testing.T) {
		cfg := h.cfg
		cfg.Signer = nil
		if _, err := gatehouse.New(t.Context(), h.store, cfg); err == nil || !bytes.Contains([]byte(err.Error()), []byte("Config.Signer")) {
			t.Errorf("got %v, want an error that names Config.Signer", err)
		}
	})
	t.Run("KY-06_handles_are_resealed_like_keys", func(t *testing.T) {
		keys, err := h.store.MasterKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		next := randomMasterKey()
		if err := h.UseMasterKeys(t.Context(), keys.Followed(next, h.clock.Now())); err != nil {
			t.Fatal(err)
		}
		if n, err := h.ResealKeys(t.Context()); err != nil || n != 1 {
			t.Errorf("resealed %d (%v)", n, err)
		}
		if _, err := gatehouse.New(t.Context(), h.store, h.under(next)); err != nil {
			t.Error(err)
		}
	})
}

// The keys of an installation move to a Signer by a rotation.
func TestKeysMoveElsewhere(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	before := h.login(t, "ana")
	signer := newDistant(t)
	h.cfg.Signer = signer
	h.reopen(t)
	if _, err := h.BearerPresence(t.Context(), before.AccessToken); err != nil {
		t.Errorf("a token of the key in the store: %v", err)
	}
	if _, err := h.RotateKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.clock.Add(gatehouse.KeyPublishedAhead)
	if h.login(t, "ana"); signer.asked["sign"] != 2 { // the first proves that it answers

		t.Errorf("the signer was asked for %v", signer.asked)
	}
}
