package web

import (
	"net/http"

	"gatehouse/model"
)

// sessions is GET /v1/sessions: those of who asks, the newest first.
func (d *door) sessions(x *exchange) error {
	sessions, err := d.auth.Sessions(x.r.Context(), x.presence.User.ID)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, sessionsEnvelope{Sessions: sessionAnswersOf(sessions, x.presence.Session.ID)})
}

// endSession is DELETE /v1/sessions/{id}. Refusal: ErrNotFound, for the session
// of somebody else as for one that never was.
func (d *door) endSession(x *exchange) error {
	if _, err := d.end(x, x.parameter); err != nil {
		return err
	}
	return x.empty(http.StatusNoContent)
}

// end ends one session of who asks, and reports whether it was the one they
// ask with.
func (d *door) end(x *exchange, text string) (current bool, err error) {
	id, err := model.ParseID[model.Session](text)
	if err != nil {
		return false, err
	}
	err = d.auth.EndSession(x.r.Context(), x.presence.User.ID, id)
	return id == x.presence.Session.ID, err
}

// endOtherSessions is DELETE /v1/sessions.
func (d *door) endOtherSessions(x *exchange) error {
	_, err := d.auth.EndOtherSessions(x.r.Context(), x.presence.User.ID, x.presence.Session.ID)
	if err != nil {
		return err
	}
	return x.empty(http.StatusNoContent)
}

func (d *door) submitEndSession(x *exchange) error {
	current, err := d.end(x, x.fields["id"])
	if err != nil {
		return err
	}
	if current {
		x.closeBrowserSession()
		return x.redirect(loginPath)
	}
	return x.redirect(doneAt(accountPath, doneSession))
}

func (d *door) submitEndOthers(x *exchange) error {
	_, err := d.auth.EndOtherSessions(x.r.Context(), x.presence.User.ID, x.presence.Session.ID)
	if err != nil {
		return err
	}
	return x.redirect(doneAt(accountPath, doneSessions))
}
