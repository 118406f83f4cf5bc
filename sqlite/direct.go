package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// connection is one connection to the file, with the statements that were
// prepared on it. It belongs to one goroutine at a time.
type connection struct {
	conn  *sql.Conn
	stmts map[string]statement
	lists map[string]*sql.Stmt
	args  []driver.NamedValue // of the statement that runs
	line  []driver.Value      // room for two rows of the answer that is read
}

// statement is a prepared statement of the driver. It is used without the
// detour over database/sql, which takes more time than a short statement does.
type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

func connect(ctx context.Context, db *sql.DB) (*connection, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &connection{conn: conn, stmts: make(map[string]statement), lists: make(map[string]*sql.Stmt)}, nil
}

// drop gives the connection up, broken to have it closed rather than kept. What
// it had begun is rolled back with it.
func (c *connection) drop(broken bool) error {
	var errs []error
	for _, list := range c.lists {
		errs = append(errs, list.Close())
	}
	_ = c.conn.Raw(func(any) error {
		for _, stmt := range c.stmts {
			errs = append(errs, stmt.Close())
		}
		if broken {
			return driver.ErrBadConn // which is how database/sql is told to close it
		}
		return nil
	})
	if err := c.conn.Close(); !errors.Is(err, sql.ErrConnDone) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// direct lends use the prepared statement for a query, made once per connection.
func (c *connection) direct(query string, use func(statement) error) error {
	return c.conn.Raw(func(conn any) error {
		stmt := c.stmts[query]
		if stmt == nil {
			preparer, ok := conn.(driver.ConnPrepareContext)
			if !ok {
				return errors.New("the driver prepares no statements")
			}
			prepared, err := preparer.PrepareContext(context.Background(), query)
			if err != nil {
				return err
			}
			if stmt, ok = prepared.(statement); !ok {
				return errors.Join(errors.New("the driver has other statements"), prepared.Close())
			}
			c.stmts[query] = stmt
		}
		return use(stmt)
	})
}

// execute runs a statement and reports how many rows it changed.
func (c *connection) execute(query string, args []any) (changed int64, err error) {
	values, err := c.values(args)
	if err != nil {
		return 0, err
	}
	err = c.direct(query, func(stmt statement) error {
		result, err := stmt.ExecContext(context.Background(), values)
		if err != nil {
			return err
		}
		changed, err = result.RowsAffected()
		return err
	})
	return changed, err
}

// readRow runs a statement to its end and reads its first row, if it has one.
func (c *connection) readRow(query string, args, into []any) (found bool, err error) {
	line, err := c.readLine(query, args, len(into))
	if line == nil || err != nil {
		return false, err
	}
	defer clear(line)
	return true, fill(into, line)
}

// readLine runs a statement to its end and returns the values of its first row,
// nil if it has none. They are good until the next call.
func (c *connection) readLine(query string, args []any, columns int) (line []driver.Value, err error) {
	values, err := c.values(args)
	if err != nil {
		return nil, err
	}
	err = c.direct(query, func(stmt statement) error {
		rows, err := stmt.QueryContext(context.Background(), values)
		if err != nil {
			return err
		}
		line, err = c.first(rows, columns)
		return errors.Join(err, rows.Close())
	})
	if err != nil {
		return nil, err
	}
	return line, nil
}

// list runs a statement and returns its rows, to be closed before the next one.
func (c *connection) list(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	stmt := c.lists[query]
	if stmt == nil {
		prepared, err := c.conn.PrepareContext(ctx, query)
		if err != nil {
			return nil, err
		}
		stmt = prepared
		c.lists[query] = stmt
	}
	return stmt.QueryContext(ctx, args...)
}

func (c *connection) first(rows driver.Rows, columns int) (first []driver.Value, err error) {
	if got := len(rows.Columns()); got != columns {
		return nil, fmt.Errorf("%d columns for %d values", got, columns)
	}
	if len(c.line) < 2*columns {
		c.line = make([]driver.Value, 2*columns)
	}
	line := c.line[:columns]
	for {
		err := rows.Next(line)
		if errors.Is(err, io.EOF) {
			return first, nil
		}
		if err != nil {
			return nil, err
		}
		if first == nil {
			// Only the first is wanted, but the statement must end.
			first, line = line, c.line[columns:2*columns]
		}
	}
}

// values makes parameters of what sqlstore passes. They are good until the next
// call: the driver keeps none of them.
func (c *connection) values(args []any) ([]driver.NamedValue, error) {
	c.args = c.args[:0]
	for i, arg := range args {
		switch arg.(type) {
		case nil, []byte, string, int64:
		default:
			value, err := driver.DefaultParameterConverter.ConvertValue(arg)
			if err != nil {
				return nil, err
			}
			arg = value
		}
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: arg})
	}
	return c.args, nil
}

// fill reads a row into what sqlstore gives for it.
func fill(into []any, line []driver.Value) error {
	for i, value := range line {
		if err := assign(into[i], value); err != nil {
			return err
		}
	}
	return nil
}

// assign reads a value into what sqlstore gives for it.
func assign(into any, value driver.Value) error {
	if scanner, ok := into.(sql.Scanner); ok {
		return scanner.Scan(value)
	}
	n, isNumber := value.(int64)
	if !isNumber {
		return fmt.Errorf("a %T does not go into a %T", value, into)
	}
	switch into := into.(type) {
	case *int64:
		*into = n
	case *int:
		*into = int(n)
	case *bool:
		*into = n != 0
	default:
		return fmt.Errorf("a %T does not go into a %T", value, into)
	}
	return nil
}
