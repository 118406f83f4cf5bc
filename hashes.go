package gatehouse

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gatehouse/argon2id"
	"gatehouse/foreignhash"
	"gatehouse/model"
)

// Forms in which a password hash is kept. None begins like another, and none
// like a hash of another system:
//
//	$argon2id$v=19$m=65536,t=3,p=1$salt$tag     ours
//	$wrapped$parameters$argon2id$…              Argon2id of what another system
//	                                            made, be it weak Argon2id, with its
//	                                            parameters in base64url
//	$pepper$id$argon2id$…, $pepper$id$wrapped$… what Argon2id is given went through
//	                                            HMAC under the pepper with this id
//	$2b$…, $6$…, $scrypt$…                      of another system, as foreignhash.Parse
//	                                            reads and Canonical writes it
const (
	argon2idPrefix = "$argon2id$"
	wrappedPrefix  = "$wrapped$"
	pepperPrefix   = "$pepper$"

	// maxStoredHash is above the longest text that can pass, in bytes.
	maxStoredHash = 2048
)

var (
	errHashRejected  = errors.New("gatehouse: stored hash rejected")
	errPepperMissing = errors.New("gatehouse: a stored hash needs a pepper that is not configured")
)

// passwordHashes makes and checks password hashes. It knows every form in which
// they are kept, and is the only one who does. All of its work goes through the
// queue and the memory of one engine.
type passwordHashes struct {
	engine *argon2id.Engine
	// peppers returns the peppers, the current one first. It is a function for the
	// reason given at sealer.
	peppers func() []model.Pepper
}

// hashVerdict is the outcome of verify.
type hashVerdict struct {
	match bool
	// outdated says that a new hash of the password would be made differently. It is
	// false without match, and where the other system looked at the beginning of the
	// password only: then the end that was typed may be wrong, and must not become
	// the password.
	outdated bool
}

// storedHash is a parsed stored form.
type storedHash struct {
	pepper  string            // id; "" for none
	foreign *foreignhash.Hash // what another system made, or its parameters where phc is around it
	phc     string            // Argon2id; "" where there is none
}

// hash returns the form that is kept of a new password.
func (p *passwordHashes) hash(ctx context.Context, password []byte) (model.PasswordHash, error) {
	// With a pepper the engine is given 32 bytes and cannot refuse a password by
	// its size.
	if len(password) == 0 || len(password) > model.MaxPasswordBytes {
		return "", argon2id.ErrPasswordSize
	}
	return p.around(ctx, nil, password)
}

// wrap puts a hash of another system inside Argon2id, and Argon2id too that is
// cheaper than may be. It returns every other as it is.
func (p *passwordHashes) wrap(ctx context.Context, stored model.PasswordHash) (model.PasswordHash, error) {
	s, err := parseStored(string(stored))
	if err != nil {
		return stored, err
	}
	inner, ok := s.wrappable()
	if !ok {
		return stored, nil
	}
	return p.around(ctx, &inner, inner.Digest())
}

// wrappable returns what wrap puts inside Argon2id, and false where that is
// nothing.
func (s storedHash) wrappable() (foreignhash.Hash, bool) {
	switch {
	case s.phc == "":
		return *s.foreign, true
	case s.foreign != nil || s.pepper != "" || !s.weak():
		return foreignhash.Hash{}, false
	}
	inner, err := foreignhash.ParseArgon2id(s.phc)
	return inner, err == nil
}

// weak reports whether a thief guesses the hash faster than the least that is
// asked of its scheme. Behind a pepper there is nothing to guess at.
func (s storedHash) weak() bool {
	if s.phc == "" {
		return s.foreign.Weak()
	}
	outer, err := argon2id.ParseHash(s.phc)
	return err == nil && outer.Params.Check() != nil && s.pepper == ""
}

// around computes Argon2id of a password or of the digest of another system,
// under the current pepper.
func (p *passwordHashes) around(ctx context.Context, foreign *foreignhash.Hash, secret []byte) (model.PasswordHash, error) {
	s := storedHash{foreign: foreign, pepper: p.currentPepper()}
	input, err := p.input(s, secret)
	if err != nil {
		return "", err
	}
	if s.phc, err = p.engine.Hash(ctx, input); err != nil {
		return "", err
	}
	return s.text(), nil
}

