package e2e

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse/smtp/smtptest"
	"gatehouse/sqlite"
)

// postOffice is a mail server on this machine, and what a gatehouse needs to
// believe it.
type postOffice struct {
	*smtptest.Server
	address string   // where it is reached
	env     []string // of a gatehouse that sends by it
}

const (
	postUser = "gatehouse"
	postWord = "four words of post"
	postFrom = "no-reply@shop.example"
)

// openPost starts a mail server that demands a login.
func openPost(t testing.TB, how smtptest.Config) *postOffice {
	t.Helper()
	how.Username, how.Password = postUser, postWord
	office, err := smtptest.Start(how)
	must(t, err)
	t.Cleanup(func() { _ = office.Close() })
	dir := t.TempDir()
	roots, password := filepath.Join(dir, "roots.pem"), filepath.Join(dir, "password")
	must(t, os.WriteFile(roots, office.RootPEM(), 0o600))
	must(t, os.WriteFile(password, []byte(postWord+"\n"), 0o600))
	p := &postOffice{Server: office, address: office.Address()}
	p.env = []string{
		"SSL_CERT_FILE=" + roots, "SSL_CERT_DIR=" + dir, "GATEHOUSE_SMTP_PASSWORD_FILE=" + password,
		"GATEHOUSE_MAIL_FROM=Shop <" + postFrom + ">", "GATEHOUSE_HASH_PARAMS=" + cheapHash,
		"GATEHOUSE_LIMITS=" + wideLimits + ",mails-per-user=1000000/1h",
	}
	p.reachAt(office.Port(), how.ImplicitTLS)
	return p
}

// reachAt has a gatehouse that is started from now on use this port.
func (p *postOffice) reachAt(port uint16, implicitTLS bool) {
	scheme := "smtp"
	if implicitTLS {
		scheme = "smtps"
	}
	p.env = append(p.env, fmt.Sprintf("GATEHOUSE_SMTP=%s://%s@localhost:%d", scheme, postUser, port))
}

// serve is serve with this mail server.
func (p *postOffice) serve(t testing.TB, data string, settings ...string) *server {
	t.Helper()
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--data", data}, settings...)
	cmd := exec.Command(os.Getenv(binaryVariable), args...)
	cmd.Env = append(os.Environ(), p.env...)
	return start(t, data, cmd)
}

// letter is a mail that has arrived.
type letter struct {
	id, to, subject string
	text, html      string
	raw             string
}

// letters returns what has arrived, the oldest first.
func (p *postOffice) letters(t testing.TB) []letter {
	t.Helper()
	var all []letter
	for _, m := range p.Mails() {
		all = append(all, readLetter(t, m))
	}
	return all
}

func readLetter(t testing.TB, m smtptest.Mail) letter {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(m.Data))
	must(t, err)
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	must(t, err)
	l := letter{id: message.Header.Get("Message-Id"), to: m.To, subject: subject, raw: m.Data}
	_, parts, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	must(t, err)
	reader := multipart.NewReader(message.Body, parts["boundary"])
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return l
		}
		must(t, err)
		body := decoded(t, part)
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			l.html = body
		} else {
			l.text = body
		}
	}
}

func decoded(t testing.TB, part *multipart.Part) string {
	t.Helper()
	body, err := io.ReadAll(part)
	must(t, err)
	switch part.Header.Get("Content-Transfer-Encoding") {
	case "quoted-printable":
		body, err = io.ReadAll(quotedprintable.NewReader(bytes.NewReader(body)))
	case "base64":
		body, err = base64.StdEncoding.DecodeString(strings.ReplaceAll(string(body), "\r\n", ""))
	}
	must(t, err)
	return strings.ReplaceAll(string(body), "\r\n", "\n")
}

var (
	codeInMail    = regexp.MustCompile(`\?code=(ghc_[A-Za-z0-9_-]+)`)
	digitsInMail  = regexp.MustCompile(`\b\d{4} \d{4}\b`)
	addressInMail = regexp.MustCompile(`https?://[^\s"'<>]+`)
)

// code is that of the link in a mail.
func (l letter) code(t testing.TB) string {
	t.Helper()
	found := codeInMail.FindStringSubmatch(l.text)
	if found == nil {
		t.Fatalf("%q holds no link with a code: %s", l.subject, l.text)
	}
	return found[1]
}

// waiting is how many mails have not been sent.
func waiting(t testing.TB, s *server) int {
	t.Helper()
	s.failIfExited(t)
	store, err := sqlite.Open(t.Context(), filepath.Join(s.data, "gatehouse.db"))
	must(t, err)
	defer store.Close()
	state, err := store.OutboxState(t.Context())
	must(t, err)
	return state.Waiting
}

// settled waits until nothing waits to be sent.
func settled(t testing.TB, s *server) {
	t.Helper()
	await(t, "the outbox to be empty", func() bool { return waiting(t, s) == 0 })
}

// newest is the newest mail to an address with this subject, once all have
// arrived.
func (p *postOffice) newest(t testing.TB, s *server, to, subject string) letter {
	t.Helper()
	settled(t, s)
	all := p.letters(t)
	for _, l := range slices.Backward(all) {
		if l.to == to && strings.Contains(l.subject, subject) {
			return l
		}
	}
	t.Fatalf("no mail to %s about %q among %d: %v", to, subject, len(all), subjectsOf(all))
	return letter{}
}

// subjectsOf is to whom and about what, sorted.
func subjectsOf(all []letter) []string {
	var subjects []string
	for _, l := range all {
		subjects = append(subjects, l.to+": "+l.subject)
	}
	slices.Sort(subjects)
	return subjects
}

// startMailing adds a process to the farm that sends by a mail server.
func (f *farm) startMailing(t *testing.T, office *postOffice) *server {
	t.Helper()
	config := f.admin.Config()
	words := url.Values{"host": {config.Host}, "port": {fmt.Sprint(config.Port)}, "user": {config.User}}
	if config.Password != "" {
		words.Set("password", config.Password)
	}
	data := newData(t)
	cmd := exec.Command(os.Getenv(binaryVariable), "serve", "--listen", "127.0.0.1:0", "--url", f.url, "--data", data, "--master-key-file", f.keyFile)
	cmd.Env = append(os.Environ(), office.env...)
	cmd.Env = append(cmd.Env, "GATEHOUSE_DATABASE=postgres:///"+f.database+"?"+words.Encode())
	s := start(t, data, cmd)
	f.servers = append(f.servers, s)
	return s
}
