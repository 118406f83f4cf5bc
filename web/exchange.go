package web

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/url"

	"gatehouse/model"
)

// exchange is one request and what becomes known about it on its way in. It
// belongs to one goroutine.
type exchange struct {
	door *door
	raw  http.ResponseWriter
	w    *recorder
	r    *http.Request
	id   string // of the request

	route     route
	parameter string // last element of the path, where the route has one
	query     url.Values
	presence  model.Presence // zero when nobody is known
	fields    fields
	csrfSent  string

	believed    bool         // the form came from our own page
	refusal     *model.Error // what the page has to show
	refusalCode string       // of the refusal that was answered, for the log
	status      int          // of the answer, where that of its code is not exact; else 0
}

func (x *exchange) loggedIn() bool { return !x.presence.User.ID.IsZero() }

// json answers with a document.
func (x *exchange) json(status int, answer any) error {
	text, err := writeJSON(answer)
	if err != nil {
		return err
	}
	return x.write(status, "application/json; charset=utf-8", text)
}

// empty answers with a status and nothing else.
func (x *exchange) empty(status int) error {
	x.w.WriteHeader(status)
	return nil
}

// redirect leads the browser to a path of ours by GET, whatever it sent (RFC
// 9110 section 15.4.4).
func (x *exchange) redirect(path string) error {
	x.w.Header().Set("Location", path)
	x.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// page answers with a page, and with the refusal in it where there is one.
func (x *exchange) page(status int, name string, v view) error {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	v.Nonce = base64.RawURLEncoding.EncodeToString(nonce[:])
	v.Product, v.CSRF = x.door.product, x.csrf()
	v.PasswordMin, v.SendsMail = x.door.auth.PasswordMin(), x.door.auth.SendsMail()
	v.LoggedIn = x.loggedInView()
	if x.refusal != nil {
		status = pageStatus(x.refusal)
		x.refusalCode = x.refusal.Code
		v.Form = formView{Values: x.route.takes.shown(x.fields), Errors: v.Form.Errors, Summary: v.Form.Summary}
		v.Form.tell(x.refusal)
		x.retryAfter(x.refusal)
	}
	var text bytes.Buffer
	if err := x.door.pages.render(&text, name, v); err != nil {
		return err
	}
	x.w.Header().Set("Content-Security-Policy", pagePolicy(v.Nonce))
	return x.write(status, "text/html; charset=utf-8", text.Bytes())
}

func pagePolicy(nonce string) string {
	return "default-src 'none'; script-src 'nonce-" + nonce + "'; style-src 'self'; img-src 'self' data:; " +
		"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
}

// loggedInView is who is logged in, for the header of the page.
func (x *exchange) loggedInView() *loggedInView {
	if !x.loggedIn() {
		return nil
	}
	user := x.presence.User
	if user.Username != "" {
		return &loggedInView{Username: user.Username.String()}
	}
	return &loggedInView{Username: user.Email.String()}
}

func (x *exchange) write(status int, contentType string, text []byte) error {
	x.w.Header().Set("Content-Type", contentType)
	x.w.WriteHeader(status)
	// That the client went away is nobody's trouble.
	_, _ = x.w.Write(text)
	return nil
}
