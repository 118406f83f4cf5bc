package smtp

import (
	"errors"
	"fmt"
	netmail "net/mail"

	"github.com/wneessen/go-mail"

	"gatehouse/model"
)

// errMessage says nothing of what is in the message.
var errMessage = errors.New("the message has a line end in a header, or an address that is not canonical")

// compose makes the mail: a text part and an HTML part that say the same.
func compose(cfg Config, message model.Message) (*mail.Msg, error) {
	to, err := model.ParseEmail(message.To.String())
	if err != nil || to != message.To || !isHeaderText(message.Subject) || !isHeaderText(message.ID) || message.ID == "" {
		return nil, errMessage
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithEncoding(mail.EncodingQP))
	msg.FromMailAddress(&netmail.Address{Name: cfg.DisplayName, Address: cfg.From.String()})
	msg.ToMailAddress(&netmail.Address{Address: to.String()})
	if err := msg.EnvelopeFrom(cfg.From.String()); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	msg.Subject(message.Subject)
	msg.SetDate()
	msg.SetMessageIDWithValue(message.ID)
	// RFC 3834 section 5: nobody's out-of-office answers a mail that a program sent.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(mail.TypeTextPlain, message.Text)
	if message.HTML != "" {
		msg.AddAlternativeString(mail.TypeTextHTML, message.HTML)
	}
	return msg, nil
}
