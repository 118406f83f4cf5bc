package web

// route is one row of the table: who may come in, what may be brought, and
// where it leads. Every body is at most maxBody; who may try how often is for
// the rules to say.
type route struct {
	method, path string
	who          guard
	takes        body
	do           handler
	again        handler // the page that shows what was refused; nil elsewhere
}

// The paths that code leads to by name.
const (
	loginPath    = "/login"
	registerPath = "/register"
	resetPath    = "/reset"
	accountPath  = "/account"
	verifyPath   = "/verify"
	mailboxPath  = "/dev/mailbox"
	strengthPath = "/password/strength"
	staticPrefix = "/static/"
)

// handler answers a request or returns why it cannot.
type handler func(*exchange) error

// rows is every route there is. A path may end in one of the parameterNames.
func (d *door) rows() []route {
	none, form, min := body{}, formOf, d.auth.PasswordMin()
	rows := []route{
		{"POST", "/v1/register", anyone, jsonOf(username(), email(), newPassword("password", min)), d.register, nil},
		{"POST", "/v1/login", anyone, jsonOf(identifier(), password("password")), d.login, nil},
		{"POST", "/v1/token/refresh", anyone, jsonOf(token("refresh_token")), d.refreshToken, nil},
		{"POST", "/v1/token/revoke", anyone, jsonOrFormOf(token("token"), tokenTypeHint()), d.revokeToken, nil},
		{"POST", "/v1/token", cookied, jsonOf(), d.issueToken, nil},
		{"POST", "/v1/logout", bearer, jsonOf().orNothing(), d.logout, nil},
		{"GET", "/v1/me", bearer, none, d.me, nil},
		{"PATCH", "/v1/me", bearer, jsonOf(username().must()), d.rename, nil},
		{"POST", "/v1/password/change", bearer, jsonOf(password("current_password"), newPassword("new_password", min)), d.changePassword, nil},
		{"POST", "/v1/password/reset", anyone, jsonOf(code(), newPassword("new_password", min)), d.resetPassword, nil},
		{"GET", "/v1/sessions", bearer, none, d.sessions, nil},
		{"DELETE", "/v1/sessions", bearer, none, d.endOtherSessions, nil},
		{"DELETE", "/v1/sessions/{id}", bearer, none, d.endSession, nil},
		{"DELETE", "/v1/account", bearer, jsonOf(password("password")), d.deleteAccount, nil},
		{"GET", "/v1/account/export", bearer, none, d.exportAccount, nil},
		{"GET", "/v1/status-list", anyone, none, d.statusList, nil},
		{"GET", "/.well-known/jwks.json", anyone, none, d.keySet, nil},
		{"GET", "/.well-known/oauth-authorization-server", anyone, none, d.metadata, nil},
		{"GET", "/healthz", anyone, none, d.healthy, nil},
		{"GET", "/readyz", anyone, none, d.ready, nil},
		{"GET", "/openapi.json", anyone, none, d.serveOpenAPI, nil},

		{"GET", "/", visitor, none, d.start, nil},
		{"GET", "/register", visitor, none, d.registerPage, nil},
		{"POST", "/register", visitor, form(username(), email(), newPassword("password", min).maybe(), next()), d.submitRegister, d.registerPage},
		{"GET", "/login", visitor, none, d.loginPage, nil},
		{"POST", "/login", visitor, form(identifier(), password("password"), next()), d.submitLogin, d.loginPage},
		{"POST", "/logout", insider, form(), d.submitLogout, nil},
		{"GET", "/reset", visitor, none, d.resetPage, nil},
		{"POST", "/reset", visitor, form(code().maybe(), newPassword("new_password", min)), d.submitReset, d.resetPage},
		{"POST", strengthPath, visitor, form(password("password"), username(), email()), d.passwordStrength, nil},
		{"GET", "/account", insider, none, d.accountPage, nil},
		{"GET", "/account/password", insider, none, d.passwordPage, nil},
		{"POST", "/account/password", insider, form(password("current_password"), newPassword("new_password", min)), d.submitPassword, d.passwordPage},
		{"GET", "/account/export", insider, none, d.exportPage, nil},
		{"POST", "/account/export", insider, form(password("password")), d.submitExport, d.exportPage},
		{"GET", "/account/delete", insider, none, d.deletePage, nil},
		{"POST", "/account/delete", insider, form(password("password")), d.submitDelete, d.deletePage},
		{"POST", "/account/sessions/end", insider, form(sessionID()), d.submitEndSession, nil},
		{"POST", "/account/sessions/end-others", insider, form(), d.submitEndOthers, nil},
		{"GET", "/errors/{code}", visitor, none, d.codePage, nil},
		{"GET", "/static/{file}", anyone, none, d.static, nil},
	}
	rows = append(rows, d.mailRows()...)
	if d.mailbox != nil {
		rows = append(rows, d.mailboxRows()...)
	}
	if d.secret != nil {
		rows = append(rows, route{"POST", "/v1/token/introspect", introspector, form(token("token"), tokenTypeHint()), d.introspectToken, nil})
	}
	return rows
}

// mailRows are the routes about mail. Where none is sent they say so, and there is
// no form to submit.
func (d *door) mailRows() []route {
	none, form := body{}, formOf
	forgot, change := d.forgotPassword, d.changeEmail
	if !d.auth.SendsMail() {
		forgot, change = noMail, noMail
	}
	rows := []route{
		{"POST", "/v1/password/forgot", anyone, jsonOf(email().must()), forgot, nil},
		{"POST", "/v1/email/verify", anyone, jsonOf(code()), d.verifyEmail, nil},
		{"POST", "/v1/email/change", bearer, jsonOf(email().must(), password("password")), change, nil},
		{"GET", "/forgot", visitor, none, d.forgotPage, nil},
		{"GET", verifyPath, visitor, none, d.verifyPage, nil},
		{"GET", "/account/email", insider, none, d.emailPage, nil},
	}
	if !d.auth.SendsMail() {
		return rows
	}
	return append(rows,
		route{"POST", "/forgot", visitor, form(email().must()), d.submitForgot, d.forgotPage},
		route{"POST", verifyPath, visitor, form(code().maybe(), password("password").maybe()), d.submitVerify, d.verifyPage},
		route{"POST", "/account/email", insider, form(email().must(), password("password")), d.submitEmail, d.emailPage},
	)
}
