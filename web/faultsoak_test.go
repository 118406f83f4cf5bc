package web

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// soakers are as many clients as use the site at once, and each goes so many rounds
// through all that a client can ask for.
const soakers, soakRounds = 100, 2

func TestManyClientsAtOnce(t *testing.T) {
	s := openEverything(t)
	s.register("ana")
	people := make([]person, 5)
	for i := range people {
		people[i] = s.login("ana")
	}
	var reads []string
	for _, row := range s.door.rows() {
		if row.method == http.MethodGet && (row.who == anyone || row.who == visitor || row.who == bearer) && !strings.Contains(row.path, "{") && !strings.Contains(row.path, "export") {
			reads = append(reads, row.path)
		}
	}
	var done [soakers]atomic.Int32
	var first sync.Once
	var all sync.WaitGroup
	failed := make(chan string, soakers)
	for i := range soakers {
		all.Go(func() {
			access := people[i%len(people)].access
			for range soakRounds {
				for n := range reads {
					path := reads[(n+i)%len(reads)]
					if got := s.ask(http.MethodGet, path, "", bearing(access)); got.status >= 500 && got.status != http.StatusServiceUnavailable {
						failed <- fmt.Sprintf("%s: %d", path, got.status)
						return
					}
					done[i].Add(1)
				}
				if got := s.json(http.MethodPost, "/v1/login", fmt.Sprintf(`{"identifier":"nobody%d","password":%q}`, i, wrongPassword)); got.status >= 500 && got.status != http.StatusServiceUnavailable {
					failed <- fmt.Sprintf("login: %d", got.status)
					return
				}
			}
			first.Do(func() { // by then nobody may be where they were at the beginning
				for other := range done {
					if done[other].Load() == 0 {
						failed <- fmt.Sprintf("AI-30 client %d was not served at all while client %d had all of it", other, i)
						return
					}
				}
			})
		})
	}
	all.Wait()
	close(failed)
	for what := range failed {
		t.Errorf("AI-30 %s", what)
	}
	t.Run("AI-30_everybody_was_served", func(t *testing.T) {
		for i := range done {
			if got, want := int(done[i].Load()), soakRounds*len(reads); got != want {
				t.Errorf("client %d: %d answers, want %d", i, got, want)
			}
		}
		if len(reads) < 12 {
			t.Errorf("only %d routes", len(reads))
		}
	})
}
