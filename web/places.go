package web

import (
	"time"

	"gatehouse/model"
)

// places bound how often something is under way at once, for whomever.
type places chan struct{}

// take takes a place until leave is called, and waits for none. Refusal:
// ErrOverloaded.
func (p places) take() (leave func(), err error) {
	select {
	case p <- struct{}{}:
		return func() { <-p }, nil
	default:
		return nil, model.ErrOverloaded.After(time.Second)
	}
}
