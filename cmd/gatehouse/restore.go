package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"gatehouse"
)

// restoreCommand makes sure that a backup that was put back revives nothing.
type restoreCommand struct {
	Yes bool `help:"Do it."`
}

// whatRestoringDoes is what the operator should know before and after.
const whatRestoringDoes = "No session, token, code or mail of before is good any more; everybody logs in again. Users and passwords stay as they\n" +
	"are in the backup: delete, disable and reset again who was since.\n"

func (c restoreCommand) Run(ctx context.Context, p *program, cfg config) error {
	return p.withAuth(ctx, cfg, func(auth *gatehouse.Auth) error {
		if !c.Yes {
			fmt.Fprintf(p.stdout, "This would end every session, void all codes and mails, and put a new signing key in the place of all others.\n"+whatRestoringDoes)
			return p.wantsYes()
		}
		behind := auth.ClockBehind()
		auth.TrustClock()
		ended, err := auth.EndEverything(ctx)
		if err != nil {
			return err
		}
		if err := rememberStore(ctx, auth, cfg.dataDir); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "Ended %s, voided %s and %s, and replaced the signing keys.\n"+whatRestoringDoes,
			count(ended.Sessions, "session"), count(ended.Codes, "code"), count(ended.Mails, "mail"))
		if behind > 0 {
			fmt.Fprintf(p.stdout, "The clock counts again, %s behind what was recorded. Restart a server that runs.\n", behind.Round(time.Second))
		}
		return nil
	})
}

// memoryFile is what the data directory remembers of the store, so that a backup
// that is put back is noticed.
const memoryFile = "store.memory"

// recallStore holds the store against what the directory remembers of it. Where
// there is nothing it has nothing to say.
func recallStore(ctx context.Context, auth *gatehouse.Auth, dir string) error {
	memory, err := readMemory(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return auth.Recall(ctx, memory)
}

// readMemory returns what the directory remembers. What is no base64 does not open,
// which Recall has an answer for.
func readMemory(dir string) ([]byte, error) {
	content, err := readSecretFile(filepath.Join(dir, memoryFile))
	if err != nil {
		return nil, err
	}
	memory, _ := base64.StdEncoding.DecodeString(oneLine(content))
	return memory, nil
}

// rememberedHead is the end of the audit chain that the directory remembers; zero
// where there is none.
func rememberedHead(auth *gatehouse.Auth, dir string) (gatehouse.EventHead, error) {
	memory, err := readMemory(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return gatehouse.EventHead{}, err
	}
	return auth.RememberedHead(memory), nil
}

func rememberStore(ctx context.Context, auth *gatehouse.Auth, dir string) error {
	memory, err := auth.Remember(ctx)
	if err != nil {
		return err
	}
	text := base64.StdEncoding.EncodeToString(memory) + "\n"
	if err := writeFile(filepath.Join(dir, memoryFile), []byte(text)); err != nil {
		return fmt.Errorf("remember the store: %w", err)
	}
	return nil
}

// guardStore ends everything when the store was put back to an older state than
// the directory remembers, and remembers the one it has now.
func (s *server) guardStore(ctx context.Context) error {
	if err := s.keepToHead(ctx); err != nil {
		return err
	}
	err := recallStore(ctx, s.auth, s.cfg.dataDir)
	if errors.Is(err, gatehouse.ErrPutBack) {
		s.log.Error("the store was put back to an older state; everything that was in force is ended", "error", err)
		ended, err := s.auth.EndEverything(ctx)
		if err != nil {
			return err
		}
		s.log.Info("everything ended", "sessions", ended.Sessions, "codes", ended.Codes, "mails", ended.Mails)
	} else if err != nil {
		return err
	}
	return rememberStore(ctx, s.auth, s.cfg.dataDir)
}

// keepToHead notices that the audit chain was made anew.
func (s *server) keepToHead(ctx context.Context) error {
	head, err := rememberedHead(s.auth, s.cfg.dataDir)
	if err != nil {
		return err
	}
	return s.auth.KeepToHead(ctx, head)
}

// keepMemory guards the store while the server runs.
func (s *server) keepMemory(ctx context.Context) {
	every(ctx, sweepPeriod, s.log, func(ctx context.Context) {
		if err := s.guardStore(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("memory of the store", "error", err)
		}
	})
}

// lastMemory is how long the last look at the store may take.
const lastMemory = 5 * time.Second

// leaveMemory remembers what was done up to the end.
func (s *server) leaveMemory(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastMemory)
	defer cancel()
	if err := s.guardStore(ctx); err != nil {
		s.log.Error("memory of the store", "error", err)
	}
}

// lookAtMemory says whether the store is older than the directory remembers, and
// the clock behind it.
func lookAtMemory(recalled error, behind time.Duration) []finding {
	var found []finding
	switch {
	case errors.Is(recalled, gatehouse.ErrPutBack):
		found = append(found, warn("store", "%v; gatehouse serve ends every session at its start, and gatehouse restore does so now", gatehouse.ErrPutBack))
	case recalled != nil:
		found = append(found, fail("store", "%v", recalled))
	}
	if behind > 0 {
		found = append(found, fail("clock", "it is %s behind what was recorded, and the later time counts; set it, and let NTP keep it. "+
			"If it is right now, it was wrong before: gatehouse restore", behind.Round(time.Second)))
	}
	return found
}
