package gatehouse

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"gatehouse/model"
)

// newCode is the one place where a code is made, with what is to be kept of it.
// Whose it is, the caller says.
func (a *Auth) newCode(purpose model.CodePurpose, ttl time.Duration) (model.Code, model.CodeRecord) {
	code, now := newSecret[model.Code]("ghc_"), a.now()
	return code, model.CodeRecord{Digest: model.DigestOf(code), Purpose: purpose, CreatedAt: now, ExpiresAt: now.Add(ttl)}
}

// keepCode keeps a code, and records that somebody holds it or that nobody does.
func (a *Auth) keepCode(ctx context.Context, tx model.Records, record model.CodeRecord) error {
	if err := tx.IssueCode(ctx, record); err != nil {
		return err
	}
	return a.recordCode(ctx, tx, record.UserID)
}

// recordCode records that a user holds a code, or that nobody does.
func (a *Auth) recordCode(ctx context.Context, tx model.Records, holder model.UserID) error {
	name := model.EventCodeIssued
	if holder.IsZero() {
		name = model.EventCodeDeclined
	}
	return tx.Record(ctx, a.event(ctx, name, holder, model.SessionID{}))
}

// codeMail is a code on its way into a mail.
type codeMail struct {
	kind    model.MailKind
	purpose model.CodePurpose
	life    time.Duration
	// user is whose code it is; the zero user where nobody gets one. Then the same
	// is done, and what is mailed goes to nobody.
	user    model.User
	to      model.Email
	session model.SessionID     // that stays when the code ends the others
	request model.RequestSecret // of the browser that asked, if one did
	// withheld issues the code to the user and mails it to nobody.
	withheld bool
}

// mailCode is the one place where a code is mailed: issued, recorded and queued
// in one transaction, with the same statements whether there is somebody to mail
// to or not.
func (a *Auth) mailCode(ctx context.Context, tx model.Records, m codeMail) error {
	code, record := a.newCode(m.purpose, m.life)
	record.UserID, record.Email, record.SessionID = m.user.ID, m.to, m.session
	mail := posted{kind: m.kind, owner: m.user.ID, life: m.life,
		letter: letter{To: m.to.String(), Code: string(code), Purpose: string(m.purpose)}}
	if m.request != "" {
		digits := addDigits(&record, m.request)
		var err error
		if mail.letter.Digits, err = a.toldDigits(ctx, tx, m.to, digits); err != nil {
			return err
		}
	}
	if m.user.ID.IsZero() {
		record.Email = ""
	}
	if m.user.ID.IsZero() || m.withheld {
		mail.kind, mail.letter.To = mailNothing, ""
	}
	if err := a.keepCode(ctx, tx, record); err != nil {
		return err
	}
	return a.post(ctx, tx, mail)
}

// addDigits adds digits to a code that a browser asked for, and returns them.
func addDigits(record *model.CodeRecord, request model.RequestSecret) (digits string) {
	digits, record.Request = newDigits(), model.DigestOf(request)
	record.Digits = model.Digits{
		Digest:    digitsDigest(record.Purpose, request, digits),
		ExpiresAt: record.CreatedAt.Add(DigitsTTL), TriesLeft: DigitsTries,
	}
	return digits
}

// newDigits returns digits of which each number is as likely as any other.
func newDigits() string {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(DigitsCount), nil)
	n, err := rand.Int(rand.Reader, limit)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return fmt.Sprintf("%0*d", DigitsCount, n)
}

// digitsDigest is what is kept of digits: without the secret of the browser they
// cannot be guessed, however few they are.
func digitsDigest(purpose model.CodePurpose, request model.RequestSecret, digits string) model.Digest {
	return sha256.Sum256([]byte("gatehouse typed code v1\x00" + string(purpose) + "\x00" + string(request) + "\x00" + digits))
}

// digitsIn returns the digits that somebody typed, without what people put
// between them.
func digitsIn(code model.Code) (digits string, ok bool) {
	if len(code) > 4*DigitsCount {
		return "", false
	}
	digits = strings.NewReplacer(" ", "", "-", "", "\t", "").Replace(string(code))
	return digits, len(digits) == DigitsCount && strings.Trim(digits, "0123456789") == ""
}

// present is the one place where a code is looked at: that of a link, or digits
// with the secret of the browser. It counts the request of the source first, and
// takes a try of the digits before they are compared. The code is returned alive
// and unspent. Refusals: ErrInvalidOrExpiredCode, whatever is wrong with it, and
// ErrTooManyAttempts.
func (a *Auth) present(ctx context.Context, code model.Code, request model.RequestSecret, purposes ...model.CodePurpose) (model.CodeRecord, error) {
	if err := a.allowSource(ctx, limitCodeSubmits); err != nil {
		return model.CodeRecord{}, err
	}
	digits, typed := digitsIn(code)
	for _, purpose := range purposes {
		var record model.CodeRecord
		var err error
		if typed {
			record, err = a.tryDigits(ctx, purpose, request, digits)
		} else {
			record, err = a.store.LiveCode(ctx, model.DigestOf(code), purpose, a.now())
		}
		if err == nil {
			return record, nil
		}
		if !errors.Is(err, model.ErrNotFound) {
			return model.CodeRecord{}, fmt.Errorf("gatehouse: code: %w", err)
		}
	}
	return model.CodeRecord{}, model.ErrInvalidOrExpiredCode
}

