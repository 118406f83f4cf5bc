package gatehouse

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/model"
)

const (
	mailLife     = 24 * time.Hour   // how long a mail is tried
	mailLease    = 2 * time.Minute  // how long one process has a mail for itself
	mailPatience = 30 * time.Second // for the Mailer; well within the lease
	mailFarewell = 5 * time.Second  // the same when this process is asked to end
	mailWorkers  = 4                // mails that one process sends at the same time
	mailRest     = 5 * time.Second  // after which who rests looks for mails of others
	mailFirstGap = 10 * time.Second
	mailMostGap  = 30 * time.Minute
)

// SendsMail reports whether there is a Mailer.
func (a *Auth) SendsMail() bool { return a.cfg.Mailer != nil }

// MailQueued returns a channel that says when this process has queued a mail.
// Mails of other processes, and those that are tried again, are due without it:
// whoever serves calls DeliverMail every few seconds as well.
func (a *Auth) MailQueued() <-chan struct{} { return a.mailQueued }

// OutboxState returns how many mails wait, and since when.
func (a *Auth) OutboxState(ctx context.Context) (model.OutboxState, error) {
	state, err := a.store.OutboxState(ctx)
	if err != nil {
		return state, fmt.Errorf("gatehouse: outbox: %w", err)
	}
	return state, nil
}

// tx is Tx of the store for what may queue a mail.
func (a *Auth) tx(ctx context.Context, fn func(model.Records) error) error {
	var queued atomic.Bool
	err := a.store.Tx(ctx, func(tx model.Records) error { return fn(queueing{tx, &queued}) })
	if err == nil && queued.Load() {
		say(a.mailQueued)
	}
	return err
}

// say tells one of those who listen, now or next.
func say(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default: // somebody was told already
	}
}

// queueing notes that a mail was queued.
type queueing struct {
	model.Records
	queued *atomic.Bool
}

func (q queueing) QueueMail(ctx context.Context, mail model.OutboxRecord) error {
	q.queued.Store(true)
	return q.Records.QueueMail(ctx, mail)
}

// posted is a mail on its way into the outbox.
type posted struct {
	kind model.MailKind
	// owner takes the mail along when deleted; zero for a mail that stays.
	owner  model.UserID
	life   time.Duration // zero for that of a notice
	letter letter
}

// post is the one place where a mail is queued, in the transaction of what it
// announces. One that writeRecovery puts in the place of another was queued here.
func (a *Auth) post(ctx context.Context, tx model.Records, p posted) error {
	now, id := a.now(), model.NewID[model.OutboxRecord]()
	if p.life == 0 || p.life > mailLife {
		p.life = mailLife
	}
	p.letter.At = now
	sealed, err := a.masters.Load().current().mails.seal(id, p.kind, p.letter)
	if err != nil {
		return err
	}
	return tx.QueueMail(ctx, model.OutboxRecord{
		ID: id, UserID: p.owner, Kind: p.kind, Sealed: sealed,
		CreatedAt: now, ExpiresAt: now.Add(p.life), NextTryAt: now,
	})
}

// MailRound is what one call of DeliverMail did. Mails that nobody gets are counted
// nowhere.
type MailRound struct {
	Sent    int
	PutOff  int // to be tried again
	GivenUp int
}

// DeliverMail sends the mails that are due, a few at a time, until none is left
// or the Mailer serves nobody. Who gets the mail of a forgotten password it finds
// out first. What fails is tried again after 10 seconds, then after twice as long
// each time and 30 minutes at most, for a day; then it is given up, and that is
// recorded. Any number of processes may deliver from one store: each mail is
// claimed by one of them. A process that dies between the answer of the mail server
// and the removal of the mail leaves it to be sent once more, under the same
// Message-ID; so do a store that does not answer at that moment, and a process that
// is stopped for longer than a lease of two minutes.
func (a *Auth) DeliverMail(ctx context.Context) (MailRound, error) {
	if a.cfg.Mailer == nil {
		return MailRound{}, nil
	}
	r := mailRound{auth: a, busy: mailWorkers, quiet: make(chan struct{}), more: make(chan struct{}, 1)}
	var workers sync.WaitGroup
	for range mailWorkers {
		workers.Go(func() {
			defer r.rest()
			defer r.keepPanic()
			for ctx.Err() == nil && r.goesOn() && (r.one(ctx) || r.another(ctx)) {
				continue
			}
		})
	}
	workers.Wait()
	if r.panicked != nil {
		panic(r.panicked)
	}
	return r.done, errors.Join(r.errs...)
}

