package web

import (
	"errors"
	"net/http"

	"gatehouse"
	"gatehouse/model"
)

// login is POST /v1/login. Credentials count in the body alone, so a Basic
// header beside it is a mistake that must not pass unseen.
func (d *door) login(x *exchange) error {
	if _, _, basic := x.r.BasicAuth(); basic {
		return model.ErrBadRequest
	}
	grant, err := d.auth.LoginUser(x.r.Context(), credentialsOf(x.fields))
	if err != nil {
		return err
	}
	x.presence.User = grant.User
	return x.json(http.StatusOK, loginAnswerOf(grant))
}

func credentialsOf(f fields) gatehouse.Credentials {
	return gatehouse.Credentials{Identifier: f["identifier"], Password: f.password("password")}
}

// logout is POST /v1/logout.
func (d *door) logout(x *exchange) error {
	if err := d.auth.LogoutUser(x.r.Context(), x.presence.User.ID, x.presence.Session.ID); err != nil {
		return err
	}
	return x.empty(http.StatusNoContent)
}

// start answers "where am I".
func (d *door) start(x *exchange) error {
	if x.loggedIn() {
		return x.redirect(accountPath)
	}
	return x.redirect(loginPath)
}

func (d *door) loginPage(x *exchange) error {
	if x.loggedIn() && x.refusal == nil {
		return x.redirect(d.landing(x.query.Get("next")))
	}
	return x.page(http.StatusOK, pageLogin, view{Next: d.nextOf(x), Notice: noticeOf(x)})
}

func (d *door) submitLogin(x *exchange) error {
	in := credentialsOf(x.fields)
	in.Request = model.NewRequestSecret()
	err := d.openPage(x, in)
	switch {
	case errors.Is(err, model.ErrEmailUnverified):
		return d.unverified(x, in.Request, err)
	case err != nil:
		return err
	}
	return x.redirect(d.landing(x.fields["next"]))
}

// openPage logs a browser in. A session that it already had is ended, so that
// none outlives the cookie that named it.
func (d *door) openPage(x *exchange, in gatehouse.Credentials) error {
	ctx, old := x.r.Context(), x.presence
	grant, err := d.auth.LoginSession(ctx, in)
	if err != nil {
		return err
	}
	if !old.Session.ID.IsZero() {
		if err := d.auth.LogoutUser(ctx, old.User.ID, old.Session.ID); err != nil {
			return err
		}
	}
	x.presence = model.Presence{User: grant.User, Session: grant.Session}
	x.dropCookie(csrfCookie)
	x.openBrowserSession(grant.Token, grant.Session)
	x.keepDevice(grant.Device)
	return nil
}

func (d *door) submitLogout(x *exchange) error {
	if err := d.auth.LogoutUser(x.r.Context(), x.presence.User.ID, x.presence.Session.ID); err != nil {
		return err
	}
	x.closeBrowserSession()
	return x.redirect(loginPath)
}

// landing is where a login leads: a page of our own list, by its exact path,
// or the account page. No other target exists, so none has to be parsed.
func (d *door) landing(next string) string {
	if d.routes.isLanding(next) {
		return next
	}
	return accountPath
}

// nextOf is the target that the form carries on, from the link or from the
// form that is shown again.
func (d *door) nextOf(x *exchange) string {
	for _, next := range []string{x.query.Get("next"), x.fields["next"]} {
		if d.routes.isLanding(next) {
			return next
		}
	}
	return ""
}
