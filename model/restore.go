package model

import "time"

// EventMark names an event by its number and its time. The newest one tells how
// far a store has come.
type EventMark struct {
	Number int64 // grows with each event; 0 is none
	At     time.Time
}
