package gatehouse

import (
	"context"
	"net/url"
	"time"

	"gatehouse/blocklist"
	"gatehouse/model"
)

// The reasons why a password is blocked. They are part of the contract.
const (
	reasonCommon   = "common"
	reasonContext  = "context"
	reasonBreached = "breached"
)

// fewWords is the guidance that stands beside each reason.
const fewWords = " Use a few unrelated words instead."

// breachRetry is when to come back after the list of leaks did not answer.
const breachRetry = 30 * time.Second

// choice is a password that somebody chooses.
type choice struct {
	password model.Password
	member   string   // it was sent in
	names    []string // of the user, where they are known
}

// newPassword returns the bytes to hash of a password that somebody chooses, or
// the refusal with the member it was sent in: ErrPasswordTooShort,
// ErrPasswordTooLong, ErrPasswordBlocked, ErrBadRequest. Every way to set a
// password comes through here, and then through refuseBreached. It asks nobody.
func (a *Auth) newPassword(in choice) ([]byte, error) {
	canonical, err := in.password.Canonical()
	if err == nil {
		err = in.password.CheckLength(a.cfg.PasswordMin)
	}
	if err != nil {
		return nil, named(err, in.member)
	}
	if err := a.refuseNames(canonical, in.member, in.names); err != nil {
		return nil, err
	}
	if a.commonPasswords.Holds(string(canonical)) {
		return nil, model.ErrPasswordBlocked.Because(reasonCommon, in.member,
			"This password is common, so it is tried first."+fewWords)
	}
	return canonical, nil
}

// refuseNames refuses a password that is made of one of the names, or of what
// this place is called. The names of a user may become known after the rest.
func (a *Auth) refuseNames(canonical []byte, member string, names []string) error {
	if !a.ourNames.With(names...).Makes(string(canonical)) {
		return nil
	}
	return model.ErrPasswordBlocked.Because(reasonContext, member,
		"This password is made of your name, your email or the name of this place."+fewWords)
}

// refuseBreached asks the list of leaks, if there is one. It comes after
// everything that can be refused without asking, and before the hash. Refusals:
// ErrPasswordBlocked; ErrUnavailable when nobody answers, unless the
// configuration accepts that.
func (a *Auth) refuseBreached(ctx context.Context, canonical []byte, member string, id model.UserID) error {
	if a.cfg.BreachChecker == nil {
		return nil
	}
	breached, err := a.cfg.BreachChecker.Breached(ctx, model.Password(canonical))
	switch {
	case err == nil && breached:
		return model.ErrPasswordBlocked.Because(reasonBreached, member,
			"This password became known by a leak."+fewWords)
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err() // who asked went away
	}
	a.log.WarnContext(ctx, "password not looked up among leaks", "user_id", id.String(), "accepted", a.cfg.AcceptUnchecked, "error", err)
	if !a.cfg.AcceptUnchecked {
		return model.ErrUnavailable.After(breachRetry)
	}
	return a.recordAlone(ctx, model.EventPasswordUnchecked, id)
}

// namesOf are the names a password must not be made of.
func namesOf(user model.User) []string {
	return []string{user.Username.String(), user.Email.String()}
}

// ourNames are what everybody knows about this installation.
func ourNames(cfg Config) blocklist.Context {
	names := []string{"gatehouse", hostOf(cfg.Issuer), hostOf(cfg.Audience)}
	return blocklist.NewContext(append(names, cfg.ContextWords...)...)
}

// hostOf is the host of a URL, or the text where it is none.
func hostOf(text string) string {
	if parsed, err := url.Parse(text); err == nil && parsed.Host != "" {
		return parsed.Hostname()
	}
	return text
}
