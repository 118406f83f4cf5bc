package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gatehouse/model"
)

// masterKeys reads the master keys. SQLite keeps them beside its file, where the
// rules ask it for them when there is none here; for PostgreSQL the first process makes one in its data directory, and the others are
// given a copy.
func masterKeys(ctx context.Context, store model.Store, cfg config) (keys model.MasterKeys, err error) {
	path := masterKeyPath(cfg)
	switch {
	case cfg.masterKeyFile == "" && cfg.database.file != "":
		return keys, nil
	case cfg.masterKeyFile != "" || exists(path):
		return readMasterKeys(path)
	}
	sealed, err := store.SigningKeys(ctx)
	if err != nil {
		return keys, fmt.Errorf("--database: %w", err)
	}
	if len(sealed) > 0 {
		return keys, fmt.Errorf("--master-key-file: there is no %s, and the database holds keys that were sealed "+
			"with a master key; copy the file from the process that made it", path)
	}
	keys.Current = model.NewMasterKey()
	return keys, writeMasterKeys(path, keys)
}

func readMasterKeys(path string) (keys model.MasterKeys, err error) {
	content, err := readSecretFile(path)
	if err != nil {
		return keys, fmt.Errorf("--master-key-file: %w", err)
	}
	keys, err = model.ParseMasterKeys(string(content))
	if err != nil {
		return keys, fmt.Errorf("--master-key-file: %s: %w", path, err)
	}
	return keys, nil
}

// writeMasterKeys replaces the file in one step. A link stays a link.
func writeMasterKeys(path string, keys model.MasterKeys) error {
	if err := writeFile(behindLinks(path), []byte(keys.Encode())); err != nil {
		return fmt.Errorf("--master-key-file: %w", err)
	}
	return nil
}

// behindLinks returns the file that a path leads to, so that two commands that
// name it differently mean one file. Where there is none, it is the path.
func behindLinks(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}

// introspectionSecret reads the secret that opens POST /v1/token/introspect,
// and makes introspection.secret where the setting names no other file.
func introspectionSecret(cfg config) (string, error) {
	path := cfg.introspectionSecretFile
	if path != "" {
		return readIntrospectionSecret(path)
	}
	path = filepath.Join(cfg.dataDir, "introspection.secret")
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return readIntrospectionSecret(path)
	}
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // crypto/rand.Read never fails; it ends the program instead
	text := base64.RawURLEncoding.EncodeToString(raw[:])
	if err := writeFile(path, []byte(text+"\n")); err != nil {
		return "", fmt.Errorf("--introspection-secret-file: %w", err)
	}
	return text, nil
}

func readIntrospectionSecret(path string) (string, error) {
	content, err := readSecretFile(path)
	if err != nil {
		return "", fmt.Errorf("--introspection-secret-file: %w", err)
	}
	text := oneLine(content)
	// The form of a master key, and the same refusal of what no random
	// generator makes; its sentence speaks of another secret.
	if _, err := model.ParseMasterKey(text); err != nil {
		return "", fmt.Errorf("--introspection-secret-file: %s must hold 32 random bytes in unpadded base64url, "+
			"43 characters; remove it and gatehouse serve makes one", path)
	}
	return text, nil
}

// oneLine takes away the one line end that editors and echo leave.
func oneLine(content []byte) string {
	return strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
}
