package web

import (
	"net/http"

	"gatehouse/model"
)

// operation is what the description of the API adds to a row of the route
// table: what it is for, what it answers and what it refuses beyond what every
// route of its kind does.
type operation struct {
	summary  string
	status   int
	answer   any    // value of the type that is answered; nil for no body
	media    string // of the answer, where it is not JSON
	refusals []*model.Error
	anyOf    []string // at least one of these members
	alone    bool     // answers without the store, so it is never unavailable
}

const statusListType = "application/statuslist+jwt"

// operations has one entry for each JSON route, by method and path.
func operations(sendsMail bool) map[string]operation {
	all, mail := accountOperations(), mailOperations
	if !sendsMail {
		mail = noMailOperations
	}
	for key, op := range mail() {
		all[key] = op
	}
	for key, op := range tokenOperations() {
		all[key] = op
	}
	for key, op := range publicOperations() {
		all[key] = op
	}
	return all
}

func newPasswordRefusals(more ...*model.Error) []*model.Error {
	return append(more, model.ErrPasswordTooShort, model.ErrPasswordTooLong, model.ErrPasswordBlocked, model.ErrTooManyAttempts, model.ErrOverloaded)
}

func loginOperation(more ...*model.Error) operation {
	return operation{
		summary: "Log in with a username or an email.", status: http.StatusOK, answer: loginAnswer{},
		refusals: append(more, model.ErrWrongCredentials, model.ErrUserDisabled, model.ErrPasswordTooLong, model.ErrTooManyAttempts, model.ErrOverloaded),
	}
}

func accountOperations() map[string]operation {
	return map[string]operation{
		"POST /v1/register": {
			summary: "Register a user. Does not log in.", status: http.StatusCreated, answer: userEnvelope{},
			refusals: newPasswordRefusals(model.ErrUsernameInvalid, model.ErrUsernameReserved, model.ErrUsernameTaken,
				model.ErrEmailInvalid, model.ErrEmailTaken),
			anyOf: []string{"username", "email"},
		},
		"POST /v1/login": loginOperation(),
		"POST /v1/logout": {
			summary: "End the session: its refresh token and access tokens are dead at once.", status: http.StatusNoContent,
		},
		"GET /v1/me": {summary: "Who is logged in, and with which session.", status: http.StatusOK, answer: meAnswer{}},
		"PATCH /v1/me": {
			summary: "Change the username.", status: http.StatusOK, answer: userEnvelope{},
			refusals: []*model.Error{model.ErrUsernameInvalid, model.ErrUsernameReserved, model.ErrUsernameTaken, model.ErrTooManyAttempts},
		},
		"POST /v1/password/change": {
			summary: "Change the password. Every other session is ended.", status: http.StatusNoContent,
			refusals: newPasswordRefusals(model.ErrWrongPassword, model.ErrSamePassword),
		},
		"POST /v1/password/reset": {
			summary: "Set a new password with a code. All sessions are ended; does not log in.", status: http.StatusNoContent,
			refusals: newPasswordRefusals(model.ErrInvalidOrExpiredCode, model.ErrUserDisabled),
		},
		"GET /v1/sessions": {
			summary: "The live sessions of the user, the newest first.", status: http.StatusOK, answer: sessionsEnvelope{},
		},
		"DELETE /v1/sessions": {summary: "End all sessions but the current one.", status: http.StatusNoContent},
		"DELETE /v1/sessions/{id}": {
			summary: "End one session of the user.", status: http.StatusNoContent, refusals: []*model.Error{model.ErrNotFound},
		},
		"DELETE /v1/account": {
			summary: "Delete the user and all that belongs to the user, for good.", status: http.StatusNoContent,
			refusals: []*model.Error{model.ErrWrongPassword, model.ErrPasswordTooLong, model.ErrTooManyAttempts, model.ErrOverloaded},
		},
		"GET /v1/account/export": {
			summary: "All data held about the user. Asks for a password proven within 5 minutes.",
			status:  http.StatusOK, answer: exportAnswer{}, refusals: []*model.Error{model.ErrReauthRequired, model.ErrOverloaded},
		},
	}
}

