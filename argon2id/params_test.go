package argon2id

import (
	"strings"
	"testing"
)

func TestCheckHoldsNewHashesToTheFloorAndTheCeiling(t *testing.T) {
	for _, c := range []struct {
		params Params
		want   string // part of the error, "" for none
	}{
		{DefaultParams(), ""},
		{Params{47104, 1, 1}, ""},
		{Params{47103, 1, 1}, "too cheap"},
		{Params{19456, 2, 1}, ""},
		{Params{19455, 2, 1}, "too cheap"},
		{Params{12288, 3, 1}, ""},
		{Params{12287, 3, 1}, "too cheap"},
		{Params{12287, 10, 16}, "too cheap"},
		{Params{8192, 1, 1}, "m=8192,t=1,p=1"},
		{Params{65536, 3, 4}, ""},
		{Params{262144, 10, 16}, ""},
		{Params{262145, 3, 1}, "too dear"},
		{Params{65536, 11, 1}, "too dear"},
		{Params{65536, 3, 17}, "too dear"},
		{Params{65536, 3, 0}, "p=1"},
		{Params{65536, 0, 1}, "too cheap"},
		{Params{}, "no lane"},
		{Params{1<<32 - 1, 1<<32 - 1, 255}, "too dear"},
	} {
		err := c.params.Check()
		if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("PW-15: %s: got %v, want %q", c.params, err, c.want)
		}
	}
}

func TestNewEngineNamesTheFieldThatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		want   string
	}{
		"PW-15_below_the_floor": {Config{Params: Params{8192, 1, 1}}, "m=8192,t=1,p=1 is too cheap"},
		"no_room_for_one":       {Config{Params: cheapest, MemoryBudgetKiB: 12287}, "MemoryBudgetKiB 12287"},
		"negative_wait":         {Config{MaxWait: -1}, "MaxWait"},
		"negative_queue":        {Config{MaxWaiting: -1}, "MaxWaiting"},
	} {
		t.Run(name, func(t *testing.T) {
			engine, err := NewEngine(c.config)
			if engine != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	engine, err := NewEngine(Config{})
	if err != nil || engine.Params() != DefaultParams() || engine.places.limits.whole.memoryKiB < maxMemoryKiB {
		t.Errorf("the zero Config: %v", err)
	}
}

func TestPriceIsReadAsItIsWritten(t *testing.T) {
	for _, want := range []Params{DefaultParams(), cheapest, {MemoryKiB: 256 * 1024, Passes: 10, Lanes: 16}} {
		if got, err := ParseParams(want.String()); err != nil || got != want {
			t.Errorf("%s: got %v, %v", want, got, err)
		}
	}
	for _, text := range []string{"", "m=65536", "m=65536,t=3,p=1,", "t=3,m=65536,p=1", "m=065536,t=3,p=1", "m=65536,t=3,p=0",
		"m=65536,t=0,p=1", "m=65536,t=3,p=257", "m=8192,t=1,p=1", "m=262145,t=1,p=1"} {
		if got, err := ParseParams(text); err == nil || got != (Params{}) {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
}
