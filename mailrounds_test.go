package gatehouse_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

const mailsAtOnce = 4 // leave one process

// keepMail delivers as a server does, until the test ends.
func (m *mailHouse) keepMail(t *testing.T) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var rounds sync.WaitGroup
	rounds.Go(func() {
		for ctx.Err() == nil {
			_, _ = m.DeliverMail(ctx)
			select {
			case <-ctx.Done():
			case <-m.MailQueued():
			}
		}
	})
	t.Cleanup(func() { cancel(); rounds.Wait() })
}

func TestADeadMailServerIsAskedAFewTimes(t *testing.T) {
	asked := make(chan struct{}, 1000)
	m := newMailHouse(t, func(c *gatehouse.Config) {
		c.Mailer = mailerFunc(func(context.Context, model.Message) error {
			asked <- struct{}{}
			return errors.New("no route")
		})
	})
	m.queued(t, 30)
	for range 30 {
		if _, err := m.DeliverMail(t.Context()); err == nil {
			t.Error("nobody is told")
		}
		select {
		case <-m.MailQueued():
			continue // a server goes on at once
		default:
		}
		break
	}
	if n := len(asked); n == 0 || n > 2*mailsAtOnce {
		t.Errorf("it was asked %d times", n)
	}
}

// However the rounds before have ended, a slow mail holds up none of the next.
func TestSlowMailsAreSentBesideEachOther(t *testing.T) {
	var mu sync.Mutex
	var release chan struct{} // nil while mails are fast
	taken := make(chan struct{}, 1000)
	m := newMailHouse(t, func(c *gatehouse.Config) {
		c.Mailer = mailerFunc(func(context.Context, model.Message) error {
			mu.Lock()
			wait := release
			mu.Unlock()
			taken <- struct{}{}
			if wait != nil {
				<-wait
			}
			return nil
		})
		c.Limits.MailsPerUser = gatehouse.Limit{Count: 1000, Within: time.Hour}
	})
	m.queued(t, 1+mailsAtOnce)
	mustNot(t, last(m.DeliverMail(t.Context())))
	for len(taken) > 0 {
		<-taken
	}
	m.keepMail(t)
	defer func() { // else who hangs would keep a test that has failed
		mu.Lock()
		defer mu.Unlock()
		if release != nil {
			close(release)
		}
	}()
	post := func(users ...int) {
		for _, user := range users {
			m.forgot(t, fmt.Sprintf("user%d@example.com", user), "")
		}
	}
	mailed := func(n int) {
		for range n {
			select {
			case <-taken:
			case <-time.After(30 * time.Second):
				t.Fatal("EN-05: a mail waits for another")
			}
		}
	}
	for i := range 60 {
		post(0)
		mailed(1)
		time.Sleep(time.Duration(i) * 40 * time.Microsecond) // into each moment of the end of a round
		mu.Lock()
		release = make(chan struct{})
		mu.Unlock()
		post(1, 2, 3, 4)
		mailed(mailsAtOnce)
		mu.Lock()
		close(release)
		release = nil
		mu.Unlock()
	}
}
