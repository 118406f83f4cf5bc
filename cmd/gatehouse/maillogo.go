package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"gatehouse"
)

// mailStyle returns how mails look, with the logo from its file.
func mailStyle(cfg config) (gatehouse.MailStyle, error) {
	style := cfg.mail.style
	if cfg.mail.logoFile == "" {
		return style, nil
	}
	content, err := readPicture(cfg.mail.logoFile)
	if err != nil {
		return style, fmt.Errorf("--mail-logo: %w", err)
	}
	style.Logo = content
	if err := style.Check(); err != nil { // of the logo: the rest was checked before
		return style, fmt.Errorf("--mail-logo: %s: %w", cfg.mail.logoFile, errors.Unwrap(err))
	}
	return style, nil
}

// readPicture reads no more of a file than it takes to see that it is too large for
// a logo. The error names the file.
func readPicture(path string) ([]byte, error) {
	info, err := os.Stat(path) // before it is opened: a pipe would wait for a writer
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if info.Size() == 0 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, gatehouse.MaxLogoBytes+1))
}
