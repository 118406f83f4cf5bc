package web

// done is good news that a page tells after a redirect. Only its name travels
// in the URL, so no link can put words into our mouth.
type done string

const (
	doneRegistered done = "registered"
	donePassword   done = "password"
	doneReset      done = "reset"
	doneDeleted    done = "deleted"
	doneSession    done = "session"
	doneSessions   done = "sessions"
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
	case doneSession:
		return "The session has ended."
	case doneSessions:
		return "All other sessions have ended."
	}
	return ""
}
