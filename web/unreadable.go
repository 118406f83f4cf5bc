package web

import (
	"context"
	"net/http"
	"time"
)

// unreadableKey is where a context holds the status of a request that nobody
// could read.
type unreadableKey struct{}

// WithUnreadable returns a context for a request that the server could not read,
// with the status it deserves: 400 to 599. The handler of New answers it with a
// problem document, a line in the log, and the headers of every other answer. For
// servers that can step in where net/http answers by itself; what else the request
// says does not count.
func WithUnreadable(ctx context.Context, status int) context.Context {
	return context.WithValue(ctx, unreadableKey{}, status)
}

func unreadable(ctx context.Context) int {
	status, _ := ctx.Value(unreadableKey{}).(int)
	return status
}

// tooManyKey is where a context says that a request is one too many.
type tooManyKey struct{}

// WithTooMany returns a context for a request that is one too many. The handler of
// New answers it with the refusal overloaded and reads nothing of its body.
func WithTooMany(ctx context.Context) context.Context {
	return context.WithValue(ctx, tooManyKey{}, true)
}

func tooMany(ctx context.Context) bool { return ctx.Value(tooManyKey{}) != nil }

// tooManyComeback is when somebody who was one too many may ask again.
const tooManyComeback = 5 * time.Second

// headSize is what the request line and the header take in HTTP/1, whatever
// version they came in.
func headSize(r *http.Request) int {
	const line = len("\r\n")
	size := len(r.Method) + len(r.RequestURI) + len("  HTTP/1.1") + line
	size += len("Host: ") + len(r.Host) + line
	for name, values := range r.Header {
		for _, value := range values {
			size += len(name) + len(": ") + len(value) + line
		}
	}
	return size
}
