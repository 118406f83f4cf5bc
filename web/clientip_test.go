package web

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClientAddress(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("127.0.0.1/32")}
	for _, c := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"no_proxy", "192.0.2.1:5000", nil, "192.0.2.1"},
		{"a_stranger_cannot_forward", "192.0.2.1:5000", []string{"198.51.100.7"}, "192.0.2.1"},
		{"trusted", "10.0.0.1:5000", []string{"198.51.100.7"}, "198.51.100.7"},
		{"right_most_untrusted", "10.0.0.1:5000", []string{"1.1.1.1, 198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		{"claims_on_the_left_do_not_count", "10.0.0.1:5000", []string{"127.0.0.1, 10.0.0.9, 198.51.100.7"}, "198.51.100.7"},
		{"many_lines", "10.0.0.1:5000", []string{"1.1.1.1", "198.51.100.7", "10.0.0.3,10.0.0.2"}, "198.51.100.7"},
		{"all_trusted", "10.0.0.1:5000", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"malformed_hop_ends_the_walk", "10.0.0.1:5000", []string{"198.51.100.7, evil, 10.0.0.2"}, "10.0.0.2"},
		{"malformed_last", "10.0.0.1:5000", []string{"198.51.100.7, <script>"}, "10.0.0.1"},
		{"empty_hop", "10.0.0.1:5000", []string{"198.51.100.7,"}, "10.0.0.1"},
		{"no_header", "10.0.0.1:5000", nil, "10.0.0.1"},
		{"port_v4", "10.0.0.1:5000", []string{"198.51.100.7:1234"}, "198.51.100.7"},
		{"port_v6", "10.0.0.1:5000", []string{"[2001:db8::1]:1234"}, "2001:db8::1"},
		{"brackets_v6", "10.0.0.1:5000", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"bare_v6_upper", "[fd00::1]:5000", []string{"2001:DB8:0:0::1"}, "2001:db8::1"},
		{"mapped_peer_is_v4", "[::ffff:10.0.0.1]:5000", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{"mapped_trusted_hop", "10.0.0.1:5000", []string{"198.51.100.7, ::ffff:10.0.0.2"}, "198.51.100.7"},
		{"zone_is_dropped", "[fe80::1%eth0]:5000", nil, "fe80::1"},
		{"octal_is_not_read", "10.0.0.1:5000", []string{"0300.0.2.1"}, "10.0.0.1"},
		{"name_is_not_read", "10.0.0.1:5000", []string{"localhost"}, "10.0.0.1"},
	} {
		t.Run("LT-08_"+c.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: c.peer, Header: http.Header{
				"X-Forwarded-For": c.forwarded, "Forwarded": {"for=203.0.113.9"}, "X-Real-Ip": {"203.0.113.9"},
				"True-Client-Ip": {"203.0.113.9"}, "Cf-Connecting-Ip": {"203.0.113.9"}, "X-Client-Ip": {"203.0.113.9"},
			}}
			if got := clientAddress(r, trusted).String(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	t.Run("LT-08_nobody_is_trusted_by_default", func(t *testing.T) {
		r := &http.Request{RemoteAddr: "127.0.0.1:1", Header: http.Header{"X-Forwarded-For": {"203.0.113.9"}}}
		if got := clientAddress(r, nil).String(); got != "127.0.0.1" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("a_user_agent_is_cut_between_characters", func(t *testing.T) {
		r := &http.Request{Header: http.Header{"User-Agent": {strings.Repeat("é", 200) + "\xff"}}}
		got := userAgent(r)
		if len(got) > maxUserAgent || len(got) < maxUserAgent-4 || !utf8.ValidString(got) {
			t.Errorf("%d bytes: %q", len(got), got)
		}
	})
}
