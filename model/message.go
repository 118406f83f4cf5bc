package model

import "context"

// Message is one mail to one address.
type Message struct {
	To      Email
	Subject string
	Text    string
	HTML    string
}

// Mailer hands a message to the world. An error means that it was not
// delivered and may be tried again.
type Mailer interface {
	Send(ctx context.Context, message Message) error
}
