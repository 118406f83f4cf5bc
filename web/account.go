package web

import (
	"net/http"

	"gatehouse"
	"gatehouse/model"
)

// me is GET /v1/me.
func (d *door) me(x *exchange) error {
	session := x.presence.Session
	return x.json(http.StatusOK, &meAnswer{
		User: userAnswerOf(x.presence.User), Session: sessionAnswerOf(session, session.ID),
	})
}

// rename is PATCH /v1/me.
func (d *door) rename(x *exchange) error {
	user, err := d.auth.RenameUser(x.r.Context(), x.presence.User.ID, x.fields["username"])
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, userEnvelope{User: userAnswerOf(user)})
}

// deleteAccount is DELETE /v1/account.
func (d *door) deleteAccount(x *exchange) error {
	if err := d.auth.DeleteUser(x.r.Context(), deletionOf(x)); err != nil {
		return err
	}
	return x.empty(http.StatusNoContent)
}

func deletionOf(x *exchange) gatehouse.Deletion {
	return gatehouse.Deletion{
		UserID: x.presence.User.ID, SessionID: x.presence.Session.ID, Password: x.fields.password("password"),
	}
}

// exportAccount is GET /v1/account/export. Refusal: ErrReauthRequired unless
// the password was just proven.
func (d *door) exportAccount(x *exchange) error {
	if !d.auth.Fresh(x.presence.Session) {
		return model.ErrReauthRequired
	}
	return d.export(x, func() (gatehouse.Export, error) {
		return d.auth.ExportUser(x.r.Context(), x.presence.User.ID)
	})
}

// maxExports is how many exports are made at once. Each is held in memory until
// it is written.
const maxExports = 2

// export answers with all data held about who is there. Refusal: ErrOverloaded.
func (d *door) export(x *exchange, gather func() (gatehouse.Export, error)) error {
	leave, err := d.exports.take()
	if err != nil {
		return err
	}
	defer leave()
	held, err := gather()
	if err != nil {
		return err
	}
	text, err := writeIndentedJSON(exportAnswerOf(held, x.presence.Session.ID))
	if err != nil {
		return err
	}
	return x.write(http.StatusOK, "application/json; charset=utf-8", text)
}

func (d *door) accountPage(x *exchange) error {
	user, current := x.presence.User, x.presence.Session.ID
	sessions, err := d.auth.Sessions(x.r.Context(), user.ID)
	if err != nil {
		return err
	}
	account := accountView{
		Username: user.Username.String(), Email: user.Email.String(),
		EmailVerified: user.EmailVerified(), Since: user.CreatedAt,
	}
	for _, s := range sessions {
		account.Sessions = append(account.Sessions, sessionView{
			ID: s.ID.String(), UserAgent: s.Client.UserAgent, IP: placeOf(s.Client),
			CreatedAt: s.CreatedAt, LastUsedAt: s.LastUsedAt, Current: s.ID == current,
		})
	}
	if account.Activity, err = d.activityOf(x.r.Context(), user.ID); err != nil {
		return err
	}
	return x.page(http.StatusOK, pageAccount, view{Body: account, Notice: noticeOf(x)})
}

func (d *door) exportPage(x *exchange) error {
	return x.page(http.StatusOK, pageAccountExport, view{})
}

func (d *door) submitExport(x *exchange) error {
	// Before one of the few places is taken: a hash may have to wait.
	proof, err := d.auth.Confirm(x.r.Context(), gatehouse.Confirmation{
		UserID: x.presence.User.ID, SessionID: x.presence.Session.ID, Password: x.fields.password("password"),
	})
	if err != nil {
		return err
	}
	x.w.Header().Set("Content-Disposition", `attachment; filename="gatehouse-export.json"`)
	err = d.export(x, func() (gatehouse.Export, error) { return d.auth.ExportConfirmed(x.r.Context(), proof) })
	if err != nil {
		x.w.Header().Del("Content-Disposition")
	}
	return err
}

func (d *door) deletePage(x *exchange) error {
	return x.page(http.StatusOK, pageAccountDelete, view{})
}

func (d *door) submitDelete(x *exchange) error {
	if err := d.auth.DeleteUser(x.r.Context(), deletionOf(x)); err != nil {
		return err
	}
	x.closeBrowserSession()
	return x.redirect(doneAt(loginPath, doneDeleted))
}
