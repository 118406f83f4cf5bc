package sqlite

import (
	"context"
	"errors"
	"fmt"
)

// Check reads the whole file and returns an error when a page is damaged or a
// row refers to one that is not there. It takes as long as the file is large,
// and keeps nobody from writing.
func (s *Store) Check(ctx context.Context) error {
	// A connection of its own: the readers give up after a few seconds.
	db, err := openDatabase(s.path, true)
	if err != nil {
		return fmt.Errorf("sqlite: check: %w", err)
	}
	var pages string
	err = db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&pages)
	if err == nil && pages != "ok" {
		err = fmt.Errorf("%s is damaged: %s", s.path, pages)
	}
	if err == nil {
		var astray int64
		err = db.QueryRowContext(ctx, `SELECT count(*) FROM pragma_foreign_key_check`).Scan(&astray)
		if err == nil && astray > 0 {
			err = fmt.Errorf("%s is damaged: %d rows refer to rows that are not there", s.path, astray)
		}
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("sqlite: check: %w", err)
	}
	return nil
}
