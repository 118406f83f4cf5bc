package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"gatehouse/model"
)

// keepMasterKeys takes other master keys into use when their file changes. What
// cannot be used leaves those before in use; it is reported once for each state
// of the file.
func (s *server) keepMasterKeys(ctx context.Context) {
	path, seen := masterKeyPath(s.cfg), ""
	every(ctx, s.masterKeyPoll, s.log, func(ctx context.Context) {
		state := fileState(path)
		if state == seen {
			return
		}
		before := s.auth.MasterKeyIDs()
		keys, err := readMasterKeys(path)
		if err == nil {
			err = s.auth.UseMasterKeys(ctx, keys)
		}
		if ctx.Err() != nil || errors.Is(err, model.ErrStoreUnavailable) {
			return // looked at again
		}
		seen = state
		if err != nil {
			s.log.Error("new master keys not taken; those before stay in use", "error", err)
		} else if after := s.auth.MasterKeyIDs(); !slices.Equal(before, after) {
			s.log.Info("master keys replaced", slog.String("current", after[0]), slog.Int("former", len(after)-1))
		}
	})
}

// fileState differs when the file was written or replaced.
func fileState(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(info.Size(), info.ModTime().UnixNano(), info.Mode())
}
