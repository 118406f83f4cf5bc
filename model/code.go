package model

import "time"

// CodePurpose is what a code is good for. A code for one purpose is worth
// nothing for another.
type CodePurpose string

// Every purpose there is.
const (
	PurposeReset       CodePurpose = "password-reset" // sets a new password
	PurposeEmailVerify CodePurpose = "email-verify"   // proves the mailbox of a user
	PurposeEmailChange CodePurpose = "email-change"   // proves a new mailbox and moves the user there
)

// CodeRecord is what is kept of a code: digests, never the code.
type CodeRecord struct {
	Digest  Digest
	Purpose CodePurpose
	// UserID is whose code it is. It is zero for a request that named nobody: the
	// row is kept all the same, and nothing opens it.
	UserID UserID
	// Email is the address the code was mailed to, and whose mailbox it proves. It
	// is empty for a code that was handed over.
	Email Email
	// SessionID is the session that asked, which stays when the code ends the
	// others; zero for none.
	SessionID SessionID
	CreatedAt time.Time
	ExpiresAt time.Time

	// Request tells the browser that asked: the digest of its RequestSecret. It is
	// zero where no browser did, and then nothing can be typed.
	Request Digest
	Digits  Digits // zero where nothing can be typed
}

// Digits is what is kept of the digits of a mail, which count in the browser
// that asked and nowhere else.
type Digits struct {
	Digest    Digest // of the purpose, the secret of the browser and the digits
	ExpiresAt time.Time
	TriesLeft int
}

// DigitsTry is an attempt to type the digits of a mail.
type DigitsTry struct {
	Request Digest // of the browser that tries
	Purpose CodePurpose
	Now     time.Time
}
