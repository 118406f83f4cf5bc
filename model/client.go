package model

import "context"

type clientKey struct{}

// WithClient returns a context that carries where a request came from, for
// sessions and events.
func WithClient(ctx context.Context, c Client) context.Context {
	return context.WithValue(ctx, clientKey{}, c)
}

// ClientFrom returns what WithClient put in, or the zero value.
func ClientFrom(ctx context.Context) Client {
	c, _ := ctx.Value(clientKey{}).(Client)
	return c
}
