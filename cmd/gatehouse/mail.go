package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gatehouse"
	"gatehouse/model"
	"gatehouse/smtp"
)

// mailConfig says who takes our mails and how they look.
type mailConfig struct {
	server       smtp.Config // without the password; no host without a mail server
	mailbox      bool        // mails are shown and not sent
	passwordFile string
	logoFile     string // "" for none
	style        gatehouse.MailStyle
}

// mailboxName is the --smtp that keeps mails in memory.
const mailboxName = "mailbox"

func parseMail(cfg *config, values map[string]setting) error {
	server := values["smtp"]
	if server.text == "" {
		for _, name := range []string{"smtp-password-file", "mail-from", "mail-colour", "mail-logo"} {
			if values[name].text != "" {
				return values[name].wrong("it is only read with --smtp")
			}
		}
		return nil
	}
	if err := parseMailFrom(cfg, values["mail-from"]); err != nil {
		return err
	}
	cfg.mail.logoFile = values["mail-logo"].text
	cfg.mail.style.Colour = values["mail-colour"].text
	if colour := values["mail-colour"]; cfg.mail.style.Check() != nil {
		return colour.wrong("%q is no colour; write it as in #0e5e54", colour.text)
	}
	if server.text != mailboxName {
		return parseMailServer(cfg, values)
	}
	if cfg.tls.kind != tlsLocal {
		return server.wrong("whoever reads the mailbox can take over every user, so it is there with --tls=local only")
	}
	if password := values["smtp-password-file"]; password.text != "" {
		return password.wrong("the mailbox asks for no login")
	}
	cfg.mail.mailbox = true
	return nil
}

// parseMailServer reads smtps://USER@HOST:PORT, or smtp:// for STARTTLS.
func parseMailServer(cfg *config, values map[string]setting) error {
	value, password := values["smtp"], values["smtp-password-file"]
	// What was typed may hold a password, so it is not repeated.
	const form = "it must be smtps://USER@HOST, smtp://USER@HOST for STARTTLS, or mailbox"
	parsed, err := url.Parse(value.text)
	if err != nil || parsed.Hostname() == "" || strings.Trim(parsed.Path, "/") != "" || parsed.RawQuery != "" || parsed.Fragment != "" || parsed.Opaque != "" {
		return value.wrong(form)
	}
	port := uint16(587)
	switch parsed.Scheme {
	case "smtp":
	case "smtps":
		port = 465
	default:
		return value.wrong(form)
	}
	if text := parsed.Port(); text != "" {
		number, err := strconv.ParseUint(text, 10, 16)
		if err != nil || number == 0 {
			return value.wrong("%q is no port", text)
		}
		port = uint16(number)
	}
	if _, typed := parsed.User.Password(); typed {
		return value.wrong("a password here would be seen by everybody on this machine; put it into a file for --smtp-password-file")
	}
	username := parsed.User.Username()
	switch {
	case values["mail-from"].text == "":
		return values["mail-from"].wrong(`--smtp needs it: whom mails come from, as in "Shop <no-reply@shop.example>"`)
	case username != "" && password.text == "":
		return password.wrong("--smtp names a user, who needs a password")
	case username == "" && password.text != "":
		return password.wrong("--smtp names no user; write it as in smtps://USER@HOST")
	}
	cfg.mail.passwordFile = password.text
	cfg.mail.server.Host, cfg.mail.server.Port = parsed.Hostname(), port
	cfg.mail.server.ImplicitTLS, cfg.mail.server.Username = parsed.Scheme == "smtps", username
	return nil
}

// parseMailFrom reads an address, with the name of the product before it or none.
func parseMailFrom(cfg *config, value setting) error {
	if value.text == "" {
		return nil
	}
	parsed, err := mail.ParseAddress(value.text)
	if err != nil {
		return value.wrong(`%q is no sender; write it as in "Shop <no-reply@shop.example>"`, value.text)
	}
	email, err := model.ParseEmail(parsed.Address)
	if err != nil {
		return value.wrong("%q is no email", parsed.Address)
	}
	cfg.mail.style.Product = parsed.Name
	if cfg.mail.style.Check() != nil {
		return value.wrong("the name has more than 64 characters, or a line end")
	}
	cfg.mail.server.From, cfg.mail.server.DisplayName = email, parsed.Name
	return nil
}

// openMailer returns who sends mails, or nil. The mailbox is set where mails are
// only shown.
func openMailer(cfg config) (mailer model.Mailer, mailbox *model.Mailbox, err error) {
	if cfg.mail.mailbox {
		mailbox = &model.Mailbox{}
		return mailbox, mailbox, nil
	}
	if cfg.mail.server.Host == "" {
		return nil, nil, nil
	}
	sender, err := openSMTP(cfg)
	if err != nil {
		return nil, nil, err
	}
	return sender, nil, nil
}

