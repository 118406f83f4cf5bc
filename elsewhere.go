package gatehouse

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	// signerPatience is how long a Signer may take to open a key or to sign.
	signerPatience = 5 * time.Second
	// signerCalls bounds how many questions to a Signer are open at once.
	signerCalls = 256
)

var errSignerSilent = errors.New("gatehouse: the Signer did not answer in time")

// patience bounds what is asked of somebody who may never answer: how long a
// caller waits, and how many questions nobody waits for any more.
type patience struct {
	limit time.Duration
	open  chan struct{} // holds one for each question
}

func newPatience(limit time.Duration, open int) patience {
	return patience{limit: limit, open: make(chan struct{}, open)}
}

// ask returns what do returns, or errSignerSilent when that takes too long or ctx
// ends; do goes on then. A panic of do is an error.
func ask[Answer any](ctx context.Context, p patience, do func() (Answer, error)) (answer Answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	select {
	case p.open <- struct{}{}:
	case <-ctx.Done():
		return answer, errSignerSilent
	}
	type outcome struct {
		answer Answer
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		defer func() {
			if cause := recover(); cause != nil {
				done <- outcome{err: fmt.Errorf("gatehouse: the Signer panicked: %v", cause)}
			}
			<-p.open
		}()
		answer, err := do()
		done <- outcome{answer, err}
	}()
	select {
	case o := <-done:
		return o.answer, o.err
	case <-ctx.Done():
		return answer, errSignerSilent
	}
}

// patientKey is a key of a Signer whose signatures do not keep anybody waiting.
type patientKey struct {
	crypto.Signer
	patience patience
}

// Sign is that of the key, or errSignerSilent.
func (k patientKey) Sign(random io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	return ask(context.Background(), k.patience, func() ([]byte, error) { return k.Signer.Sign(random, message, opts) })
}
