package gatehouse

import "gatehouse/model"

// Every kind of mail there is.
const (
	mailVerify     model.MailKind = "verify-email"
	mailRegistered model.MailKind = "email-registered" // somebody registered with a taken email
	mailReset      model.MailKind = "reset-password"
	mailChange     model.MailKind = "change-email"
	mailClaimed    model.MailKind = "email-claimed" // somebody wants to change to a taken email

	mailPasswordChanged  model.MailKind = "password-changed"
	mailPasswordReset    model.MailKind = "password-reset"
	mailEmailChangeAsked model.MailKind = "email-change-asked"
	mailEmailChanged     model.MailKind = "email-changed"
	mailUsernameChanged  model.MailKind = "username-changed"
	mailUserDeleted      model.MailKind = "user-deleted"
	mailUserDisabled     model.MailKind = "user-disabled"
	mailNewDevice        model.MailKind = "new-device"
	mailAfterFailures    model.MailKind = "login-after-failures"
	mailTokenReuse       model.MailKind = "token-reuse"

	// mailRecovery is a mailReset of which nobody knows yet who gets it.
	mailRecovery model.MailKind = "recovery"
	// mailNothing is queued where nobody gets a mail, so that the same work is done.
	mailNothing model.MailKind = "nothing"
)

// wording is what a mail says. The words in braces are filled in.
type wording struct {
	subject string
	lines   []string
	action  string // of the link, if path is set
	path    string
	notYou  string // what to do if it was not you
}

const (
	onceIn30Minutes = "The link works once, within 30 minutes."
	onceIn24Hours   = "The link works once, within 24 hours."
	setNewPassword  = "If it was not you, set a new password at once: {site}/forgot. That logs everybody out."
)

// wordingOf returns what a kind of mail says.
func wordingOf(kind model.MailKind) (w wording, ok bool) {
	if w, ok = requestWordings()[kind]; !ok {
		w, ok = noticeWordings()[kind]
	}
	return w, ok
}

// requestWordings are the words of mails that somebody asked for. They may go to
// addresses that nobody has proven, so they hold no text of a user.
func requestWordings() map[model.MailKind]wording {
	return map[model.MailKind]wording{
		mailVerify: {
			subject: "Confirm your email for {product}",
			lines:   []string{"Somebody, hopefully you, gave this address to {product}. Please confirm that it is yours.", onceIn24Hours},
			action:  "Confirm email", path: "/verify",
			notYou: "If it was not you, do nothing: until it is confirmed, nobody can log in with it.",
		},
		mailRegistered: {
			subject: "You already have an account at {product}",
			lines: []string{"Somebody, maybe you, wanted to register with this address. It belongs to an account already, so nothing was changed.",
				"Log in as always: {site}/login. If you do not know the password, set a new one. " + onceIn30Minutes},
			action: "Set a new password", path: "/reset",
			notYou: "If it was not you, do nothing: your account is as it was, and nobody can log in with what was typed.",
		},
		mailReset: {
			subject: "Set a new password for {product}",
			lines:   []string{"Somebody, hopefully you, asked for a new password of the account with this address.", onceIn30Minutes},
			action:  "Set a new password", path: "/reset",
			notYou: "If it was not you, do nothing: the password stays as it is.",
		},
		mailChange: {
			subject: "Confirm your new email for {product}",
			lines:   []string{"Somebody, hopefully you, wants to use this address for an account at {product}. Please confirm that it is yours.", onceIn24Hours},
			action:  "Confirm new email", path: "/verify",
			notYou: "If it was not you, do nothing: until it is confirmed, the address is not used.",
		},
		mailClaimed: {
			subject: "Somebody wanted to use your email at {product}",
			lines:   []string{"Somebody with another account wanted to change its email to this address. It belongs to your account, so nothing was changed."},
			notYou:  "There is nothing to do: whoever it was has not learned that there is an account. If it was you, log in here instead: {site}/login.",
		},
	}
}

// noticeWordings are the words of notices, which go to proven addresses alone.
func noticeWordings() map[model.MailKind]wording {
	return map[model.MailKind]wording{
		mailPasswordChanged: {
			subject: "Your password was changed",
			lines:   []string{"The password of {who} at {product} was changed on {when}. All other sessions were ended."},
			notYou:  setNewPassword,
		},
		mailPasswordReset: {
			subject: "Your password was reset",
			lines:   []string{"The password of {who} at {product} was set anew on {when}, by somebody who had a link for it. All sessions were ended."},
			notYou:  setNewPassword,
		},
		mailEmailChangeAsked: {
			subject: "Your email is to be changed",
			lines: []string{"On {when} somebody who knows the password of {who} at {product} asked for another email.",
				"This address stays in use until the other one is confirmed."},
			notYou: "If it was not you, change your password now: {site}/account/password. That also stops the change.",
		},
		mailEmailChanged: {
			subject: "Your email was changed",
			lines:   []string{"On {when} the email of {who} at {product} was changed. This address is not used any more."},
			notYou:  "If it was not you, tell those who run {product} at once: this address cannot get the account back by itself.",
		},
		mailUsernameChanged: {
			subject: "Your username was changed",
			lines:   []string{"On {when} the username of your account at {product} was changed{to name}."},
			notYou:  setNewPassword,
		},
		mailUserDeleted: {
			subject: "Your account was deleted",
			lines:   []string{"On {when} {who} at {product} was deleted, with everything that belonged to it. It cannot be brought back."},
			notYou:  "If it was not you, tell those who run {product}.",
		},
		mailUserDisabled: {
			subject: "Your account was disabled",
			lines:   []string{"On {when} {who} at {product} was disabled by those who run it. All sessions were ended."},
			notYou:  "If you do not know why, ask those who run {product}.",
		},
		mailNewDevice: {
			subject: "New login",
			lines:   []string{"On {when} somebody logged in to {who} at {product}{where}, on a device that was not known before."},
			notYou:  setNewPassword,
		},
		mailAfterFailures: {
			subject: "Login after wrong passwords",
			lines:   []string{"On {when} somebody logged in to {who} at {product}{where}. Before that, a wrong password was tried several times."},
			notYou:  setNewPassword,
		},
		mailTokenReuse: {
			subject: "A session was ended for your safety",
			lines: []string{"On {when} somebody{where} presented a token of {who} at {product} that had been used already. It may have been copied, so the session was ended.",
				"Your other sessions go on: {site}/account."},
			notYou: "If your devices are in your hands and you notice nothing else, logging in again is enough. If you are in doubt, set a new password: {site}/forgot.",
		},
	}
}
