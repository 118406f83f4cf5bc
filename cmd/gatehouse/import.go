package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gatehouse"
	"gatehouse/model"
)

// maxLineBytes bounds one line of an import, without its end. A user with a
// thousand roles fits.
const maxLineBytes = 64 << 10

// importCommand reads users as exportCommand writes them.
type importCommand struct {
	File   string `arg:"" help:"File with one user a line, as export writes it, or - for standard input."`
	DryRun bool   `help:"Check every line and write nothing."`
}

func (c importCommand) Run(ctx context.Context, p *program, cfg config) (err error) {
	from := p.stdin
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer file.Close()
		from = file
	}
	open, err := c.open(ctx, p, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	take := open.auth.ImportAccount
	if c.DryRun {
		take = open.auth.RehearseImport().ImportAccount
	}
	count := tally{}
	err = p.importLines(ctx, from, take, &count)
	if c.DryRun {
		fmt.Fprint(p.stderr, "dry run, nothing was written: ")
	}
	fmt.Fprintf(p.stderr, "imported %d, refused %d, already there %d\n", count.imported, count.refused, count.alreadyThere)
	if err == nil && count.refused > 0 {
		err = errSaid
	}
	return err
}

// open makes what is missing, but for a dry run.
func (c importCommand) open(ctx context.Context, p *program, cfg config) (*installation, error) {
	if c.DryRun {
		return openExisting(ctx, cfg, p.quietLog())
	}
	return openInstallation(ctx, cfg, cfg.knownURL(), p.quietLog())
}

// tally counts what became of the lines of an import.
type tally struct{ imported, refused, alreadyThere int }

// importLines hands each line to take and goes on after a refusal, which it
// says with the number of the line. Trouble ends it. Nothing that stands in a
// line is repeated: it may be a hash.
func (p *program) importLines(ctx context.Context, from io.Reader, take func(context.Context, gatehouse.Import) (bool, error), count *tally) error {
	lines := readLines(ctx, from)
	for number := 1; ; number++ {
		var next line
		select {
		case <-ctx.Done():
			return errors.New("interrupted; what was imported stays, and the same import can be run again")
		case next = <-lines:
		}
		if errors.Is(next.err, io.EOF) {
			return nil
		}
		added, err := false, next.err
		if err == nil {
			var in gatehouse.Import
			if in, err = parseAccountLine(next.text); err == nil {
				added, err = take(ctx, in)
			}
		}
		var refusal *model.Error
		switch {
		case errors.As(err, &refusal):
			count.refused++
			fmt.Fprintf(p.stderr, "gatehouse: line %d: %s\n", number, reasons(refusal))
		case err != nil:
			return fmt.Errorf("line %d: %w; what was imported stays, and the same import can be run again", number, err)
		case added:
			count.imported++
		default:
			count.alreadyThere++
		}
	}
}

// reasons says all that is wrong with a line.
func reasons(refusal *model.Error) string {
	if len(refusal.Fields) == 0 {
		return refusal.Title + "."
	}
	var said []string
	for _, field := range refusal.Fields {
		said = append(said, field.Field+": "+field.Detail)
	}
	return strings.Join(said, " ")
}

// line is one line without its end, or why there is none: a refusal, io.EOF
// after the last, or trouble.
type line struct {
	text []byte
	err  error
}

var errLineTooLong = model.ErrBodyTooLarge.With("line", fmt.Sprintf("It is longer than %d bytes.", maxLineBytes))

// readLines reads in a goroutine of its own, because a read from a terminal or
// a pipe cannot be interrupted. The last it sends is io.EOF or trouble.
func readLines(ctx context.Context, from io.Reader) <-chan line {
	lines := make(chan line)
	go func() {
		in := bufio.NewReaderSize(from, maxLineBytes+len("\n"))
		for {
			next := readLine(in)
			select {
			case <-ctx.Done():
				return
			case lines <- next:
			}
			if next.err != nil && !errors.Is(next.err, errLineTooLong) {
				return
			}
		}
	}()
	return lines
}

// readLine reads one line, and passes by the rest of one that is too long.
func readLine(in *bufio.Reader) line {
	text, err := in.ReadSlice('\n')
	switch {
	case err == nil, errors.Is(err, io.EOF) && len(text) > 0:
		return line{text: bytes.Clone(bytes.TrimSuffix(text, []byte("\n")))}
	case !errors.Is(err, bufio.ErrBufferFull):
		return line{err: err}
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = in.ReadSlice('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return line{err: err}
	}
	return line{err: errLineTooLong}
}

// parseAccountLine reads one JSON object with exactly the members of
// accountLine. The decoder holds to RFC 7493, as that of the API does. A member
// must not be missing, so that a disabled user does not come back enabled from
// a file that lost it on the way. Refusal: ErrBadRequest with every member that
// is wrong.
func parseAccountLine(text []byte) (gatehouse.Import, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return gatehouse.Import{}, notAnObject(err)
	}
	var l accountLine
	var wrong []error
	for _, member := range l.members() {
		value, given := members[member.name]
		delete(members, member.name)
		if !given {
			wrong = append(wrong, model.ErrBadRequest.With(member.name, "It is missing; write null for none."))
		} else if json.Unmarshal(value, member.into) != nil || isNever(member.into) {
			wrong = append(wrong, model.ErrBadRequest.With(member.name, member.hint))
		}
	}
	if len(members) > 0 {
		wrong = append(wrong, model.ErrBadRequest.With("line", "It has a member that is not one of those of an export."))
	}
	return l.toImport(), model.Together(wrong...)
}

// isNever reports the zero time, which would be taken for none: a user who was
// disabled then would be let in.
func isNever(value any) bool {
	at, ok := value.(**time.Time)
	return ok && *at != nil && (*at).IsZero()
}

func notAnObject(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return model.ErrBadRequest.With("line", "A member stands in it twice.")
	}
	return model.ErrBadRequest.With("line", "It is not one JSON object in UTF-8.")
}

// lineMember is where the value of a member goes, and what it has to be.
type lineMember struct {
	name string
	into any
	hint string
}

func (l *accountLine) members() []lineMember {
	const text, moment = "It must be text, or null.", "It must be a time from 1970 on, as in 2026-03-01T12:00:00Z"
	return []lineMember{
		{"id", &l.ID, "It must be text."},
		{"username", &l.Username, text},
		{"email", &l.Email, text},
		{"email_verified_at", &l.EmailVerifiedAt, moment + ", or null."},
		{"roles", &l.Roles, "It must be a list of texts."},
		{"disabled_at", &l.DisabledAt, moment + ", or null."},
		{"created_at", &l.CreatedAt, moment + "."},
		{"updated_at", &l.UpdatedAt, moment + "."},
		{"password_hash", &l.PasswordHash, text},
	}
}

func (l *accountLine) toImport() gatehouse.Import {
	return gatehouse.Import{
		ID: l.ID, Username: orZero(l.Username), Email: orZero(l.Email),
		EmailVerifiedAt: orZero(l.EmailVerifiedAt), Roles: l.Roles, DisabledAt: orZero(l.DisabledAt),
		CreatedAt: orZero(l.CreatedAt), UpdatedAt: orZero(l.UpdatedAt),
		PasswordHash: model.PasswordHash(orZero(l.PasswordHash)),
	}
}

func orZero[Value any](v *Value) (value Value) {
	if v != nil {
		value = *v
	}
	return value
}
