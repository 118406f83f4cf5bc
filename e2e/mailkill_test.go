package e2e

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gatehouse/model"
	"gatehouse/smtp/smtptest"
	"gatehouse/sqlite"
)

// TestMailsSurviveAKill kills the server while the mail server is taking a mail of
// it, with others waiting: everybody gets a mail, and who gets two gets one of
// the few that were in hand, under the same Message-ID.
func TestMailsSurviveAKill(t *testing.T) {
	const users, inHand = 12, 4
	office := openPost(t, smtptest.Config{})
	var mu sync.Mutex
	asked, midst, dead := 0, make(chan struct{}), make(chan struct{})
	office.Judge(func(smtptest.Mail) error {
		mu.Lock()
		asked++
		last := asked == users/2
		mu.Unlock()
		if last {
			close(midst)
			<-dead // what is taken now is taken from nobody
		}
		return nil
	})
	s := office.serve(t, newData(t))
	for i := range users {
		body := object("username", fmt.Sprintf("user%d", i), "email", fmt.Sprintf("user%d@example.com", i), "password", word)
		s.ask(t, request{method: "POST", path: "/v1/register", body: body}).want(t, 202)
	}
	select {
	case <-midst:
	case <-time.After(time.Minute):
		t.Fatal("the mails did not begin to come")
	}
	s.kill()
	close(dead)
	endLeases(t, s.data)
	office.serve(t, s.data, "--url", s.url)

	seen := map[string][]letter{}
	for deadline := time.Now().Add(time.Minute); len(seen) < users && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		seen = map[string][]letter{}
		for _, l := range office.letters(t) {
			seen[l.to] = append(seen[l.to], l)
		}
	}
	doubles := 0
	for to, letters := range seen {
		doubles += len(letters) - 1
		if len(letters) > 2 || letters[0].id != letters[len(letters)-1].id {
			t.Errorf("ST-04: %d mails to %s", len(letters), to)
		}
	}
	if len(seen) != users || doubles > inHand {
		t.Errorf("%d of %d users got a mail, %d of them two", len(seen), users, doubles)
	}
}

// endLeases lets the time pass for which the dead have mails for themselves.
func endLeases(t *testing.T, data string) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(data, "gatehouse.db"))
	must(t, err)
	defer func() { must(t, store.Close()) }()
	now := time.Now()
	var mails []model.OutboxRecord
	for {
		mail, err := store.ClaimMail(t.Context(), model.MailClaim{Now: now.Add(time.Hour), LeaseUntil: now.Add(2 * time.Hour)})
		if errors.Is(err, model.ErrNotFound) {
			break
		}
		must(t, err)
		mails = append(mails, mail)
	}
	for _, mail := range mails {
		must(t, store.PutOffMail(t.Context(), mail, now.Add(-time.Hour)))
	}
}
