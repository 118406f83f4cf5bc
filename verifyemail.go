package gatehouse

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/model"
)

// EmailVerification is the proof that somebody reads the mail of an address, from
// a browser.
type EmailVerification struct {
	// Code is that of the link, or the digits of the mail together with Request.
	Code    model.Code
	Request model.RequestSecret // what the browser keeps of its request, if any

	// UserID and SessionID are of who is logged in in this browser, if anybody is.
	UserID    model.UserID
	SessionID model.SessionID
	// Password is the one chosen at registration, where nothing else tells that it
	// is the same person.
	Password model.Password
}

// EmailVerified is what a verification has done. Nobody is logged in by it.
type EmailVerified struct {
	User    model.User // as the user is now
	Changed bool       // the user had another email before
	// Device is for the browser to keep: it is known from now on, as after a login.
	Device model.DeviceToken
}

// VerifyEmail spends a code that was mailed, and notes that its address was
// proven: that of a new user, or the one that a user changes to, who has it from
// then on; then every session ends but the one that asked. It is for programs
// that know whose code it is; doors for browsers use VerifyEmailInBrowser. Nobody
// is logged in. Refusals: ErrInvalidOrExpiredCode, ErrTooManyAttempts.
func (a *Auth) VerifyEmail(ctx context.Context, code model.Code) error {
	record, err := a.present(ctx, code, "", model.PurposeEmailVerify, model.PurposeEmailChange)
	if err != nil {
		return err
	}
	_, err = a.proveMailbox(ctx, record, model.SessionID{})
	return err
}

// VerifyEmailInBrowser is VerifyEmail for a page. Somebody may have registered
// with the address of another, who is not to make that account a good one by
// pressing a button. So it also wants to know that who reads the mail is who
// asked for it: the browser keeps the secret of that request, or the user is
// logged in there, or else the password is asked for. Refusals beside those of
// VerifyEmail: ErrReauthRequired when none of it is so and there is no Password;
// those of ConfirmPassword. None of them costs the code of a link.
func (a *Auth) VerifyEmailInBrowser(ctx context.Context, in EmailVerification) (EmailVerified, error) {
	record, err := a.present(ctx, in.Code, in.Request, model.PurposeEmailVerify, model.PurposeEmailChange)
	if err != nil {
		return EmailVerified{}, err
	}
	if !in.isWhoAsked(record) {
		if in.Password == "" {
			return EmailVerified{}, model.ErrReauthRequired.With("password", "Type the password that you chose for this account.")
		}
		if _, err := a.confirm(ctx, confirmation{userID: record.UserID, password: in.Password, member: "password"}); err != nil {
			return EmailVerified{}, err
		}
	}
	keep := model.SessionID{}
	if in.UserID == record.UserID {
		keep = in.SessionID
	}
	done, err := a.proveMailbox(ctx, record, keep)
	if err != nil {
		return EmailVerified{}, err
	}
	done.Device = a.deviceOf(ctx, done.User.ID)
	return done, nil
}

// isWhoAsked reports whether the browser shows that the code is for who uses it.
func (in EmailVerification) isWhoAsked(record model.CodeRecord) bool {
	sameBrowser := in.Request != "" && record.Request == model.DigestOf(in.Request)
	sameUser := !in.UserID.IsZero() && in.UserID == record.UserID
	return sameBrowser || sameUser
}

// EmailNeeds is what a page has to ask for.
type EmailNeeds struct {
	Alive    bool // the code of the link is good
	Password bool // nothing but the password tells that it is the same person
}

// VerificationNeeds says what VerifyEmailInBrowser would ask of the code of a
// link, and changes nothing. Digits are not looked at, since that costs a try.
func (a *Auth) VerificationNeeds(ctx context.Context, in EmailVerification) (EmailNeeds, error) {
	for _, purpose := range []model.CodePurpose{model.PurposeEmailVerify, model.PurposeEmailChange} {
		record, err := a.store.LiveCode(ctx, model.DigestOf(in.Code), purpose, a.now())
		if err == nil {
			return EmailNeeds{Alive: true, Password: !in.isWhoAsked(record)}, nil
		}
		if !errors.Is(err, model.ErrNotFound) {
			return EmailNeeds{}, fmt.Errorf("gatehouse: code: %w", err)
		}
	}
	return EmailNeeds{}, nil
}

// proveMailbox is the one place where an email becomes a proven one by a code of
// its own. keep is a session that stays; the zero id keeps the one that asked.
func (a *Auth) proveMailbox(ctx context.Context, code model.CodeRecord, keep model.SessionID) (done EmailVerified, err error) {
	err = a.tx(ctx, func(tx model.Records) error {
		spent, err := tx.SpendCode(ctx, code.Digest, code.Purpose, a.now())
		if err != nil {
			return err
		}
		if err := tx.ClearLane(ctx, a.digitsLane(spent.Email).Key); err != nil {
			return err
		}
		if spent.Purpose == model.PurposeEmailChange {
			if keep.IsZero() {
				keep = spent.SessionID
			}
			done.Changed = true
			done.User, err = a.moveMailbox(ctx, tx, spent, keep)
		} else {
			done.User, err = a.verifyMailbox(ctx, tx, spent)
		}
		if err == nil && done.User.Disabled() {
			return model.ErrNotFound
		}
		return err
	})
	if errors.Is(err, model.ErrNotFound) || errors.Is(err, model.ErrEmailTaken) {
		// Used, too late, or somebody else has the address now: one answer.
		return EmailVerified{}, model.ErrInvalidOrExpiredCode
	}
	if err != nil {
		return EmailVerified{}, fmt.Errorf("gatehouse: verify email: %w", err)
	}
	return done, nil
}

func (a *Auth) verifyMailbox(ctx context.Context, tx model.Records, code model.CodeRecord) (model.User, error) {
	user, err := tx.VerifyEmail(ctx, code.UserID, code.Email, a.now())
	if err != nil {
		return user, err
	}
	return user, tx.Record(ctx, a.event(ctx, model.EventEmailVerified, user.ID, model.SessionID{}))
}

// moveMailbox gives the user the new email, ends the other sessions, and tells
// the old address.
func (a *Auth) moveMailbox(ctx context.Context, tx model.Records, code model.CodeRecord, keep model.SessionID) (model.User, error) {
	before, err := tx.User(ctx, code.UserID)
	if err != nil {
		return model.User{}, err
	}
	user, err := tx.ChangeEmail(ctx, code.UserID, code.Email, a.now())
	if err != nil {
		return user, err
	}
	if err := a.cutOff(ctx, tx, cut{userID: user.ID, keep: keep, name: model.EventEmailChanged}); err != nil {
		return user, err
	}
	return user, a.notify(ctx, tx, notice{kind: mailEmailChanged, user: before})
}
