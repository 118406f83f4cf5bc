package model

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// MaxMasterKeys bounds how many keys are tried with each refresh token.
const MaxMasterKeys = 8

// MasterKeys is a master key and those that it followed, the latest first.
type MasterKeys struct {
	Current MasterKey
	Former  []FormerMasterKey
}

// FormerMasterKey is a master key that another has replaced. It still opens what
// was sealed under it. Its refresh tokens are good for the sessions that began
// before it was replaced, and for nothing when none of these can be left.
type FormerMasterKey struct {
	Key MasterKey
	// ReplacedAt is when another took its place. Zero sets no limit, as for a key
	// that is handed out to many processes before the first of them uses it.
	ReplacedAt time.Time
}

// Check refuses keys that MasterKey.Check refuses, two that are the same, and
// more than eight.
func (m MasterKeys) Check() error {
	if 1+len(m.Former) > MaxMasterKeys {
		return fmt.Errorf("there are more than %d master keys", MaxMasterKeys)
	}
	seen := map[MasterKey]bool{}
	for i, key := range append([]FormerMasterKey{{Key: m.Current}}, m.Former...) {
		if err := key.Key.Check(); err != nil {
			return err
		}
		if seen[key.Key] {
			return fmt.Errorf("master key %d is the same as one before it", i+1)
		}
		seen[key.Key] = true
	}
	return nil
}

// Followed returns these keys with a new one as the current one, which replaced
// the other at this time. So it did those of which no time is known: no session
// begins under them from then on.
func (m MasterKeys) Followed(by MasterKey, at time.Time) MasterKeys {
	next := MasterKeys{Current: by, Former: append([]FormerMasterKey{{Key: m.Current}}, m.Former...)}
	for i := range next.Former {
		if next.Former[i].ReplacedAt.IsZero() {
			next.Former[i].ReplacedAt = at.UTC().Truncate(time.Second)
		}
	}
	return next
}

// Encode returns the text that ParseMasterKeys reads.
func (m MasterKeys) Encode() string {
	var text strings.Builder
	text.WriteString(m.Current.Encode() + "\n")
	for _, former := range m.Former {
		text.WriteString(former.Key.Encode())
		if !former.ReplacedAt.IsZero() {
			text.WriteString(" " + former.ReplacedAt.UTC().Format(time.RFC3339))
		}
		text.WriteString("\n")
	}
	return text.String()
}

// ParseMasterKeys reads a file of master keys: one to eight lines of one key each,
// the current one first and after it the former ones, which may carry a space and
// the time at which they were replaced, to the second in UTC (RFC 3339). The
// errors name what is wrong and never hold the text.
func ParseMasterKeys(text string) (keys MasterKeys, err error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		key, err := parseFormerKey(strings.TrimSuffix(line, "\r"))
		if err == nil && i == 0 && !key.ReplacedAt.IsZero() {
			err = errors.New("the first master key is the one in use; it has no time at which it was replaced")
		}
		switch {
		case err != nil && len(lines) > 1:
			return MasterKeys{}, fmt.Errorf("line %d: %w", i+1, err)
		case err != nil:
			return MasterKeys{}, err
		case i == 0:
			keys.Current = key.Key
		default:
			keys.Former = append(keys.Former, key)
		}
	}
	return keys, keys.Check()
}

func parseFormerKey(line string) (former FormerMasterKey, err error) {
	text, at, dated := strings.Cut(line, " ")
	if former.Key, err = ParseMasterKey(text); err != nil || !dated {
		return former, err
	}
	former.ReplacedAt, err = time.Parse(time.RFC3339, at)
	// One spelling: no fraction, no zone but UTC.
	if err != nil || former.ReplacedAt.IsZero() || former.ReplacedAt.UTC().Format(time.RFC3339) != at {
		return former, errors.New("after a former master key stands nothing, or a space and when it was replaced, such as 2026-11-22T18:00:00Z")
	}
	former.ReplacedAt = former.ReplacedAt.UTC()
	return former, nil
}
