package web

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gatehouse/model"
)

// mailboxView is the body of the list of mails for development.
type mailboxView struct{ Messages []mailView }

// mailView is one mail of it.
type mailView struct {
	Number      int
	At          time.Time
	To, Subject string
	Text        string
	Links       []mailLink
}

// mailLink is a link in a mail that leads to us.
type mailLink struct{ Path, Page string }

// mailboxRows are the pages of the mailbox for development, where there is one.
func (d *door) mailboxRows() []route {
	return []route{
		{"GET", mailboxPath, visitor, body{}, d.mailboxPage, nil},
		{"GET", mailboxPath + "/{id}", visitor, body{}, d.mailPage, nil},
		{"GET", mailboxPath + "/html/{id}", visitor, body{}, d.mailHTML, nil},
	}
}

func (d *door) mailboxPage(x *exchange) error {
	var list mailboxView
	for _, entry := range d.mailbox.Entries() {
		list.Messages = append(list.Messages, d.mailViewOf(entry))
	}
	return x.page(http.StatusOK, pageMailbox, view{Body: list})
}

func (d *door) mailPage(x *exchange) error {
	entry, err := d.mailEntry(x)
	if err != nil {
		return err
	}
	return x.page(http.StatusOK, pageMail, view{Title: entry.Message.Subject, Body: d.mailViewOf(entry)})
}

// mailHTML shows a mail as it is, in a place where it can do nothing: without
// scripts, without pictures but its own, and as if it came from elsewhere.
func (d *door) mailHTML(x *exchange) error {
	entry, err := d.mailEntry(x)
	if err != nil {
		return err
	}
	x.w.Header().Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox")
	return x.write(http.StatusOK, "text/html; charset=utf-8", []byte(withLogo(entry.Message)))
}

// withLogo returns the HTML part with its logo in the place that names it, as
// browsers know no parts of mails.
func withLogo(message model.Message) string {
	logo := message.Logo
	if logo == nil {
		return message.HTML
	}
	data := "data:" + string(logo.Kind) + ";base64," + base64.StdEncoding.EncodeToString(logo.Bytes)
	return strings.ReplaceAll(message.HTML, `"cid:`+logo.ID+`"`, `"`+data+`"`)
}

func (d *door) mailEntry(x *exchange) (model.MailboxEntry, error) {
	number, err := strconv.Atoi(x.parameter)
	if err != nil || strconv.Itoa(number) != x.parameter {
		return model.MailboxEntry{}, model.ErrNotFound
	}
	return d.mailbox.Entry(number)
}

func (d *door) mailViewOf(entry model.MailboxEntry) mailView {
	shown := mailView{
		Number: entry.Number, At: entry.At, To: entry.Message.To.String(),
		Subject: entry.Message.Subject, Text: entry.Message.Text,
	}
	for word := range strings.FieldsSeq(entry.Message.Text) {
		path, ours := strings.CutPrefix(strings.TrimRight(word, ".,;:"), d.auth.Issuer())
		if !ours || !strings.HasPrefix(path, "/") {
			continue
		}
		page, _, _ := strings.Cut(path, "?")
		shown.Links = append(shown.Links, mailLink{Path: path, Page: page})
	}
	return shown
}
