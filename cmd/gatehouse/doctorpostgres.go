package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"gatehouse/postgres"
)

// maxClockGap is how far the clocks of this machine and of the database may lie
// apart: half of what verifiers forgive (RFC 7519 section 4.1.4).
const maxClockGap = 30 * time.Second

// lookAtPostgreSQL asks the server about itself.
func lookAtPostgreSQL(ctx context.Context, where database) []finding {
	store, err := postgres.Open(ctx, where.dsn)
	if err != nil {
		return []finding{fail("store", "%v", err)}
	}
	seen, err := store.Inspect(ctx)
	if err = errors.Join(err, store.Close()); err != nil {
		return []finding{fail("store", "%v", err)}
	}
	return []finding{
		fine("store", "PostgreSQL %s answers in %.1f ms, tables of version %d", seen.Version,
			float64(seen.Latency.Microseconds())/1000, seen.TablesVersion),
		lookAtRole(seen), lookAtReplication(seen), lookAtServerClock(seen),
	}
}

func lookAtRole(seen postgres.Condition) finding {
	switch {
	case len(seen.MissingRights) > 0:
		return fail("role", "it lacks %s; grant it", strings.Join(seen.MissingRights, ", "))
	case seen.Superuser:
		return warn("role", "it is a superuser; serve with one that only reads and writes the tables")
	case seen.MayCreate:
		return warn("role", "it may create tables; migrate with this one, and serve with one that may not")
	}
	return fine("role", "it reads and writes the tables and changes none")
}

func lookAtReplication(seen postgres.Condition) finding {
	switch {
	case len(seen.UnsafeSettings) > 0:
		return fail("replication", "%s; a loss of power loses what was answered", strings.Join(seen.UnsafeSettings, ", "))
	case seen.SynchronousStandbys == 0:
		return warn("replication", "no standby server is synchronous; a failover may lose what was answered")
	}
	return fine("replication", "%s of %s synchronous", count(seen.SynchronousStandbys, "server"), count(seen.Standbys, "standby server"))
}

func lookAtServerClock(seen postgres.Condition) finding {
	if gap := seen.ClockGap.Abs(); gap > maxClockGap {
		return fail("clock", "the database's differs by %s; let NTP keep both", gap.Round(time.Second))
	}
	return fine("clock", "the database's differs by less than %s", maxClockGap)
}
