package gatehouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"gatehouse/model"
)

// RequestRegistration is RegisterUser for strangers, where mails are sent: it
// answers nil whether the email is free or taken, and does the same work: the answer
// tells nothing, nor does its time. What is different afterwards can be found out by
// asking on: only where the email was free does a user have the username, and is told
// at a login with the password that the email is not verified. A free
// one gets a mail to prove it, before which the user cannot log in. The owner of
// a taken one is told, with a way to set a new password; nothing is added. Three
// mails within an hour are the most for one address. That a username is taken is
// told: nobody could choose one otherwise. Refusals: those of RegisterUser but
// ErrEmailTaken; ErrEmailInvalid also where none is given; ErrTooManyAttempts, of
// the source; ErrUnavailable without a Mailer.
func (a *Auth) RequestRegistration(ctx context.Context, in Registration) error {
	if a.cfg.Mailer == nil {
		return model.ErrUnavailable
	}
	if in.Email == "" {
		in.Email = "none" // which is refused as no address, beside all else that is wrong
	}
	user, hash, err := a.checkRegistration(ctx, in)
	if err != nil {
		return err
	}
	err = a.tx(ctx, func(tx model.Records) error {
		return a.addOrTell(ctx, tx, registering{user: user, hash: hash, request: in.Request})
	})
	switch {
	case errors.Is(err, model.ErrUsernameTaken):
		return usernameTaken()
	case err != nil:
		return fmt.Errorf("gatehouse: register: %w", err)
	}
	return nil
}

// registering is a registration of which only the store knows whether it can be.
type registering struct {
	user    model.User
	hash    model.PasswordHash
	request model.RequestSecret
}

// addOrTell adds the user, or tells the owner of the email. Both queue two mails
// and keep a code that the browser can try to type; where a user is added here,
// a second code and its event are kept there. Who does not read the mail of the
// address cannot tell the two apart.
func (a *Auth) addOrTell(ctx context.Context, tx model.Records, in registering) error {
	created := tx.CreateUser(ctx, in.user, in.hash)
	if created != nil && !errors.Is(created, model.ErrEmailTaken) {
		return created
	}
	// A free one is counted as a taken one, else what is left would tell them apart.
	noProof, proofErr := a.mayMail(ctx, tx, quotaProof, in.user.Email)
	noRecovery, recoveryErr := a.mayMail(ctx, tx, quotaRecovery, in.user.Email)
	if err := cmp.Or(proofErr, recoveryErr); err != nil {
		return err
	}
	verify := codeMail{kind: mailVerify, purpose: model.PurposeEmailVerify, life: VerifyCodeTTL,
		user: in.user, to: in.user.Email, request: in.request}
	if created != nil || noProof > 0 {
		verify.user = model.User{}
	}
	if err := a.mailCode(ctx, tx, verify); err != nil {
		return err
	}
	if created == nil {
		if err := tx.Record(ctx, a.event(ctx, model.EventUserCreated, in.user.ID, model.SessionID{})); err != nil {
			return err
		}
		return a.post(ctx, tx, posted{kind: mailNothing})
	}
	owner, err := a.ownerOf(ctx, tx, in.user.Email)
	if err != nil {
		return err
	}
	if err := tx.Record(ctx, a.event(ctx, model.EventUserDeclined, owner.ID, model.SessionID{})); err != nil {
		return err
	}
	if owner.Disabled() || noRecovery > 0 {
		owner = model.User{}
	}
	told := codeMail{kind: mailRegistered, purpose: model.PurposeReset, life: ResetCodeTTL, user: owner, to: owner.Email}
	err = a.mailCode(ctx, tx, told)
	if errors.Is(err, model.ErrNotFound) { // deleted meanwhile
		told.user = model.User{}
		err = a.mailCode(ctx, tx, told)
	}
	return err
}

// askToVerify mails a user who was added, or who logs in, a code that proves the
// email. It does nothing for users without one, for those who have proven it, and
// without a Mailer.
func (a *Auth) askToVerify(ctx context.Context, tx model.Records, asked verifying) error {
	if !a.mustVerify(asked.user) {
		return nil
	}
	return a.mailCode(ctx, tx, codeMail{kind: mailVerify, purpose: model.PurposeEmailVerify, life: VerifyCodeTTL,
		user: asked.user, to: asked.user.Email, request: asked.request})
}

// verifying is a user to be asked for a proof of the mailbox.
type verifying struct {
	user    model.User
	request model.RequestSecret
}

// mustVerify reports whether the user does not log in before the email is proven.
// Users without an email were added by the operator, who knows them.
func (a *Auth) mustVerify(user model.User) bool {
	return a.cfg.Mailer != nil && user.Email != "" && !user.EmailVerified()
}

// refuseUnverified is what a login with the right password is answered where the
// email was never proven: a mail that asks for it is queued, at most three within
// an hour, and older ones are void. Where there were three, the newest stays good
// and the refusal says when there may be another.
func (a *Auth) refuseUnverified(ctx context.Context, asked verifying) error {
	refusal := model.ErrEmailUnverified
	err := a.tx(ctx, func(tx model.Records) error {
		wait, err := a.mayMail(ctx, tx, quotaProof, asked.user.Email)
		if err != nil {
			return err
		}
		if refusal = model.ErrEmailUnverified; wait > 0 {
			refusal = refusal.After(wait)
		} else if err := a.askToVerify(ctx, tx, asked); err != nil {
			return err
		}
		return tx.Record(ctx, a.event(ctx, model.EventEmailUnverified, asked.user.ID, model.SessionID{}))
	})
	if errors.Is(err, model.ErrNotFound) {
		return model.ErrWrongCredentials // deleted meanwhile
	}
	if err != nil {
		return fmt.Errorf("gatehouse: login: %w", err)
	}
	return refusal
}
