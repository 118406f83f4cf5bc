// Package breach asks a list of leaked passwords over HTTPS whether it knows
// one, and tells it next to nothing: five digits of a hash, which hundreds of
// passwords share. Have I Been Pwned speaks this protocol, and so do lists that
// one can run oneself.
package breach

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatehouse/model"
)

const (
	patience   = 2 * time.Second // for one answer, waiting for a connection included
	maxAnswer  = 1 << 20         // bytes; answers have some 40,000
	maxAtOnce  = 8               // connections, so that a crowd here is none there
	prefixSize = 5               // hexadecimal digits that are told
)

// Checker asks one list. It is safe for concurrent use and keeps nothing of what
// it asked. Make it with New.
type Checker struct {
	base   string
	client *http.Client
}

// New returns a checker for the list at an https URL, to which the five digits
// are appended: https://api.pwnedpasswords.com/range/. It does not connect.
func New(base string) (*Checker, error) {
	parsed, err := url.Parse(base)
	if err != nil || parsed.Scheme != "https" || parsed.Hostname() == "" || parsed.User != nil ||
		parsed.RawQuery != "" || parsed.ForceQuery || strings.Contains(base, "#") {
		return nil, errors.New("breach: the address of the list must be an https URL without query, such as https://api.pwnedpasswords.com/range/")
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
		MaxConnsPerHost: maxAtOnce, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
	}
	return &Checker{
		base: strings.TrimSuffix(base, "/") + "/",
		client: &http.Client{
			Transport: transport, Timeout: patience,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Breached implements [model.BreachChecker]. Anything but a whole answer of the
// list itself within two seconds is an error; a redirect is not followed.
func (c *Checker) Breached(ctx context.Context, password model.Password) (bool, error) {
	digest := sha1.Sum([]byte(password))
	text := strings.ToUpper(hex.EncodeToString(digest[:]))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+text[:prefixSize], nil)
	if err != nil {
		return false, errors.New("breach: the address of the list is broken")
	}
	// Answers of one length, so that the length does not tell the digits either.
	request.Header.Set("Add-Padding", "true")
	request.Header.Set("User-Agent", "Gatehouse")
	answer, err := c.client.Do(request)
	if err != nil {
		return false, fmt.Errorf("breach: ask the list: %w", withoutAddress(err))
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return false, fmt.Errorf("breach: the list answered with status %d", answer.StatusCode)
	}
	return listed(answer.Body, text[prefixSize:])
}

// listed looks for the rest of a hash among lines of REST:COUNT. A count of zero
// is padding. It reads to the end, so that half an answer is not taken for a no.
func listed(from io.Reader, rest string) (found bool, err error) {
	limited := &io.LimitedReader{R: from, N: maxAnswer + 1}
	lines, seen := bufio.NewScanner(limited), 0
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		known, count, ok := strings.Cut(line, ":")
		if !ok || len(known) != len(rest) {
			return false, errors.New("breach: the list answered with something else than a list")
		}
		seen++
		found = found || strings.EqualFold(known, rest) && strings.Trim(count, "0") != ""
	}
	switch {
	case lines.Err() != nil:
		return false, fmt.Errorf("breach: read the list: %w", withoutAddress(lines.Err()))
	case limited.N <= 0:
		return false, fmt.Errorf("breach: the answer of the list is longer than %d bytes", maxAnswer)
	case seen == 0:
		return false, errors.New("breach: the answer of the list is empty")
	}
	return found, nil
}

// withoutAddress takes away the URL, which ends in the digits.
func withoutAddress(err error) error {
	var told *url.Error
	if errors.As(err, &told) {
		return told.Err
	}
	return err
}
