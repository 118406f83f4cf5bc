package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
)

// statement is a prepared statement of the driver. The writer uses it without
// the detour over database/sql, which takes a third of the time of a short one.
type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// direct lends use the prepared statement for a query, made once per connection.
func (w *writer) direct(query string, use func(statement) error) error {
	return w.conn.Raw(func(conn any) error {
		stmt := w.stmts[query]
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
			w.stmts[query] = stmt
		}
		return use(stmt)
	})
}

// execute runs a statement and reports how many rows it changed.
func (w *writer) execute(query string, args []any) (changed int64, err error) {
	values, err := w.values(args)
	if err != nil {
		return 0, err
	}
	err = w.direct(query, func(stmt statement) error {
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
func (w *writer) readRow(query string, args, into []any) (found bool, err error) {
	values, err := w.values(args)
	if err != nil {
		return false, err
	}
	err = w.direct(query, func(stmt statement) error {
		rows, err := stmt.QueryContext(context.Background(), values)
		if err != nil {
			return err
		}
		found, err = w.first(rows, into)
		return errors.Join(err, rows.Close())
	})
	return found && err == nil, err
}

func (w *writer) first(rows driver.Rows, into []any) (found bool, err error) {
	if len(w.line) < len(into) {
		w.line = make([]driver.Value, len(into))
	}
	line := w.line[:len(into)]
	defer clear(line)
	if columns := len(rows.Columns()); columns != len(into) {
		return false, fmt.Errorf("%d columns for %d values", columns, len(into))
	}
	for {
		err := rows.Next(line)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		if found {
			continue // only the first is wanted, but the statement must end
		}
		found = true
		for i, value := range line {
			if err := assign(into[i], value); err != nil {
				return found, err
			}
		}
	}
}

// values makes parameters of what sqlstore passes. They are good until the next
// call: the driver keeps none of them.
func (w *writer) values(args []any) ([]driver.NamedValue, error) {
	w.args = w.args[:0]
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
		w.args = append(w.args, driver.NamedValue{Ordinal: i + 1, Value: arg})
	}
	return w.args, nil
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
