package gatehouse

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/model"
)

// RequestRegistration is RegisterUser for strangers, where mails are sent: it
// answers nil whether the email is free or taken, and does the same work. A free
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
	may, err := a.mayMail(ctx, user.Email)
	if err != nil {
		return fmt.Errorf("gatehouse: register: %w", err)
	}
	err = a.tx(ctx, func(tx model.Records) error {
		return a.addOrTell(ctx, tx, registering{user: user, hash: hash, request: in.Request, may: may})
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
	may     bool // the address has not got too many mails
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
	verify := codeMail{kind: mailVerify, purpose: model.PurposeEmailVerify, life: VerifyCodeTTL,
		user: in.user, to: in.user.Email, request: in.request}
	if created != nil || !in.may {
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
	if owner.Disabled() || !in.may {
		owner = model.User{}
	}
	return a.mailCode(ctx, tx, codeMail{kind: mailRegistered, purpose: model.PurposeReset, life: ResetCodeTTL, user: owner, to: owner.Email})
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
// email was never proven: a mail that asks for it is queued, silently at most
// three within an hour, and older ones are void.
func (a *Auth) refuseUnverified(ctx context.Context, asked verifying) error {
	may, err := a.mayMail(ctx, asked.user.Email)
	if err != nil {
		return fmt.Errorf("gatehouse: login: %w", err)
	}
	err = a.tx(ctx, func(tx model.Records) error {
		if may {
			if err := a.askToVerify(ctx, tx, asked); err != nil {
				return err
			}
		}
		return tx.Record(ctx, a.event(ctx, model.EventEmailUnverified, asked.user.ID, model.SessionID{}))
	})
	if errors.Is(err, model.ErrNotFound) {
		return model.ErrWrongCredentials // deleted meanwhile
	}
	if err != nil {
		return fmt.Errorf("gatehouse: login: %w", err)
	}
	return model.ErrEmailUnverified
}
