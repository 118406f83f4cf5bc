package gatehouse_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
	"gatehouse/smtp/smtptest"
)

// queued asks for n mails to n addresses, without sending any.
func (m *mailHouse) queued(t testing.TB, n int) {
	t.Helper()
	for i := range n {
		_, err := m.RegisterUser(t.Context(), gatehouse.Registration{Email: fmt.Sprintf("user%d@example.com", i), Password: goodPassword})
		mustNot(t, err)
	}
}

func (m *mailHouse) waiting(t testing.TB) int {
	t.Helper()
	state, err := m.OutboxState(t.Context())
	mustNot(t, err)
	return state.Waiting
}

// eventsNamed counts the events of a name, whoever they are about.
func (h *house) eventsNamed(t testing.TB, name model.EventName) int {
	t.Helper()
	rows, err := h.store.FindEvents(t.Context(), model.EventFilter{Name: name, Limit: 100})
	mustNot(t, err)
	return len(rows)
}

func TestMailsAreTriedAgain(t *testing.T) {
	down := true
	var tried []time.Duration
	m := newMailHouse(t)
	begun := m.clock.Now()
	server := mailerOf(t, m.server)
	m.cfg.Mailer = mailerFunc(func(ctx context.Context, message model.Message) error {
		tried = append(tried, m.clock.Now().Sub(begun))
		if down {
			return errors.New("no route to the mail server")
		}
		return server.Send(ctx, message)
	})
	m.reopen(t)
	m.queued(t, 1)
	for m.clock.Now().Sub(begun) < 2*time.Hour {
		_, err := m.DeliverMail(t.Context())
		if err == nil && len(tried) == 0 {
			t.Fatal("no trouble was told")
		}
		m.clock.Add(time.Second)
	}
	want := []time.Duration{0, 10, 30, 70, 150, 310, 630, 1270, 2550, 4350, 6150} // doubling, then 30 minutes
	if len(tried) != len(want) {
		t.Fatalf("tried at %v", tried)
	}
	for i := range want {
		if tried[i] != want[i]*time.Second {
			t.Errorf("try %d came after %v, want %v", i+1, tried[i], want[i]*time.Second)
		}
	}
	if n := m.eventsNamed(t, model.EventMailFailed); n != 1 {
		t.Errorf("%d events say that no mail can be sent, want 1", n)
	}
	down = false
	m.clock.Add(30 * time.Minute)
	m.deliverOne(t, "user0@example.com")
	if n := m.waiting(t); n != 0 {
		t.Errorf("%d mails wait", n)
	}
}

func TestMailsAreGivenUp(t *testing.T) {
	trouble := errors.New("no route")
	m := newMailHouse(t, func(c *gatehouse.Config) {
		c.Mailer = mailerFunc(func(context.Context, model.Message) error { return trouble })
	})
	t.Run("after_a_day", func(t *testing.T) {
		m.queued(t, 1)
		for range 60 {
			_, _ = m.DeliverMail(t.Context())
			m.clock.Add(30 * time.Minute)
		}
		if n, given := m.waiting(t), m.eventsNamed(t, model.EventMailGivenUp); n != 0 || given != 1 {
			t.Errorf("%d wait, %d given up", n, given)
		}
	})
	t.Run("at_once_where_there_is_no_such_mailbox_and_the_others_go_on", func(t *testing.T) {
		m := newMailHouse(t)
		for _, name := range []string{"nobody", "somebody"} { // the server knows the first to be missing
			_, err := m.RegisterUser(t.Context(), gatehouse.Registration{Email: name + "@example.com", Password: goodPassword})
			mustNot(t, err)
		}
		m.deliverOne(t, "somebody@example.com")
		if n, given := m.waiting(t), m.eventsNamed(t, model.EventMailGivenUp); n != 0 || given != 1 {
			t.Errorf("%d wait, %d given up", n, given)
		}
	})
	t.Run("RV-03_an_expired_code_is_not_sent", func(t *testing.T) {
		m := newMailHouse(t)
		m.verified(t, "ana")
		m.forgot(t, "ana@example.com", "")
		m.server.Judge(func(smtptest.Mail) error { return errors.New("busy") })
		m.deliver(t)
		if n := m.waiting(t); n != 1 {
			t.Fatalf("%d mails wait after the first try", n)
		}
		m.server.Judge(nil)
		m.clock.Add(30 * time.Minute)
		if got := m.deliver(t); len(got) != 0 || m.waiting(t) != 0 {
			t.Errorf("got %v, %d wait", subjects(got), m.waiting(t))
		}
	})
	t.Run("a_panic_of_the_Mailer_is_one_more_failure", func(t *testing.T) {
		m := newMailHouse(t, func(c *gatehouse.Config) {
			c.Mailer = mailerFunc(func(context.Context, model.Message) error { panic("on purpose") })
		})
		m.queued(t, 2)
		round, err := m.DeliverMail(t.Context())
		if err != nil || round.PutOff != 2 {
			t.Errorf("%+v %v", round, err)
		}
	})
}

