package web

import (
	"net/http"

	"gatehouse"
)

// register is POST /v1/register. It does not log in. Where mail is sent, the
// email has to be proven first.
func (d *door) register(x *exchange) error {
	if d.auth.SendsMail() {
		return d.requestRegistration(x)
	}
	user, err := d.auth.RegisterUser(x.r.Context(), registrationOf(x.fields))
	if err != nil {
		return err
	}
	return x.json(http.StatusCreated, userEnvelope{User: userAnswerOf(user)})
}

// registrationOf takes the three members and nothing else: no roles, no id.
func registrationOf(f fields) gatehouse.Registration {
	return gatehouse.Registration{Username: f["username"], Email: f["email"], Password: f.password("password")}
}

func (d *door) registerPage(x *exchange) error {
	if x.loggedIn() && x.refusal == nil {
		return x.redirect(accountPath)
	}
	return x.page(http.StatusOK, pageRegister, view{Next: d.nextOf(x)})
}

// submitRegister adds the user and logs in at once, so that nobody types the
// same password twice in a row.
func (d *door) submitRegister(x *exchange) error {
	if d.auth.SendsMail() {
		return d.submitRegistrationRequest(x)
	}
	in := registrationOf(x.fields)
	if _, err := d.auth.RegisterUser(x.r.Context(), in); err != nil {
		return err
	}
	identifier := in.Username
	if identifier == "" {
		identifier = in.Email
	}
	err := d.openPage(x, gatehouse.Credentials{Identifier: identifier, Password: in.Password})
	if err != nil {
		// The user exists, so the form must not be shown again.
		d.refusalOf(x, err)
		return x.redirect(doneAt(loginPath, doneRegistered))
	}
	return x.redirect(d.landing(x.fields["next"]))
}
