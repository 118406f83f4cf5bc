package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode"

	"gatehouse"
	"gatehouse/jwt"
	"gatehouse/model"
)

// tokenInspectCommand explains a token to a person: an access token, a refresh
// token or a status list. It prints what the token says and never the token. It
// exits with 0 for a valid token only.
type tokenInspectCommand struct {
	Token string `arg:"" help:"The token, or - to read it from standard input, where other users cannot see it."`
}

func (c tokenInspectCommand) Run(ctx context.Context, p *program, cfg config) error {
	token := c.Token
	if token == "-" {
		content, err := io.ReadAll(io.LimitReader(p.stdin, jwt.MaxStatusListTokenSize+2))
		if err != nil {
			return fmt.Errorf("read the token: %w", err)
		}
		token = strings.TrimSpace(string(content))
	}
	refresh := gatehouse.IsRefreshToken(token)
	var seen tokenParts
	if !refresh {
		seen = readParts(token)
		p.printParts(seen)
	}
	return p.withAuth(ctx, cfg, func(auth *gatehouse.Auth) error {
		switch {
		case refresh:
			return p.explainRefresh(ctx, auth, model.RefreshToken(token))
		case seen.isStatusList():
			return p.explainStatusList(ctx, auth, token, seen)
		}
		return p.explainAccess(ctx, cfg, auth, token, seen)
	})
}

func (p *program) explainAccess(ctx context.Context, cfg config, auth *gatehouse.Auth, token string, seen tokenParts) error {
	claims, err := auth.ExplainJWT(ctx, token)
	if err != nil {
		return p.sayInvalid(ctx, auth, seen.refusedFor(err, auth.Issuer(), or(cfg.audience, auth.Issuer())), seen)
	}
	_, err = auth.BearerPresence(ctx, token)
	switch {
	case errors.Is(err, model.ErrInvalidToken):
		fmt.Fprintln(p.stdout, "verdict: not valid: the session has ended, or its user is gone or disabled")
		fmt.Fprintln(p.stdout, "elsewhere: good until it expires, where nobody reads the status list")
		return errSaid
	case err != nil:
		return err
	}
	p.sayValid(claims.ExpiresAt)
	fmt.Fprintln(p.stdout, "session: alive")
	return nil
}

func (p *program) explainStatusList(ctx context.Context, auth *gatehouse.Auth, token string, seen tokenParts) error {
	claims, err := auth.ExplainStatusList(ctx, token)
	if err != nil {
		return p.sayInvalid(ctx, auth, seen.refusedFor(err, auth.Issuer(), ""), seen)
	}
	revoked := 0
	for index := range int64(claims.List.Len()) {
		if claims.List.Revoked(index) {
			revoked++
		}
	}
	fmt.Fprintf(p.stdout, "entries: %d, of which %d revoked\n", claims.List.Len(), revoked)
	p.sayValid(claims.ExpiresAt)
	return nil
}

func (p *program) explainRefresh(ctx context.Context, auth *gatehouse.Auth, token model.RefreshToken) error {
	seen, err := auth.ExplainRefresh(ctx, token)
	if errors.Is(err, model.ErrInvalidToken) {
		fmt.Fprintln(p.stdout, "verdict: not valid: it begins as a refresh token and is none; has it been cut off?")
		return errSaid
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "refresh token: number %d of session %s\n", seen.Counter, seen.SessionID)
	switch seen.State {
	case gatehouse.RefreshForged:
		fmt.Fprintln(p.stdout, "verdict: not valid: no master key of this installation made it")
		return errSaid
	case gatehouse.RefreshEnded:
		fmt.Fprintln(p.stdout, "verdict: not valid: the session has ended, or its user is gone or disabled")
		return errSaid
	}
	fmt.Fprintf(p.stdout, "of: %s\n", describe(seen.User))
	switch seen.State {
	case gatehouse.RefreshRepeats:
		fmt.Fprintf(p.stdout, "verdict: spent; until %s it gives the same answer again\n", timeOrDash(seen.RepeatsUntil))
		return errSaid
	case gatehouse.RefreshSpent:
		fmt.Fprintf(p.stdout, "verdict: not valid: number %d is in force; presenting this one ends the session\n", seen.Session.Counter)
		return errSaid
	}
	end := seen.Session.IdleExpiresAt
	if seen.Session.ExpiresAt.Before(end) {
		end = seen.Session.ExpiresAt
	}
	fmt.Fprintf(p.stdout, "verdict: in force; it renews the session until %s\n", timeOrDash(end))
	return nil
}

