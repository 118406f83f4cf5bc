package smtp_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"gatehouse/model"
	"gatehouse/smtp"
	"gatehouse/smtp/smtptest"
)

func start(t *testing.T, cfg smtptest.Config) *smtptest.Server {
	t.Helper()
	server, err := smtptest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

func configOf(server *smtptest.Server) smtp.Config {
	return smtp.Config{Host: "localhost", Port: server.Port(), From: "no-reply@shop.example", DisplayName: "Größe & Co",
		RootCAs: server.Roots(), Timeout: 10 * time.Second}
}

func newMailer(t *testing.T, cfg smtp.Config) *smtp.Mailer {
	t.Helper()
	mailer, err := smtp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return mailer
}

var greeting = model.Message{ID: "1@shop.example", To: "ana@example.com", Subject: "Grüße", Text: "Hello.\n.\nBye.", HTML: "<p>Hello.</p>"}

func TestSend(t *testing.T) {
	login := smtptest.Config{Username: "shop", Password: "p4ss word ä"}
	secured := login
	secured.ImplicitTLS = true
	for name, behave := range map[string]smtptest.Config{"STARTTLS": {}, "STARTTLS and login": login, "implicit TLS": {ImplicitTLS: true}, "implicit TLS and login": secured} {
		t.Run(name, func(t *testing.T) {
			server := start(t, behave)
			cfg := configOf(server)
			cfg.ImplicitTLS, cfg.Username, cfg.Password = behave.ImplicitTLS, behave.Username, model.Password(behave.Password)
			mailer := newMailer(t, cfg)
			if err := mailer.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := mailer.Send(t.Context(), greeting); err != nil {
				t.Fatal(err)
			}
			taken := server.Mails()
			if len(taken) != 1 || taken[0].From != "no-reply@shop.example" || taken[0].To != "ana@example.com" {
				t.Fatalf("%+v", taken)
			}
			message, err := mail.ReadMessage(strings.NewReader(taken[0].Data))
			if err != nil {
				t.Fatal(err)
			}
			for header, want := range map[string]string{
				"From": `=?utf-8?b?R3LDtsOfZSAmIENv?= <no-reply@shop.example>`, "To": "<ana@example.com>", "Message-Id": "<1@shop.example>",
				"Auto-Submitted": "auto-generated", "User-Agent": "", "X-Mailer": "", "Subject": "=?UTF-8?q?Gr=C3=BC=C3=9Fe?=",
			} {
				if got := message.Header.Get(header); got != want {
					t.Errorf("%s is %q, want %q", header, got, want)
				}
			}
		})
	}
}

func TestNoMailWithoutGoodTLS(t *testing.T) {
	for name, behave := range map[string]smtptest.Config{
		"no STARTTLS": {Plain: true}, "another name": {Certificate: smtptest.OtherName}, "expired": {Certificate: smtptest.Expired},
		"self-signed": {Certificate: smtptest.SelfSigned}, "wrong login": {Username: "shop", Password: "right"},
		"another name, implicit": {Certificate: smtptest.OtherName, ImplicitTLS: true}, "expired, implicit": {Certificate: smtptest.Expired, ImplicitTLS: true},
	} {
		t.Run("TL-05_"+name, func(t *testing.T) {
			server := start(t, behave)
			cfg := configOf(server)
			cfg.ImplicitTLS, cfg.Username, cfg.Password = behave.ImplicitTLS, "shop", "wrong"
			for what, err := range map[string]error{
				"Send": newMailer(t, cfg).Send(t.Context(), greeting), "Check": newMailer(t, cfg).Check(t.Context()),
			} {
				if err == nil || errors.Is(err, model.ErrMailRefused) || errors.Is(err, model.ErrMailDeferred) {
					t.Errorf("%s: got %v, want trouble that stops everything", what, err)
				} else if strings.Contains(err.Error(), "wrong\"") || strings.Contains(fmt.Sprintf("%+v", cfg), "wrong") {
					t.Errorf("%s: the error or the configuration shows the password", what)
				}
			}
			if taken := server.Mails(); len(taken) != 0 {
				t.Errorf("%d mails were taken", len(taken))
			}
		})
	}
	t.Run("TL-05_nobody_vouches", func(t *testing.T) {
		cfg := configOf(start(t, smtptest.Config{}))
		cfg.RootCAs = x509.NewCertPool()
		var unknown x509.UnknownAuthorityError
		if err := newMailer(t, cfg).Send(t.Context(), greeting); !errors.As(err, &unknown) {
			t.Errorf("got %v", err)
		}
	})
}

func TestWhatTheServerSays(t *testing.T) {
	server := start(t, smtptest.Config{})
	mailer := newMailer(t, configOf(server))
	t.Run("no_such_mailbox", func(t *testing.T) {
		missing := greeting
		missing.To = "nobody@example.com"
		if err := mailer.Send(t.Context(), missing); !errors.Is(err, model.ErrMailRefused) {
			t.Errorf("got %v", err)
		}
	})
	for name, answer := range map[string]*gosmtp.SMTPError{
		"later": {Code: 451, EnhancedCode: gosmtp.EnhancedCode{4, 7, 1}, Message: "greylisted"},
		"spam":  {Code: 554, EnhancedCode: gosmtp.EnhancedCode{5, 7, 1}, Message: "looks like spam"},
	} {
		t.Run(name, func(t *testing.T) {
			server.Judge(func(smtptest.Mail) error { return answer })
			defer server.Judge(nil)
			if err := mailer.Send(t.Context(), greeting); !errors.Is(err, model.ErrMailDeferred) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("what_was_taken_counts_whatever_comes_after", func(t *testing.T) {
		rude := start(t, smtptest.Config{HangsUp: true})
		if err := newMailer(t, configOf(rude)).Send(t.Context(), greeting); err != nil || len(rude.Mails()) != 1 {
			t.Errorf("%v, %d mails", err, len(rude.Mails()))
		}
	})
}

// TestASilentServer accepts and says nothing.
func TestASilentServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	address, _ := listener.Addr().(*net.TCPAddr)
	cfg := smtp.Config{Host: "127.0.0.1", Port: uint16(address.Port), From: "a@shop.example", Timeout: time.Hour}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			cancel() // somebody waits for a greeting by now, or soon
			defer func() { _ = conn.Close() }()
			_, _ = conn.Read(make([]byte, 1)) // until it is hung up
		}
	}()
	if err := newMailer(t, cfg).Send(ctx, greeting); err == nil {
		t.Error("sent to nobody")
	}
}

func TestHostileMessages(t *testing.T) {
	server := start(t, smtptest.Config{})
	mailer := newMailer(t, configOf(server))
	hostile := []func(*model.Message){
		func(m *model.Message) { m.Subject = "a\r\nBcc: eve@evil.example" },
		func(m *model.Message) { m.Subject = "a\nb" },
		func(m *model.Message) { m.Subject = "a\x00b" },
		func(m *model.Message) { m.ID = "1@shop.example>\r\nBcc: <eve@evil.example" },
		func(m *model.Message) { m.ID = "" },
		func(m *model.Message) { m.To = "ana@example.com,eve@evil.example" },
		func(m *model.Message) { m.To = "ana@example.com>\r\nRCPT TO:<eve@evil.example" },
		func(m *model.Message) { m.To = "Ana <ana@example.com>" },
		func(m *model.Message) { m.To = "ANA@example.com" },
		func(m *model.Message) { m.To = "" },
	}
	for i, change := range hostile {
		t.Run(fmt.Sprintf("AI-19_%d", i), func(t *testing.T) {
			message := greeting
			change(&message)
			if err := mailer.Send(t.Context(), message); err == nil || strings.Contains(err.Error(), "eve") {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("AI-19_text_stays_text", func(t *testing.T) {
		message := greeting
		message.Subject = "=?utf-8?q?x?= <b> \u202e " + strings.Repeat("long ", 60)
		message.Text = "line\r\n.\r\nMAIL FROM:<eve@evil.example>\r\n"
		if err := mailer.Send(t.Context(), message); err != nil {
			t.Fatal(err)
		}
	})
	if taken := server.Mails(); len(taken) != 1 || taken[0].To != "ana@example.com" {
		t.Errorf("taken: %+v", taken)
	}
}

func TestNewNamesTheFieldThatIsWrong(t *testing.T) {
	good := smtp.Config{Host: "mail.example.com", Port: 465, From: "a@shop.example"}
	for field, change := range map[string]func(*smtp.Config){
		"Config.Host":                       func(c *smtp.Config) { c.Host = "" },
		"Config.Host and Config.Port":       func(c *smtp.Config) { c.Port = 0 },
		"Config.From":                       func(c *smtp.Config) { c.From = "Shop <a@shop.example>" },
		"Config.DisplayName":                func(c *smtp.Config) { c.DisplayName = "a\r\nb" },
		"Config.Username and":               func(c *smtp.Config) { c.Username = "x" },
		"Config.Username and Config.Passwo": func(c *smtp.Config) { c.Username, c.Password = "x\r\n", "y" },
	} {
		cfg := good
		change(&cfg)
		if _, err := smtp.New(cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: got %v", field, err)
		}
	}
	if _, err := smtp.New(good); err != nil {
		t.Error(err)
	}
}

func TestWhatTheServerSaysOfTheContentIsNotTold(t *testing.T) {
	server := start(t, smtptest.Config{})
	server.Judge(func(taken smtptest.Mail) error {
		return &gosmtp.SMTPError{Code: 554, EnhancedCode: gosmtp.EnhancedCode{5, 7, 1}, Message: "blocked: " + taken.Data}
	})
	err := newMailer(t, configOf(server)).Send(t.Context(), greeting)
	if !errors.Is(err, model.ErrMailDeferred) || !strings.HasPrefix(err.Error(), "smtp: the mail is not taken now: closing SMTP DATA writer: 554") {
		t.Errorf("got %v", err)
	}
	for _, said := range []string{"blocked", "Hello", "ana@example.com"} {
		if strings.Contains(err.Error(), said) {
			t.Errorf("LG-06: the error holds %s: %v", said, err)
		}
	}
}
