package verify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// fetchTimeout bounds a whole exchange with the server, from looking up its
// name to the last byte of the answer.
const fetchTimeout = 5 * time.Second

const (
	maxHeaderBytes = 32 << 10
	maxETagBytes   = 256 // of one that is sent back
	// maxCacheAge is as far as an Age is believed, so that no sum overflows:
	// anything this old is refused anyway.
	maxCacheAge = 24 * time.Hour
)

// fetcher reads documents of the server.
type fetcher struct {
	client  *http.Client
	timeout time.Duration
}

// document is where one is, and what it has to look like.
type document struct {
	url    string
	accept string
	suffix string // how its media type ends
	limit  int    // bytes
}

// answer is a document, or the word that the one held is still current.
type answer struct {
	unchanged bool
	body      []byte
	tag       string
	age       time.Duration // spent in caches on the way
}

func newFetcher(c Config, timeout time.Duration) *fetcher {
	// Over HTTP/2 a request that ran into its timeout leaves the connection in
	// use, also when the other end is gone; HTTP/1.1 makes a new one.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &fetcher{timeout: timeout, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: c.Proxy,
			TLSClientConfig: &tls.Config{
				RootCAs:    c.RootCAs,
				MinVersion: tls.VersionTLS12,
				// For TLS 1.2; those of TLS 1.3 are all fine.
				CipherSuites: []uint16{
					tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
					tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
					tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
				},
			},
			Protocols:              protocols,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeaderBytes,
			IdleConnTimeout:        time.Minute,
		},
	}}
}

// get reads a document. With a tag the server may answer that the document of
// that tag is current. Every other answer than that and 200 is an error, as is a
// document of another type or above the limit.
func (f *fetcher) get(ctx context.Context, from document, tag string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from.url, nil)
	if err != nil {
		return answer{}, fmt.Errorf("verify: %w", err)
	}
	request.Header.Set("Accept", from.accept)
	request.Header.Set("User-Agent", "gatehouse-verify")
	if tag != "" {
		request.Header.Set("If-None-Match", tag)
	}
	got, err := f.client.Do(request)
	if err != nil {
		return answer{}, fmt.Errorf("verify: %w", err)
	}
	defer func() { _ = got.Body.Close() }()
	age := ageOf(got.Header)
	switch {
	case got.StatusCode == http.StatusNotModified && tag != "":
		return answer{unchanged: true, age: age}, nil
	case got.StatusCode != http.StatusOK:
		return answer{}, fmt.Errorf("verify: get %s: status %d", from.url, got.StatusCode)
	case !typeEnds(got.Header.Get("Content-Type"), from.suffix):
		return answer{}, fmt.Errorf("verify: get %s: the answer has another media type than %s", from.url, from.accept)
	}
	body, err := io.ReadAll(io.LimitReader(got.Body, int64(from.limit)+1))
	switch {
	case err != nil:
		return answer{}, fmt.Errorf("verify: get %s: %w", from.url, err)
	case len(body) > from.limit:
		return answer{}, fmt.Errorf("verify: get %s: the answer is longer than %d bytes", from.url, from.limit)
	}
	fresh := got.Header.Get("ETag")
	if len(fresh) > maxETagBytes {
		fresh = ""
	}
	return answer{body: body, tag: fresh, age: age}, nil
}

// typeEnds looks at the end of a media type only, since files behind plain web
// servers have general ones; an answer without any is read.
func typeEnds(header, suffix string) bool {
	if header == "" {
		return true
	}
	kind, _, err := mime.ParseMediaType(header)
	return (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter)) && strings.HasSuffix(kind, suffix)
}

// ageOf is how long a cache on the way has kept the answer (RFC 9111 section
// 5.1): what it says was true then and not now.
func ageOf(header http.Header) time.Duration {
	first, _, _ := strings.Cut(header.Get("Age"), ",")
	seconds, err := strconv.ParseUint(strings.TrimSpace(first), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || seconds > uint64(maxCacheAge/time.Second):
		return maxCacheAge
	case err != nil:
		return 0
	}
	return time.Duration(seconds) * time.Second
}
