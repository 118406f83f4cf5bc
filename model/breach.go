package model

import "context"

// BreachChecker knows passwords that became known by a leak. Nobody is asked
// unless the configuration has one.
type BreachChecker interface {
	// Breached reports whether the password, in NFC, is known from a leak. An
	// error says that nobody knows. It must not keep the password or send it
	// anywhere.
	Breached(ctx context.Context, password Password) (bool, error)
}
