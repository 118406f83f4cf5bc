package web

import (
	"net/http"
	"time"
)

// Answered is what became of a request, for figures. It holds nothing that was
// sent, and every text in it is one of a few.
type Answered struct {
	Method string // "other" where the route does not have it, or nobody knows it
	Route  string // as in "/v1/sessions/{id}"; "" where no route has the path
	Status int
	Code   string // of the refusal; "" where there was none
	Took   time.Duration
}

func (x *exchange) answered(took time.Duration) Answered {
	method := methodName(x.r.Method)
	if x.w.status == http.StatusMethodNotAllowed {
		method = otherMethod
	}
	return Answered{Method: method, Route: x.route.path, Status: x.w.status, Code: x.refusalCode, Took: took}
}
