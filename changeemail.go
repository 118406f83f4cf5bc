package gatehouse

import (
	"context"
	"errors"

	"gatehouse/model"
)

// EmailChange is another email from somebody who is logged in.
type EmailChange struct {
	UserID    model.UserID
	SessionID model.SessionID // the session that asks, and stays; the zero id when none does
	Email     string
	Password  model.Password
	Request   model.RequestSecret // of the browser that asks, if one does
}

// ChangeEmail checks the password and mails a code to the new address; until
// that is used, the old one stays, is told at once, and can stop it by a new
// password. The answer is nil also for an address that somebody has, who is told
// instead, and the work is the same; so is it where that address has got three
// such mails within the hour. A user asks three times within it and then is refused:
// ErrTooManyAttempts. Refusals beside it: ErrWrongPassword, ErrEmailInvalid,
// ErrPasswordTooLong, ErrBadRequest, ErrOverloaded;
// ErrUnavailable without a Mailer and where the pepper of the hash is not
// configured; ErrInvalidToken when the user is gone, or the session or the
// password was ended meanwhile.
func (a *Auth) ChangeEmail(ctx context.Context, in EmailChange) error {
	if a.cfg.Mailer == nil {
		return model.ErrUnavailable
	}
	email, err := model.ParseEmail(in.Email)
	if err != nil {
		return err
	}
	if err := a.crowded(ctx); err != nil {
		return err
	}
	if err := a.allowSource(ctx, limitMailRequests); err != nil {
		return err
	}
	account, err := a.confirm(ctx, confirmation{userID: in.UserID, session: in.SessionID, password: in.Password, member: "password"})
	if err != nil {
		return err
	}
	// How often the user has asked is no secret to the user.
	if err := a.allowUser(ctx, limitMailsPerUser, in.UserID); err != nil {
		return orInvalidToken(err)
	}
	hold := model.Hold{UserID: in.UserID, PasswordVersion: account.PasswordVersion, SessionID: in.SessionID, Now: a.now()}
	err = a.tx(ctx, func(tx model.Records) error {
		if err := tx.HoldAccount(ctx, hold); err != nil {
			return err
		}
		wait, err := a.mayMail(ctx, tx, quotaChange, email)
		if err != nil {
			return err
		}
		return a.askToChange(ctx, tx, emailAsked{change: in, user: account.User, email: email, may: wait == 0})
	})
	if err != nil {
		return orInvalidToken(err)
	}
	return nil
}

// emailAsked is a change that the user may ask for.
type emailAsked struct {
	change EmailChange
	user   model.User
	email  model.Email
	may    bool // the new address has not got too many mails
}

// askToChange issues the code and queues two mails: one to the new address, or to
// who has it, or to nobody, and the notice to the old one.
func (a *Auth) askToChange(ctx context.Context, tx model.Records, in emailAsked) error {
	owner, err := a.ownerOf(ctx, tx, in.email)
	if err != nil {
		return err
	}
	mail := codeMail{
		kind: mailChange, purpose: model.PurposeEmailChange, life: VerifyCodeTTL,
		user: in.user, to: in.email, session: in.change.SessionID, request: in.change.Request,
	}
	// Nobody gets this code, but it makes an older one void as any other does: else
	// a link of before would tell whether this address is taken.
	mail.withheld = !owner.ID.IsZero() || !in.may
	if err := a.mailCode(ctx, tx, mail); err != nil {
		return err
	}
	claimed := notice{kind: mailClaimed, user: owner}
	if owner.ID == in.user.ID || owner.Disabled() || !in.may {
		claimed.user = model.User{}
	}
	err = a.notifyOrNobody(ctx, tx, claimed)
	if errors.Is(err, model.ErrNotFound) { // deleted meanwhile, which is not for the asker to see
		err = a.notifyOrNobody(ctx, tx, notice{kind: mailClaimed})
	}
	if err != nil {
		return err
	}
	if err := a.notifyOrNobody(ctx, tx, notice{kind: mailEmailChangeAsked, user: in.user}); err != nil {
		return err
	}
	return tx.Record(ctx, a.event(ctx, model.EventEmailChangeAsked, in.user.ID, in.change.SessionID))
}