// mailRound is what the workers of one round share.
type mailRound struct {
	auth *Auth
	mu   sync.Mutex
	done MailRound
	errs []error
	over bool // nobody can be served, or the store does not answer

	busy  int           // workers that do not rest
	still bool          // all rested, so the round is at its end
	quiet chan struct{} // closed then
	more  chan struct{} // says that a mail was claimed, so there may be another

	panicked any // to go on in the goroutine of the caller
}

// another waits while others are at work, and reports that there may be a mail
// meanwhile: a mail server that takes its time with one holds up no other.
func (r *mailRound) another(ctx context.Context) bool {
	r.rest()
	queued := false
	select {
	case <-r.more:
	case <-time.After(mailRest):
	case <-r.auth.mailQueued:
		queued = true
	case <-r.quiet:
	case <-ctx.Done():
	}
	goesOn := r.work()
	if queued && !goesOn {
		say(r.auth.mailQueued) // it is for the next round
	}
	return goesOn
}

// work ends a rest, and reports whether the round goes on.
func (r *mailRound) work() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy++
	return !r.still
}

func (r *mailRound) rest() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy--; r.busy == 0 && !r.still {
		r.still = true
		close(r.quiet)
	}
}

// keepPanic ends the round instead of the process.
func (r *mailRound) keepPanic() {
	if cause := recover(); cause != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.panicked, r.over = cause, true
	}
}

func (r *mailRound) goesOn() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.over
}

// note adds to the round.
func (r *mailRound) note(counted *int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*counted++
	if err != nil {
		r.errs, r.over = append(r.errs, err), true
	}
}

func (r *mailRound) fail(err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs, r.over = append(r.errs, fmt.Errorf("gatehouse: deliver mail: %w", err)), true
	return false
}

// one claims a mail and sees to it. It reports whether there may be another.
func (r *mailRound) one(ctx context.Context) bool {
	a, now := r.auth, r.auth.now()
	mail, err := a.store.ClaimMail(ctx, model.MailClaim{Now: now, LeaseUntil: now.Add(mailLease)})
	if errors.Is(err, model.ErrNotFound) {
		return false
	}
	if err != nil {
		return r.fail(err)
	}
	say(r.more) // who rests looks whether there is another
	// What was begun is ended also when this process is asked to stop.
	ending, cancel := lingering(ctx, mailPatience, mailFarewell)
	defer cancel()
	err = a.sendClaimed(ending, &mail)
	after, cancelAfter := context.WithTimeout(context.WithoutCancel(ctx), recordPatience)
	defer cancelAfter()
	var settled error
	switch {
	case err == nil:
		_, settled = a.store.RemoveMail(after, mail.ID)
		r.note(&r.done.Sent, nil)
	case errors.Is(err, errNoUse):
		_, settled = a.store.RemoveMail(after, mail.ID)
	case errors.Is(err, errNobody): // its row is gone
	case errors.Is(err, model.ErrMailRefused) || !now.Before(mail.ExpiresAt):
		settled = a.giveUp(after, mail, err)
		r.note(&r.done.GivenUp, nil)
	default:
		settled = a.store.PutOffMail(after, mail, now.Add(mailGap(mail.Tries)))
		if errors.Is(err, model.ErrMailDeferred) {
			err = nil
		}
		r.note(&r.done.PutOff, err)
	}
	if settled != nil {
		return r.fail(settled)
	}
	return true
}