// sayValid says how long a token is good. Clocks may differ, so that it is
// good for a while after exp.
func (p *program) sayValid(until time.Time) {
	left := time.Until(until).Round(time.Second)
	if left <= 0 {
		fmt.Fprintf(p.stdout, "verdict: valid; expired %s ago, which clocks may differ by\n", -left)
		return
	}
	fmt.Fprintf(p.stdout, "verdict: valid for %s more\n", left)
}

// sayInvalid says why a token is refused and, where its key is the reason, what
// became of the key.
func (p *program) sayInvalid(ctx context.Context, auth *gatehouse.Auth, refused refusedToken, seen tokenParts) error {
	fmt.Fprintf(p.stdout, "verdict: not valid: %s\n", printable(refused.why))
	if !refused.keyUnknown {
		return errSaid
	}
	keys, err := auth.SigningKeys(ctx)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if key.KeyID == seen.head.Kid {
			fmt.Fprintf(p.stdout, "key: ours, for %s; --algorithm is another now\n", key.Algorithm)
			return errSaid
		}
	}
	fmt.Fprintln(p.stdout, "key: not in this installation; it was forgotten after a change of keys, or it never was ours")
	return errSaid
}

// tokenParts is what a JWT says before anything about it is believed.
type tokenParts struct {
	count int
	texts [2]string // header and claims, indented; empty when they cannot be read
	head  struct{ Alg, Kid, Typ string }
	body  struct {
		Iss      string
		Aud      any
		Exp, Nbf float64
		Iat      float64
		AuthTime float64 `json:"auth_time"`
	}
}

var (
	listText   = regexp.MustCompile(`("lst"\s*:\s*)"([^"]*)"`)
	partsNames = [2]string{"header", "claims"}
)

// readParts reads header and claims as far as they can be read.
func readParts(token string) tokenParts {
	seen := tokenParts{count: strings.Count(token, ".") + 1}
	if seen.count != 3 {
		return seen
	}
	parts := strings.Split(token, ".")
	for i, into := range []any{&seen.head, &seen.body} {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(parts[i])
		if err != nil {
			continue
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, raw, "", "  "); err == nil {
			seen.texts[i] = indented.String()
			_ = json.Unmarshal(raw, into) // a member of another type stays unset
		}
	}
	return seen
}

func (s tokenParts) isStatusList() bool {
	return strings.EqualFold(strings.TrimPrefix(strings.ToLower(s.head.Typ), "application/"), "statuslist+jwt")
}

func (p *program) printParts(seen tokenParts) {
	switch seen.count {
	case 3:
	case 5:
		fmt.Fprintln(p.stdout, "This is a JWE, an encrypted token: it has 5 parts instead of 3. Gatehouse makes none and accepts none.")
		return
	default:
		fmt.Fprintf(p.stdout, "This is no JWT: it has %s instead of 3.\n", count(seen.count, "part"))
		return
	}
	for i, text := range seen.texts {
		if text == "" {
			fmt.Fprintf(p.stdout, "%s: not JSON in base64url\n", partsNames[i])
			continue
		}
		text = listText.ReplaceAllStringFunc(text, func(member string) string {
			found := listText.FindStringSubmatch(member)
			return fmt.Sprintf(`%s"(%d bytes)"`, found[1], len(found[2]))
		})
		fmt.Fprintf(p.stdout, "%s: %s\n", partsNames[i], printable(text))
	}
	p.printTimes(seen)
}

// printTimes says the times of the claims in words.
func (p *program) printTimes(seen tokenParts) {
	for _, claim := range []struct {
		meaning string
		seconds float64
	}{
		{"logged in", seen.body.AuthTime}, {"issued", seen.body.Iat}, {"not before", seen.body.Nbf}, {"expires", seen.body.Exp},
	} {
		// Beyond the year 9999 is no date but a number.
		if claim.seconds > 0 && claim.seconds < 253402300800 {
			fmt.Fprintf(p.stdout, "%s: %s\n", claim.meaning, timeOrDash(time.Unix(int64(claim.seconds), 0)))
		}
	}
}

// printable replaces what could steer a terminal or turn its text around: a
// token is a stranger's text.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}
