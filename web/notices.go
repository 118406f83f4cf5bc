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

// noticeOf is the sentence for what was done, or nothing.
func noticeOf(x *exchange) string {
	switch done(x.query.Get("done")) {
	case doneRegistered:
		return "Your account is ready. Log in to open it."
	case donePassword:
		return "Your password was changed. Every other session has ended."
	case doneReset:
		return "Your password was changed. Log in with the new one."
	case doneDeleted:
		return "Your account and all that belonged to it are deleted."
	case doneSession:
		return "The session has ended."
	case doneSessions:
		return "All other sessions have ended."
	}
	return ""
}
