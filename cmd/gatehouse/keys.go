package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"gatehouse"
)

// keysListCommand prints the signing keys, never their secret parts.
type keysListCommand struct{}

func (keysListCommand) Run(ctx context.Context, p *program, cfg config) error {
	return p.withAuth(ctx, cfg, func(auth *gatehouse.Auth) error {
		keys, err := auth.SigningKeys(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "KEY ID\tALGORITHM\tSTATE\tCREATED\tSIGNS FROM\tFORGOTTEN\tMASTER KEY")
		for _, key := range keys {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", key.KeyID, key.Algorithm, key.State,
				timeOrDash(key.CreatedAt), timeOrDash(key.ActiveFrom), timeOrDash(key.ForgottenAt), key.MasterKeyID)
		}
		if err := table.Flush(); err != nil {
			return err
		}
		return describeKeyLife(p.stdout, masterKeyPath(cfg), auth.MasterKeyIDs())
	})
}

// describeKeyLife says how long which key lives.
func describeKeyLife(w io.Writer, path string, ids []string) error {
	former := ""
	if len(ids) > 1 {
		former = ", and former ones " + strings.Join(ids[1:], ", ")
	}
	_, err := fmt.Fprintf(w, "\nA signing key is published %s before it signs, replaced after %d days and kept %s after the next one signs.\n"+
		"The master key is %s%s, in %s. A former one is needed for %d days.\n",
		inWords(gatehouse.KeyPublishedAhead), days(gatehouse.KeyRotationPeriod), count(int(gatehouse.KeyKeptAfter.Minutes()), "minute"),
		ids[0], former, path, days(gatehouse.SessionLifetime))
	return err
}

func days(d time.Duration) int { return int(d / (24 * time.Hour)) }

// timeOrDash writes a time, and a dash for none.
func timeOrDash(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// keysRotateCommand makes the next signing key, or, when one has become known,
// replaces all of them.
type keysRotateCommand struct {
	Now bool `help:"A key has become known: the new one signs at once, and every other is forgotten."`
	Yes bool `help:"With --now: do it."`
}

func (c keysRotateCommand) Run(ctx context.Context, p *program, cfg config) error {
	return p.withAuth(ctx, cfg, func(auth *gatehouse.Auth) error {
		switch {
		case c.Now && c.Yes:
			return p.replaceKeys(ctx, auth)
		case c.Now:
			return p.wouldReplaceKeys(ctx, auth)
		}
		return p.rotateKeys(ctx, auth)
	})
}

func (p *program) rotateKeys(ctx context.Context, auth *gatehouse.Auth) error {
	done, err := auth.RotateKeys(ctx)
	if err != nil {
		return err
	}
	switch next := done.Next; {
	case !done.Made:
		fmt.Fprintf(p.stdout, "Signing key %s is published already and signs from %s on. Nothing was made.\n", next.KeyID, timeOrDash(next.ActiveFrom))
	case done.Replaced.KeyID == "":
		fmt.Fprintf(p.stdout, "Made signing key %s (%s), the first. It signs from now on.\n", next.KeyID, next.Algorithm)
		return nil
	default:
		fmt.Fprintf(p.stdout, "Made signing key %s (%s). It is published now and signs from %s on.\n", next.KeyID, next.Algorithm, timeOrDash(next.ActiveFrom))
	}
	if done.Replaced.KeyID != "" {
		fmt.Fprintf(p.stdout, "Signing key %s signs until then and is forgotten at %s.\n", done.Replaced.KeyID, timeOrDash(done.Replaced.ForgottenAt))
	}
	return nil
}

// whatReplacingDoes is what the operator should know before and after.
const whatReplacingDoes = "Access tokens that were signed before are refused from the next request on; clients renew them with their refresh token.\n" +
	"Sessions and refresh tokens stay. Other services follow when they fetch the key set again, within %s,\n" +
	"and programs that call LoginJWT with their next sweep.\n"

func (p *program) wouldReplaceKeys(ctx context.Context, auth *gatehouse.Auth) error {
	keys, err := auth.SigningKeys(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "This would make a signing key that signs at once, and forget %s%s.\n"+whatReplacingDoes,
		count(len(keys), "signing key"), named(keys), inWords(gatehouse.KeySetAge))
	return p.wantsYes()
}

func (p *program) replaceKeys(ctx context.Context, auth *gatehouse.Auth) error {
	made, forgotten, err := auth.ReplaceKeys(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "Made signing key %s (%s). It signs from now on.\nForgot %s%s.\n"+whatReplacingDoes,
		made.KeyID, made.Algorithm, count(len(forgotten), "signing key"), named(forgotten), inWords(gatehouse.KeySetAge))
	return nil
}

func named(keys []gatehouse.KeyInfo) string {
	if len(keys) == 0 {
		return ""
	}
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = key.KeyID
	}
	return ": " + strings.Join(ids, ", ")
}