// verify compares a password with a stored hash. A hash of another system costs
// one of ours on top, paid here when it does not match and by hashing anew when
// it does, and where a pepper is missing that is all that is computed. The empty
// password never matches. Errors: errHashRejected, errPepperMissing, those of the
// engine.
func (p *passwordHashes) verify(ctx context.Context, password []byte, stored model.PasswordHash) (hashVerdict, error) {
	if len(password) == 0 {
		return hashVerdict{}, p.verifyAbsent(ctx, password)
	}
	s, err := parseStored(string(stored))
	if err == nil {
		_, err = p.keyOf(s.pepper)
	}
	switch {
	case errors.Is(err, errPepperMissing):
		return hashVerdict{}, cmp.Or(p.verifyAbsent(ctx, password), err)
	case err != nil:
		return hashVerdict{}, err
	case s.foreign == nil:
		return p.verifyArgon2id(ctx, s, password)
	case s.phc == "":
		return p.verifyForeign(ctx, password, *s.foreign)
	}
	return p.verifyWrapped(ctx, password, s)
}

func (p *passwordHashes) verifyForeign(ctx context.Context, password []byte, foreign foreignhash.Hash) (hashVerdict, error) {
	match := false
	err := p.engine.Run(ctx, demandOf(foreign), func() { match = foreign.Match(password) })
	if err == nil && !match {
		// Were this error returned, the guess would be answered as overload and not
		// be recorded.
		_ = p.verifyAbsent(ctx, password)
	}
	return hashVerdict{match: match, outdated: match && !foreign.Cuts(password)}, asRejected(err)
}

func demandOf(foreign foreignhash.Hash) argon2id.Demand {
	return argon2id.Demand{MemoryKiB: foreign.MemoryKiB(), Lanes: foreign.Lanes()}
}

func (p *passwordHashes) verifyWrapped(ctx context.Context, password []byte, s storedHash) (hashVerdict, error) {
	var digest []byte
	err := p.engine.Run(ctx, demandOf(*s.foreign), func() { digest = s.foreign.Derive(password) })
	if err != nil {
		return hashVerdict{}, asRejected(err)
	}
	if digest == nil { // no password of that system
		return hashVerdict{}, p.verifyAbsent(ctx, password)
	}
	verdict, err := p.verifyArgon2id(ctx, s, digest)
	verdict.outdated = verdict.outdated && !s.foreign.Cuts(password)
	return verdict, err
}

func (p *passwordHashes) verifyArgon2id(ctx context.Context, s storedHash, secret []byte) (hashVerdict, error) {
	input, err := p.input(s, secret)
	if err != nil {
		return hashVerdict{}, err
	}
	v, err := p.engine.Verify(ctx, input, s.phc)
	if err != nil {
		return hashVerdict{}, asRejected(err)
	}
	return hashVerdict{match: v.Match, outdated: v.Match && (v.Outdated || s.foreign != nil || s.pepper != p.currentPepper())}, nil
}

// verifyAbsent costs what a new hash costs.
func (p *passwordHashes) verifyAbsent(ctx context.Context, password []byte) error {
	return p.engine.VerifyAbsent(ctx, password)
}

// accept returns the one spelling that is kept of a hash from elsewhere. Errors:
// errHashRejected, errPepperMissing.
func (p *passwordHashes) accept(text model.PasswordHash) (model.PasswordHash, error) {
	s, err := parseStored(string(text))
	if err != nil {
		return "", err
	}
	if _, err := p.keyOf(s.pepper); err != nil {
		return "", err
	}
	return s.text(), nil
}

// wraps reports whether stored is Argon2id around the hash of another system.
func (p *passwordHashes) wraps(ctx context.Context, stored, foreign model.PasswordHash) (bool, error) {
	outer, outerErr := parseStored(string(stored))
	inner, innerErr := parseStored(string(foreign))
	if outerErr != nil || innerErr != nil || outer.foreign == nil || outer.phc == "" {
		return false, nil
	}
	given, ok := inner.wrappable()
	if !ok || outer.foreign.Parameters() != given.Parameters() {
		return false, nil
	}
	v, err := p.verifyArgon2id(ctx, outer, given.Digest())
	return v.match, err
}

// needPeppers refuses a start without the key of a pepper that hashes were made
// with: all new hashes would be made without it, and the users of the others kept
// out.
func needPeppers(ctx context.Context, store model.Store, peppers []model.Pepper) error {
	ids, err := store.PepperIDs(ctx)
	if err != nil {
		return fmt.Errorf("gatehouse: peppers: %w", err)
	}
	for _, id := range ids {
		if !slices.ContainsFunc(peppers, func(p model.Pepper) bool { return p.ID == id }) {
			return fmt.Errorf("gatehouse: Config.Peppers: there are password hashes made with the pepper %q; give its key, at the command line by --pepper-file", id)
		}
	}
	return nil
}

