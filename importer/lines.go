package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"gatehouse/model"
)

// Line is one line of a document without its end. Text is good until the next.
type Line struct {
	Number int // from 1
	Text   []byte
}

// Lines gives one line after the other. A line of more than most bytes comes
// with a refusal instead of its text, and the next follows; every other error is
// the last.
func Lines(from io.Reader, most int) iter.Seq2[Line, error] {
	return linesFrom(from, 1, most)
}

func linesFrom(from io.Reader, number, most int) iter.Seq2[Line, error] {
	tooLong := model.ErrBodyTooLarge.With("line", fmt.Sprintf("It is longer than %d bytes.", most))
	return func(yield func(Line, error) bool) {
		in := bufio.NewReaderSize(from, most+len("\n"))
		for ; ; number++ {
			text, err := in.ReadSlice('\n')
			long := errors.Is(err, bufio.ErrBufferFull)
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = in.ReadSlice('\n')
			}
			line := Line{Number: number, Text: bytes.TrimSuffix(text, []byte("\n"))}
			switch {
			case err != nil && !errors.Is(err, io.EOF):
				yield(Line{Number: number}, fmt.Errorf("line %d: %w", number, err))
				return
			case err != nil && len(text) == 0:
				return
			case long && !yield(Line{Number: number}, tooLong), !long && !yield(line, nil), err != nil:
				return
			}
		}
	}
}
