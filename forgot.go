package gatehouse

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/model"
)

// Recovery is the wish of somebody who has lost a password.
type Recovery struct {
	Email   string              // in any spelling
	Request model.RequestSecret // of the browser that asks, if one does
}

// ForgotPass mails a code with which to set a new password to the user who has
// this email, at the address that is kept and never at the one that was typed. It
// answers nil whether there is such a user or not, and does the same work: for
// nobody, for who is disabled, and for an address that has got three such mails
// within the hour, a mail is queued that nobody gets. Nothing changes for the
// user until the code is used, but that older codes are void; who has got three
// mails keeps the last of them. Refusals: ErrTooManyAttempts, of the source alone;
// ErrUnavailable without a Mailer.
func (a *Auth) ForgotPass(ctx context.Context, in Recovery) error {
	if a.cfg.Mailer == nil {
		return model.ErrUnavailable
	}
	if err := a.allowSource(ctx, limitMailRequests); err != nil {
		return err
	}
	// What is no address is nobody's.
	email, _ := model.ParseEmail(in.Email)
	user, err := a.ownerOf(ctx, a.store, email)
	if err != nil {
		return err
	}
	err = a.tx(ctx, func(tx model.Records) error {
		wait, err := a.mayMail(ctx, tx, quotaRecovery, email)
		if err != nil {
			return err
		}
		mail := codeMail{kind: mailReset, purpose: model.PurposeReset, life: ResetCodeTTL, user: user, request: in.Request}
		if wait > 0 || user.Disabled() {
			mail.user = model.User{}
		}
		mail.to = mail.user.Email
		return a.mailCode(ctx, tx, mail)
	})
	if err != nil && !errors.Is(err, model.ErrNotFound) { // deleted meanwhile
		return fmt.Errorf("gatehouse: forgot password: %w", err)
	}
	return nil
}

// ownerOf returns the user who has this email, or the zero user.
func (a *Auth) ownerOf(ctx context.Context, accounts model.Accounts, email model.Email) (model.User, error) {
	account, err := accounts.AccountByEmail(ctx, email)
	if err != nil && !errors.Is(err, model.ErrNotFound) {
		return model.User{}, fmt.Errorf("gatehouse: account: %w", err)
	}
	return account.User, nil
}
