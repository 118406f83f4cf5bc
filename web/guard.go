package web

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"gatehouse/model"
)

const (
	maxURL     = 4 << 10  // bytes of path and query
	maxHead    = 16 << 10 // bytes of the request line and the header
	maxBody    = 64 << 10 // bytes of any body
	maxCookies = 50       // pairs in all Cookie headers
)

// ServeHTTP is the guardroom: every request passes it, and every answer leaves
// through it with the same headers, whoever writes the answer.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{door: d, raw: w, w: &recorder{ResponseWriter: w}, r: r, id: newRequestID()}
	d.setHeaders(w.Header(), x.id)
	began := time.Now()
	defer d.leave(x, began)
	if err := d.enter(x); err != nil {
		d.refuse(x, err)
	}
}

// enter finds the route and lets the request through to it.
func (d *door) enter(x *exchange) error {
	x.r = x.r.WithContext(model.WithClient(x.r.Context(), model.Client{
		Address: clientAddress(x.r, d.trusted), UserAgent: userAgent(x.r), RequestID: x.id,
		Device: deviceToken(x.r),
	}))
	if status := unreadable(x.r.Context()); status != 0 {
		x.status = status
		return model.ErrBadRequest
	}
	if tooMany(x.r.Context()) {
		return model.ErrOverloaded.After(tooManyComeback)
	}
	if headSize(x.r) > maxHead {
		x.status = http.StatusRequestHeaderFieldsTooLarge
		return model.ErrBadRequest
	}
	if err := d.checkRequest(x.r); err != nil {
		return err
	}
	methods, parameter := d.routes.find(x.r.URL.EscapedPath())
	if methods == nil {
		return model.ErrNotFound
	}
	route, ok := methods[x.r.Method]
	if !ok {
		for _, any := range methods {
			x.route.path, x.route.who = any.path, any.who
		}
		x.w.Header().Set("Allow", allow(methods))
		return model.ErrMethodNotAllowed
	}
	x.route, x.parameter = route, parameter
	err := d.pass(x)
	if refusal := d.formRefusal(x, err); refusal != nil {
		x.refusal = refusal
		return x.route.again(x)
	}
	return err
}

// pass asks who is there, reads what is brought, and opens.
func (d *door) pass(x *exchange) error {
	if err := x.readQuery(); err != nil {
		return err
	}
	if err := d.identify(x); err != nil || x.w.wrote() {
		return err
	}
	if err := x.readBody(); err != nil {
		return err
	}
	if err := d.checkCSRF(x); err != nil {
		return err
	}
	x.believed = true
	if err := x.route.takes.check(x.fields); err != nil {
		return err
	}
	return x.route.do(x)
}

// checkRequest refuses what no route could want. Hosts are compared with the
// list so that no link, origin or cache entry comes from a stranger's Host.
func (d *door) checkRequest(r *http.Request) error {
	if !d.hosts[canonicalHost(r.Host)] || len(r.RequestURI) > maxURL {
		return model.ErrBadRequest
	}
	// We speak nothing else, and a proxy before us must not come to think so.
	if len(r.Header["Upgrade"]) > 0 {
		return model.ErrBadRequest
	}
	cookies := 0
	for _, line := range r.Header["Cookie"] {
		cookies += 1 + strings.Count(line, ";")
	}
	if cookies > maxCookies {
		return model.ErrBadRequest
	}
	return nil
}

// setHeaders puts what every answer carries. A page replaces the policy by one
// with its nonce; only static files, the key set and the status list may be
// kept by caches.
func (d *door) setHeaders(h http.Header, requestID string) {
	for _, fixed := range d.headers {
		h[fixed.name] = fixed.value // shared: whoever sets another value replaces it
	}
	h["X-Request-Id"] = []string{requestID}
}

// fixedHeader is a header, under its canonical name, that is the same on every
// answer.
type fixedHeader struct {
	name  string
	value []string
}

func fixedHeaders() []fixedHeader {
	return []fixedHeader{
		{"Strict-Transport-Security", []string{"max-age=63072000; includeSubDomains"}},
		{"Content-Security-Policy", []string{"default-src 'none'; frame-ancestors 'none'"}},
		{"X-Frame-Options", []string{"DENY"}},
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"Referrer-Policy", []string{"no-referrer"}},
		{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
		{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
		{"Permissions-Policy", []string{permissionsPolicy}},
		{"Cache-Control", []string{"no-store"}},
	}
}

// SetHeaders puts into a header what every answer of the doors carries and is the
// same on all of them, for what a server answers elsewhere over HTTPS.
func SetHeaders(h http.Header) {
	for _, fixed := range fixedHeaders() {
		h[fixed.name] = fixed.value
	}
}

const permissionsPolicy = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), " +
	"fullscreen=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), magnetometer=(), microphone=(), midi=(), " +
	"payment=(), picture-in-picture=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()"

// leave answers a panic, if there was one, and writes the line of the request.
func (d *door) leave(x *exchange, began time.Time) {
	if cause := recover(); cause != nil {
		if cause == http.ErrAbortHandler {
			panic(cause)
		}
		// The value of a panic may hold what was sent; the stack does not.
		d.log.ErrorContext(x.r.Context(), "panic", "request_id", x.id, "error", panicText(cause), "stack", string(debug.Stack()))
		if x.w.wrote() {
			panic(http.ErrAbortHandler) // half an answer must not look whole
		}
		d.answerRefusal(x, model.ErrInternal)
	}
	took := time.Since(began)
	d.logLine(x, took)
	if d.tell != nil {
		d.tell(x.answered(took))
	}
}

func panicText(cause any) string {
	if err, ok := cause.(runtime.Error); ok {
		return err.Error()
	}
	return "panic"
}

// logLine writes the one line of a request. It holds nothing that was sent but
// the address: the route stands for the path, and the query is left out.
func (d *door) logLine(x *exchange, took time.Duration) {
	ctx := x.r.Context()
	if !d.log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	// A Logger would look for the line of code that it is called from, which takes
	// long and which no handler is to show.
	line := slog.NewRecord(time.Now(), slog.LevelInfo, "request", 0)
	line.AddAttrs(
		slog.String("request_id", x.id),
		slog.String("method", methodName(x.r.Method)),
		slog.String("route", x.route.path),
		slog.Int("status", x.w.status),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000),
		slog.String("ip", model.ClientFrom(ctx).Address.String()),
	)
	if x.refusalCode != "" {
		line.AddAttrs(slog.String("code", x.refusalCode))
	}
	if !x.presence.User.ID.IsZero() {
		line.AddAttrs(slog.String("user_id", x.presence.User.ID.String()))
	}
	_ = d.log.Handler().Handle(ctx, line) // as a Logger does: nobody can be told
}

// methodName is the method, or "other" for one that nobody has heard of.
func methodName(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodTrace, http.MethodConnect:
		return method
	}
	return otherMethod
}

const otherMethod = "other"

// newRequestID is 128 random bits; what a client calls its request is ignored.
func newRequestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	var text [2 * len(id)]byte
	hex.Encode(text[:], id[:])
	return string(text[:])
}

// recorder remembers the status of the answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

func (w *recorder) wrote() bool                 { return w.status != 0 }
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
