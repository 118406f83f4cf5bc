package gatehouse_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"gatehouse"
	"gatehouse/model"
	"gatehouse/smtp/smtptest"
)

// TestWhatAMailServerSaysIsLoggedWithoutTheMail lets the other side quote a mail
// that is tried again, so that its code lives.
func TestWhatAMailServerSaysIsLoggedWithoutTheMail(t *testing.T) {
	var log bytes.Buffer
	var sent []model.Message
	says := func(model.Message) error { return nil }
	m := newMailHouse(t)
	m.entered(t, "ana")
	toServer := mailerOf(t, m.server)
	m.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	m.cfg.Mailer = mailerFunc(func(ctx context.Context, message model.Message) error {
		sent = append(sent, message)
		if err := says(message); err != nil {
			return err
		}
		return toServer.Send(ctx, message)
	})
	m.reopen(t)
	for name, quote := range quotes() {
		for kind, wrapped := range map[string]error{"this_mail": model.ErrMailDeferred, "all_mails": errors.New("trouble")} {
			t.Run("LG-06_"+name+"_of_"+kind, func(t *testing.T) {
				m.clock.Add(25 * time.Hour)
				_, _ = m.DeliverMail(t.Context())
				sent = nil
				log.Reset()
				m.forgot(t, "ana@example.com", model.NewRequestSecret())
				says = func(message model.Message) error { return fmt.Errorf("%w: 550 5.7.1 %s", wrapped, quote(message)) }
				_, err := m.DeliverMail(t.Context())
				holdsNothing(t, fmt.Sprint(err), log.String(), sent)
			})
		}
	}
	t.Run("LG-06_by_a_server_that_quotes_what_it_refuses", func(t *testing.T) {
		m.clock.Add(25 * time.Hour)
		_, _ = m.DeliverMail(t.Context())
		sent, says = nil, func(model.Message) error { return nil }
		log.Reset()
		m.server.Judge(func(taken smtptest.Mail) error {
			return &gosmtp.SMTPError{Code: 554, EnhancedCode: gosmtp.EnhancedCode{5, 7, 1}, Message: "blocked for " + taken.To + ": " + taken.Data}
		})
		defer m.server.Judge(nil)
		m.forgot(t, "ana@example.com", model.NewRequestSecret())
		_, err := m.DeliverMail(t.Context())
		holdsNothing(t, fmt.Sprint(err), log.String(), sent)
		if !strings.Contains(log.String(), "closing SMTP DATA writer: 554") {
			t.Errorf("what the server answered is not there:\n%s", log.String())
		}
	})
}

// quotes are what the other side may say of a mail.
func quotes() map[string]func(model.Message) string {
	line := func(message model.Message, word string) string {
		return message.Text[strings.Index(message.Text, word):]
	}
	return map[string]func(model.Message) string{
		"all_of_it":      func(message model.Message) string { return message.Text + message.HTML },
		"the_link":       func(message model.Message) string { return "URL " + line(message, "https://id") + " is blocked" },
		"the_code":       func(message model.Message) string { return strings.Fields(line(message, "code=ghc_"))[0][9:] },
		"the_first_half": func(message model.Message) string { return line(message, "ghc_")[:20] },
		"a_quoted_mail": func(message model.Message) string {
			return strings.Replace(message.Text, "?code=ghc_", `?code=3Dg=\r\nhc_`, 1)
		},
		"a_folded_line": func(message model.Message) string {
			return strings.Replace(message.Text, "?code=ghc_", "?code=ghc=\r\n_", 1)
		},
		"the_address":      func(model.Message) string { return "<ANA@Example.com>: unknown" },
		"one_that_bounces": func(model.Message) string { return "SRS0=x=y=ana=example.com@id.example.com, mailto:ana%40example.com" },
		"another_line":     func(model.Message) string { return "no\nlevel=ERROR msg=forged" },
	}
}

// holdsNothing fails the test where an error or the log holds what is in the mail.
func holdsNothing(t *testing.T, err, log string, sent []model.Message) {
	t.Helper()
	if len(sent) != 1 || !strings.Contains(log, "mail not sent") || strings.Count(log, "\n") != 1 {
		t.Fatalf("%d mails, and the log is\n%s", len(sent), log)
	}
	mail := received{text: sent[0].Text}
	code, digits := string(mail.code(t)), string(mail.digits(t))
	for _, secret := range []string{
		code, strings.TrimPrefix(code, "ghc_"), code[4:20], digits, strings.ReplaceAll(digits, " ", ""), "ana@example.com", "ana%40example.com", "ana=example.com",
	} {
		for _, text := range []string{err, log} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
				t.Errorf("%s is in\n%s", secret, text)
			}
		}
	}
	if gatehouse.DigitsCount != len(digits)-1 {
		t.Errorf("digits %q", digits)
	}
}
