// Package postgres keeps the store in a PostgreSQL database, version 13 and
// later, for as many server processes as wanted.
//
// What was answered is on the disk of the leader, and of the synchronous
// standbys where there are any. When the answer to a COMMIT is lost the store
// looks for what was written and never writes it again. Without a leader every
// call fails with model.ErrStoreUnavailable, and works again as soon as there
// is one.
//
// Queries run through database/sql, because one set of them serves both
// engines; the connections under it are those of a pgxpool, which finds the
// leader among several hosts, checks idle connections before they are used and
// prepares each statement once per connection. BEGIN and COMMIT are our own,
// because database/sql hides whether a COMMIT was answered, and with what.
//
// Writers run side by side at READ COMMITTED. Every decision is one conditional
// statement, which PostgreSQL evaluates again on the newest row after it waited
// for another writer, or rests on a row that is locked before.
//
// # Roles
//
// The role that owns the tables brings them up to date (see [Migrate]). The
// processes that serve may use another, which needs no more than this:
//
//	GRANT USAGE ON SCHEMA public TO gatehouse;
//	GRANT SELECT, INSERT, UPDATE, DELETE ON users, sessions, codes, signing_keys, attempts, events, event_chain, outbox TO gatehouse;
//	GRANT SELECT ON migrations TO gatehouse;
package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gatehouse/model"
	"gatehouse/sqlstore"
)

// How long things may take. The server is told the first three, which a DSN may
// set otherwise under the names they have in PostgreSQL.
const (
	statementTimeout = 5 * time.Second  // statement_timeout
	lockTimeout      = 3 * time.Second  // lock_timeout: the wait for another writer of the same row
	idleInTxTimeout  = 15 * time.Second // idle_in_transaction_session_timeout: a process that stopped lets its rows go

	connectTimeout = 2 * time.Second  // connect_timeout, for each host
	pingTimeout    = 2 * time.Second  // pool_ping_timeout: an idle connection that does not answer is given up
	placeTimeout   = 3 * time.Second  // the wait for a place when all are taken
	acquireTimeout = 8 * time.Second  // getting a connection, from as many hosts as there are
	readTimeout    = 6 * time.Second  // one read, from its place to its last row
	writeTimeout   = 10 * time.Second // one write from BEGIN on, without COMMIT
	// commitTimeout is the wait for the answer to COMMIT: a synchronous standby
	// that fails is replaced within two seconds.
	commitTimeout = 5 * time.Second
	// resolveTimeout is how long a commit that was not answered is looked for.
	resolveTimeout = 3 * time.Second
	migrateTimeout = 10 * time.Minute
)

const (
	// maxConns is how many connections a process keeps at most, unless the DSN
	// says otherwise with pool_max_conns.
	maxConns = 20
	// spareOf says how many connections there are to one that is left free: a
	// connection that timed out keeps its slot of the pool for up to 15 s.
	spareOf = 4
	// tries is how often a call is begun on another connection when the one it
	// had was lost before anything was done.
	tries = 3
)

// Store is model.Store in one PostgreSQL database. It keeps no master key:
// programs pass one in the configuration.
type Store struct {
	*sqlstore.Store
	engine *engine
}

var _ model.Store = (*Store)(nil)

// Open connects to the database of a DSN, a URL or the words of libpq, with one
// host or several:
//
//	postgres://gatehouse@db1.example.com,db2.example.com/gatehouse
//
// It makes the tables where there are none and brings older ones up to date; of
// several processes that start at once, one does. With tables that are up to
// date it needs no right to change them.
//
// Connections are encrypted and verified as with sslmode=verify-full, except to
// a Unix socket or a loopback address; a DSN that asks for less is refused. So
// are servers older than 13, databases in another encoding than UTF-8, and
// synchronous_commit other than on and remote_apply. Of several hosts the one
// that takes writes is used, whatever target_session_attrs says. Errors never
// hold the DSN.
func Open(ctx context.Context, dsn string) (*Store, error) {
	engine, err := openEngine(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("postgres: open: %w", err)
	}
	if _, _, err := engine.migrate(ctx); err != nil {
		return nil, fmt.Errorf("postgres: open: %w", errors.Join(engine.named(err), engine.Close()))
	}
	return &Store{Store: sqlstore.New(engine, sqlstore.Dialect{Name: "postgres", LocksRows: true}), engine: engine}, nil
}

// Migrate makes the tables or brings them up to date and lets go of the
// database. It returns the version of the tables before and after; none is
// version 0. The DSN names a role that may create tables.
func Migrate(ctx context.Context, dsn string) (before, after int, err error) {
	engine, err := openEngine(ctx, dsn)
	if err != nil {
		return 0, 0, fmt.Errorf("postgres: migrate: %w", err)
	}
	before, after, err = engine.migrate(ctx)
	if err = errors.Join(engine.named(err), engine.Close()); err != nil {
		return before, after, fmt.Errorf("postgres: migrate: %w", err)
	}
	return before, after, nil
}
