package gatehouse

import (
	"context"
	"errors"
	"testing"

	"gatehouse/model"
)

// Whoever would have to wait at a gate is refused at once where there is no use in
// it, and nobody is asked who need not wait.
func TestNobodyWaitsAtAGateInVain(t *testing.T) {
	key := model.Digest{1}
	noUse := func(context.Context) error { return model.ErrOverloaded }
	g := newGates(2, 1)
	first, err := g.enter(t.Context(), key, noUse)
	if err != nil {
		t.Fatalf("nobody is inside: %v", err)
	}
	if _, err := g.enter(t.Context(), key, noUse); !errors.Is(err, model.ErrOverloaded) {
		t.Errorf("somebody is inside: %v, want %v", err, model.ErrOverloaded)
	}
	first.learn(func(*gate) {})
	second, err := g.enter(t.Context(), key, noUse)
	if err != nil {
		t.Fatalf("two attempts are left, and one is inside: %v", err)
	}
	first.leave()
	second.leave()
	if len(g.open) != 0 {
		t.Errorf("%d gates stay open", len(g.open))
	}
}
