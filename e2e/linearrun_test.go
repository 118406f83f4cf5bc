package e2e

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestRefreshIsLinearizable(t *testing.T) {
	t.Parallel()
	t.Run("RF-02_RF-03_RF-09_RF-10_RF-11_RF-23_on_SQLite", func(t *testing.T) {
		t.Parallel()
		s := &stage{slots: make([]atomic.Pointer[server], 1), alone: true,
			restart: func(t *testing.T, old *server) *server { return old.again(t) }}
		s.slots[0].Store(serve(t, newData(t)))
		judgeRefreshes(t, s)
	})
	t.Run("RF-02_RF-03_RF-09_RF-10_RF-11_RF-23_on_PostgreSQL_with_two_processes", func(t *testing.T) {
		t.Parallel()
		f := newFarm(t)
		s := &stage{slots: make([]atomic.Pointer[server], 2),
			restart: func(t *testing.T, _ *server) *server { return f.start(t) }}
		for i := range s.slots {
			s.slots[i].Store(f.start(t))
		}
		judgeRefreshes(t, s)
	})
}

// judgeRefreshes has sessions refreshed by many, ended in every way and their
// processes killed, and looks for an order that explains it all. Two sessions are
// left alone until the window of their step has closed.
func judgeRefreshes(t *testing.T, s *stage) {
	t.Helper()
	for _, name := range []string{"ana", "bob"} {
		s.any().register(t, name)
	}
	w := &witness{stage: s, began: time.Now(), burials: map[*server]time.Duration{}, texts: map[string]string{}}
	late, quiet := w.login(t, "bob"), w.login(t, "bob")
	late.refresh(0)
	quiet.refresh(0)
	stepped := time.Now()

	var players []*player
	for range 9 {
		players = append(players, w.login(t, "ana"))
	}
	t.Run("RF-03_fifty_at_once_get_one_successor", func(t *testing.T) { crowdAt(t, players[0]) })
	play(t, w, players)

	time.Sleep(time.Until(stepped.Add(stepWindow + 10*clockSlack)))
	for _, p := range append(players, late, quiet) {
		back := 0
		if p == late {
			back = 1
		}
		p.refresh(back)
		p.look()
		p.refresh(0)
	}
	history, unanswered := w.history()
	for _, wrong := range w.wrong {
		t.Error(wrong)
	}
	checkLinear(t, history)
	t.Logf("%d acts, %d of them not answered, %d crashes", len(history), unanswered, crashes)
	if len(history) < 10*fifty {
		t.Error("there was too little load to prove anything")
	}
}

// crowdAt presents the first token of a session by fifty at once.
func crowdAt(t *testing.T, p *player) {
	t.Helper()
	began := time.Now()
	var all sync.WaitGroup
	var mu sync.Mutex
	var successors []string // of those who were answered before the window could close
	counter, token := p.back(0)
	for range fifty {
		all.Go(func() {
			got, _ := p.ask(act{session: p.Session, verb: refreshing, counter: counter},
				request{method: "POST", path: "/v1/token/refresh", body: object("refresh_token", token)})
			mu.Lock()
			defer mu.Unlock()
			if time.Since(began) < retryWindow {
				successors = append(successors, got.next())
			}
		})
	}
	all.Wait()
	if len(successors) < 2 {
		t.Fatalf("%d were answered within %s, which proves nothing", len(successors), retryWindow)
	}
	for _, successor := range successors {
		if successor == "" || successor != successors[0] {
			t.Fatal("not all got the same successor")
		}
	}
	p.tokens = append(p.tokens, successors[0])
}

// play is the clients of the sessions, the crashes and the ends.
func play(t *testing.T, w *witness, players []*player) {
	t.Helper()
	keeper := w.login(t, "ana")
	over := make(chan struct{})
	var clients sync.WaitGroup
	for i, p := range players {
		if i < 6 {
			clients.Go(func() { p.orderly(over) })
			continue
		}
		for range tabsEach {
			clients.Go(func() { p.wild(over) })
		}
	}
	ends := []func(){
		players[0].logOut,
		players[1].revoke,
		func() { players[2].refresh(3) }, // reuse
		func() { players[3].refresh(2) },
	}
	for i, end := range ends { // the other orderly ones are left for the end of all
		clients.Go(func() {
			time.Sleep(loadLasts * time.Duration(i+1) / time.Duration(len(ends)+2))
			end()
		})
	}
	for range crashes {
		time.Sleep(loadLasts / (crashes + 1))
		w.crash(t, w)
	}
	time.Sleep(loadLasts / (crashes + 1))
	keeper.endOthers(players)
	close(over)
	clients.Wait()
}
