package smtp

import (
	"bytes"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"

	"github.com/wneessen/go-mail"

	"gatehouse/model"
)

// errMessage and errPicture say nothing of what is in the message.
var (
	errMessage = errors.New("the message has a line end in a header, or an address that is not canonical")
	errPicture = errors.New("the picture of the message is neither PNG nor JPEG, or its id is none")
)

// compose makes the mail: a text part and an HTML part that say the same, and
// beside them the logo that the HTML part shows.
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
	if message.HTML != "" && message.Logo != nil {
		if err := embed(msg, *message.Logo); err != nil {
			return nil, err
		}
	}
	return msg, nil
}

// embed puts the picture into the mail: inline, under the id that the HTML part
// names (RFC 2045 section 7).
func embed(msg *mail.Msg, picture model.Picture) error {
	names := map[model.PictureKind]string{model.PNG: "logo.png", model.JPEG: "logo.jpg"}
	name, known := names[picture.Kind]
	local, domain, _ := strings.Cut(picture.ID, "@")
	if !known || local == "" || domain == "" || strings.ContainsFunc(picture.ID, isNoID) {
		return errPicture
	}
	return msg.EmbedReader(name, bytes.NewReader(picture.Bytes),
		mail.WithFileContentID("<"+picture.ID+">"), mail.WithFileContentType(mail.ContentType(picture.Kind)))
}

// isNoID finds what could end the id or its header.
func isNoID(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`<>"`, r) }
