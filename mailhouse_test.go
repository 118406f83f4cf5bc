package gatehouse_test

import (
	"context"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
	"gatehouse/smtp"
	"gatehouse/smtp/smtptest"
)

// mailHouse is a house whose mails go to a real mail server on this machine.
type mailHouse struct {
	*house
	server *smtptest.Server
	seen   int
}

func newMailHouse(t testing.TB, change ...func(*gatehouse.Config)) *mailHouse {
	t.Helper()
	server := startMailServer(t, smtptest.Config{})
	m := &mailHouse{server: server}
	m.house = newHouse(t, append([]func(*gatehouse.Config){func(c *gatehouse.Config) { c.Mailer = mailerOf(t, server) }}, change...)...)
	return m
}

func startMailServer(t testing.TB, cfg smtptest.Config) *smtptest.Server {
	t.Helper()
	server, err := smtptest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

func mailerOf(t testing.TB, server *smtptest.Server) model.Mailer {
	t.Helper()
	mailer, err := smtp.New(smtp.Config{Host: "localhost", Port: server.Port(), From: "no-reply@id.example.com", DisplayName: "Shop",
		RootCAs: server.Roots(), Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return mailer
}

// received is a mail as its reader sees it.
type received struct {
	to, subject, id, text, html string
	header                      mail.Header
	logo                        []byte
	logoHeader                  textproto.MIMEHeader
	shape                       []string // media types of the mail and its parts
}

// deliver sends what is due and returns what arrived since the last time.
func (m *mailHouse) deliver(t testing.TB) []received {
	t.Helper()
	if _, err := m.DeliverMail(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := m.server.Mails()
	var fresh []received
	for _, taken := range all[m.seen:] {
		fresh = append(fresh, readMail(t, taken))
	}
	m.seen = len(all)
	return fresh
}

// deliverOne is deliver where exactly one mail has to arrive, at this address.
func (m *mailHouse) deliverOne(t testing.TB, to string) received {
	t.Helper()
	got := m.deliver(t)
	if len(got) != 1 || got[0].to != to {
		t.Fatalf("got %d mails %+v, want one to %s", len(got), subjects(got), to)
	}
	return got[0]
}

func subjects(mails []received) (list []string) {
	for _, m := range mails {
		list = append(list, m.to+": "+m.subject)
	}
	return list
}

func readMail(t testing.TB, taken smtptest.Mail) received {
	t.Helper()
	parsed, err := mail.ReadMessage(strings.NewReader(taken.Data))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	got := received{to: taken.To, subject: subject, id: parsed.Header.Get("Message-ID"), header: parsed.Header}
	got.readParts(t, textproto.MIMEHeader(parsed.Header), parsed.Body)
	return got
}

// readParts reads what has this header, and the parts of it.
func (r *received) readParts(t testing.TB, header textproto.MIMEHeader, content io.Reader) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	r.shape = append(r.shape, kind)
	if strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(content, params["boundary"])
		for {
			part, err := parts.NextRawPart()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r.readParts(t, part.Header, part)
		}
	}
	if header.Get("Content-Transfer-Encoding") == "base64" {
		content = base64.NewDecoder(base64.StdEncoding, content)
	} else {
		content = quotedprintable.NewReader(content)
	}
	body, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	switch kind {
	case "text/html":
		r.html = string(body)
	case "text/plain":
		r.text = strings.ReplaceAll(string(body), "\r\n", "\n")
	default:
		r.logo, r.logoHeader = body, header
	}
}

// code is that of the link in the mail.
func (r received) code(t testing.TB) model.Code {
	t.Helper()
	link := regexp.MustCompile(`https://id\.example\.com/(?:verify|reset)\?\S+`).FindString(r.text)
	parsed, err := url.Parse(link)
	if err != nil || parsed.Query().Get("code") == "" {
		t.Fatalf("no link in:\n%s", r.text)
	}
	return model.Code(parsed.Query().Get("code"))
}

// digits are those of the mail, as they stand there.
func (r received) digits(t testing.TB) model.Code {
	t.Helper()
	found := regexp.MustCompile(`(?m): (\d{4} \d{4})$`).FindStringSubmatch(r.text)
	if found == nil {
		t.Fatalf("no digits in:\n%s", r.text)
	}
	return model.Code(found[1])
}

// request registers a user over the door for strangers.
func (m *mailHouse) request(t testing.TB, name string, request model.RequestSecret) {
	t.Helper()
	in := gatehouse.Registration{Username: name, Email: name + "@example.com", Password: goodPassword, Request: request}
	if err := m.RequestRegistration(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// verified is a user who has proven the mailbox.
func (m *mailHouse) verified(t testing.TB, name string) model.User {
	t.Helper()
	m.request(t, name, "")
	if err := m.VerifyEmail(t.Context(), m.deliverOne(t, name+"@example.com").code(t)); err != nil {
		t.Fatal(err)
	}
	user, err := m.FindUser(t.Context(), name)
	if err != nil || !user.EmailVerified() {
		t.Fatalf("%+v, %v", user, err)
	}
	return user
}

// entered is verified with a session; the notice of it is read.
func (m *mailHouse) entered(t testing.TB, name string) (model.User, gatehouse.Grant) {
	t.Helper()
	user := m.verified(t, name)
	grant := m.login(t, name)
	m.deliver(t)
	return user, grant
}

func (m *mailHouse) forgot(t testing.TB, email string, request model.RequestSecret) {
	t.Helper()
	if err := m.ForgotPass(t.Context(), gatehouse.Recovery{Email: email, Request: request}); err != nil {
		t.Fatal(err)
	}
}

func (m *mailHouse) loginRefused(t testing.TB, identifier string, password model.Password, want *model.Error) {
	t.Helper()
	_, err := m.LoginUser(t.Context(), gatehouse.Credentials{Identifier: identifier, Password: password})
	refused(t, err, want)
}

// mailerFunc is a Mailer that a test answers for.
type mailerFunc func(context.Context, model.Message) error

func (f mailerFunc) Send(ctx context.Context, message model.Message) error { return f(ctx, message) }
