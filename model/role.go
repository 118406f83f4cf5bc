package model

import "strings"

// MaxRoleBytes bounds the name of a role, in bytes.
const MaxRoleBytes = 64

// CheckRole refuses names of roles that are not 1 to 64 bytes of letters,
// digits and . _ : / -, so that no service that reads a token has to quote one.
// Refusal: ErrBadRequest.
func CheckRole(role string) error {
	const signs = "._:/-"
	ok := role != "" && len(role) <= MaxRoleBytes
	for _, r := range role {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		ok = ok && (letter || strings.ContainsRune(signs, r))
	}
	if !ok {
		return ErrBadRequest.With("roles", "A role is 1 to 64 letters, digits and . _ : / - .")
	}
	return nil
}
