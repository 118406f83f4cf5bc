package model

import (
	"context"
	"net/netip"
)

// SourcesOf returns the networks that an address stands for where strangers are
// counted, the narrowest first: an IPv4 address is one source. An address of IPv6 is
// worth nothing, since everybody has many: a household has 64 bits of them, and one
// customer of a network provider has at most 48. The zero address has none.
func SourcesOf(address netip.Addr) []netip.Prefix {
	address = address.Unmap().WithZone("")
	switch {
	case address.Is4():
		return []netip.Prefix{netip.PrefixFrom(address, 32)}
	case address.Is6():
		household, _ := address.Prefix(64) // never fails: there are 128 bits
		customer, _ := address.Prefix(48)
		return []netip.Prefix{household, customer}
	}
	return nil
}

// SourcesFrom returns SourcesOf the client in the context.
func SourcesFrom(ctx context.Context) []netip.Prefix { return SourcesOf(ClientFrom(ctx).Address) }
