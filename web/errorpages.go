package web

import (
	"net/http"

	"gatehouse/model"
)

// explanation is what a person is told about one code.
type explanation struct{ meaning, remedy string }

// explanationOf explains every refusal there is.
func explanationOf(code string) explanation {
	if known, ok := explanations[code]; ok {
		return known
	}
	return explanations["internal"]
}

// explanations has a row for each refusal of package model.
var explanations = map[string]explanation{
	"bad-request": {"The request is not formed the way this place expects it: a member is missing, twice there, of the wrong type, or the text around it is broken.",
		"Go back and try again. Programs compare what they send with /openapi.json."},
	"unknown-member": {"The body has a member that this place does not know. Nothing of it was used.",
		"Send only the members that /openapi.json names, spelled exactly so."},
	"unsupported-media-type": {"The body is not of a kind that is read here, or it is compressed.",
		"Send application/json in UTF-8, without compression."},
	"body-too-large": {"The body is larger than 64 KiB, and was not read further.",
		"Send less."},
	"username-invalid": {"The username has characters that cannot be used, or too many of them.",
		"Use 1 to 64 letters, digits and signs, without @ and without spaces."},
	"username-reserved": {"The username is kept free, because people would take it for the operator.",
		"Choose another username."},
	"username-taken": {"Somebody has this username, or one that looks like it.",
		"Choose another username."},
	"email-invalid": {"The email is not an address that mail can be sent to.",
		"Enter an address like name@example.com."},
	"email-taken": {"A user has this email.",
		"Log in with this email, or use another one."},
	"password-too-short": {"The password has fewer characters than this place asks for.",
		"Use more characters. A few unrelated words are easy to remember and hard to guess."},
	"password-too-long": {"The password has more than 256 characters.",
		"Use 256 characters or fewer."},
	"password-blocked": {"The password is one that is tried first. The reason says why: it is common, it is made of your own name or that of this place (context), or it became known by a leak (breached).",
		"Choose a password that nobody else uses. A few unrelated words are easy to remember and hard to guess."},
	"same-password": {"The new password is the current one.",
		"Choose a password that differs from the current one."},
	"wrong-credentials": {"No user has this username or email with this password.",
		"Check them and try again."},
	"wrong-password": {"The password is not that of the user who is logged in.",
		"Check it and try again: it is the one you log in with."},
	"email-unverified": {"The password is right, but the email has not been confirmed yet.",
		"Open the link in the newest mail you were sent. A login sends another, but only a few in an hour."},
	"user-disabled": {"The password or the code is right, but the operator has disabled the user.",
		"Ask the operator of this installation."},
	"invalid-token": {"The access token, refresh token or session is missing, has expired, was ended, or is not one of ours.",
		"Log in again."},
	"invalid-or-expired-code": {"The code was used already, has expired, was replaced by a newer one, or is not one of ours.",
		"Ask for a new one. A code is good once."},
	"reauth-required": {"This asks for a password that was proven within the last five minutes.",
		"Log in again, then repeat it."},
	"forbidden": {"The request did not come from one of our own pages in the same browser, or is not yours to make. Nothing was changed.",
		"Go back, reload the page and try again."},
	"not-found": {"There is nothing at this address, or nothing that is yours.",
		"Check the address."},
	"method-not-allowed": {"This address exists, but not for this method.",
		"Use a method that the Allow header of the answer names."},
	"too-many-attempts": {"Too many attempts were made in a short time, with one username or email or from one network address.",
		"Wait as long as the Retry-After header says, then try again. Until then nothing is looked at, right or wrong."},
	"overloaded": {"More is asked for than the server can do at once.",
		"Try again in a few seconds."},
	"internal": {"Something went wrong on our side. It was written down with the number of this request.",
		"Try again. If it stays, tell the operator the number of the request."},
	"unavailable": {"The server cannot reach what it needs at the moment.",
		"Try again in a few seconds."},
}

// errorPage answers a browser.
func (d *door) errorPage(x *exchange, refusal *model.Error) error {
	x.refusal = nil
	v := errorPageOf(refusal, x.id)
	status := x.statusOf(refusal)
	if told, ok := v.Body.(errorView); ok {
		told.Status = status
		v.Body = told
	}
	return x.page(status, pageError, v)
}

// errorPageOf tells a person about a refusal. It echoes nothing of the request.
func errorPageOf(refusal *model.Error, requestID string) view {
	sentence := explanationOf(refusal.Code).meaning + " " + remedy(refusal)
	return view{
		Title: refusal.Title,
		Body:  errorView{Status: statusOf(refusal), Sentence: sentence, RequestID: requestID},
	}
}

// codePage explains one code in one page.
func (d *door) codePage(x *exchange) error {
	for _, refusal := range model.Refusals() {
		if refusal.Code == x.parameter {
			return x.page(http.StatusOK, pageCode, codePageOf(refusal))
		}
	}
	return model.ErrNotFound
}

// codePageOf explains the code of a refusal.
func codePageOf(refusal *model.Error) view {
	told := explanationOf(refusal.Code)
	return view{
		Title: refusal.Title,
		Body:  codeView{Code: refusal.Code, Status: statusOf(refusal), Meaning: told.meaning, Remedy: told.remedy},
	}
}
