package gatehouse

import (
	"context"
	"errors"
	"fmt"

	"gatehouse/jwt"
	"gatehouse/model"
)

// Recovery is the wish of somebody who has lost a password.
type Recovery struct {
	Email   string              // in any spelling
	Request model.RequestSecret // of the browser that asks, if one does; new each time
}

// ForgotPass has a code mailed with which to set a new password to the user who
// has this email, at the address that is kept and never at the one that was typed.
// It answers nil and looks nobody up: it issues the code under nobody's name and
// queues a mail of which DeliverMail finds out who gets it, so that neither the
// answer nor its time can tell. Nobody, who is disabled, and an address that has
// got three such mails within the hour get none. Nothing changes for the user until
// the code is used, but that older codes are void; who has got three mails keeps
// the last of them. Refusals: ErrTooManyAttempts, of the source alone;
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
	from := clientOf(ctx)
	err := a.tx(ctx, func(tx model.Records) error {
		wait, err := a.mayMail(ctx, tx, quotaRecovery, email)
		if err != nil {
			return err
		}
		code, record := a.newCode(model.PurposeReset, ResetCodeTTL)
		asked := letter{Code: string(code), Purpose: string(record.Purpose), Address: from.Address, UserAgent: []byte(from.UserAgent), RequestID: from.RequestID}
		if wait == 0 {
			asked.To = email.String()
		}
		if in.Request != "" {
			asked.Digits = addDigits(&record, in.Request)
		}
		if err := tx.IssueCode(ctx, record); err != nil {
			return err
		}
		return a.post(ctx, tx, posted{kind: mailRecovery, life: ResetCodeTTL, letter: asked})
	})
	if err != nil {
		return fmt.Errorf("gatehouse: forgot password: %w", err)
	}
	return nil
}

// writeRecovery makes the mail to the user of what ForgotPass has queued and gives
// its code to the user, in one transaction. The mail takes the place of the other,
// claimed like it. Refusal: errNobody, once what was queued is gone.
func (a *Auth) writeRecovery(ctx context.Context, claimed *model.OutboxRecord, l *letter) error {
	ctx = model.WithClient(ctx, model.Client{Address: l.Address, UserAgent: string(l.UserAgent), RequestID: l.RequestID})
	var mail model.OutboxRecord
	var written letter
	err := a.store.Tx(ctx, func(tx model.Records) error { // here, since this round sends it
		mail, written = *claimed, letter{Code: l.Code, Purpose: l.Purpose, At: l.At}
		removed, err := tx.RemoveMail(ctx, claimed.ID)
		if err != nil || !removed { // another process has seen to it
			return err
		}
		user, err := a.giveCode(ctx, tx, *l)
		if errors.Is(err, model.ErrNotFound) {
			return a.recordCode(ctx, tx, model.UserID{})
		}
		if err != nil {
			return err
		}
		if err := a.recordCode(ctx, tx, user.ID); err != nil {
			return err
		}
		if written.Digits, err = a.toldDigits(ctx, tx, user.Email, l.Digits); err != nil {
			return err
		}
		written.To = user.Email.String()
		// Under an id of its own: a process that claimed the other cannot mistake it.
		mail.ID, mail.UserID, mail.Kind = model.NewID[model.OutboxRecord](), user.ID, mailReset
		if mail.Sealed, err = a.masters.Load().current().mails.seal(mail.ID, mail.Kind, written); err != nil {
			return err
		}
		return tx.QueueMail(ctx, mail)
	})
	if err != nil {
		return fmt.Errorf("gatehouse: write recovery: %w", err)
	}
	if mail.UserID.IsZero() {
		return errNobody
	}
	*claimed, *l = mail, written
	return nil
}

// giveCode gives the code of a recovery to the user who has the email, and returns
// the user. Refusal: ErrNotFound for nobody, for who is disabled, and for who was
// changed, or has got another code, since it was asked for.
func (a *Auth) giveCode(ctx context.Context, tx model.Records, asked letter) (model.User, error) {
	account, err := tx.AccountByEmail(ctx, model.Email(asked.To))
	if err != nil {
		return model.User{}, err
	}
	// Whatever changes the user waits from here on, so that no change is missed.
	hold := model.Hold{UserID: account.User.ID, PasswordVersion: account.PasswordVersion, Now: a.now()}
	if err := tx.HoldAccount(ctx, hold); err != nil {
		return model.User{}, err
	}
	user, err := tx.User(ctx, account.User.ID)
	if err != nil {
		return model.User{}, err
	}
	// Clocks of processes differ a little, and a time that lies ahead says nothing.
	changed := user.UpdatedAt.After(asked.At.Add(jwt.Leeway)) && !user.UpdatedAt.After(a.now())
	if changed || user.Email != account.User.Email {
		return model.User{}, model.ErrNotFound
	}
	return user, tx.GiveCode(ctx, model.DigestOf(model.Code(asked.Code)), user.ID, user.Email)
}

// ownerOf returns the user who has this email, or the zero user.
func (a *Auth) ownerOf(ctx context.Context, accounts model.Accounts, email model.Email) (model.User, error) {
	account, err := accounts.AccountByEmail(ctx, email)
	if err != nil && !errors.Is(err, model.ErrNotFound) {
		return model.User{}, fmt.Errorf("gatehouse: account: %w", err)
	}
	return account.User, nil
}