// currentPepper returns the id of the pepper of new hashes, or "".
func (p *passwordHashes) currentPepper() string {
	peppers := p.peppers()
	if len(peppers) == 0 {
		return ""
	}
	return peppers[0].ID
}

// keyOf returns the key of a pepper, or nil for none. Error: errPepperMissing.
func (p *passwordHashes) keyOf(id string) ([]byte, error) {
	if id == "" {
		return nil, nil
	}
	peppers := p.peppers()
	i := slices.IndexFunc(peppers, func(pepper model.Pepper) bool { return pepper.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("%w: %q", errPepperMissing, id)
	}
	return peppers[i].Key[:], nil
}

// input returns what Argon2id is given. A pepper goes in by HMAC-SHA-256, as
// NIST SP 800-63B-4 section 3.1.1.2 has it, apart for passwords and for digests
// of other systems. Error: errPepperMissing.
func (p *passwordHashes) input(s storedHash, secret []byte) ([]byte, error) {
	key, err := p.keyOf(s.pepper)
	if key == nil || err != nil {
		return secret, err
	}
	purpose := "gatehouse pepper v1 password\x00"
	if s.foreign != nil {
		purpose = "gatehouse pepper v1 digest\x00"
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(purpose))
	mac.Write(secret)
	return mac.Sum(nil), nil
}

// parseStored reads every form that is kept, and the spellings of other systems.
// What is out of bounds is refused before anything is computed. Error:
// errHashRejected.
func parseStored(text string) (s storedHash, err error) {
	if len(text) > maxStoredHash {
		return s, fmt.Errorf("%w: longer than %d bytes", errHashRejected, maxStoredHash)
	}
	if after, ok := strings.CutPrefix(text, pepperPrefix); ok {
		id, _, _ := strings.Cut(after, "$")
		text = strings.TrimPrefix(after, id)
		s.pepper = id
		if id == "" || !strings.HasPrefix(text, argon2idPrefix) && !strings.HasPrefix(text, wrappedPrefix) {
			return s, fmt.Errorf("%w: no Argon2id behind the pepper", errHashRejected)
		}
	}
	if after, ok := strings.CutPrefix(text, wrappedPrefix); ok {
		encoded, _, _ := strings.Cut(after, "$")
		text = strings.TrimPrefix(after, encoded)
		recipe, err := parseRecipe(encoded)
		if err != nil || !strings.HasPrefix(text, argon2idPrefix) {
			return s, fmt.Errorf("%w: no Argon2id around the parameters of another system", errHashRejected)
		}
		s.foreign = &recipe
	}
	if phc, ok := foreignhash.DjangoArgon2id(text); ok {
		text = phc
	}
	if strings.HasPrefix(text, argon2idPrefix) {
		s.phc = text
		_, err = argon2id.ParseHash(s.phc)
		return s, asRejected(err)
	}
	foreign, err := foreignhash.Parse(text)
	return storedHash{foreign: &foreign}, asRejected(err)
}

// parseRecipe reads the parameters of a wrapped hash, in the spelling of text
// and in no other.
func parseRecipe(encoded string) (foreignhash.Hash, error) {
	text, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return foreignhash.Hash{}, err
	}
	parse := foreignhash.Parse
	if strings.HasPrefix(string(text), argon2idPrefix) {
		parse = foreignhash.ParseArgon2id
	}
	recipe, err := parse(string(text))
	if err == nil && base64.RawURLEncoding.EncodeToString([]byte(recipe.Parameters())) != encoded {
		err = errHashRejected
	}
	return recipe, err
}

// text writes the form that parseStored reads.
func (s storedHash) text() model.PasswordHash {
	if s.phc == "" {
		return model.PasswordHash(s.foreign.Canonical())
	}
	var text strings.Builder
	if s.pepper != "" {
		text.WriteString(pepperPrefix + s.pepper)
	}
	if s.foreign != nil {
		text.WriteString(wrappedPrefix + base64.RawURLEncoding.EncodeToString([]byte(s.foreign.Parameters())))
	}
	return model.PasswordHash(text.String() + s.phc)
}

// asRejected makes errHashRejected of what the cellar refuses to compute.
func asRejected(err error) error {
	if errors.Is(err, argon2id.ErrRejected) || errors.Is(err, foreignhash.ErrRejected) {
		return fmt.Errorf("%w: %w", errHashRejected, err)
	}
	return err
}
