package model

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
)

// RequestSecret is what a browser keeps of a request that may have sent a mail:
// the digits of that mail are good in this browser alone. A door makes a fresh
// one for each such request, also where no mail was sent, and gives it to nobody
// else. It does not print itself.
type RequestSecret string

// NewRequestSecret returns 256 random bits as text.
func NewRequestSecret() RequestSecret {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails; it ends the program instead
	return RequestSecret(base64.RawURLEncoding.EncodeToString(raw[:]))
}

func (RequestSecret) String() string               { return hidden }
func (RequestSecret) GoString() string             { return hidden }
func (RequestSecret) Format(s fmt.State, _ rune)   { hide(s) }
func (RequestSecret) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (RequestSecret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
