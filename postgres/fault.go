package postgres

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"gatehouse/model"
	"gatehouse/sqlstore"
)

// Fault tells by the SQLSTATE, never by the text. Without one the server did
// not answer at all.
func (e *engine) Fault(err error) sqlstore.Fault {
	var fault *pgconn.PgError
	switch {
	case errors.As(err, &fault):
		return faultOf(fault.Code)
	case errors.Is(err, model.ErrStoreUnavailable), isLost(err), isUnconnected(err),
		errors.Is(err, context.DeadlineExceeded):
		return sqlstore.FaultUnavailable
	}
	return sqlstore.FaultOther
}

func faultOf(code string) sqlstore.Fault {
	switch code {
	case "23505":
		return sqlstore.FaultUnique
	case "23503":
		return sqlstore.FaultForeignKey
	case "25006", // the server only reads: it was the leader
		"25P03",          // we were silent inside a transaction for too long
		"40001", "40P01", // two writers in each other's way
		"40003",          // nobody knows whether it took effect
		"55P03", "57014", // lock_timeout and statement_timeout
		"57P01", "57P02", "57P03", "57P05": // the server stops, crashed or starts
		return sqlstore.FaultUnavailable
	}
	switch code[:min(2, len(code))] {
	case "08", // the connection
		"53", // no disk, no memory, no connection left
		"58": // the disk fails
		return sqlstore.FaultUnavailable
	}
	return sqlstore.FaultOther
}

// isLost reports whether the connection is gone.
func isLost(err error) bool {
	var fault *pgconn.PgError
	if errors.As(err, &fault) {
		switch fault.Code {
		case "57P01", "57P02", "57P03", "57P05", "25006", "25P03":
			return true
		}
		return fault.Code[:min(2, len(fault.Code))] == "08"
	}
	var network net.Error
	return !isUnconnected(err) && (errors.As(err, &network) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, pgconn.ErrConnClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed))
}

// isUnconnected reports whether there was no connection to begin with. A
// certificate that is not right does not become so by waiting.
func isUnconnected(err error) bool {
	var connect *pgconn.ConnectError
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &connect) && !errors.As(err, &certificate)
}

// named marks an error of the driver that may pass.
func (e *engine) named(err error) error {
	if err == nil || errors.Is(err, model.ErrStoreUnavailable) || e.Fault(err) != sqlstore.FaultUnavailable {
		return err
	}
	return fmt.Errorf("%w: %w", model.ErrStoreUnavailable, err)
}

// errClosed answers the use of a closed store.
var errClosed = fmt.Errorf("%w: it is closed", model.ErrStoreUnavailable)
