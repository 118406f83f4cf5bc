package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// spool keeps the entries of an import in a file without a name, which is gone
// with the process: it holds hashes.
type spool struct {
	file *os.File
	out  *bufio.Writer
}

// spooled is an entry in the spool.
type spooled struct {
	Line int         `json:"line"`
	User accountLine `json:"user"`
}

func newSpool(dir string) (*spool, error) {
	file, err := os.CreateTemp(dir, ".import-*") // 0600 by promise
	if err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("--data: %w", err), file.Close())
	}
	return &spool{file: file, out: bufio.NewWriter(file)}, nil
}

func (s *spool) Close() error { return s.file.Close() }

func (s *spool) add(e entry) error {
	text, err := json.Marshal(spooled{Line: e.line, User: lineOfImport(e.in)})
	if err == nil {
		_, err = s.out.Write(append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("--data: line %d: %w", e.line, err)
	}
	return nil
}

// entries gives back what was added, in that order. Nothing is added after it.
func (s *spool) entries() iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		err := s.out.Flush()
		if err == nil {
			_, err = s.file.Seek(0, io.SeekStart)
		}
		in := jsontext.NewDecoder(bufio.NewReader(s.file))
		for err == nil {
			var next spooled
			if err = json.UnmarshalDecode(in, &next); err == nil && !yield(entry{line: next.Line, in: next.User.toImport()}, nil) {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(entry{}, fmt.Errorf("--data: read back what was checked: %w", err))
		}
	}
}
