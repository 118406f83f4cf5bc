// Package smtptest is a mail server on this machine for tests: it speaks SMTP
// over TLS, takes what it is sent, and can be told to misbehave.
package smtptest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Config says how the server behaves. The zero value offers STARTTLS with a good
// certificate for localhost, and asks for no login.
type Config struct {
	ImplicitTLS bool
	Plain       bool        // no TLS at all
	Certificate Certificate // by default good
	Username    string      // with Password: the login that is accepted, and demanded
	Password    string
	HangsUp     bool   // after it has taken a mail
	Address     string // where to listen; by default a free port of 127.0.0.1
}

// Mail is what the server has taken, or was asked to take.
type Mail struct {
	From, To string
	Data     string // with its headers
}

// Server is running until Close.
type Server struct {
	roots    *x509.CertPool
	rootPEM  []byte
	address  string
	server   *smtp.Server
	served   chan struct{}
	mu       sync.Mutex
	taken    []Mail
	judge    func(Mail) error
	accepted chan struct{}
}

// Start begins to serve.
func Start(cfg Config) (*Server, error) {
	made, err := makeCertificates(cfg.Certificate)
	if err != nil {
		return nil, err
	}
	if cfg.Address == "" {
		cfg.Address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", cfg.Address)
	if err != nil {
		return nil, err
	}
	s := &Server{roots: made.roots, rootPEM: made.rootPEM, address: listener.Addr().String(),
		served: make(chan struct{}), accepted: make(chan struct{}, 1)}
	s.server = smtp.NewServer(smtp.BackendFunc(func(conn *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, cfg: cfg, conn: conn, in: cfg.Username == ""}, nil
	}))
	s.server.Domain, s.server.ReadTimeout, s.server.WriteTimeout = "localhost", time.Minute, time.Minute
	s.server.ErrorLog = log.New(io.Discard, "", 0)
	secured := &tls.Config{Certificates: []tls.Certificate{made.leaf}, MinVersion: tls.VersionTLS12}
	switch {
	case cfg.ImplicitTLS:
		listener = tls.NewListener(listener, secured)
	case !cfg.Plain:
		s.server.TLSConfig = secured
	}
	go func() {
		defer close(s.served)
		_ = s.server.Serve(listener)
	}()
	return s, nil
}

// Close hangs up on everybody.
func (s *Server) Close() error {
	err := s.server.Close()
	<-s.served
	return err
}

// Address is host and port, and Port the port alone.
func (s *Server) Address() string { return s.address }

// Port is where the server listens.
func (s *Server) Port() uint16 {
	address, _ := net.ResolveTCPAddr("tcp", s.address) // our own text
	return uint16(address.Port)
}

// Roots are who vouches for the certificate, and RootPEM the same as a file.
func (s *Server) Roots() *x509.CertPool { return s.roots }

// RootPEM is the certificate of the authority.
func (s *Server) RootPEM() []byte { return s.rootPEM }

// Mails returns what was taken so far, the oldest first.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

// Judge is asked about every mail from now on: an error of it is the answer, and
// the mail is not taken. nil takes everything.
func (s *Server) Judge(judge func(Mail) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.judge = judge
}

// Taken says that something was taken since somebody last listened.
func (s *Server) Taken() <-chan struct{} { return s.accepted }

func (s *Server) take(m Mail) error {
	s.mu.Lock()
	judge := s.judge
	s.mu.Unlock()
	if judge != nil {
		if err := judge(m); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.taken = append(s.taken, m)
	s.mu.Unlock()
	select {
	case s.accepted <- struct{}{}:
	default:
	}
	return nil
}

// session is one connection.
type session struct {
	server *Server
	cfg    Config
	conn   *smtp.Conn
	in     bool // logged in, or nobody has to
	mail   Mail
}

func (s *session) AuthMechanisms() []string {
	if s.cfg.Username == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != s.cfg.Username || password != s.cfg.Password {
			return smtp.ErrAuthFailed
		}
		s.in = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if !s.in {
		return smtp.ErrAuthRequired
	}
	s.mail = Mail{From: from}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.mail.To != "" {
		return errors.New("one recipient is enough")
	}
	if to == "nobody@example.com" {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such mailbox"}
	}
	s.mail.To = to
	return nil
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.Data = string(data)
	return s.server.take(s.mail)
}

func (s *session) Reset() {
	if s.cfg.HangsUp && s.mail.Data != "" {
		_ = s.conn.Conn().Close()
	}
	s.mail = Mail{}
}

func (s *session) Logout() error { return nil }