// mailGap is the time from one try to the next.
func mailGap(tries int) time.Duration {
	gap := mailFirstGap
	for range tries - 1 {
		if gap *= 2; gap >= mailMostGap {
			return mailMostGap
		}
	}
	return gap
}

// lingering ends after patience, or sooner after farewell once ctx has ended.
func lingering(ctx context.Context, patience, farewell time.Duration) (context.Context, context.CancelFunc) {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(farewell):
			cancel()
		case <-ending.Done():
		}
	})
	return ending, func() { stop(); cancel() }
}

var (
	errNoUse   = errors.New("gatehouse: nobody needs the mail")
	errNobody  = errors.New("gatehouse: nobody gets the mail, and it is gone")
	errExpired = errors.New("gatehouse: the mail was tried for as long as it was of use")
)

// sendClaimed hands a mail to the Mailer, unless nobody gets it or its code is
// good for nothing any more. What ForgotPass has queued becomes a mail before.
func (a *Auth) sendClaimed(ctx context.Context, kept *model.OutboxRecord) error {
	expired := !a.now().Before(kept.ExpiresAt)
	if kept.Kind == mailNothing || kept.Kind == mailRecovery && expired {
		return errNoUse
	}
	if expired {
		return errExpired
	}
	l, err := a.masters.Load().openMail(*kept)
	if err != nil {
		// Another process may have the key.
		return a.hear(ctx, *kept, fmt.Errorf("%w: %w", model.ErrMailDeferred, err))
	}
	if kept.Kind == mailRecovery {
		if err := a.writeRecovery(ctx, kept, &l); err != nil {
			return err
		}
	}
	if l.Code != "" {
		_, err := a.store.LiveCode(ctx, model.DigestOf(model.Code(l.Code)), model.CodePurpose(l.Purpose), a.now())
		if errors.Is(err, model.ErrNotFound) {
			return errNoUse
		}
		if err != nil {
			return err
		}
	}
	message, err := a.compose(*kept, l)
	if err != nil {
		return fmt.Errorf("%w: %w", model.ErrMailDeferred, err)
	}
	return a.hear(ctx, *kept, l.unquoted(a.handOver(ctx, message)))
}

// handOver calls the Mailer; a panic of it is an error.
func (a *Auth) handOver(ctx context.Context, message model.Message) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: gatehouse: the Mailer panicked: %v", model.ErrMailDeferred, cause)
		}
	}()
	return a.cfg.Mailer.Send(ctx, message)
}

// hear logs what the Mailer says and records when it begins to serve nobody.
func (a *Auth) hear(ctx context.Context, kept model.OutboxRecord, err error) error {
	if err == nil {
		a.mailFails.Store(false)
		return nil
	}
	a.log.WarnContext(ctx, "mail not sent", "mail", kept.ID.String(), "kind", string(kept.Kind), "tries", kept.Tries, "error", err)
	stopped := errors.Is(ctx.Err(), context.Canceled) // by the end of this process
	if stopped || errors.Is(err, model.ErrMailRefused) || errors.Is(err, model.ErrMailDeferred) || a.mailFails.Swap(true) {
		return err
	}
	return errors.Join(err, a.recordAlone(ctx, model.EventMailFailed, model.UserID{}))
}

// giveUp removes a mail that nobody will get.
func (a *Auth) giveUp(ctx context.Context, mail model.OutboxRecord, cause error) error {
	a.log.WarnContext(ctx, "mail given up", "mail", mail.ID.String(), "kind", string(mail.Kind), "tries", mail.Tries, "error", cause)
	return a.store.Tx(ctx, func(tx model.Records) error {
		removed, err := tx.RemoveMail(ctx, mail.ID)
		if err != nil || !removed {
			return err
		}
		return tx.Record(ctx, a.event(ctx, model.EventMailGivenUp, mail.UserID, model.SessionID{}))
	})
}

// link is an address of ours with a code, from the configuration alone: no
// request decides where a mail leads.
func (a *Auth) link(path string, code string) string {
	link := a.cfg.Issuer + path
	if code != "" {
		link += "?" + url.Values{"code": {code}}.Encode()
	}
	return link
}
