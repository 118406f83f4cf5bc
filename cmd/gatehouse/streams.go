package main

import (
	"net/http"

	"gatehouse/web"
)

// boundStreams lets only so many exchanges over HTTP/2 be under way at once, since
// one connection, which is what the listener counts, may hold 100 of them. One too
// many is answered with 503 before its body is read. Over HTTP/1 a connection has
// one exchange.
func boundStreams(handler http.Handler, limits crowdLimits) http.Handler {
	inside := newCrowd(limits)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor >= 2 {
			leave, ok := inside.enter(r.RemoteAddr)
			if !ok {
				handler.ServeHTTP(w, r.WithContext(web.WithTooMany(r.Context())))
				return
			}
			defer leave()
		}
		handler.ServeHTTP(w, r)
	})
}
