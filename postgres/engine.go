package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"gatehouse/model"
	"gatehouse/sqlstore"
)

// engine is the sqlstore.Engine for one database.
type engine struct {
	pool *pgxpool.Pool
	db   *sql.DB // a view of pool
	// places is how many calls have a connection at once: fewer than the pool
	// has slots.
	places    chan struct{}
	closing   chan struct{}
	closeOnce sync.Once
}

// openEngine connects once, so that what is wrong with the DSN or the server is
// found now.
func openEngine(ctx context.Context, dsn string) (*engine, error) {
	config, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	slots := int(config.MaxConns)
	e := &engine{
		pool: pool, db: stdlib.OpenDBFromPool(pool),
		places: make(chan struct{}, slots-slots/spareOf), closing: make(chan struct{}),
	}
	conn, err := e.acquire(ctx)
	if err != nil {
		return nil, errors.Join(e.named(err), e.Close())
	}
	return e, conn.Close()
}

// checkServer makes sure of what every promise rests on, on each connection: a
// server may have changed since the last one, and several hosts may differ.
func checkServer(ctx context.Context, conn *pgx.Conn) error {
	var version int
	var encoding, sync string
	err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
		current_setting('synchronous_commit')`).Scan(&version, &encoding, &sync)
	switch {
	case err != nil:
		return err
	case version < 130000:
		return fmt.Errorf("the server is PostgreSQL %d; Gatehouse needs 13 or later", version/10000)
	case encoding != "UTF8":
		return fmt.Errorf("the database is encoded in %s; Gatehouse needs one made with ENCODING 'UTF8'", encoding)
	case !isDurable(sync):
		return fmt.Errorf("synchronous_commit is %s and must be on or remote_apply; look at the options in the DSN", sync)
	}
	return nil
}

// enter waits for a place and returns how to give it back.
func (e *engine) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	timer := time.NewTimer(placeTimeout)
	defer timer.Stop()
	select {
	case <-e.closing:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, fmt.Errorf("%w: all %d connections are busy", model.ErrStoreUnavailable, cap(e.places))
	case e.places <- struct{}{}:
	}
	leave = func() { <-e.places }
	select {
	case <-e.closing:
		leave()
		return nil, errClosed
	default:
		return leave, nil
	}
}

// acquire takes a connection out of the pool, or makes one.
func (e *engine) acquire(ctx context.Context) (*sql.Conn, error) {
	bounded, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	conn, err := e.db.Conn(bounded)
	if err != nil && ctx.Err() != nil {
		return nil, errors.Join(ctx.Err(), err)
	}
	return conn, err
}

// Read runs fn with a bound on its time.
func (e *engine) Read(ctx context.Context, fn func(sqlstore.Runner) error) error {
	leave, err := e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
	defer cancel()
	r := &reading{engine: e, bounded: bounded}
	defer r.end()
	return fn(r)
}

// reading is the Runner of one read. The caller's context is looked at before a
// statement and does not break one off, which would cost the connection; the
// server and bounded end one that takes too long.
type reading struct {
	engine  *engine
	bounded context.Context
	conn    *sql.Conn
}

func (r *reading) ExecContext(context.Context, string, ...any) (sql.Result, error) {
	return nil, errors.New("a read does not write")
}

// QueryContext asks again on another connection when the one it had was lost
// before the first row.
func (r *reading) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	for try := 1; ; try++ {
		rows, err := r.query(ctx, query, args)
		if err == nil || try == tries || !isLost(err) || ctx.Err() != nil || r.bounded.Err() != nil {
			return rows, err
		}
		r.end()
	}
}

func (r *reading) query(ctx context.Context, query string, args []any) (rows *sql.Rows, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.conn == nil {
		if r.conn, err = r.engine.acquire(ctx); err != nil {
			return nil, err
		}
	}
	return r.conn.QueryContext(r.bounded, query, args...)
}

// end gives the connection back; the pool keeps it only if it is in order.
func (r *reading) end() {
	if r.conn != nil {
		_ = r.conn.Close()
		r.conn = nil
	}
}

// Close refuses whoever comes, waits for what is running, which is bounded, and
// closes all connections. Closing twice is harmless.
func (e *engine) Close() (err error) {
	e.closeOnce.Do(func() {
		close(e.closing)
		for range cap(e.places) {
			e.places <- struct{}{}
		}
		err = e.db.Close()
		e.pool.Close()
	})
	return err
}