func openSMTP(cfg config) (*smtp.Mailer, error) {
	server := cfg.mail.server
	if cfg.mail.passwordFile != "" {
		content, err := readSecretFile(cfg.mail.passwordFile)
		if err != nil {
			return nil, fmt.Errorf("--smtp-password-file: %w", err)
		}
		if server.Password = model.Password(oneLine(content)); server.Password == "" {
			return nil, fmt.Errorf("--smtp-password-file: %s is empty", cfg.mail.passwordFile)
		}
	}
	sender, err := smtp.New(server)
	if err != nil {
		return nil, fmt.Errorf("--smtp: %w", err)
	}
	return sender, nil
}

// mailPeriod is the time between two looks at what other processes queued and
// what is to be tried again. What this one queues goes at once.
const mailPeriod = 5 * time.Second

// keepMail sends what is queued.
func (s *server) keepMail(ctx context.Context) {
	if !s.auth.SendsMail() {
		return
	}
	ticker := time.NewTicker(mailPeriod)
	defer ticker.Stop()
	for {
		if _, err := s.auth.DeliverMail(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("mail is not sent", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-s.auth.MailQueued():
		}
	}
}

// mailCheckPatience is how long doctor waits for the mail server.
const mailCheckPatience = 15 * time.Second

// lookAtMail connects to the mail server as serve does, and sends nothing.
func lookAtMail(ctx context.Context, cfg config) []finding {
	if _, err := mailStyle(cfg); err != nil {
		return []finding{fail("mail", "%v", err)}
	}
	switch {
	case cfg.mail.mailbox:
		return []finding{warn("mail", "--smtp=mailbox sends nothing: mails are shown to everybody on this machine; use a mail server where others log in")}
	case cfg.mail.server.Host == "":
		return []finding{fine("mail", "none is sent; without --smtp nobody recovers a password but by gatehouse user reset-link")}
	}
	sender, err := openSMTP(cfg)
	if err != nil {
		return []finding{fail("mail", "%v", err)}
	}
	ctx, cancel := context.WithTimeout(ctx, mailCheckPatience)
	defer cancel()
	where := fmt.Sprintf("%s port %d", cfg.mail.server.Host, cfg.mail.server.Port)
	if err := sender.Check(ctx); err != nil {
		return []finding{fail("mail", "%s: %s", mailHint(err), printable(err.Error()))}
	}
	kind := "STARTTLS"
	if cfg.mail.server.ImplicitTLS {
		kind = "TLS"
	}
	login := "no login"
	if cfg.mail.server.Username != "" {
		login = "its login accepted"
	}
	return []finding{fine("mail", "%s answers, with %s and %s; mails come from %s", where, kind, login, cfg.mail.server.From)}
}

// mailHint says what to mend.
func mailHint(err error) string {
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		return "the certificate is for another name; write the one it is for into --smtp"
	case errors.As(err, &authority):
		return "nobody that this machine trusts vouches for the certificate"
	case errors.As(err, &invalid):
		return "the certificate is not good"
	case strings.Contains(err.Error(), "does not support STARTTLS"):
		return "the server offers no STARTTLS; use smtps:// and its port, or another server"
	case strings.Contains(err.Error(), "AUTH"):
		return "the login is not accepted; look at the user in --smtp and at --smtp-password-file"
	}
	return "the mail server cannot be used"
}

// mailsLate is how old a waiting mail is when something is wrong.
const mailsLate = 5 * time.Minute

// lookAtOutbox says what waits to be sent.
func lookAtOutbox(cfg config, waiting model.OutboxState) []finding {
	sends := cfg.mail.mailbox || cfg.mail.server.Host != ""
	switch age := time.Since(waiting.Oldest).Round(time.Second); {
	case waiting.Waiting == 0 && !sends:
		return nil
	case waiting.Waiting == 0:
		return []finding{fine("outbox", "no mail waits")}
	case !sends:
		return []finding{warn("outbox", "%s for %s, and there is no --smtp", mailsWaiting(waiting.Waiting), age)}
	case age > mailsLate:
		return []finding{warn("outbox", "%s, the oldest for %s; look at the log of gatehouse serve", mailsWaiting(waiting.Waiting), age)}
	default:
		return []finding{fine("outbox", "%s, the oldest for %s", mailsWaiting(waiting.Waiting), age)}
	}
}

func mailsWaiting(n int) string {
	if n == 1 {
		return "1 mail waits"
	}
	return fmt.Sprintf("%d mails wait", n)
}
