package model

import (
	"fmt"
	"log/slog"
)

// DeviceToken is what a browser keeps after a good login, so that strangers who
// guess at the password do not keep its user out. It opens nothing: whoever holds
// one still has to know the password. It does not print itself.
type DeviceToken string

func (DeviceToken) String() string               { return hidden }
func (DeviceToken) GoString() string             { return hidden }
func (DeviceToken) Format(s fmt.State, _ rune)   { hide(s) }
func (DeviceToken) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (DeviceToken) MarshalText() ([]byte, error) { return []byte(hidden), nil }
