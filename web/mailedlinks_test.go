package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse"
)

// TestLinksInEveryOrder walks all pairs of what can be done with the links of one
// user, over HTTP: each has one answer that is written down.
func TestLinksInEveryOrder(t *testing.T) {
	s := openEverything(t)
	type walk struct {
		name, access, password       string
		proved, reset, confirm, gone string // codes
	}
	code := func(to string) string {
		_, code, _ := strings.Cut(linkIn(t, s, newestTo(t, s, s.box, to)), "code=")
		return code
	}
	acts := map[string]func(w *walk) reply{
		"verify":  func(w *walk) reply { return s.json("POST", "/v1/email/verify", `{"code":"`+w.proved+`"}`) },
		"confirm": func(w *walk) reply { return s.json("POST", "/v1/email/verify", `{"code":"`+w.confirm+`"}`) },
		"reset": func(w *walk) reply {
			return s.json("POST", "/v1/password/reset", `{"code":"`+w.reset+`","new_password":"`+otherPassword+`"}`)
		},
		"older reset": func(w *walk) reply {
			return s.json("POST", "/v1/password/reset", `{"code":"`+w.gone+`","new_password":"`+otherPassword+`"}`)
		},
		"change password": func(w *walk) reply {
			return s.json("POST", "/v1/password/change", `{"current_password":"`+w.password+`","new_password":"`+otherPassword+`!"}`, bearing(w.access))
		},
		"delete": func(w *walk) reply {
			return s.json("DELETE", "/v1/account", `{"password":"`+w.password+`"}`, bearing(w.access))
		},
	}
	// Answered alone: verify was done before, and one reset was followed by another.
	alone := map[string]int{"verify": 400, "older reset": 400, "confirm": 204, "reset": 204, "change password": 204, "delete": 204}
	for first := range acts {
		if alone[first] != 204 {
			continue // it changes nothing
		}
		for second := range acts {
			if alone[second] != 204 {
				continue // tried in each of the others
			}
			t.Run("RV-24_RV-05_RV-21_"+first+"_then_"+second, func(t *testing.T) {
				w := &walk{name: strings.ReplaceAll("u"+first+second, " ", ""), password: goodPassword}
				s.json("POST", "/v1/register", `{"username":"`+w.name+`","email":"`+w.name+`@example.com","password":"`+goodPassword+`"}`).want(t, 202)
				w.proved = code(w.name + "@example.com")
				acts["verify"](w).want(t, 204)
				w.access = s.login(w.name).access
				s.json("POST", "/v1/email/change", `{"email":"`+w.name+`@example.org","password":"`+goodPassword+`"}`, bearing(w.access)).want(t, 202)
				w.confirm = code(w.name + "@example.org")
				for range 2 {
					w.gone = w.reset
					s.json("POST", "/v1/password/forgot", `{"email":"`+w.name+`@example.com"}`).want(t, 202)
					w.reset = code(w.name + "@example.com")
				}
				acts[first](w).want(t, alone[first])
				for _, spent := range []string{"verify", "older reset"} {
					acts[spent](w).want(t, alone[spent])
				}
				if r, want := acts[second](w), afterwards(first, second); r.status != want {
					t.Errorf("got %d %s, want %d", r.status, r.body, want)
				}
			})
		}
	}
}

// afterwards is the answer to what is done after something that took effect: every
// link is void, and who was logged in is so still, unless the session ended.
func afterwards(first, second string) int {
	byPassword := second == "change password" || second == "delete"
	switch {
	case !byPassword:
		return http.StatusBadRequest
	case first == "confirm":
		return http.StatusNoContent // the password is as before
	case first == "change password":
		return http.StatusUnauthorized // the password is another one
	}
	return http.StatusUnauthorized // the session has ended
}

func TestOneOfManyResetsWins(t *testing.T) {
	s := openEverything(t)
	s.register("ana")
	s.json("POST", "/v1/password/forgot", `{"email":"ana@example.com"}`).want(t, 202)
	_, code, _ := strings.Cut(linkIn(t, s, newestTo(t, s, s.box, "ana@example.com")), "code=")
	const many = 50
	statuses := make(chan [2]int, many)
	release := make(chan struct{})
	for i := range many {
		go func() {
			<-release
			statuses <- [2]int{i, s.json("POST", "/v1/password/reset", fmt.Sprintf(`{"code":%q,"new_password":"%s %d"}`, code, otherPassword, i)).status}
		}()
	}
	close(release)
	won, counted := -1, map[int]int{}
	for range many {
		one := <-statuses
		if counted[one[1]]++; one[1] == 204 {
			won = one[0]
		}
	}
	t.Run("RV-04_one_of_50_at_once_and_its_password_is_the_only_one", func(t *testing.T) {
		if counted[204] != 1 || counted[400]+counted[503] != many-1 {
			t.Fatalf("answers by status: %v", counted)
		}
		for i := range many {
			if i%10 != 0 && i != won { // a hash fits one password, so some of the others will do
				continue
			}
			s.turn(time.Hour) // a wrong one is waited for no longer
			want := map[bool]int{true: 200, false: 401}[i == won]
			if r := s.tryLogin("ana", fmt.Sprintf("%s %d", otherPassword, i)); r.status != want {
				t.Errorf("password %d: got %d, want %d", i, r.status, want)
			}
		}
		s.turn(time.Hour)
		s.tryLogin("ana", goodPassword).want(t, 401)
	})
}

func TestAFourthRequestIsAnsweredAlike(t *testing.T) {
	s, box := openMailedLimited(t, gatehouse.Limits{})
	s.box = box
	s.register("ana")
	s.turn(2 * time.Hour)
	before := s.dump(t)
	sent := len(box.Entries())
	t.Run("RV-11_and_mails_nothing_and_changes_nothing_of_the_owner", func(t *testing.T) {
		for range 4 {
			if r := s.json("POST", "/v1/password/forgot", `{"email":"ana@example.com"}`); r.status != 202 || r.body != `{"next":"check-mail"}` {
				t.Errorf("got %d %s", r.status, r.body)
			}
			newestTo(t, s, box, "ana@example.com") // or the next request makes it void
		}
		if n := len(box.Entries()) - sent; n != 3 {
			t.Errorf("%d mails, want 3", n)
		}
		wantUnchanged(t, before, s.dump(t), "codes", "outbox", "events", "attempts", "event_chain")
		s.login("ana")
	})
}
