package web

// done is good news that a page tells after a redirect. Only its name travels
// in the URL, so no link can put words into our mouth.
type done string

const (
	doneRegistered done = "registered"
	donePassword   done = "password"
	doneReset      done = "reset"
	doneDeleted    done = "deleted"
	doneAsked      done = "asked"
	doneRecovery   done = "recovery"
	doneUnverified done = "unverified"
	doneVerified   done = "verified"

	doneUnverifiedAgain done = "unverified-again"
	doneEmail           done = "email"
	doneEmailAsked      done = "email-asked"
	doneSession         done = "session"
	doneSessions        done = "sessions"
)

func doneAt(path string, d done) string { return path + "?done=" + string(d) }

// noticeOf is the sentence for what the URL says was done, or nothing.
func noticeOf(x *exchange) string { return done(x.query.Get("done")).sentence() }

func (d done) sentence() string {
	switch d {
	case doneRegistered:
		return "You are registered. Log in to see your account page."
	case donePassword:
		return "Your password was changed. Every other session has ended."
	case doneReset:
		return "Your password was changed. Log in with the new one."
	case doneDeleted:
		return "Your user and all that belonged to it are deleted."
	case doneAsked:
		return "A mail is on its way. If it does not come, look among unwanted mail."
	case doneRecovery:
		return "If a user has this email, a mail is on its way: open its link, or type its code here."
	case doneUnverified:
		return "Your password is right, but your email is not confirmed yet. Look into your mail."
	case doneUnverifiedAgain:
		return "Your password is right, but your email is not confirmed yet. You got three mails within an hour, which are the most: the newest counts."
	case doneVerified:
		return "Your email is confirmed."
	case doneEmail:
		return "Your email was changed. Every other session has ended."
	case doneEmailAsked:
		return "A mail is on its way to the new email. Until you confirm it, the old one stays."
	case doneSession:
		return "The session has ended."
	case doneSessions:
		return "All other sessions have ended."
	}
	return ""
}
