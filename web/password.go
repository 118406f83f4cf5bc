package web

import (
	"net/http"
	"strings"

	"gatehouse"
	"gatehouse/model"
)

// changePassword is POST /v1/password/change.
func (d *door) changePassword(x *exchange) error {
	if err := d.auth.ChangePass(x.r.Context(), passwordChangeOf(x)); err != nil {
		return err
	}
	return x.empty(http.StatusNoContent)
}

// passwordChangeOf takes who acts from the credential and never from the body.
func passwordChangeOf(x *exchange) gatehouse.PasswordChange {
	return gatehouse.PasswordChange{
		UserID: x.presence.User.ID, SessionID: x.presence.Session.ID,
		Current: x.fields.password("current_password"), New: x.fields.password("new_password"),
	}
}

// resetPassword is POST /v1/password/reset. It does not log in.
func (d *door) resetPassword(x *exchange) error {
	in := gatehouse.PasswordReset{Code: model.Code(x.fields["code"]), New: x.fields.password("new_password")}
	if err := d.auth.ResetPass(x.r.Context(), in); err != nil {
		return err
	}
	return x.empty(http.StatusNoContent)
}

func (d *door) passwordPage(x *exchange) error {
	return x.page(http.StatusOK, pageAccountPassword, view{})
}

// submitPassword changes the password and gives the session that stays another
// cookie, so that a stolen one is worth nothing afterwards. The browser stays known.
func (d *door) submitPassword(x *exchange) error {
	device, err := d.auth.ChangePassInBrowser(x.r.Context(), passwordChangeOf(x))
	if err != nil {
		return err
	}
	x.keepDevice(device)
	token, err := d.auth.RenewSession(x.r.Context(), x.sessionToken())
	if err != nil {
		return err
	}
	x.openBrowserSession(token, x.presence.Session)
	return x.redirect(doneAt(accountPath, donePassword))
}

// resetPage shows the form for a new password. A link brings its code in the
// URL; the code moves into a cookie at once, and nothing is spent by looking.
func (d *door) resetPage(x *exchange) error {
	if moved, err := x.keepLinkedCode(resetPath); moved {
		return err
	}
	held := cookie(x.r, codeCookie)
	if held != "" && x.refusal == nil {
		alive, err := d.auth.CodeAlive(x.r.Context(), model.Code(held))
		if err != nil {
			return err
		}
		if !alive {
			x.refusal = model.ErrInvalidOrExpiredCode
		}
	}
	if x.dropDeadCode() {
		held = ""
	}
	x.nameCodeField()
	return x.page(http.StatusOK, pageReset, view{Body: codeFormView{AskCode: held == ""}, Notice: noticeOf(x)})
}

// isCode reports whether a text can be a code and so fits into a cookie.
func isCode(text string) bool {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return len(text) <= code().max && strings.Trim(text, alphabet) == ""
}

func (d *door) submitReset(x *exchange) error {
	held, err := x.heldCode()
	if err != nil {
		return err
	}
	in := gatehouse.PasswordReset{Code: held, New: x.fields.password("new_password"), Request: x.requestSecret()}
	device, err := d.auth.ResetPassInBrowser(x.r.Context(), in)
	if err != nil {
		return err
	}
	x.keepDevice(device)
	x.dropCookie(codeCookie)
	if x.requestSecret() != "" {
		x.dropCookie(requestCookie)
	}
	return x.redirect(doneAt(loginPath, doneReset))
}
