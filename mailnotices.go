package gatehouse

import (
	"context"
	"slices"

	"gatehouse/model"
)

// notice tells a user of what was done to the account.
type notice struct {
	kind model.MailKind
	user model.User // as it was, for a notice to an address that is not the user's any more
	// stays keeps the notice when the user is deleted.
	stays bool
	// where says that the notice names the address of the client.
	where bool
}

// notify queues a notice, in the transaction of what it is about. It goes to an
// address that was proven, and to no other: whoever typed a stranger's address
// must not be able to write to it.
func (a *Auth) notify(ctx context.Context, tx model.Records, n notice) error {
	if a.cfg.Mailer == nil || n.user.Email == "" || !n.user.EmailVerified() {
		return nil
	}
	mail := posted{kind: n.kind, owner: n.user.ID,
		letter: letter{To: n.user.Email.String(), Username: n.user.Username.String()}}
	if n.stays {
		mail.owner = model.UserID{}
	}
	if address := model.ClientFrom(ctx).Address; n.where && address.IsValid() {
		mail.letter.Address = address.Unmap().WithZone("")
	}
	return a.post(ctx, tx, mail)
}

// notifyOrNobody is notify that queues a mail to nobody where there is nobody to
// tell, so that a stranger who waits for the answer learns nothing.
func (a *Auth) notifyOrNobody(ctx context.Context, tx model.Records, n notice) error {
	if n.user.Email == "" || !n.user.EmailVerified() {
		return a.post(ctx, tx, posted{kind: mailNothing})
	}
	return a.notify(ctx, tx, n)
}

// suspiciousFailures in a row before a login are worth a notice.
const suspiciousFailures = 5

// noticeLogin tells a user of a login on a device that is not known, and of one
// after many failures.
func (a *Auth) noticeLogin(ctx context.Context, tx model.Records, account proven, session model.Session) error {
	if a.cfg.Mailer == nil {
		return nil
	}
	if account.attempt.failedBefore() >= suspiciousFailures {
		if err := a.notify(ctx, tx, notice{kind: mailAfterFailures, user: account.User, where: true}); err != nil {
			return err
		}
	}
	known, err := a.knownClient(ctx, tx, account, session)
	if err != nil || known {
		return err
	}
	return a.notify(ctx, tx, notice{kind: mailNewDevice, user: account.User, where: true})
}

// rememberedEvents of a user are looked through for a login of before.
const rememberedEvents = 200

// knownClient reports whether the device is known: by its token, or else, as
// programs have none and a browser forgets its own when the user logs out, by a
// login of before with the same User-Agent from the same network.
func (a *Auth) knownClient(ctx context.Context, tx model.Records, account proven, session model.Session) (bool, error) {
	if account.attempt.known {
		return true, nil
	}
	events, err := tx.EventsOf(ctx, account.User.ID, rememberedEvents)
	if err != nil {
		return false, err
	}
	network := networkOf(ctx)
	return slices.ContainsFunc(events, func(before model.Event) bool {
		return before.Name == model.EventLoginSuccess && before.Client.UserAgent == session.Client.UserAgent &&
			networkOf(model.WithClient(ctx, before.Client)) == network
	}), nil
}
