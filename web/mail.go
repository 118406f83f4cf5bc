package web

import (
	"errors"
	"net/http"
	"slices"

	"gatehouse"
	"gatehouse/model"
)

// nextStepAnswer tells a program what the person has to do now.
type nextStepAnswer struct {
	Next string `json:"next"`
}

// checkMail is the one answer to whatever may have sent a mail, to whomever.
func (x *exchange) checkMail() error {
	return x.json(http.StatusAccepted, nextStepAnswer{Next: "check-mail"})
}

// noMail is the answer where none is sent. Nothing was done.
func noMail(x *exchange) error {
	return x.json(http.StatusAccepted, nextStepAnswer{Next: "no-mail"})
}

// requestCookieAge is that of the longest code.
const requestCookieAge = gatehouse.VerifyCodeTTL

// asking runs what sends a mail whose digits can be typed in this browser. The
// cookie that makes them count is set for everybody whose request is taken,
// whether or not there is anybody to write to.
func (x *exchange) asking(ask func(model.RequestSecret) error) error {
	secret := model.NewRequestSecret()
	if err := ask(secret); err != nil {
		return err
	}
	x.keepRequest(secret)
	return nil
}

// keepRequest keeps the secret of a new request. A code of before would be taken
// for the new one.
func (x *exchange) keepRequest(secret model.RequestSecret) {
	x.setCookie(requestCookie, string(secret), requestCookieAge)
	x.dropCookie(codeCookie)
}

// requestSecret is the cookie of the last request for a mail.
func (x *exchange) requestSecret() model.RequestSecret {
	return model.RequestSecret(cookie(x.r, requestCookie))
}

// heldCode is the code that was typed, or the one that a link brought.
func (x *exchange) heldCode() (model.Code, error) {
	typed := x.fields["code"]
	if typed == "" {
		typed = cookie(x.r, codeCookie)
	}
	if typed == "" {
		return "", model.ErrBadRequest.With("code", code().ask)
	}
	return model.Code(typed), nil
}

// keepLinkedCode moves the code of a link from the URL into a cookie, and leads
// to the page without it. It reports whether there was one.
func (x *exchange) keepLinkedCode(path string) (moved bool, err error) {
	linked := x.query.Get("code")
	if linked == "" {
		return false, nil
	}
	if isCode(linked) {
		x.setCookie(codeCookie, linked, codeCookieAge)
	}
	return true, x.redirect(path)
}

// dropDeadCode forgets a linked code that is not good any more, and reports
// whether it did.
func (x *exchange) dropDeadCode() bool {
	if cookie(x.r, codeCookie) == "" || x.refusal == nil || !x.refusal.Is(model.ErrInvalidOrExpiredCode) {
		return false
	}
	x.dropCookie(codeCookie)
	return true
}

// nameCodeField puts the refusal of what was typed beside its field. A code that a
// link brought has none.
func (x *exchange) nameCodeField() {
	if x.refusal != nil && x.refusal.Is(model.ErrInvalidOrExpiredCode) && x.fields["code"] != "" {
		x.refusal = refusedCodeField()
	}
}

func refusedCodeField() *model.Error {
	return model.ErrInvalidOrExpiredCode.With("code", "It is not valid or has expired. Check what you typed, or ask for a new one.")
}

// requestRegistration is POST /v1/register where mail is sent. It answers alike
// whether or not the email is taken.
func (d *door) requestRegistration(x *exchange) error {
	if err := d.auth.RequestRegistration(x.r.Context(), registrationOf(x.fields)); err != nil {
		return err
	}
	return x.checkMail()
}

func (d *door) submitRegistrationRequest(x *exchange) error {
	err := x.asking(func(secret model.RequestSecret) error {
		in := registrationOf(x.fields)
		in.Request = secret
		return d.auth.RequestRegistration(x.r.Context(), in)
	})
	if err != nil {
		return err
	}
	return x.redirect(doneAt(verifyPath, doneAsked))
}

// forgotPassword is POST /v1/password/forgot. It answers alike whether or not
// somebody has the email.
func (d *door) forgotPassword(x *exchange) error {
	if err := d.auth.ForgotPass(x.r.Context(), gatehouse.Recovery{Email: x.fields["email"]}); err != nil {
		return err
	}
	return x.checkMail()
}

func (d *door) forgotPage(x *exchange) error {
	return x.page(http.StatusOK, pageForgot, view{})
}

func (d *door) submitForgot(x *exchange) error {
	err := x.asking(func(secret model.RequestSecret) error {
		return d.auth.ForgotPass(x.r.Context(), gatehouse.Recovery{Email: x.fields["email"], Request: secret})
	})
	if err != nil {
		return err
	}
	return x.redirect(doneAt(resetPath, doneRecovery))
}

