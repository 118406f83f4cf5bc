package model

import "time"

// CodePurpose is what a code is good for. A code for one purpose is worth
// nothing for another.
type CodePurpose string

// PurposeReset is a code that sets a new password.
const PurposeReset CodePurpose = "password-reset"

// CodeRecord is what is kept of a code: its digest, never the code.
type CodeRecord struct {
	Digest    Digest
	Purpose   CodePurpose
	UserID    UserID
	CreatedAt time.Time
	ExpiresAt time.Time
}
