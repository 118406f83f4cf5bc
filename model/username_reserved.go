package model

import (
	"strings"
	"sync"
)

// reservedWords would let a user speak for the service or its operators, take
// a mailbox that RFC 2142 gives to them, or look like a route or an empty
// value. Separators are left out: "no-reply" is found as "noreply".
var reservedWords = [...]string{
	"abuse", "account", "accounts", "admin", "administrator", "administrators", "admins", "anonymous",
	"api", "auth", "daemon", "everyone", "forgot", "gatehouse", "guest", "helpdesk", "hostmaster",
	"login", "logout", "mailerdaemon", "me", "moderator", "nobody", "noc", "none", "noreply", "null",
	"official", "operator", "owner", "postmaster", "register", "reset", "root", "security", "self",
	"signin", "signout", "signup", "staff", "superuser", "support", "sysadmin", "system", "undefined",
	"verify", "webmaster", "wellknown", "www",
}

// digitsAsLetters are the usual disguises. "1" stands for "i" as well as for
// "l", so a name is looked at both ways.
var digitsAsLetters = [...]*strings.Replacer{
	strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "-", "", "_", "", ".", ""),
	strings.NewReplacer("0", "o", "1", "l", "3", "e", "4", "a", "5", "s", "7", "t", "-", "", "_", "", ".", ""),
}

// reservedForms holds the look of every reserved word.
var reservedForms = sync.OnceValue(func() map[string]bool {
	forms := make(map[string]bool, len(reservedWords))
	for _, word := range reservedWords {
		forms[look(word)] = true
	}
	return forms
})

// reserved reports whether u is a reserved word or looks like one.
func (u Username) reserved() bool {
	for _, disguise := range digitsAsLetters {
		if reservedForms()[look(disguise.Replace(string(u)))] {
			return true
		}
	}
	return false
}

// look is the skeleton without the difference between "o" and "O" that the
// data makes.
func look(s string) string { return strings.ToLower(skeleton(s)) }