// verifyEmail is POST /v1/email/verify.
func (d *door) verifyEmail(x *exchange) error {
	if err := d.auth.VerifyEmail(x.r.Context(), model.Code(x.fields["code"])); err != nil {
		return err
	}
	return x.empty(http.StatusNoContent)
}

func (x *exchange) verificationOf(code model.Code) gatehouse.EmailVerification {
	return gatehouse.EmailVerification{
		Code: code, Request: x.requestSecret(), Password: x.fields.password("password"),
		UserID: x.presence.User.ID, SessionID: x.presence.Session.ID,
	}
}

// verifyPage asks for one press of a button where a link brought the code, so
// that a program which looks at links proves nothing, and else for the digits.
func (d *door) verifyPage(x *exchange) error {
	if moved, err := x.keepLinkedCode(verifyPath); moved {
		return err // no code stays in the address, also where no mail is sent any more
	}
	if !d.auth.SendsMail() {
		return x.page(http.StatusOK, pageVerify, view{Body: verifyView{}})
	}
	var form verifyView
	if held := cookie(x.r, codeCookie); held != "" {
		needs, err := d.auth.VerificationNeeds(x.r.Context(), x.verificationOf(model.Code(held)))
		if err != nil {
			return err
		}
		if !needs.Alive && x.refusal == nil {
			x.refusal = model.ErrInvalidOrExpiredCode
		}
		form.Linked, form.AskPassword = needs.Alive, needs.Password
	}
	x.dropDeadCode()
	x.nameCodeField()
	return x.page(http.StatusOK, pageVerify, view{Body: form, Notice: noticeOf(x)})
}

func (d *door) submitVerify(x *exchange) error {
	held, err := x.heldCode()
	if err != nil {
		return err
	}
	proven, err := d.auth.VerifyEmailInBrowser(x.r.Context(), x.verificationOf(held))
	switch {
	case errors.Is(err, model.ErrReauthRequired):
		return asField(err)
	case err != nil:
		return err
	}
	x.dropCookie(codeCookie)
	x.dropCookie(requestCookie)
	x.keepDevice(proven.Device)
	news := doneVerified
	if proven.Changed {
		news = doneEmail
	}
	if x.loggedIn() {
		return x.redirect(doneAt(accountPath, news))
	}
	return x.redirect(doneAt(loginPath, news))
}

// asField is a refusal that is a matter of the form: the sentences stay.
func asField(err error) error {
	var refusal *model.Error
	if !errors.As(err, &refusal) {
		return err
	}
	form := *model.ErrBadRequest
	form.Fields = slices.Clone(refusal.Fields)
	for i := range form.Fields {
		form.Fields[i].Code = form.Code
	}
	return &form
}

// changeEmail is POST /v1/email/change. It answers alike whether or not somebody
// has the new email.
func (d *door) changeEmail(x *exchange) error {
	if err := d.auth.ChangeEmail(x.r.Context(), emailChangeOf(x)); err != nil {
		return err
	}
	return x.checkMail()
}

func emailChangeOf(x *exchange) gatehouse.EmailChange {
	return gatehouse.EmailChange{
		UserID: x.presence.User.ID, SessionID: x.presence.Session.ID,
		Email: x.fields["email"], Password: x.fields.password("password"),
	}
}

func (d *door) emailPage(x *exchange) error {
	return x.page(http.StatusOK, pageAccountEmail, view{Body: emailView{Current: x.presence.User.Email.String()}})
}

func (d *door) submitEmail(x *exchange) error {
	err := x.asking(func(secret model.RequestSecret) error {
		in := emailChangeOf(x)
		in.Request = secret
		return d.auth.ChangeEmail(x.r.Context(), in)
	})
	if err != nil {
		return err
	}
	return x.redirect(doneAt(verifyPath, doneEmailAsked))
}

// unverified leads somebody whose password is right to the page where the email
// is proven. Where no other mail was queued, the digits of the last one still count.
func (d *door) unverified(x *exchange, secret model.RequestSecret, refusal error) error {
	x.refusalCode = model.ErrEmailUnverified.Code
	if told := new(model.Error); errors.As(refusal, &told) && told.RetryAfter > 0 {
		x.dropCookie(codeCookie)
		return x.redirect(doneAt(verifyPath, doneUnverifiedAgain))
	}
	x.keepRequest(secret)
	return x.redirect(doneAt(verifyPath, doneUnverified))
}
