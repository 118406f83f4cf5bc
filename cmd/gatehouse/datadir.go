package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Modes of everything that is made on disk.
const (
	dirMode  = 0o700
	fileMode = 0o600
)

// makeDataDir makes the data directory, for its owner alone. One that exists
// and is open to others is closed to them, unless it holds files of somebody
// else: then it is refused, since /tmp or a home must not change its mode.
func makeDataDir(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	if err := os.Mkdir(dir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("--data: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("--data: %s is not a directory", dir)
	}
	if info.Mode().Perm() == dirMode {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	ours := slices.ContainsFunc(entries, func(entry fs.DirEntry) bool { return entry.Name() == "gatehouse.db" || entry.Name() == "master.key" })
	if len(entries) > 0 && !ours {
		return fmt.Errorf("--data: %s is open to others and holds other files; give Gatehouse a directory of its own", dir)
	}
	if err := os.Chmod(dir, dirMode); err != nil {
		return fmt.Errorf("--data: %s is open to others and cannot be closed: %w", dir, err)
	}
	return nil
}

// needDataDir refuses a directory that is not there, for commands that only
// look: a mistyped path must not become an empty installation.
func needDataDir(cfg config) error {
	what, path := "database", cfg.database.file
	if path == "" {
		what, path = "master key", masterKeyPath(cfg)
	}
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--data: there is no %s %s; make one with: gatehouse serve", what, path)
	}
	return err
}

// lockDataDir keeps a second server away from the directory until release is
// called or the process ends. The lock is the kernel's, so a crash leaves none.
func lockDataDir(dir string) (release func(), err error) {
	release, err = lockFile(filepath.Join(dir, "gatehouse.lock"))
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("--data: another gatehouse serve already runs on %s", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	return release, nil
}

// lockFile makes the file where there is none and holds it. One that somebody
// else holds is syscall.EWOULDBLOCK.
func lockFile(path string) (release func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, fileMode)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { _ = file.Close() }, nil
}

// urlFile holds the address of the last server, so that a command beside it
// makes links to the right place without being told.
const urlFile = "public.url"

func rememberURL(dir, address string) error {
	if err := writeFile(filepath.Join(dir, urlFile), []byte(address+"\n")); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	return nil
}

// servedURL returns what rememberURL wrote, or nothing.
func servedURL(dir string) string {
	content, err := readSecretFile(filepath.Join(dir, urlFile))
	if err != nil {
		return ""
	}
	return oneLine(content)
}

// writeFile puts a file in place in one step: whoever looks sees the old
// content or the new, never a part, also after a crash.
func writeFile(path string, content []byte) error {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // 0600 by promise
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// removeLeftOver removes what a killed writeFile of this path left beside it. The
// caller holds the lock of those who write it.
func removeLeftOver(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		number, found := strings.CutPrefix(entry.Name(), "."+filepath.Base(path)+"-")
		if _, err := strconv.ParseUint(number, 10, 64); !found || err != nil {
			continue
		}
		if err := os.Remove(filepath.Join(filepath.Dir(path), entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(dir string) error {
	handle, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer handle.Close()
	return handle.Sync()
}

// readSecretFile reads a file that only its owner may read. The error names
// the path and how to mend it, and never holds what was read.
func readSecretFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s can be read by others; close it with: chmod 600 %s", path, path)
	case info.Size() > maxSecretBytes:
		return nil, fmt.Errorf("%s is too large to be a secret", path)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("%s belongs to another account; run this as that account, or change the owner with chown", path)
	}
	content := make([]byte, info.Size())
	n, err := file.ReadAt(content, 0)
	if n < len(content) {
		return nil, err
	}
	return content, nil
}

// maxSecretBytes bounds what is read as a secret: a private key in PEM is the
// largest.
const maxSecretBytes = 64 << 10
