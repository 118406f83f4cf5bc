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

// masterKey reads the master key. SQLite keeps one beside its file, which the
// rules ask it for when this is the zero key; for PostgreSQL the first process
// makes one in its data directory, and the others are given a copy.
func masterKey(ctx context.Context, store model.Store, cfg config) (model.MasterKey, error) {
	path := masterKeyPath(cfg)
	switch {
	case cfg.masterKeyFile == "" && cfg.database.file != "":
		return model.MasterKey{}, nil
	case cfg.masterKeyFile != "" || exists(path):
		return readMasterKey(path)
	}
	sealed, err := store.SigningKeys(ctx)
	if err != nil {
		return model.MasterKey{}, fmt.Errorf("--database: %w", err)
	}
	if len(sealed) > 0 {
		return model.MasterKey{}, fmt.Errorf("--master-key-file: there is no %s, and the database holds keys that were sealed "+
			"with a master key; copy the file from the process that made it", path)
	}
	var key model.MasterKey
	_, _ = rand.Read(key[:]) // crypto/rand.Read never fails; it ends the program instead
	if err := writeFile(path, []byte(key.Encode()+"\n")); err != nil {
		return model.MasterKey{}, fmt.Errorf("--master-key-file: %w", err)
	}
	return key, nil
}

func readMasterKey(path string) (model.MasterKey, error) {
	content, err := readSecretFile(path)
	if err != nil {
		return model.MasterKey{}, fmt.Errorf("--master-key-file: %w", err)
	}
	key, err := model.ParseMasterKey(oneLine(content))
	if err != nil {
		return model.MasterKey{}, fmt.Errorf("--master-key-file: %s: %w", path, err)
	}
	return key, nil
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
