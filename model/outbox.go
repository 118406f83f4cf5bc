package model

import "time"

// MailID names one mail for good, so that one that comes twice can be told.
type MailID = ID[OutboxRecord]

// MailKind says what a mail is about.
type MailKind string

// OutboxRecord is a mail that waits to be sent.
type OutboxRecord struct {
	ID MailID
	// UserID is whom the mail is for, and whose deletion takes it away. It is zero
	// for mails that outlive the user, for those that nobody gets, and where it is
	// not known yet.
	UserID UserID
	Kind   MailKind
	// Sealed is recipient and content under the master key: a copy of the database
	// must not hold a link that works.
	Sealed    []byte
	CreatedAt time.Time
	ExpiresAt time.Time // when it is given up, or is of no use to anybody
	NextTryAt time.Time // when somebody may claim it
	Tries     int       // how often it was claimed
}

// MailClaim asks for a mail to send.
type MailClaim struct {
	Now time.Time
	// LeaseUntil is when others may claim the mail, should who claimed it be gone.
	LeaseUntil time.Time
}

// OutboxState says how many mails wait, and since when.
type OutboxState struct {
	Waiting int
	Oldest  time.Time // zero when none waits
}
