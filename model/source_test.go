package model_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse/model"
)

func TestOneSource(t *testing.T) {
	for name, test := range map[string]struct {
		address string
		want    []string
	}{
		"IPv4":                        {"192.0.2.7", []string{"192.0.2.7/32"}},
		"IPv4_in_the_spelling_of_v6":  {"::ffff:192.0.2.7", []string{"192.0.2.7/32"}},
		"IPv6":                        {"2001:db8:1:2:3:4:5:6", []string{"2001:db8:1:2::/64", "2001:db8:1::/48"}},
		"IPv6_of_one_machine's_cable": {"fe80::1%eth0", []string{"fe80::/64", "fe80::/48"}},
		"nowhere":                     {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var address netip.Addr
			if test.address != "" {
				address = netip.MustParseAddr(test.address)
			}
			var got []string
			for _, source := range model.SourcesOf(address) {
				got = append(got, source.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("LT-07 (- want, + got):\n%s", diff)
			}
		})
	}
}
