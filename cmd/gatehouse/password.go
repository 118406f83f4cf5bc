package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"gatehouse/model"
)

// newPassword asks for a password twice on a terminal, without showing it, and
// otherwise reads one line.
func (p *program) newPassword(ctx context.Context) (model.Password, error) {
	if !isTerminal(p.stdin) {
		return readPasswordLine(p.stdin)
	}
	first, err := p.askPassword(ctx, "Password: ")
	if err != nil {
		return "", err
	}
	second, err := p.askPassword(ctx, "Once more: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords differ; nothing was changed")
	}
	return first, nil
}

// askPassword shows a prompt and hides what is typed. An interrupt gives the
// terminal back as it was.
func (p *program) askPassword(ctx context.Context, prompt string) (model.Password, error) {
	file, ok := p.stdin.(*os.File)
	if !ok {
		return "", errors.New("standard input is no terminal")
	}
	terminal := int(file.Fd())
	before, err := term.GetState(terminal)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	fmt.Fprint(p.stderr, prompt)
	type answer struct {
		typed []byte
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		typed, err := term.ReadPassword(terminal)
		answered <- answer{typed, err}
	}()
	select {
	case <-ctx.Done():
		err = errors.Join(errors.New("interrupted; nothing was changed"), term.Restore(terminal, before))
		fmt.Fprintln(p.stderr)
		return "", err
	case got := <-answered:
		fmt.Fprintln(p.stderr)
		if got.err != nil {
			return "", fmt.Errorf("read the password: %w", got.err)
		}
		return model.Password(got.typed), nil
	}
}

// readPasswordLine reads one line and takes its end away, nothing else: spaces
// are part of a password.
func readPasswordLine(from io.Reader) (model.Password, error) {
	const limit = 2 * model.MaxPasswordBytes * 4
	line, err := bufio.NewReader(io.LimitReader(from, limit)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	if line == "" {
		return "", errors.New("no password on standard input")
	}
	return model.Password(line), nil
}