// TestProcessesShareTheOutbox kills one process after the mail server has taken
// the mail and before it is removed, with others at work.
func TestProcessesShareTheOutbox(t *testing.T) {
	const mails, processes = 40, 3
	m := newMailHouse(t)
	m.queued(t, mails)
	server := mailerOf(t, m.server)
	ctx, kill := context.WithCancel(t.Context())
	var once sync.Once
	dying := &dyingStore{Store: m.store, dead: ctx}
	cfg := withMasterKey(t, m.house)
	cfg.Mailer = mailerFunc(func(sending context.Context, message model.Message) error {
		err := server.Send(sending, message)
		once.Do(kill)
		return err
	})
	doomed, err := gatehouse.New(t.Context(), dying, cfg)
	mustNot(t, err)
	_, _ = doomed.DeliverMail(ctx)

	errs := together(processes, func(int) error {
		auth, err := gatehouse.New(t.Context(), m.store, withMasterKey(t, m.house))
		if err == nil {
			_, err = auth.DeliverMail(t.Context())
		}
		return err
	})
	mustNot(t, errors.Join(errs...))
	m.clock.Add(2*time.Minute + time.Second) // the leases of the dead are over
	m.deliver(t)
	seen, ids := map[string]int{}, map[string]string{}
	for _, taken := range m.server.Mails() {
		mail := readMail(t, taken)
		if before, ok := ids[mail.to]; ok && before != mail.id {
			t.Errorf("the second mail to %s has another Message-ID", mail.to)
		}
		ids[mail.to] = mail.id
		seen[mail.to]++
	}
	doubles := 0
	for to, n := range seen {
		if n > 2 {
			t.Errorf("%s got %d mails", to, n)
		}
		doubles += n - 1
	}
	if len(seen) != mails || m.waiting(t) != 0 {
		t.Errorf("%d of %d arrived, %d wait", len(seen), mails, m.waiting(t))
	}
	if doubles < 1 || doubles > 4 {
		t.Errorf("%d doubles; what the dead had in hand are 1 to 4", doubles)
	}
}

// dyingStore answers nobody any more once its process is dead.
type dyingStore struct {
	model.Store
	dead context.Context
}

func (s *dyingStore) RemoveMail(ctx context.Context, id model.MailID) (bool, error) {
	if s.dead.Err() != nil {
		return false, errFault
	}
	return s.Store.RemoveMail(ctx, id)
}

func (s *dyingStore) PutOffMail(ctx context.Context, mail model.OutboxRecord, at time.Time) error {
	if s.dead.Err() != nil {
		return errFault
	}
	return s.Store.PutOffMail(ctx, mail, at)
}

func TestMailsOutliveRestartAndChangeOfTheMasterKey(t *testing.T) {
	m := newMailHouse(t)
	m.verified(t, "ana")
	m.forgot(t, "ana@example.com", "")
	m.reopen(t)
	keys, err := m.store.MasterKeys(t.Context())
	mustNot(t, err)
	mustNot(t, m.UseMasterKeys(t.Context(), keys.Followed(model.NewMasterKey(), m.clock.Now())))
	mustNot(t, m.reset(t, m.deliverOne(t, "ana@example.com").code(t), otherPassword))
}

func TestWhoQueuesAMailSaysSo(t *testing.T) {
	m := newMailHouse(t)
	m.verified(t, "ana")
	for len(m.MailQueued()) > 0 {
		<-m.MailQueued()
	}
	m.forgot(t, "nobody@example.com", "")
	if len(m.MailQueued()) != 1 {
		t.Error("nobody was told that a mail waits")
	}
}

// When somebody's mail comes must not tell whether another is on its way.
func TestASlowMailHoldsUpNoOther(t *testing.T) {
	taken, release := make(chan model.Email, 2), make(chan struct{})
	m := newMailHouse(t, func(c *gatehouse.Config) {
		c.Mailer = mailerFunc(func(_ context.Context, mail model.Message) error {
			taken <- mail.To
			<-release
			return nil
		})
	})
	m.queued(t, 1)
	delivered := make(chan error)
	go func() { delivered <- last(m.DeliverMail(context.WithoutCancel(t.Context()))) }()
	first := <-taken
	m.request(t, "ana", "")
	select {
	case second := <-taken:
		if first == second {
			t.Errorf("EN-05: %s was mailed twice", first)
		}
	case <-time.After(time.Minute):
		t.Error("EN-05: the second mail waits for the first")
	}
	close(release)
	mustNot(t, <-delivered)
}

func TestMailNeedsTLSThatIsGood(t *testing.T) {
	flaws := map[string]smtptest.Config{
		"no STARTTLS":               {Plain: true},
		"a certificate of another":  {Certificate: smtptest.OtherName},
		"an expired certificate":    {Certificate: smtptest.Expired},
		"a self-signed certificate": {Certificate: smtptest.SelfSigned},
	}
	for name, flaw := range flaws {
		t.Run("TL-05_LG-05_"+strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			server := startMailServer(t, flaw)
			m := newMailHouse(t, func(c *gatehouse.Config) { c.Mailer = mailerOf(t, server) })
			m.queued(t, 1)
			for range 2 {
				if _, err := m.DeliverMail(t.Context()); err == nil {
					t.Error("no trouble was told")
				}
				m.clock.Add(time.Minute)
			}
			if mails := server.Mails(); len(mails) != 0 {
				t.Errorf("%d mails were sent", len(mails))
			}
			if n := m.eventsNamed(t, model.EventMailFailed); n != 1 || m.waiting(t) != 1 {
				t.Errorf("%d events, %d mails wait", n, m.waiting(t))
			}
		})
	}
}
