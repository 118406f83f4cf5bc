package web

import (
	"errors"
	"testing"

	"gatehouse/model"
)

func TestPlacesBoundWhatIsUnderWay(t *testing.T) {
	p := make(places, 1)
	t.Run("PW-20_one_too_many_is_refused", func(t *testing.T) {
		leave, err := p.take()
		if err != nil {
			t.Fatalf("the first: %v", err)
		}
		defer leave()
		if _, err := p.take(); !errors.Is(err, model.ErrOverloaded) {
			t.Errorf("the second beside the first: %v", err)
		}
	})
	t.Run("a_place_is_given_back_after_a_panic_too", func(t *testing.T) {
		func() {
			defer func() { _ = recover() }()
			leave, err := p.take()
			if err != nil {
				t.Fatalf("the first: %v", err)
			}
			defer leave()
			panic("estimate")
		}()
		if _, err := p.take(); err != nil {
			t.Errorf("the next: %v", err)
		}
	})
}
