package web

import "strings"

const (
	// minIntrospectionSecret is in bytes: 128 bits even when written as hexadecimal.
	minIntrospectionSecret = 32
	// minDistinct is how many different bytes a secret has at least. Of 32 random
	// hexadecimal digits, fewer than 8 differ once in 20 million.
	minDistinct = 8
)

// fromAGenerator reports whether a secret may have come from a random generator.
// It finds out what people type and copy from examples, and cannot know more.
func fromAGenerator(secret string) bool {
	distinct := map[byte]bool{}
	for i := range len(secret) {
		distinct[secret[i]] = true
	}
	if len(secret) < minIntrospectionSecret || len(distinct) < minDistinct {
		return false
	}
	for period := 1; period <= len(secret)/2; period++ {
		if strings.HasPrefix(secret, secret[period:]) {
			return false // the same again and again
		}
	}
	lower := strings.ToLower(secret)
	for _, word := range []string{"changeme", "change-me", "change_me", "password", "example", "replace", "12345678", "abcdefgh", "qwertz", "qwerty"} {
		if strings.Contains(lower, word) {
			return false
		}
	}
	return true
}
