package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gatehouse/model"
)

const (
	// maxRefusalLines is how many refused lines are named one by one.
	maxRefusalLines = 100
	// maxNoteLines is how many lines stand with one remark.
	maxNoteLines = 10
)

// tally counts what became of the users of an import.
type tally struct{ imported, refused, alreadyThere int }

// importReport tells the person at the keyboard what became of the users, by
// their lines. Nothing that stands in a line is repeated: it may be a hash.
type importReport struct {
	tally
	out   io.Writer
	notes []*note
}

// note is a remark about users that were not refused.
type note struct {
	text  string
	count int
	lines []string // the first of them
}

func newImportReport(out io.Writer) *importReport { return &importReport{out: out} }

// add counts an outcome and names what was refused. What is no refusal comes
// back, with its line.
func (r *importReport) add(line int, added bool, err error) error {
	var refusal *model.Error
	switch {
	case errors.As(err, &refusal):
		if r.refused++; r.refused <= maxRefusalLines {
			fmt.Fprintf(r.out, "gatehouse: line %d: %s\n", line, reasons(refusal))
		}
	case err != nil:
		return err
	case added:
		r.imported++
	default:
		r.alreadyThere++
	}
	return nil
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

// remark notes what a user will not have here, or should not keep.
func (r *importReport) remark(e entry) {
	for _, what := range e.left {
		r.note("left behind: "+what, e.line)
	}
	if e.foreign && e.in.PasswordHash == "" {
		r.note("no password, hand over a reset-link", e.line)
	}
	if e.in.Weak() && !e.in.Wrap {
		r.note("weak hash until the first login, --wrap makes it strong at once", e.line)
	}
}

func (r *importReport) note(text string, line int) {
	for _, known := range r.notes {
		if known.text == text {
			known.add(line)
			return
		}
	}
	r.notes = append(r.notes, &note{text: text})
	r.notes[len(r.notes)-1].add(line)
}

func (n *note) add(line int) {
	if n.count++; n.count <= maxNoteLines {
		n.lines = append(n.lines, strconv.Itoa(line))
	}
}

// nothingImported says why users that are good are not here.
func (r *importReport) nothingImported() {
	fmt.Fprintln(r.out, "gatehouse: nothing was imported; mend the lines, or import the others with --skip-refused")
}

// end writes the remarks and the numbers.
func (r *importReport) end(beginning string) {
	if more := r.refused - maxRefusalLines; more > 0 {
		fmt.Fprintf(r.out, "gatehouse: and %d more\n", more)
	}
	for _, n := range r.notes {
		lines := "line "
		if n.count > 1 {
			lines = "lines "
		}
		lines += strings.Join(n.lines, ", ")
		if n.count > len(n.lines) {
			lines += " and so on"
		}
		fmt.Fprintf(r.out, "gatehouse: %s: %d, %s\n", n.text, n.count, lines)
	}
	fmt.Fprintf(r.out, "%simported %d, refused %d, already there %d\n", beginning, r.imported, r.refused, r.alreadyThere)
}
