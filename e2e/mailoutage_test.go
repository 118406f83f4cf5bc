package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/smtp/smtptest"
)

// mailOutageVariable says how long the mail server is gone, as in 2m; a moment by
// default.
const mailOutageVariable = "GATEHOUSE_MAIL_OUTAGE"

func mailOutage(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv(mailOutageVariable)
	if text == "" {
		return time.Second
	}
	d, err := time.ParseDuration(text)
	must(t, err)
	return d
}

// road leads to a mail server and can be closed: then nobody answers at its port.
type road struct {
	target, address string
	mu              sync.Mutex
	listener        net.Listener // nil while it is closed
	travellers      []net.Conn
}

func newRoad(t *testing.T, target string) *road {
	t.Helper()
	r := &road{target: target, address: "127.0.0.1:0"}
	r.open(t)
	t.Cleanup(r.close)
	return r
}

func (r *road) open(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", r.address)
	must(t, err)
	r.mu.Lock()
	r.listener, r.address = listener, listener.Addr().String()
	r.mu.Unlock()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go r.carry(conn)
		}
	}()
}

func (r *road) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", r.target)
	if err != nil {
		return
	}
	defer server.Close()
	r.mu.Lock()
	r.travellers = append(r.travellers, client, server)
	r.mu.Unlock()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	_, _ = io.Copy(client, server)
}

// close turns everybody away and breaks off what is under way.
func (r *road) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listener != nil {
		_ = r.listener.Close()
	}
	for _, conn := range r.travellers {
		_ = conn.Close()
	}
	r.listener, r.travellers = nil, nil
}

func (r *road) port(t *testing.T) uint16 {
	t.Helper()
	address, err := net.ResolveTCPAddr("tcp", r.address)
	must(t, err)
	return uint16(address.Port)
}

// registering is a crowd that registers until it is stopped.
type registering struct {
	mu       sync.Mutex
	told     []string // emails whose registration was answered
	unknown  []string // those that nobody has answered
	stop     chan struct{}
	all      sync.WaitGroup
	slowness time.Duration
}

// registerOn has so many people at once register at whichever server runs.
func registerOn(at func() *server, clients int, pause time.Duration) *registering {
	c := &registering{stop: make(chan struct{}), slowness: pause}
	for i := range clients {
		c.all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-c.stop:
					return
				case <-time.After(c.slowness):
				}
				email := fmt.Sprintf("p%d.%d@example.com", i, n)
				got, err := at().send(request{method: "POST", path: "/v1/register", body: object("email", email, "password", word)})
				c.mu.Lock()
				if err == nil && got.status == http.StatusAccepted {
					c.told = append(c.told, email)
				} else {
					c.unknown = append(c.unknown, email)
				}
				c.mu.Unlock()
			}
		})
	}
	return c
}

func (c *registering) answered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.told)
}

// end stops the crowd and returns who was told to look into the mail, and who was
// told nothing.
func (c *registering) end() (told, unknown []string) {
	close(c.stop)
	c.all.Wait()
	return c.told, c.unknown
}

// TestMailServerGone lets people register while no mail server answers, kills the
// server in the middle of it, and then opens the road. Every mail arrives, once. In
// its long form the server is killed once more, in the middle of sending.
func TestMailServerGone(t *testing.T) {
	t.Parallel()
	office := openPost(t, smtptest.Config{})
	way := newRoad(t, office.Address())
	office.reachAt(way.port(t), false)
	m := &mending{office: office, server: office.serve(t, newData(t))}
	way.close()
	crowd := registerOn(m.running, 2, mailOutage(t)/100)
	time.Sleep(mailOutage(t) / 2)
	await(t, "some to be registered", func() bool { return crowd.answered() >= 4 })
	m.killAndStart(t)
	before := crowd.answered()
	await(t, "some more to be registered", func() bool { return crowd.answered() >= before+4 })
	time.Sleep(mailOutage(t) / 2)
	t.Run("doctor_says_that_mails_wait", func(t *testing.T) {
		if got := command(t, m.running().data, "", "doctor"); !strings.Contains(got.out, "mails wait") {
			t.Errorf("doctor says %s%s", got.out, got.stderr)
		}
	})
	told, unknown := crowd.end()
	if len(office.Mails()) != 0 {
		t.Fatal("the mail server was reached")
	}
	doubles := 0
	if os.Getenv(mailOutageVariable) != "" {
		doubles = mailsAtOnce
		office.Judge(func(smtptest.Mail) error { time.Sleep(200 * time.Millisecond); return nil })
	}
	way.open(t)
	if doubles > 0 {
		await(t, "some mails to be taken", func() bool { return len(office.Mails()) > 2*mailsAtOnce })
		m.killAndStart(t)
		office.Judge(nil)
	}
	for end := time.Now().Add(mailOutage(t) + leaseOfAMail); time.Now().Before(end) && waiting(t, m.running()) > 0; {
		time.Sleep(100 * time.Millisecond)
	}
	settled(t, m.running())
	t.Logf("%d told, %d told nothing, %d mails", len(told), len(unknown), len(office.Mails()))
	checkArrivals(t, office.letters(t), told, unknown, doubles)
}

// What docs/decisions/0029-mail.md says: so many mails are on their way at the same
// time, and what a process that died had claimed is free again after the lease.
const (
	mailsAtOnce  = 4
	leaseOfAMail = 2*time.Minute + 10*time.Second
)

// mending is a server that is killed and started again on its data.
type mending struct {
	office *postOffice
	mu     sync.Mutex
	server *server
}

func (m *mending) running() *server {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.server
}

func (m *mending) killAndStart(t *testing.T) {
	t.Helper()
	killed := m.running()
	killed.kill()
	next := m.office.serve(t, killed.data, "--url", killed.url)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.server = next
}

// checkArrivals wants one mail for each who was told of one, and at most one for
// who was told nothing. A mail may come twice where the mail server took it and
// nobody could note it any more; then it has the same id, and there are no more of
// these than doubles.
func checkArrivals(t *testing.T, all []letter, told, unknown []string, doubles int) {
	t.Helper()
	ids := map[string][]string{} // of each person
	again := 0
	for _, l := range all {
		if slices.Contains(ids[l.to], l.id) {
			again++
			continue
		}
		ids[l.to] = append(ids[l.to], l.id)
	}
	for _, email := range told {
		if len(ids[email]) != 1 {
			t.Errorf("%s has %d different mails, want 1", email, len(ids[email]))
		}
		delete(ids, email)
	}
	for _, email := range unknown {
		if len(ids[email]) > 1 {
			t.Errorf("%s, who was told nothing, has %d different mails", email, len(ids[email]))
		}
		delete(ids, email)
	}
	for email := range ids {
		t.Errorf("a mail to %s, who never registered", email)
	}
	if again > doubles {
		t.Errorf("%d mails came twice, want %d at most", again, doubles)
	}
}
