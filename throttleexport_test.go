package gatehouse

import (
	"context"

	"gatehouse/argon2id"
	"gatehouse/model"
)

// The tests outside see through here what callers do not.

// EvaluationsOf is how many passwords were put through Argon2id.
func EvaluationsOf(a *Auth) uint64 { return a.hashes.engine.Evaluations() }

// EngineOf hashes the passwords.
func EngineOf(a *Auth) *argon2id.Engine { return a.hashes.engine }

// SourcesOf are the lanes of the source in ctx, the nearer first.
func SourcesOf(ctx context.Context, a *Auth) (keys []model.Digest) {
	for _, source := range a.sourcesOf(ctx) {
		keys = append(keys, source.attempt.Lane.Key)
	}
	return keys
}

// DigitsIn are the digits of a mail that waits, whether or not anybody gets it.
func DigitsIn(a *Auth, kept model.OutboxRecord) (model.Code, error) {
	l, err := a.masters.Load().openMail(kept)
	return model.Code(l.Digits), err
}

// GatesOpen is how many gates somebody is at.
func GatesOpen(a *Auth) (open int) {
	for _, gates := range []*gates{a.throttle.lanes, a.throttle.sources, a.throttle.networks} {
		gates.mu.Lock()
		open += len(gates.open)
		gates.mu.Unlock()
	}
	return open
}

// AllowWithoutLimit asks for what nobody has set a limit to.
func AllowWithoutLimit(ctx context.Context, a *Auth) error {
	return a.allowUser(ctx, "nothing that is known", model.NewID[model.User]())
}
