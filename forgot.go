package gatehouse

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"gatehouse/model"
)

// Recovery is the wish of somebody who has lost a password.
type Recovery struct {
	Email   string              // in any spelling
	Request model.RequestSecret // of the browser that asks, if one does
}

// ForgotPass has a code mailed with which to set a new password to the user who
// has this email, at the address that is kept and never at the one that was typed.
// It queues the wish alone and answers nil: who has the email is looked up by
// DeliverMail, so neither the answer nor its time can tell. Nobody, who is disabled,
// and an address that has got three such mails within the hour get none. Nothing
// changes for the user until the code is used, but that older codes are void; who
// has got three mails keeps the last of them. Refusals: ErrTooManyAttempts, of the
// source alone; ErrUnavailable without a Mailer.
func (a *Auth) ForgotPass(ctx context.Context, in Recovery) error {
	if a.cfg.Mailer == nil {
		return model.ErrUnavailable
	}
	if err := a.allowSource(ctx, limitMailRequests); err != nil {
		return err
	}
	// What is no address is nobody's.
	email, _ := model.ParseEmail(in.Email)
	err := a.tx(ctx, func(tx model.Records) error {
		wait, err := a.mayMail(ctx, tx, quotaRecovery, email)
		if err != nil {
			return err
		}
		wish := letterOfRecovery(clientOf(ctx), in.Request)
		if wait == 0 {
			wish.To = email.String()
		}
		return a.post(ctx, tx, posted{kind: mailRecovery, life: ResetCodeTTL, letter: wish})
	})
	if err != nil {
		return fmt.Errorf("gatehouse: forgot password: %w", err)
	}
	return nil
}

// letterOfRecovery is a letter to nobody yet that knows who asked for it.
func letterOfRecovery(from model.Client, request model.RequestSecret) letter {
	l := letter{Request: string(request), UserAgent: from.UserAgent, RequestID: from.RequestID}
	if from.Address.IsValid() {
		l.Address = from.Address.String()
	}
	return l
}

// client is who asked for the letter.
func (l letter) client() model.Client {
	from := model.Client{UserAgent: l.UserAgent, RequestID: l.RequestID}
	from.Address, _ = netip.ParseAddr(l.Address) // none is unknown
	return from
}

// answerRecovery replaces a wish by the mail with the code, or by one to nobody, in
// one transaction, with the same statements for both.
func (a *Auth) answerRecovery(ctx context.Context, kept model.OutboxRecord, wish letter) error {
	ctx = model.WithClient(ctx, wish.client())
	err := a.store.Tx(ctx, func(tx model.Records) error {
		removed, err := tx.RemoveMail(ctx, kept.ID)
		if err != nil || !removed { // answered by another process
			return err
		}
		user, err := a.ownerOf(ctx, tx, model.Email(wish.To))
		if err != nil {
			return err
		}
		if user.Disabled() {
			user = model.User{}
		}
		return a.mailCode(ctx, tx, codeMail{
			kind: mailReset, purpose: model.PurposeReset, life: ResetCodeTTL,
			user: user, to: user.Email, request: model.RequestSecret(wish.Request),
		})
	})
	if errors.Is(err, model.ErrNotFound) { // deleted meanwhile, so nobody's next time
		return fmt.Errorf("%w: %w", model.ErrMailDeferred, err)
	}
	if err != nil {
		return fmt.Errorf("gatehouse: answer recovery: %w", err)
	}
	return errReplaced
}

// ownerOf returns the user who has this email, or the zero user.
func (a *Auth) ownerOf(ctx context.Context, accounts model.Accounts, email model.Email) (model.User, error) {
	account, err := accounts.AccountByEmail(ctx, email)
	if err != nil && !errors.Is(err, model.ErrNotFound) {
		return model.User{}, fmt.Errorf("gatehouse: account: %w", err)
	}
	return account.User, nil
}