// mailOperations are those that need mail, and those that it changes.
func mailOperations() map[string]operation {
	return map[string]operation{
		"POST /v1/register": {
			summary: "Register a user, who confirms the email by the mail that is sent. Answers alike for an email that is taken.",
			status:  http.StatusAccepted, answer: nextStepAnswer{},
			refusals: newPasswordRefusals(model.ErrUsernameInvalid, model.ErrUsernameReserved, model.ErrUsernameTaken,
				model.ErrEmailInvalid),
			anyOf: []string{"email"},
		},
		"POST /v1/login": loginOperation(model.ErrEmailUnverified),
		"POST /v1/password/forgot": {
			summary: "Ask for a mail with a code to reset the password. Answers alike for an email that nobody has.",
			status:  http.StatusAccepted, answer: nextStepAnswer{}, refusals: []*model.Error{model.ErrTooManyAttempts},
		},
		"POST /v1/email/verify": {
			summary: "Confirm an email with the code of a mail.", status: http.StatusNoContent,
			refusals: []*model.Error{model.ErrInvalidOrExpiredCode, model.ErrTooManyAttempts},
		},
		"POST /v1/email/change": {
			summary: "Ask for a mail to a new email, which counts once it is confirmed. Answers alike for an email that is taken.",
			status:  http.StatusAccepted, answer: nextStepAnswer{},
			refusals: []*model.Error{model.ErrWrongPassword, model.ErrEmailInvalid, model.ErrPasswordTooLong, model.ErrTooManyAttempts, model.ErrOverloaded},
		},
	}
}

// noMailOperations are those that need mail, where none is sent.
func noMailOperations() map[string]operation {
	return map[string]operation{
		"POST /v1/password/forgot": {
			summary: "Does nothing, since this server sends no mail: the operator has links to reset a password.",
			status:  http.StatusAccepted, answer: nextStepAnswer{}, alone: true,
		},
		"POST /v1/email/verify": {
			summary: "Confirm an email with the code of a mail that was sent before: this server sends none now.", status: http.StatusNoContent,
			refusals: []*model.Error{model.ErrInvalidOrExpiredCode, model.ErrTooManyAttempts},
		},
		"POST /v1/email/change": {
			summary: "Does nothing, since this server sends no mail, and a new email counts once it is confirmed.",
			status:  http.StatusAccepted, answer: nextStepAnswer{},
		},
	}
}

func tokenOperations() map[string]operation {
	return map[string]operation{
		"POST /v1/token/refresh": {
			summary: "Renew a session: the refresh token is good once, its successor is in the answer.",
			status:  http.StatusOK, answer: grantAnswer{},
			refusals: []*model.Error{model.ErrInvalidToken, model.ErrTooManyAttempts},
		},
		"POST /v1/token/revoke": {
			summary: "End the session of a token (RFC 7009). Unknown tokens are answered alike.", status: http.StatusOK,
		},
		"POST /v1/token": {
			summary: "An access token for a script of the same origin, whose session is the cookie.",
			status:  http.StatusOK, answer: accessAnswer{}, refusals: []*model.Error{model.ErrForbidden},
		},
		"POST /v1/token/introspect": {
			summary: "What a token is worth at this moment (RFC 7662).", status: http.StatusOK, answer: introspectionAnswer{},
			refusals: []*model.Error{model.ErrTooManyAttempts, model.ErrOverloaded},
		},
	}
}

func publicOperations() map[string]operation {
	return map[string]operation{
		"GET /v1/status-list": {
			summary: "The signed list of revoked tokens.", status: http.StatusOK, answer: "", media: statusListType,
		},
		"GET /.well-known/jwks.json": {
			summary: "The keys that verify access tokens (RFC 7517).", status: http.StatusOK, answer: keySetAnswer{},
		},
		"GET /.well-known/oauth-authorization-server": {
			summary: "Where everything is (RFC 8414).", status: http.StatusOK, answer: metadataAnswer{}, alone: true,
		},
		"GET /healthz": {summary: "The process answers.", status: http.StatusOK, answer: "", media: plainText, alone: true},
		"GET /readyz": {
			summary: "The process and its store answer.", status: http.StatusOK, answer: "", media: plainText,
		},
		"GET /openapi.json": {summary: "This document.", status: http.StatusOK, answer: map[string]any{}, alone: true},
	}
}

// keySetAnswer describes what the key set of the rules encodes to.
type keySetAnswer struct {
	Keys []keyAnswer `json:"keys"`
}

type keyAnswer struct {
	KeyType   string `json:"kty"`
	KeyID     string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
	N         string `json:"n,omitempty"`
	E         string `json:"e,omitempty"`
}
