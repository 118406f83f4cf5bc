package gatehouse

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// stuckKey signs when it is let.
type stuckKey struct {
	crypto.Signer
	let chan struct{}
}

func (k stuckKey) Sign(random io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	<-k.let
	return k.Signer.Sign(random, message, opts)
}

func TestNobodyWaitsForASignerForEver(t *testing.T) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("KY-09_it_does_not_answer", func(t *testing.T) {
		p, let := newPatience(time.Millisecond, 3), make(chan struct{})
		key := patientKey{stuckKey{private, let}, p}
		for i := range 10 {
			if signature, err := key.Sign(nil, []byte("token"), crypto.Hash(0)); !errors.Is(err, errSignerSilent) || signature != nil {
				t.Errorf("call %d: %d bytes and %v", i, len(signature), err)
			}
			if len(p.open) > 3 {
				t.Errorf("%d questions are open", len(p.open))
			}
		}
		close(let)
		p.limit = time.Minute
		if signature, err := (patientKey{stuckKey{private, let}, p}).Sign(nil, []byte("token"), crypto.Hash(0)); err != nil || len(signature) != 64 {
			t.Errorf("once it answers: %d bytes and %v", len(signature), err)
		}
	})
	t.Run("KY-09_the_caller_hangs_up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := ask(ctx, newPatience(time.Minute, 1), func() (int, error) { select {} })
		if !errors.Is(err, errSignerSilent) {
			t.Error(err)
		}
	})
	t.Run("KY-09_it_panics", func(t *testing.T) {
		_, err := ask(t.Context(), newPatience(time.Minute, 1), func() (int, error) { panic("no such slot") })
		if err == nil || !strings.Contains(err.Error(), "no such slot") {
			t.Error(err)
		}
	})
}
