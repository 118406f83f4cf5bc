package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"gatehouse/jwt"
	"gatehouse/model"
)

// tokenInspectCommand explains an access token to a person. It exits with 0 for
// a valid token only.
type tokenInspectCommand struct {
	Token string `arg:"" help:"The token, or - to read it from standard input, where other users cannot see it."`
}

func (c tokenInspectCommand) Run(ctx context.Context, p *program, cfg config) (err error) {
	token := c.Token
	if token == "-" {
		content, err := io.ReadAll(io.LimitReader(p.stdin, 2*jwt.MaxTokenSize))
		if err != nil {
			return fmt.Errorf("read the token: %w", err)
		}
		token = strings.TrimSpace(string(content))
	}
	p.printParts(token)
	open, err := openExisting(ctx, cfg, p.quietLog())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	claims, err := open.auth.ExplainJWT(ctx, token)
	if err != nil {
		fmt.Fprintf(p.stdout, "verdict: not valid: %s\n", printable(err.Error()))
		return errSaid
	}
	fmt.Fprintf(p.stdout, "verdict: valid for %s more\n", time.Until(claims.ExpiresAt).Round(time.Second))
	_, err = open.auth.BearerPresence(ctx, token)
	switch {
	case errors.Is(err, model.ErrInvalidToken):
		fmt.Fprintln(p.stdout, "session: ended, or its user is gone or disabled; this server refuses the token")
		return errSaid
	case err != nil:
		return err
	}
	fmt.Fprintln(p.stdout, "session: alive")
	return nil
}

// printParts prints header and claims as far as they can be read, before
// anything about them is believed.
func (p *program) printParts(token string) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		fmt.Fprintf(p.stdout, "This is no JWT: it has %s instead of 3.\n", count(len(parts), "part"))
		return
	}
	for i, name := range []string{"header", "claims"} {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(parts[i])
		if err != nil {
			fmt.Fprintf(p.stdout, "%s: not base64url\n", name)
			continue
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, raw, "", "  "); err != nil {
			fmt.Fprintf(p.stdout, "%s: not JSON\n", name)
			continue
		}
		fmt.Fprintf(p.stdout, "%s: %s\n", name, printable(indented.String()))
		if name == "claims" {
			p.printTimes(raw)
		}
	}
}

// printTimes says the times of the claims in words.
func (p *program) printTimes(claims []byte) {
	var numbers map[string]any
	if err := json.Unmarshal(claims, &numbers); err != nil {
		return
	}
	for _, claim := range []struct{ name, meaning string }{
		{"auth_time", "logged in"}, {"iat", "issued"}, {"nbf", "not before"}, {"exp", "expires"},
	} {
		// Beyond the year 9999 is no date but a number.
		if seconds, ok := numbers[claim.name].(float64); ok && seconds > 0 && seconds < 253402300800 {
			fmt.Fprintf(p.stdout, "%s: %s\n", claim.meaning, time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339))
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
