package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"
)

// newLogger writes one line for each event to w: JSON for machines, text for a
// person in front of a terminal. Both escape what strangers send, and both give
// the time in UTC.
func newLogger(w io.Writer, format string) *slog.Logger {
	return slog.New(newLogHandler(w, chooseLogFormat(w, format)))
}

// newServerLogger is newLogger for a server, whose lines may come by the
// thousand: they are gathered as lineWriter says. What is worth a warning is
// written at once, and all that came before it. Where the lines cannot be written,
// alarm is told. The caller flushes at the end.
func newServerLogger(w, alarm io.Writer, format string) (log *slog.Logger, flush func()) {
	format = chooseLogFormat(w, format)
	lines := &lineWriter{to: w, alarm: alarm, notice: func(lost int) []byte {
		var line bytes.Buffer
		slog.New(newLogHandler(&line, format)).Warn("log lines lost", "lines", lost)
		return line.Bytes()
	}}
	return slog.New(promptWarnings{newLogHandler(lines, format), lines}), lines.flush
}

func chooseLogFormat(w io.Writer, format string) string {
	if format == "" && isTerminal(w) {
		return "text"
	}
	return format
}

func newLogHandler(w io.Writer, format string) slog.Handler {
	if format == "text" {
		return inUTC{slog.NewTextHandler(w, nil)}
	}
	return inUTC{slog.NewJSONHandler(escapedLines{w}, nil)}
}

// escapedLines writes lines of JSON in which nothing stands raw that a terminal
// obeys or that nobody sees. Package slog leaves some of it, such as U+202E.
type escapedLines struct{ to io.Writer }

func (w escapedLines) Write(line []byte) (int, error) {
	if _, err := w.to.Write(escapeJSON(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// inUTC gives every line its time in UTC. The hook of package slog for that
// would be asked about each member of each line.
type inUTC struct{ slog.Handler }

func (h inUTC) Handle(ctx context.Context, line slog.Record) error {
	line.Time = line.Time.UTC()
	return h.Handler.Handle(ctx, line)
}

func (h inUTC) WithAttrs(attrs []slog.Attr) slog.Handler { return inUTC{h.Handler.WithAttrs(attrs)} }
func (h inUTC) WithGroup(name string) slog.Handler       { return inUTC{h.Handler.WithGroup(name)} }

// promptWarnings keeps no line back that somebody may have to act on.
type promptWarnings struct {
	slog.Handler
	lines *lineWriter
}

func (h promptWarnings) Handle(ctx context.Context, line slog.Record) error {
	err := h.Handler.Handle(ctx, line)
	if line.Level >= slog.LevelWarn {
		h.lines.flush()
	}
	return err
}

func (h promptWarnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return promptWarnings{h.Handler.WithAttrs(attrs), h.lines}
}

func (h promptWarnings) WithGroup(name string) slog.Handler {
	return promptWarnings{h.Handler.WithGroup(name), h.lines}
}

// isTerminal reports whether a person sits at the other end of a stream.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
