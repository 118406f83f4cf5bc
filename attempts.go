package gatehouse

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gatehouse/model"
)

// AttemptReport says whom wrong passwords of a user slow down at the moment.
type AttemptReport struct {
	// OtherDevices is everybody who shares one count: browsers on which the user has
	// not logged in with this password, strangers, and programs.
	OtherDevices LaneAttempts
	// KnownDevices are those on which a wrong password was typed since the last right
	// one, the last to be let in first.
	KnownDevices []LaneAttempts
}

// LaneAttempts is one count of wrong passwords. The zero value is one without any.
type LaneAttempts struct {
	Failures     int       // in a row; forgotten after a day
	Total        int       // since the last right one
	LastAt       time.Time // zero when there was none
	BlockedUntil time.Time // until then no password is looked at; zero when the next one is
	UsedUp       bool      // so many failed that none is right until a new one is set
}

// Attempts returns how the wrong passwords of a user are counted; EnableUser ends
// the waiting. Limits of sources, which may make somebody wait as well, belong to no
// user. Refusal: ErrNotFound.
func (a *Auth) Attempts(ctx context.Context, id model.UserID) (AttemptReport, error) {
	var found AttemptReport
	if _, err := a.store.User(ctx, id); err != nil {
		return found, err
	}
	tallies, err := a.store.TalliesOf(ctx, id)
	if err != nil {
		return found, fmt.Errorf("gatehouse: attempts: %w", err)
	}
	now, others, limits := a.now(), userLane(id).Key, userLimitKeys(id)
	for _, tally := range tallies {
		switch {
		case tally.Total == 0: // all were given back
		case tally.Key == others:
			found.OtherDevices = laneAttempts(tally, now)
		case slices.Contains(limits, tally.Key): // of renames and the like
		default:
			found.KnownDevices = append(found.KnownDevices, laneAttempts(tally, now))
		}
	}
	slices.SortFunc(found.KnownDevices, func(x, y LaneAttempts) int {
		if last := y.BlockedUntil.Compare(x.BlockedUntil); last != 0 {
			return last
		}
		return y.LastAt.Compare(x.LastAt)
	})
	return found, nil
}

func laneAttempts(tally model.Tally, now time.Time) LaneAttempts {
	rule := ladder(0)
	lane := LaneAttempts{
		Failures: int(tally.FailuresAt(rule, now)), Total: int(tally.Total), LastAt: tally.At,
		UsedUp: tally.Total >= failuresAtMost,
	}
	if tally.BlockedFor(rule, now) > 0 {
		lane.BlockedUntil = tally.BlockedUntil
	}
	return lane
}
