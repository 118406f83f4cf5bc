package importer

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"gatehouse/model"
)

// row is one user of a table, by the names of the columns.
type row map[string]string

// columns says which columns a table must and may have.
type columns struct {
	needed, known []string
	more          bool // columns that are not known are passed by
}

// csvColumns are those of a table that somebody made for us. A name that is
// misspelt must not lose a column without a word.
func csvColumns() columns {
	return columns{known: []string{
		"id", "username", "email", "email_verified", "roles", "disabled", "password_hash", "created_at", "updated_at",
	}}
}

// check looks at the first line of a table.
func (c columns) check(header []string) error {
	for i, name := range header {
		switch {
		case slices.Contains(header[:i], name):
			return errors.New("a column stands in the header twice")
		case !c.more && !slices.Contains(c.known, name):
			return fmt.Errorf("the first line must name the columns; they can be %s", strings.Join(c.known, ", "))
		}
	}
	for _, name := range c.needed {
		if !slices.Contains(header, name) {
			return fmt.Errorf("the first line must name the columns, and %s is missing", name)
		}
	}
	if !slices.Contains(header, "username") && !slices.Contains(header, "email") {
		return errors.New("the first line must name a column username or email")
	}
	return nil
}

// table reads CSV (RFC 4180) whose first line names the columns.
func table(in *meter, has columns, parse func(row) (User, error)) iter.Seq2[User, error] {
	var header []string
	return rows(in, func(fields []string) (User, error) {
		if header == nil {
			header = fields
			if err := has.check(header); err != nil {
				return User{}, err
			}
			return User{}, errNoUser
		}
		if len(fields) != len(header) {
			return User{}, wrong("user", "It has more columns or fewer than the first line.")
		}
		named := row{}
		for i, field := range fields {
			named[header[i]] = field
		}
		return parse(named)
	})
}

// errQuotation ends the reading of CSV: nobody knows where a row ends then.
var errQuotation = errors.New("a quotation mark is missing, or stands where none belongs")

// rows gives the users of CSV.
func rows(in *meter, parse func(fields []string) (User, error)) iter.Seq2[User, error] {
	return func(yield func(User, error) bool) {
		before := in.line // lines that were passed by before the first row
		from := csv.NewReader(in)
		from.FieldsPerRecord = -1
		for {
			in.allow(from.InputOffset())
			fields, err := from.Read()
			in.lineAt(in.read) // the reader counts lines itself
			var damage *csv.ParseError
			switch {
			case errors.Is(err, io.EOF):
				return
			case errors.As(err, &damage):
				line := before - 1 + damage.StartLine
				yield(User{Line: line}, fmt.Errorf("line %d: %w", line, errQuotation))
				return
			case err != nil:
				yield(User{}, inWords(err))
				return
			}
			line, _ := from.FieldPos(0)
			line += before - 1
			user, err := parse(fields)
			var refusal *model.Error
			if err != nil && !errors.Is(err, errNoUser) && !errors.As(err, &refusal) {
				yield(User{Line: line}, fmt.Errorf("line %d: %w", line, err))
				return
			}
			if !give(yield, line, user, err) {
				return
			}
		}
	}
}

// parseCSV reads a row of a table that somebody made for us. What is written
// there is meant, so a role that is none is refused with the user.
func parseCSV(row row) (User, error) {
	var times moments
	verified, verifiedErr := truthOf("email_verified", row["email_verified"])
	disabled, disabledErr := truthOf("disabled", row["disabled"])
	user := User{
		ID: idOf(CSV, row["id"]), EmailVerified: verified, Disabled: disabled, Roles: strings.Fields(row["roles"]),
		CreatedAt: times.text("created_at", row["created_at"]), UpdatedAt: times.text("updated_at", row["updated_at"]),
		PasswordHash: model.PasswordHash(row["password_hash"]),
	}
	if row["id"] == "" { // the names are all that is known of the person
		user.ID = idOf(CSV, "", strings.ToLower(row["username"]), strings.ToLower(row["email"]))
	}
	user.name(row["username"], row["email"])
	return user, model.Together(times.err(), verifiedErr, disabledErr)
}
