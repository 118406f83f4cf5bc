package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// keysResealCommand changes the master key. Killed at any point and run again, it
// goes on where it was: the new key is in the file, on the disk, before anything is
// sealed under it, and the former ones stay there.
type keysResealCommand struct {
	Yes bool `help:"Do it."`
}

func (c keysResealCommand) Run(ctx context.Context, p *program, cfg config) error {
	path := masterKeyPath(cfg)
	return p.withAuth(ctx, cfg, func(auth *gatehouse.Auth) error {
		if !c.Yes {
			return p.wouldReseal(ctx, auth, cfg)
		}
		release, err := lockFile(behindLinks(path) + ".lock")
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("another gatehouse keys reseal is at work on %s", path)
		}
		if err != nil {
			return fmt.Errorf("--master-key-file: %w", err)
		}
		defer release()
		keys, err := readMasterKeys(path) // as they are now that nobody else changes them
		if err == nil {
			err = auth.UseMasterKeys(ctx, keys)
		}
		if err != nil {
			return err
		}
		if err := removeLeftOver(behindLinks(path)); err != nil {
			return fmt.Errorf("--master-key-file: %w", err)
		}
		left, err := underFormerKeys(ctx, auth)
		if err != nil {
			return err
		}
		if left == 0 {
			if err := p.putMasterKey(ctx, auth, cfg, keys); err != nil {
				return err
			}
		}
		resealed, err := auth.ResealKeys(ctx)
		if err != nil {
			return err
		}
		p.sayResealed(resealed, path, auth.MasterKeyIDs()[0])
		return nil
	})
}

// wouldReseal says what --yes would do.
func (p *program) wouldReseal(ctx context.Context, auth *gatehouse.Auth, cfg config) error {
	left, err := underFormerKeys(ctx, auth)
	if err != nil {
		return err
	}
	switch {
	case left > 0:
		fmt.Fprintf(p.stdout, "This would finish a change of the master key: %s would be sealed anew under master key %s.\n",
			count(left, "signing key"), auth.MasterKeyIDs()[0])
	case cfg.database.file == "":
		return errManyProcesses(masterKeyPath(cfg))
	default:
		fmt.Fprintf(p.stdout, "This would put a new master key on top of %s and seal the signing keys anew under it.\n"+
			"No token is refused for it, and a server that runs goes on.\n", masterKeyPath(cfg))
	}
	return p.wantsYes()
}

// errManyProcesses says why no key is made where other processes may have a copy
// of the file: they would refuse the refresh tokens made under it.
func errManyProcesses(path string) error {
	return fmt.Errorf("every process on the PostgreSQL database needs the new master key before one uses it; "+
		"put it into the second line of %s on each of them, then into the first, then run this again (docs/guides/many-processes.md)", path)
}

// putMasterKey makes a key, puts it on top of the file and waits twice as long as a
// server beside this command takes to look at it. One that is late all the same
// holds its signing keys opened and takes the file when it looks next.
func (p *program) putMasterKey(ctx context.Context, auth *gatehouse.Auth, cfg config, keys model.MasterKeys) error {
	path := masterKeyPath(cfg)
	if cfg.database.file == "" {
		return errManyProcesses(path)
	}
	if held := 1 + len(keys.Former); held >= model.MaxMasterKeys {
		return fmt.Errorf("%s holds %d keys, as many as there may be; remove the last lines, those older than %d days first",
			path, held, days(gatehouse.SessionLifetime))
	}
	keys = keys.Followed(model.NewMasterKey(), time.Now())
	if err := writeMasterKeys(path, keys); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(2 * p.masterKeyPoll):
	}
	return auth.UseMasterKeys(ctx, keys)
}

func (p *program) sayResealed(n int, path, id string) {
	fmt.Fprintf(p.stdout, "Sealed %s anew under master key %s, the first line of %s. Keep a copy of the file.\n", count(n, "signing key"), id, path)
	fmt.Fprintf(p.stdout, "Sessions that began before need the lines after it until %s, %d days from now. Remove these lines then; gatehouse doctor says when.\n",
		time.Now().Add(gatehouse.FormerKeyLifetime).UTC().Format(time.DateOnly), days(gatehouse.SessionLifetime))
}

// underFormerKeys counts the signing keys that are not sealed under the current
// master key.
func underFormerKeys(ctx context.Context, auth *gatehouse.Auth) (int, error) {
	keys, err := auth.SigningKeys(ctx)
	if err != nil {
		return 0, err
	}
	return countUnderFormer(auth.MasterKeyIDs(), keys), nil
}

func countUnderFormer(ids []string, keys []gatehouse.KeyInfo) (n int) {
	for _, key := range keys {
		if key.MasterKeyID != ids[0] {
			n++
		}
	}
	return n
}
