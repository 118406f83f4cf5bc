package importer

import (
	"bufio"
	"errors"
	"io"
)

// meter reads a document, lets a decoder read as far as one user may go, and
// knows on which line an offset lies.
type meter struct {
	from *bufio.Reader

	read, limit int64
	newlines    []int64 // offsets that were read and not yet passed by lineAt
	line        int
}

var errOverLimit = errors.New("importer: one user reaches beyond the limit")

func newMeter(from io.Reader) *meter {
	return &meter{from: bufio.NewReaderSize(from, 64<<10), line: 1}
}

// passMark passes by the byte order mark that some editors write.
func (m *meter) passMark() {
	if mark, _ := m.from.Peek(3); string(mark) == "\ufeff" {
		_, _ = m.from.Discard(len(mark))
	}
}

// firstByte returns the first byte that is no white space, without taking it, or
// 0 at the end.
func (m *meter) firstByte() byte {
	for {
		next, err := m.from.Peek(1)
		switch {
		case err != nil:
			return 0
		case next[0] == '\n':
			m.line++
		case next[0] != ' ' && next[0] != '\t' && next[0] != '\r':
			return next[0]
		}
		_, _ = m.from.Discard(1)
	}
}

// allow sets how far can be read: one user beyond the offset.
func (m *meter) allow(offset int64) { m.limit = offset + MaxUserBytes }

// Read refuses to go beyond the limit with errOverLimit.
func (m *meter) Read(p []byte) (int, error) {
	if m.read >= m.limit {
		return 0, errOverLimit
	}
	n, err := m.from.Read(p[:min(int64(len(p)), m.limit-m.read)])
	for i, octet := range p[:n] {
		if octet == '\n' {
			m.newlines = append(m.newlines, m.read+int64(i))
		}
	}
	m.read += int64(n)
	return n, err
}

// lineAt returns the line of an offset. Offsets must not go back.
func (m *meter) lineAt(offset int64) int {
	passed := 0
	for passed < len(m.newlines) && m.newlines[passed] < offset {
		passed++
	}
	m.line += passed
	m.newlines = append(m.newlines[:0], m.newlines[passed:]...)
	return m.line
}