// wrongDigitsAtMost digits in a row are typed for the mails to one address, however
// many mails that are. Then mails to it hold a link alone, until one of their codes
// is used (NIST SP 800-63B-4 section 3.2.2).
const wrongDigitsAtMost = 20

// digitsMemory is how long nobody may have typed digits for an address until those
// before are forgotten.
const digitsMemory = 365 * 24 * time.Hour

// digitsLane counts digits. It goes by the address: users come and go, and each may
// ask for mails to one that is not theirs.
func (a *Auth) digitsLane(email model.Email) model.Lane {
	return model.Lane{Key: a.masters.Load().current().attempts("typed codes", email.String())}
}

// guessedAt reports whether digits do not count any more for mails to this address.
func (a *Auth) guessedAt(ctx context.Context, tx model.Attempts, email model.Email) (bool, error) {
	found, err := tx.Tallies(ctx, [3]model.Digest{a.digitsLane(email).Key})
	return found[0].Total >= wrongDigitsAtMost, err
}

// toldDigits returns the digits that a mail to this address holds: none where they
// do not count any more.
func (a *Auth) toldDigits(ctx context.Context, tx model.Attempts, to model.Email, digits string) (string, error) {
	if guessed, err := a.guessedAt(ctx, tx, to); err != nil || guessed {
		return "", err
	}
	return digits, nil
}

// countDigits counts digits that are typed for the mail of this code, before they
// are compared, and reports whether they may be right. Those for a mail to nobody
// are counted alike.
func (a *Auth) countDigits(ctx context.Context, code model.CodeRecord) (bool, error) {
	try := model.Attempt{
		Lane: a.digitsLane(code.Email), Now: a.now(),
		// It never blocks: the tries of the mail do.
		Rule: model.AttemptRule{Free: math.MaxInt32, FirstDelay: time.Second, LongestDelay: time.Second, Within: digitsMemory, Keep: digitsMemory},
	}
	if code.Email == "" {
		try.Lane.Key = a.masters.Load().current().attempts("typed codes of nobody", string(code.Request[:]))
		try.Rule.Keep = failureMemory
	}
	tally, _, err := a.store.ChargeAttempt(ctx, try)
	return tally.Total <= wrongDigitsAtMost, err
}

// tryDigits compares digits after they were counted. Refusal: ErrNotFound.
func (a *Auth) tryDigits(ctx context.Context, purpose model.CodePurpose, request model.RequestSecret, digits string) (model.CodeRecord, error) {
	if request == "" {
		return model.CodeRecord{}, model.ErrNotFound
	}
	// Who hangs up has had the try all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordPatience)
	defer cancel()
	record, err := a.store.TryCode(ctx, model.DigitsTry{Request: model.DigestOf(request), Purpose: purpose, Now: a.now()})
	if err != nil {
		return model.CodeRecord{}, err
	}
	counts, err := a.countDigits(ctx, record)
	if err != nil {
		return model.CodeRecord{}, err
	}
	want := digitsDigest(purpose, request, digits)
	if subtle.ConstantTimeCompare(want[:], record.Digits.Digest[:]) == 1 && !record.UserID.IsZero() && counts {
		return record, nil
	}
	if err := a.store.Record(ctx, a.event(ctx, model.EventCodeWrong, record.UserID, model.SessionID{})); err != nil {
		return model.CodeRecord{}, err
	}
	return model.CodeRecord{}, model.ErrNotFound
}

// mailQuota is what mails to one address are counted under. Whoever makes it get
// those of one sort takes none of another, least of all those that recover an
// account: somebody who has used these up has mailed as many good links.
type mailQuota string

const (
	quotaRecovery mailQuota = "recovery" // each holds a link for a new password
	quotaProof    mailQuota = "proof"    // of the address of a new user
	quotaChange   mailQuota = "change"   // of the address of a user to this one
)

// mayMail counts a mail that somebody asked for, in the transaction that queues it,
// and returns how long the address may get no other of this sort; zero where it may
// get this one. An address that nobody has is counted like that of a user.
func (a *Auth) mayMail(ctx context.Context, tx model.Records, quota mailQuota, email model.Email) (wait time.Duration, err error) {
	limit, now := a.limit(limitMailsPerUser), a.now()
	key := a.masters.Load().current().attempts("mails "+string(quota), email.String())
	tally, may, err := a.countLimited(ctx, tx, model.Attempt{Lane: model.Lane{Key: key}, Rule: limit.rule(), Now: now})
	if err != nil || may {
		return 0, err
	}
	return max(tally.BlockedFor(limit.rule(), now), time.Second), nil
}
