package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gatehouse/model"
)

// problem is what every refusal looks like to a program (RFC 9457).
type problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Code      string         `json:"code"`
	Reason    string         `json:"reason,omitempty"` // of password-blocked
	RequestID string         `json:"request_id"`
	Errors    []problemField `json:"errors,omitempty"`
}

type problemField struct {
	Field  string `json:"field"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	Reason string `json:"reason,omitempty"`
}

// statusOf is the status of a refusal, the only place that knows. A refusal
// that is not in the table is trouble of ours.
func statusOf(refusal *model.Error) int {
	switch refusal.Code {
	case model.ErrBadRequest.Code, model.ErrUnknownMember.Code, model.ErrInvalidOrExpiredCode.Code:
		return http.StatusBadRequest
	case model.ErrWrongCredentials.Code, model.ErrWrongPassword.Code, model.ErrInvalidToken.Code:
		return http.StatusUnauthorized
	case model.ErrEmailUnverified.Code, model.ErrUserDisabled.Code, model.ErrForbidden.Code, model.ErrReauthRequired.Code:
		return http.StatusForbidden
	case model.ErrNotFound.Code:
		return http.StatusNotFound
	case model.ErrMethodNotAllowed.Code:
		return http.StatusMethodNotAllowed
	case model.ErrUsernameTaken.Code, model.ErrEmailTaken.Code:
		return http.StatusConflict
	case model.ErrBodyTooLarge.Code:
		return http.StatusRequestEntityTooLarge
	case model.ErrUnsupportedMediaType.Code:
		return http.StatusUnsupportedMediaType
	case model.ErrUsernameInvalid.Code, model.ErrUsernameReserved.Code, model.ErrEmailInvalid.Code,
		model.ErrPasswordTooShort.Code, model.ErrPasswordTooLong.Code, model.ErrPasswordBlocked.Code,
		model.ErrSamePassword.Code:
		return http.StatusUnprocessableEntity
	case model.ErrTooManyAttempts.Code:
		return http.StatusTooManyRequests
	case model.ErrOverloaded.Code, model.ErrUnavailable.Code:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// statusOf is the status of the answer to this request.
func (x *exchange) statusOf(refusal *model.Error) int {
	if x.status != 0 {
		return x.status
	}
	return statusOf(refusal)
}

// pageStatus is statusOf for a form that is shown again: what is a bad request
// from a program is, from a person, a form that is not complete.
func pageStatus(refusal *model.Error) int {
	if refusal.Code == model.ErrBadRequest.Code && len(refusal.Fields) > 0 {
		return http.StatusUnprocessableEntity
	}
	return statusOf(refusal)
}

// unavailableRetry is when to come back after the store did not answer.
const unavailableRetry = 5 * time.Second

// refusalOf turns every error into a refusal. Trouble is logged here, with the
// id of the request, and told to nobody.
func (d *door) refusalOf(x *exchange, err error) *model.Error {
	var refusal *model.Error
	if errors.As(err, &refusal) {
		return refusal
	}
	ctx := x.r.Context()
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return model.ErrUnavailable.After(unavailableRetry) // the client went away; nobody reads this
	}
	d.log.ErrorContext(ctx, "trouble", "request_id", x.id, "route", x.route.path, "error", err.Error())
	if errors.Is(err, model.ErrStoreUnavailable) || errors.Is(err, model.ErrSignerUnavailable) {
		return model.ErrUnavailable.After(unavailableRetry)
	}
	return model.ErrInternal
}

// formRefusal is what a form can show and mend, or nil when there is no form
// or the error is for a page of its own.
func (d *door) formRefusal(x *exchange, err error) *model.Error {
	if err == nil || x.route.again == nil || !x.believed || errors.Is(err, model.ErrInvalidToken) {
		return nil
	}
	refusal := d.refusalOf(x, err)
	if refusal.Code == model.ErrInternal.Code {
		return nil
	}
	return refusal
}

// refuse answers with what went wrong.
func (d *door) refuse(x *exchange, err error) {
	if x.route.who == insider && errors.Is(err, model.ErrInvalidToken) {
		_ = x.redirect(loginPath) // the session ended while the request was under way
		return
	}
	d.answerRefusal(x, d.refusalOf(x, err))
}

// answerRefusal writes a refusal as a page or as a problem document.
func (d *door) answerRefusal(x *exchange, refusal *model.Error) {
	x.refusalCode = refusal.Code
	x.retryAfter(refusal)
	x.w.Header().Set("Cache-Control", "no-store") // a handler may have said otherwise before it failed
	x.w.Header().Del("ETag")
	if x.wantsPage() {
		if err := d.errorPage(x, refusal); err == nil {
			return
		}
	}
	status := x.statusOf(refusal)
	if status == http.StatusUnauthorized {
		x.w.Header().Set("WWW-Authenticate", challenge(x.route.who, refusal))
	}
	doc := problem{
		Type: "/errors/" + refusal.Code, Title: refusal.Title, Status: status,
		Code: refusal.Code, RequestID: x.id,
	}
	for _, f := range refusal.Fields {
		doc.Errors = append(doc.Errors, problemField(f))
		if f.Code == refusal.Code && doc.Reason == "" {
			doc.Reason = f.Reason
		}
	}
	text, err := writeJSON(doc)
	if err != nil {
		text = nil // a document of plain text always encodes
	}
	_ = x.write(status, "application/problem+json; charset=utf-8", text)
}

// challenge is what a 401 must carry (RFC 9110 section 11.6.1, RFC 6750 section
// 3). It never says why a token is refused.
func challenge(who guard, refusal *model.Error) string {
	switch {
	case who == introspector:
		return `Basic realm="introspection", charset="UTF-8"`
	case refusal.Code == model.ErrInvalidToken.Code:
		return `Bearer error="invalid_token"`
	}
	return "Bearer"
}

// retryAfter says when to come back, in whole seconds (RFC 9110 section 10.2.3).
func (x *exchange) retryAfter(refusal *model.Error) {
	if refusal.RetryAfter > 0 {
		seconds := (refusal.RetryAfter + time.Second - 1) / time.Second
		x.w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
}

// wantsPage reports whether the answer is for a person. Where no route tells,
// the place does, and then what the client asks for.
func (x *exchange) wantsPage() bool {
	if x.route.who != nobody {
		return x.route.who.isPage()
	}
	path := x.r.URL.Path
	return !strings.HasPrefix(path, "/v1/") && !strings.HasPrefix(path, "/.well-known/") &&
		strings.Contains(x.r.Header.Get("Accept"), "text/html")
}

// tell puts a refusal into a form: beside its fields, or on top when it is
// about none of them.
func (f *formView) tell(refusal *model.Error) {
	for _, field := range refusal.Fields {
		f.Errors = append(f.Errors, fieldError{Field: field.Field, Detail: field.Detail})
	}
	if len(refusal.Fields) == 0 {
		f.Summary = refusal.Title + ". " + remedy(refusal)
	}
}

// remedy says what to do about a refusal, with the time to wait where it is
// known.
func remedy(refusal *model.Error) string {
	if refusal.RetryAfter <= 0 {
		return explanationOf(refusal.Code).remedy
	}
	seconds := int((refusal.RetryAfter + time.Second - 1) / time.Second)
	switch {
	case seconds <= 1:
		return "Try again in a second."
	case seconds < 120:
		return fmt.Sprintf("Try again in %d seconds.", seconds)
	}
	minutes := (seconds + 59) / 60
	if minutes <= 120 {
		return fmt.Sprintf("Try again in %d minutes.", minutes)
	}
	return fmt.Sprintf("Try again in %d hours.", (minutes+59)/60)
}
