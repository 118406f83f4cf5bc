package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxUserAgent is what is kept of a User-Agent, in bytes.
const maxUserAgent = 256

// clientAddress is where the request comes from. X-Forwarded-For counts only
// when the peer is a trusted proxy; then the right-most hop that is not one is
// taken, since everything left of it is what a stranger claims. A hop that
// cannot be read ends the walk at the last address that is known to be true.
// No other header is looked at. An IPv4-mapped address is the IPv4 address.
func clientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	address, ok := parseHop(r.RemoteAddr)
	if !ok || !isTrusted(address, trusted) {
		return address
	}
	var hops []string
	for _, line := range r.Header["X-Forwarded-For"] {
		hops = append(hops, strings.Split(line, ",")...)
	}
	for _, hop := range slices.Backward(hops) {
		next, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			return address
		}
		address = next
		if !isTrusted(address, trusted) {
			return address
		}
	}
	return address
}

// parseHop reads an address with or without a port.
func parseHop(text string) (netip.Addr, bool) {
	if pair, err := netip.ParseAddrPort(text); err == nil {
		return pair.Addr().Unmap().WithZone(""), true
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, false
	}
	return address.Unmap().WithZone(""), true
}

func isTrusted(address netip.Addr, trusted []netip.Prefix) bool {
	for _, prefix := range trusted {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// userAgent is what the client says it is, as well-formed UTF-8 that every
// store keeps.
func userAgent(r *http.Request) string {
	text := strings.ToValidUTF8(r.UserAgent(), "")
	if len(text) <= maxUserAgent {
		return text
	}
	cut := maxUserAgent
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut]
}
