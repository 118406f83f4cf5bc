package main

import (
	"slices"
	"testing"

	"github.com/alecthomas/kong"
)

// A flag that is not in the list of settings would be accepted and passed over.
func TestEverySettingHasAFlagAndTheOtherWayRound(t *testing.T) {
	var flags struct{ settingFlags }
	parser, err := kong.New(&flags)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, flag := range parser.Model.Flags {
		if flag.Name != "help" && flag.Name != "config" {
			names = append(names, flag.Name)
		}
	}
	want := settingNames()
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("flags %v, settings %v", names, want)
	}
}
