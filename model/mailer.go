package model

import (
	"context"
	"errors"
)

// Mailer hands a message to the world. It is safe for concurrent use and honours
// ctx. An error means that the message was not delivered: after ErrMailRefused
// it never will be, after ErrMailDeferred it may be tried again, and after any
// other nothing can be sent to anybody at the moment.
type Mailer interface {
	Send(ctx context.Context, message Message) error
}

var (
	// ErrMailRefused is wrapped by an error that says that there is no such
	// mailbox and that asking again does not help.
	ErrMailRefused = errors.New("the mail is refused for good")
	// ErrMailDeferred is wrapped by an error that concerns this message only.
	ErrMailDeferred = errors.New("the mail is not taken now")
)
