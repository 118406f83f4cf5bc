package gatehouse

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"gatehouse/model"
)

// Credentials are what somebody claims to know.
type Credentials struct {
	Identifier string // a username or an email, in any spelling
	Password   model.Password

	// Request is what the browser keeps of this request, if one asks: the mail that
	// asks for a proof of the email holds digits for it.
	Request model.RequestSecret
}

// LoginUser checks the credentials and opens a session. A missing user takes as
// long as a wrong password. Refusals: ErrWrongCredentials, ErrTooManyAttempts,
// whether the password is right or not, ErrPasswordTooLong, ErrBadRequest, ErrOverloaded; ErrUnavailable where the pepper of the hash is
// not configured; and, told only after the right password, ErrUserDisabled and,
// with a Mailer, ErrEmailUnverified, for which a mail is queued.
func (a *Auth) LoginUser(ctx context.Context, in Credentials) (Grant, error) {
	account, err := a.authenticate(ctx, in)
	if err != nil {
		return Grant{}, err
	}
	defer account.attempt.finish(ctx)
	keys, err := a.store.KeysVersion(ctx)
	if err != nil {
		return Grant{}, fmt.Errorf("gatehouse: login: %w", err)
	}
	who := model.Presence{User: account.User, Keys: keys}
	if err := a.proveSigner(ctx, who); err != nil {
		return Grant{}, err
	}
	if who.Session, err = a.openSession(ctx, account, opening{idle: refreshIdle}); err != nil {
		return Grant{}, err
	}
	grant, err := a.grant(ctx, who, a.masters.Load().current().refresh)
	if err != nil {
		return Grant{}, errors.Join(err, a.endUnused(ctx, who))
	}
	return grant, nil
}

// endUnused ends a session whose tokens nobody was given, also when the caller has
// hung up.
func (a *Auth) endUnused(ctx context.Context, who model.Presence) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordPatience)
	defer cancel()
	return a.LogoutUser(ctx, who.User.ID, who.Session.ID)
}

// LoginSession is LoginUser for a browser: what it returns is a session token,
// which is worth nothing elsewhere, and no access token. Programs that speak
// JSON use LoginUser.
func (a *Auth) LoginSession(ctx context.Context, in Credentials) (SessionGrant, error) {
	account, err := a.authenticate(ctx, in)
	if err != nil {
		return SessionGrant{}, err
	}
	defer account.attempt.finish(ctx)
	token := newSecret[model.SessionToken]("")
	session, err := a.openSession(ctx, account, opening{idle: sessionIdle, token: model.DigestOf(token)})
	if err != nil {
		return SessionGrant{}, err
	}
	return SessionGrant{Token: token, Session: session, User: account.User, Device: a.newDevice(account.Account)}, nil
}

// proven is an account whose password was just right. The attempt is to be cleared,
// and to be finished.
type proven struct {
	model.Account
	attempt *attempt
}

// authenticate returns the account whose password the credentials hold.
func (a *Auth) authenticate(ctx context.Context, in Credentials) (proven, error) {
	typed, err := typedPassword(in.Password, "password")
	if err != nil {
		return proven{}, err
	}
	if err := a.crowded(ctx); err != nil {
		return proven{}, err
	}
	account, err := a.findAccount(ctx, in.Identifier)
	if err != nil {
		return proven{}, err
	}
	right, err := a.checkPassword(ctx, claim{
		account: account, identifier: in.Identifier, event: model.EventLoginFail, refusal: model.ErrWrongCredentials,
	}, typed)
	if err != nil {
		return proven{}, err
	}
	if err := a.refuseEntry(ctx, account.User, in.Request); err != nil {
		defer right.finish(ctx)
		return proven{}, cmp.Or(right.clearAlone(ctx), err)
	}
	return proven{*account, right}, nil
}

// refuseEntry turns away who may not log in, now that the password was right.
func (a *Auth) refuseEntry(ctx context.Context, user model.User, request model.RequestSecret) error {
	if user.Disabled() {
		return cmp.Or[error](a.recordAlone(ctx, model.EventLoginFail, user.ID), model.ErrUserDisabled)
	}
	if a.mustVerify(user) {
		return a.refuseUnverified(ctx, verifying{user: user, request: request})
	}
	return nil
}

// findAccount returns nil for an identifier that nobody has, or that nobody
// could have: both are answered alike.
func (a *Auth) findAccount(ctx context.Context, typed string) (*model.Account, error) {
	identifier, err := model.ParseIdentifier(typed)
	if err != nil {
		return nil, nil
	}
	var account model.Account
	if email, ok := identifier.Email(); ok {
		account, err = a.store.AccountByEmail(ctx, email)
	} else if username, ok := identifier.Username(); ok {
		account, err = a.store.AccountByUsername(ctx, username)
	}
	if errors.Is(err, model.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("gatehouse: account: %w", err)
	}
	return &account, nil
}

// opening is how a session begins.
type opening struct {
	idle  time.Duration
	token model.Digest // zero for a session of the API
}

// openSession is the one place where a session begins. It opens only if the
// password that was checked is still the password, and ends the oldest session
// of a user who has too many.
func (a *Auth) openSession(ctx context.Context, account proven, how opening) (model.Session, error) {
	now := a.now()
	session := model.Session{
		ID: model.NewID[model.Session](), UserID: account.User.ID, TokenDigest: how.token,
		SteppedAt: now, AuthenticatedAt: now, CreatedAt: now, LastUsedAt: now,
		IdleExpiresAt: now.Add(how.idle), ExpiresAt: now.Add(SessionLifetime),
		Client: clientOf(ctx),
	}
	err := a.tx(ctx, func(tx model.Records) error {
		index, err := tx.OpenSession(ctx, session, account.PasswordVersion)
		if err != nil {
			return err
		}
		session.StatusIndex = index
		ended, err := tx.EndOldestSessions(ctx, account.User.ID, sessionsPerUser, now)
		if err != nil {
			return err
		}
		if ended > 0 {
			if err := tx.Record(ctx, a.event(ctx, model.EventSessionLimit, account.User.ID, session.ID)); err != nil {
				return err
			}
		}
		if err := account.attempt.clear(ctx, tx); err != nil {
			return err
		}
		if err := a.noticeLogin(ctx, tx, account, session); err != nil {
			return err
		}
		return tx.Record(ctx, a.event(ctx, model.EventLoginSuccess, account.User.ID, session.ID))
	})
	if errors.Is(err, model.ErrNotFound) {
		// The password was changed, or the user disabled or deleted, while it
		// was being checked.
		return model.Session{}, model.ErrWrongCredentials
	}
	if err != nil {
		return model.Session{}, fmt.Errorf("gatehouse: open session: %w", err)
	}
	account.attempt.cleared()
	return session, nil
}

// newSecret returns 256 random bits as text, behind a prefix that tells what
// they are.
func newSecret[Secret ~string](prefix string) Secret {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	return Secret(prefix + base64.RawURLEncoding.EncodeToString(raw))
}
