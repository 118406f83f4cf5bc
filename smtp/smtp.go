// Package smtp is a model.Mailer that hands mails to a server by SMTP, over TLS
// that is verified and never without.
package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"gatehouse/model"
)

// Config says which server takes our mails. Host, Port and From are required.
type Config struct {
	Host string // its certificate has to be for this name
	Port uint16
	// ImplicitTLS begins with TLS, as on port 465 (RFC 8314 section 3.3). Otherwise
	// STARTTLS is demanded, as on port 587: a server that does not offer it gets no
	// mail.
	ImplicitTLS bool

	// Username logs in before anything is sent; empty for a server that asks for no
	// login.
	Username string
	Password model.Password

	From        model.Email // also where undeliverable mails come back to
	DisplayName string      // beside it; by default none

	// RootCAs are whom to believe about the certificate; by default the system's.
	RootCAs *x509.CertPool
	// Timeout bounds connecting, and then each answer; by default 20 seconds.
	Timeout time.Duration
}

const defaultTimeout = 20 * time.Second

const hiddenConfig = "[smtp.Config hidden]"

// Format hides the configuration, which holds a password, under every verb.
func (Config) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(hiddenConfig)) }

// LogValue hides the configuration in logs.
func (Config) LogValue() slog.Value { return slog.StringValue(hiddenConfig) }

// Mailer sends each message over a connection of its own. It is safe for
// concurrent use.
type Mailer struct {
	// cfg is a function because fmt prints what lies behind an unexported field.
	cfg func() Config
}

var _ model.Mailer = (*Mailer)(nil)

// New checks the configuration and connects to nobody. The error names the field
// that is wrong.
func New(cfg Config) (*Mailer, error) {
	if cfg.Host == "" || strings.ContainsAny(cfg.Host, "\r\n \x00/@") || cfg.Port == 0 {
		return nil, errors.New("smtp: Config.Host and Config.Port are required: the name of the mail server, and its port")
	}
	if email, err := model.ParseEmail(cfg.From.String()); err != nil || email != cfg.From {
		return nil, errors.New("smtp: Config.From is required: a canonical email")
	}
	if !isHeaderText(cfg.DisplayName) {
		return nil, errors.New("smtp: Config.DisplayName: it holds a line end")
	}
	if (cfg.Username == "") != (cfg.Password == "") || !isHeaderText(cfg.Username) || !isHeaderText(string(cfg.Password)) {
		return nil, errors.New("smtp: Config.Username and Config.Password: a login needs both, on one line each")
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	return &Mailer{cfg: func() Config { return cfg }}, nil
}

// isHeaderText refuses what could begin another header or command.
func isHeaderText(text string) bool { return !strings.ContainsAny(text, "\r\n\x00") }

// Send hands the message to the server. An error that is model.ErrMailRefused
// says that the server knows no such mailbox; model.ErrMailDeferred, that it did
// not take this message. After any other the server takes none: it cannot be
// reached, its certificate is not good, or it does not accept the login. That a
// message was taken counts, whatever the server says to our farewell.
func (m *Mailer) Send(ctx context.Context, message model.Message) error {
	cfg := m.cfg()
	msg, err := compose(cfg, message)
	if err != nil {
		return fmt.Errorf("smtp: %w: %w", model.ErrMailDeferred, err)
	}
	client, hangUp, err := dial(ctx, cfg)
	if err != nil {
		return err
	}
	defer hangUp()
	err = client.Send(msg)
	if msg.IsDelivered() {
		_ = client.Close() // the farewell
		return nil
	}
	return sendTrouble(err)
}

// Check connects, secures the connection and logs in, and sends nothing. The
// error says what is wrong.
func (m *Mailer) Check(ctx context.Context) error {
	client, hangUp, err := dial(ctx, m.cfg())
	if err != nil {
		return err
	}
	defer hangUp()
	if err := client.Close(); err != nil {
		return fmt.Errorf("smtp: %w", err)
	}
	return nil
}

// dial returns a client that is connected, secured and logged in. Everything on
// it ends with ctx, and with hangUp, which must be called.
func dial(ctx context.Context, cfg Config) (*mail.Client, func(), error) {
	secured := &tls.Config{ServerName: cfg.Host, RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12}
	ctx, cancel := context.WithCancel(ctx)
	options := []mail.Option{
		mail.WithPort(int(cfg.Port)), mail.WithTimeout(cfg.Timeout), mail.WithHELO(cfg.From.Domain()),
		mail.WithTLSConfig(secured), mail.WithTLSPolicy(mail.TLSMandatory), mail.WithoutSMTPUTF8(),
	}
	var network mail.DialContextFunc = (&net.Dialer{}).DialContext
	if cfg.ImplicitTLS {
		options = append(options, mail.WithSSL())
		network = (&tls.Dialer{Config: secured}).DialContext
	}
	options = append(options, mail.WithDialContextFunc(func(dialing context.Context, kind, address string) (net.Conn, error) {
		conn, err := network(dialing, kind, address)
		if err == nil {
			context.AfterFunc(ctx, func() { _ = conn.Close() }) // who waits for an answer hears of it
		}
		return conn, err
	}))
	if cfg.Username != "" {
		options = append(options, mail.WithUsername(cfg.Username), mail.WithPassword(string(cfg.Password)),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	client, err := mail.NewClient(cfg.Host, options...)
	if err != nil {
		cancel()
		return nil, nil, fmt.Errorf("smtp: %w", err)
	}
	if err := client.DialWithContext(ctx); err != nil {
		cancel()
		return nil, nil, fmt.Errorf("smtp: %s port %d: %w", cfg.Host, cfg.Port, err)
	}
	return client, cancel, nil
}

// sendTrouble says whom an error of the server is about.
func sendTrouble(err error) error {
	var refused *mail.SendError
	if !errors.As(err, &refused) {
		return fmt.Errorf("smtp: %w", err) // the connection was lost
	}
	if refused.Reason == mail.ErrSMTPDataClose || refused.Reason == mail.ErrWriteContent {
		err = afterContent(refused)
	}
	if refused.ErrorCode() == 0 {
		return fmt.Errorf("smtp: %w", err) // the same
	}
	if refused.Reason == mail.ErrSMTPRcptTo && isNoMailbox(refused) {
		return fmt.Errorf("smtp: %w: %w", model.ErrMailRefused, err)
	}
	return fmt.Errorf("smtp: %w: %w", model.ErrMailDeferred, err)
}

// afterContent is the answer of a server that has seen the content: it may quote
// that, in any encoding, so only its numbers are told.
func afterContent(refused *mail.SendError) error {
	if refused.ErrorCode() == 0 {
		return errors.New(refused.Reason.String())
	}
	return errors.New(strings.TrimSpace(fmt.Sprintf("%s: %d %s", refused.Reason, refused.ErrorCode(), refused.EnhancedStatusCode())))
}

// isNoMailbox reports whether asking again is of no use: the address is bad (RFC
// 3463 section 3.2, codes X.1.X). Other permanent refusals speak of us or of the
// content, and may be mended.
func isNoMailbox(refused *mail.SendError) bool {
	if status := refused.EnhancedStatusCode(); status != "" {
		return strings.HasPrefix(status, "5.1.")
	}
	code := refused.ErrorCode()
	return code == 550 || code == 551 || code == 553
}
