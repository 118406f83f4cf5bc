package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"gatehouse/model"
)

// row reads the first row of an answer. Refusal: ErrNotFound when there is none.
func row(ctx context.Context, q Runner, query string, args []any, into ...any) error {
	if err := checkText(args); err != nil {
		return err
	}
	if d, ok := q.(Direct); ok {
		found, err := d.Row(ctx, query, args, into)
		if err == nil && !found {
			return model.ErrNotFound
		}
		return err
	}
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // a second Close; the first one below reports
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return model.ErrNotFound
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	// The statement runs to its end before its effect is counted on.
	for rows.Next() {
		continue
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return rows.Close()
}

// each reads all rows of an answer and calls scan for each.
func each(ctx context.Context, q Runner, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return rows.Close()
}

// exec runs a statement and reports how many rows it changed.
func exec(ctx context.Context, q Runner, query string, args ...any) (int64, error) {
	if err := checkText(args); err != nil {
		return 0, err
	}
	result, err := q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// checkText refuses text that not every database keeps: what is not UTF-8, and
// U+0000. What strangers send goes through raw instead.
func checkText(args []any) error {
	for _, arg := range args {
		if text, ok := arg.(string); ok && (!utf8.ValidString(text) || strings.Contains(text, "\x00")) {
			return errNotText
		}
	}
	return nil
}

var errNotText = errors.New("a text is not UTF-8 or holds U+0000")

// micros is how every time is kept: microseconds since 1970 in UTC, and NULL
// for the zero time.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// moment reads what micros wrote.
type moment time.Time

func (m *moment) Scan(src any) error {
	switch n := src.(type) {
	case nil:
		*m = moment{}
	case int64:
		*m = moment(time.UnixMicro(n).UTC())
	default:
		return fmt.Errorf("a time is kept as %T", src)
	}
	return nil
}

// id reads the 16 bytes of an identifier, and NULL as the zero identifier.
type id [16]byte

func (v *id) Scan(src any) error { return scanFixed(v[:], src) }

// digest reads 32 bytes, and NULL as the zero digest.
type digest [32]byte

func (v *digest) Scan(src any) error { return scanFixed(v[:], src) }

func scanFixed(into []byte, src any) error {
	if src == nil {
		clear(into)
		return nil
	}
	from, ok := src.([]byte)
	if !ok || len(from) != len(into) {
		return fmt.Errorf("%d bytes expected in a column that holds %T", len(into), src)
	}
	copy(into, from)
	return nil
}

// bytesOf writes an identifier; the zero one is NULL.
func bytesOf[Kind any](v model.ID[Kind]) any {
	if v.IsZero() {
		return nil
	}
	return v[:]
}

// digestBytes writes a digest; the zero one is NULL.
func digestBytes(v model.Digest) any {
	if v == (model.Digest{}) {
		return nil
	}
	return v[:]
}

// text writes a string; the empty one is NULL.
func text[Text ~string](v Text) any {
	if v == "" {
		return nil
	}
	return string(v)
}

// raw writes a string that a stranger sent, byte for byte: it need not be UTF-8,
// which not every engine takes as text. The empty one is NULL.
func raw(v string) any {
	if v == "" {
		return nil
	}
	return []byte(v)
}

// word reads what text or raw wrote.
type word[Text ~string] struct{ to *Text }

func (w word[Text]) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*w.to = ""
	case string:
		*w.to = Text(v)
	case []byte:
		*w.to = Text(v)
	default:
		return fmt.Errorf("a text is kept as %T", src)
	}
	return nil
}

func wordOf[Text ~string](to *Text) word[Text] { return word[Text]{to} }

// roles writes a list of words as JSON, because a word may hold any separator.
func roles(list []string) (string, error) {
	if len(list) == 0 {
		return "[]", nil
	}
	encoded, err := json.Marshal(list)
	return string(encoded), err
}

// roleList reads what roles wrote; no roles are nil.
type roleList []string

func (l *roleList) Scan(src any) error {
	var encoded string
	if err := (word[string]{&encoded}).Scan(src); err != nil {
		return err
	}
	*l = nil
	if encoded == "[]" {
		return nil
	}
	return json.Unmarshal([]byte(encoded), (*[]string)(l))
}

// address writes where a request came from; an unknown address is NULL. A zone
// names an interface of this machine, in any bytes, and is not kept.
func address(a netip.Addr) any {
	if !a.IsValid() {
		return nil
	}
	return a.WithZone("").String()
}

// addressOf reads what address wrote.
type addressOf netip.Addr

func (a *addressOf) Scan(src any) error {
	var spelled string
	if err := (word[string]{&spelled}).Scan(src); err != nil {
		return err
	}
	*a = addressOf{}
	if spelled == "" {
		return nil
	}
	parsed, err := netip.ParseAddr(spelled)
	*a = addressOf(parsed)
	return err
}
