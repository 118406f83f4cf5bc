package model

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

const (
	// Octets, RFC 5321 section 4.5.3.1. A path of 256 holds two angle brackets.
	maxEmailBytes     = 254
	maxEmailLocalPart = 64
	maxDomainBytes    = 253
	maxLabelBytes     = 63
)

// Email is an email address in its one canonical spelling: ASCII, lower case,
// the domain in A-labels. ParseEmail makes it; it is what is kept, compared and
// written to, never the string that somebody typed.
type Email string

// ParseEmail gives the canonical spelling of an address: width and normal form
// first, then every check on the result. Exactly one "@"; before it an RFC 5322
// dot-atom of at most 64 octets, lower-cased; after it a host name with a dot,
// by IDNA2008 lookup, at most 253 octets. No quotes, comments, display names,
// IP addresses. Parsing a canonical email returns it unchanged. Whether the
// mailbox exists is not asked.
//
// Refusal: ErrEmailInvalid.
func ParseEmail(s string) (Email, error) {
	const hint = "Enter an address like name@example.com."
	refused := ErrEmailInvalid.With("email", hint)
	folded, ok := foldForm(s)
	if !ok || hasUnseen(folded) {
		return "", refused
	}
	local, domain, found := strings.Cut(folded, "@")
	if !found || strings.Contains(domain, "@") || !isDotAtom(local) {
		return "", refused
	}
	host, ok := canonicalDomain(domain)
	if !ok {
		return "", refused
	}
	email := strings.ToLower(local) + "@" + host
	if len(email) > maxEmailBytes {
		return "", refused
	}
	return Email(email), nil
}

// String returns the canonical spelling.
func (e Email) String() string { return string(e) }

// Domain returns what follows the "@".
func (e Email) Domain() string {
	_, domain, _ := strings.Cut(string(e), "@")
	return domain
}

// LocalPart returns what stands before the "@".
func (e Email) LocalPart() string {
	local, _, _ := strings.Cut(string(e), "@")
	return local
}

// foldForm trims, folds width and composes; ok is false for text that is too
// long or ill-formed.
func foldForm(s string) (folded string, ok bool) {
	if len(s) > maxFormBytes || !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError) {
		return "", false
	}
	return strings.TrimSpace(norm.NFC.String(width.Fold.String(s))), true
}

// isDotAtom checks the local part against RFC 5322 section 3.2.3.
func isDotAtom(local string) bool {
	if local == "" || len(local) > maxEmailLocalPart {
		return false
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" {
			return false
		}
		for i := range len(atom) {
			if !isAtomByte(atom[i]) {
				return false
			}
		}
	}
	return true
}

func isAtomByte(c byte) bool {
	return isLetter(c) || isDigit(c) || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// canonicalDomain gives the domain in lower-case A-labels, RFC 5891 section 5.
func canonicalDomain(domain string) (host string, ok bool) {
	host, err := idna.Lookup.ToASCII(domain)
	if err != nil || len(host) > maxDomainBytes {
		return "", false
	}
	host = strings.ToLower(host)
	if again, err := idna.Lookup.ToASCII(host); err != nil || again != host {
		return "", false
	}
	labels := strings.Split(host, ".")
	if len(labels) < 2 {
		return "", false
	}
	for _, label := range labels {
		if !isHostLabel(label) {
			return "", false
		}
	}
	// RFC 1123 section 2.1: only an IP address ends in a number.
	top := labels[len(labels)-1]
	return host, strings.Trim(top, "0123456789") != ""
}

// isHostLabel checks letters, digits and inner hyphens, and that an A-label is
// the one spelling of something that needs it: "xn--example-" is plain ASCII in
// disguise and would be a second name for it.
func isHostLabel(label string) bool {
	if label == "" || len(label) > maxLabelBytes || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		if c := label[i]; !isLetter(c) && !isDigit(c) && c != '-' {
			return false
		}
	}
	if len(label) < 4 || label[2:4] != "--" {
		return true
	}
	if !strings.HasPrefix(label, "xn--") {
		return false
	}
	unicodeLabel, err := idna.Lookup.ToUnicode(label)
	if err != nil || isASCII(unicodeLabel) {
		return false
	}
	back, err := idna.Lookup.ToASCII(unicodeLabel)
	return err == nil && back == label
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
