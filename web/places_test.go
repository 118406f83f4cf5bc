package web

import (
	"errors"
	"net/url"
	"runtime"
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

func TestWhatIsDearHasPlaces(t *testing.T) {
	s := openEverything(t)
	s.register("ana")
	ana, b := s.login("ana"), s.browse()
	b.open("/register")
	for name, c := range map[string]struct {
		of  places
		ask func() reply
	}{
		"PW-20_hints":   {s.door.hints, func() reply { return b.strength(url.Values{"password": {"short"}}) }},
		"PW-20_exports": {s.door.exports, func() reply { return s.ask("GET", "/v1/account/export", "", bearing(ana.access)) }},
	} {
		t.Run(name, func(t *testing.T) {
			if cap(c.of) == 0 || cap(c.of) > max(maxExports, runtime.GOMAXPROCS(0)) {
				t.Fatalf("%d places", cap(c.of))
			}
			var leave []func()
			for range cap(c.of) {
				left, err := c.of.take()
				if err != nil {
					t.Fatal(err)
				}
				leave = append(leave, left)
			}
			if r := c.ask(); r.status != 503 || r.header.Get("Retry-After") != "1" {
				t.Errorf("while all are taken: %d %s", r.status, r.body)
			}
			leave[0]()
			if r := c.ask(); r.status != 200 {
				t.Errorf("when one is free: %d %s", r.status, r.body)
			}
			for _, left := range leave[1:] {
				left()
			}
		})
	}
}
