package gatehouse

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"gatehouse/jwt"
	"gatehouse/model"
)

// Signer makes and keeps private keys elsewhere, such as in a KMS or an HSM, so
// that they are neither in the store nor in this process. When keys are made,
// published, rotated and forgotten is decided here all the same. Methods are
// called by several goroutines at once; an error of theirs is trouble and never
// ends in a token. Opening a key and signing must take less than 5 seconds, after
// which nobody waits for the answer and it is trouble too; at most 256 questions
// are open at once, those that nobody waits for included.
type Signer interface {
	// CreateKey makes a key for the algorithm "EdDSA" (Ed25519), "ES256"
	// (P-256) or "RS256" (RSA, 3072 bits and up) and returns what names it
	// later, at most MaxKeyHandle bytes. The handle is kept in the store in
	// place of the key, sealed as a key would be. Keys that were made and are
	// not used, because another process was faster, are the Signer's to clear
	// away.
	CreateKey(ctx context.Context, algorithm string) (handle []byte, err error)
	// OpenKey returns the key of a handle. Its Public must answer at once; Sign
	// is asked for each token, with the message itself for EdDSA and with a
	// SHA-256 digest for the others.
	OpenKey(ctx context.Context, algorithm string, handle []byte) (crypto.Signer, error)
}

// MaxKeyHandle is the longest handle that a Signer may return, in bytes.
const MaxKeyHandle = 4 << 10

// trouble marks what a Signer did not do as something that may pass.
func (k ringKey) trouble(err error) error {
	if err == nil || !k.elsewhere {
		return err
	}
	return fmt.Errorf("%w: %w", model.ErrSignerUnavailable, err)
}

// newKeyElsewhere has the Signer make a key, and looks at it before it is kept.
func (a *Auth) newKeyElsewhere(ctx context.Context, kept model.SigningKey) (model.SigningKey, error) {
	handle, err := a.cfg.Signer.CreateKey(ctx, kept.Algorithm)
	if err != nil {
		return kept, fmt.Errorf("gatehouse: new signing key: %w: %w", model.ErrSignerUnavailable, err)
	}
	if len(handle) == 0 || len(handle) > MaxKeyHandle {
		return kept, fmt.Errorf("gatehouse: new signing key: the handle has %d bytes, and may have 1 to %d", len(handle), MaxKeyHandle)
	}
	kept.KeyID = jwt.NewTokenID()
	if _, err := a.openElsewhere(ctx, kept, handle); err != nil {
		return kept, fmt.Errorf("gatehouse: new signing key: %w", err)
	}
	kept.Sealed = a.masters.Load().current().seal.encrypt(handle, recordHandle.label(kept))
	return kept, nil
}

// openElsewhere returns the key that the Signer knows by its handle.
func (a *Auth) openElsewhere(ctx context.Context, kept model.SigningKey, handle []byte) (*jwt.SigningKey, error) {
	if a.cfg.Signer == nil {
		return nil, errors.New("it was made by a Signer, and Config.Signer is missing")
	}
	private, err := ask(ctx, a.patience, func() (crypto.Signer, error) {
		return a.cfg.Signer.OpenKey(ctx, kept.Algorithm, handle)
	})
	if err == nil && private == nil {
		err = errors.New("it returned no key")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", model.ErrSignerUnavailable, err)
	}
	return jwt.NewSigningKey(jwt.Algorithm(kept.Algorithm), kept.KeyID, patientKey{private, a.patience})
}
