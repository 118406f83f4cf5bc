package gatehouse

import (
	"testing"

	"gatehouse/model"
)

// What is counted goes by digests of several parts. No two lists of parts are one.
func TestPartsOfAKeyDoNotRunTogether(t *testing.T) {
	keyed, err := newAttemptKey(model.NewMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	for name, digest := range map[string]func(purpose string, parts ...string) model.Digest{"user": laneDigest, "stranger": keyed} {
		t.Run("PW-28_lanes_of_a_"+name, func(t *testing.T) {
			seen := map[model.Digest][]string{}
			for _, parts := range [][]string{
				{"p", "a", "b:c"}, {"p", "a:b", "c"}, {"p", "a:b:c"}, {"p", "ab", "c"}, {"p", "a", "bc"}, {"pa", "b", "c"}, {"p", "abc"}, {"pabc"},
				{"p", "a\x00b", "c"}, {"p", "a", "b\x00c"}, {"p", "", "abc"}, {"p", "abc", ""}, {"p", "a\x00\x00\x00\x01b"}, {"p", "a", "b"},
			} {
				key := digest(parts[0], parts[1:]...)
				if other, is := seen[key]; is {
					t.Errorf("%q and %q are one lane", parts, other)
				}
				seen[key] = parts
			}
		})
	}
}
