package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gatehouse/sqlstore"
)

// Condition is what an operator wants to know about the database.
type Condition struct {
	Version       string // of PostgreSQL
	TablesVersion int
	Latency       time.Duration // one question and its answer

	// ClockGap is how far the server's clock is ahead of ours; it is known no
	// better than Latency. Nothing is decided by the server's clock.
	ClockGap time.Duration

	// Standbys is how many servers follow this one, and SynchronousStandbys how
	// many of them a COMMIT may wait for. A role that may not see which counts
	// all of them where the server waits for any (pg_monitor may see it).
	Standbys, SynchronousStandbys int
	// UnsafeSettings are those under which a loss of power loses what was
	// answered, such as fsync=off.
	UnsafeSettings []string

	// MissingRights are those that the role needs to serve and has not.
	MissingRights []string
	// Superuser and MayCreate are rights that a role which only serves does not
	// need: all of them, and to create tables.
	Superuser, MayCreate bool
}

// conditionQuery is one statement, so that all of it is of one moment.
const conditionQuery = `SELECT current_setting('server_version'),
	(SELECT max(version) FROM migrations),
	CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT),
	(SELECT count(*) FROM pg_stat_replication),
	(SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')
		OR sync_state IS NULL AND current_setting('synchronous_standby_names') <> ''),
	(SELECT coalesce(string_agg(name || '=off', ','), '') FROM unnest(ARRAY['fsync', 'full_page_writes']) AS name
		WHERE current_setting(name) = 'off'),
	(SELECT coalesce(string_agg(verb || ' on ' || name, ','), '')
		FROM unnest(ARRAY['users', 'sessions', 'codes', 'signing_keys', 'attempts', 'events', 'event_chain', 'outbox']) AS name,
			unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS verb
		WHERE NOT has_table_privilege(name, verb)),
	(SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
	coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)`

// Inspect asks the database how it is, and changes nothing.
func (s *Store) Inspect(ctx context.Context) (Condition, error) {
	var c Condition
	var clock int64
	var unsafe, missing string
	err := s.engine.Read(ctx, func(q sqlstore.Runner) error {
		// Asked twice: the first time makes the connection and prepares.
		for range 2 {
			begin := time.Now()
			rows, err := q.QueryContext(ctx, conditionQuery)
			if err != nil {
				return err
			}
			for rows.Next() {
				err = errors.Join(err, rows.Scan(&c.Version, &c.TablesVersion, &clock, &c.Standbys, &c.SynchronousStandbys,
					&unsafe, &missing, &c.Superuser, &c.MayCreate))
			}
			if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
				return err
			}
			c.Latency = time.Since(begin)
			c.ClockGap = time.UnixMicro(clock).Sub(begin.Add(c.Latency / 2))
		}
		return nil
	})
	if err != nil {
		return Condition{}, fmt.Errorf("postgres: inspect: %w", s.engine.named(err))
	}
	c.UnsafeSettings, c.MissingRights = list(unsafe), list(missing)
	return c, nil
}

func list(joined string) []string {
	if joined == "" {
		return nil
	}
	return strings.Split(joined, ",")
}
