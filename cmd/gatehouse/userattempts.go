package main

import (
	"fmt"
	"time"

	"gatehouse"
)

// attemptsJSON says whom wrong passwords slow down.
type attemptsJSON struct {
	OtherDevices laneJSON   `json:"other_devices"`
	KnownDevices []laneJSON `json:"known_devices"`
}

type laneJSON struct {
	Failures     int     `json:"failures"`
	Total        int     `json:"total"`
	LastAt       *string `json:"last_at"`
	BlockedUntil *string `json:"blocked_until"`
	UsedUp       bool    `json:"used_up"`
}

func attemptsToJSON(attempts gatehouse.AttemptReport) attemptsJSON {
	shown := attemptsJSON{OtherDevices: laneToJSON(attempts.OtherDevices), KnownDevices: []laneJSON{}}
	for _, lane := range attempts.KnownDevices {
		shown.KnownDevices = append(shown.KnownDevices, laneToJSON(lane))
	}
	return shown
}

func laneToJSON(lane gatehouse.LaneAttempts) laneJSON {
	return laneJSON{
		Failures: lane.Failures, Total: lane.Total, LastAt: stampOrNull(lane.LastAt),
		BlockedUntil: stampOrNull(lane.BlockedUntil), UsedUp: lane.UsedUp,
	}
}

// stampOrNull writes a time, and null for none.
func stampOrNull(at time.Time) *string {
	if at.IsZero() {
		return nil
	}
	text := at.UTC().Format(time.RFC3339)
	return &text
}

// attemptRows are the lines of a table that say the same to people.
func attemptRows(attempts gatehouse.AttemptReport) (rows [][2]string) {
	rows = append(rows, [2]string{"other devices", laneInWords(attempts.OtherDevices)})
	for _, lane := range attempts.KnownDevices {
		rows = append(rows, [2]string{"known device", laneInWords(lane)})
	}
	return rows
}

func laneInWords(lane gatehouse.LaneAttempts) string {
	failed := count(lane.Failures, "wrong password") + " in a row"
	switch {
	case lane.UsedUp:
		return fmt.Sprintf("no password is right after %d wrong ones; gatehouse user reset-link helps", lane.Total)
	case !lane.BlockedUntil.IsZero():
		return fmt.Sprintf("slowed down until %s, after %s", lane.BlockedUntil.UTC().Format(time.RFC3339), failed)
	case lane.Failures == 0:
		return "not slowed down"
	}
	return "not slowed down, " + failed
}
