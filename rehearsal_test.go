package gatehouse_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse"
	"gatehouse/model"
)

func TestARehearsalAnswersAsTheImportAndKeepsNothing(t *testing.T) {
	h := newHouse(t)
	h.populate(t)
	here := importOf(h.accounts(t)[0])
	changed := here
	changed.Roles = []string{"boss"}
	first, twin, alike, again, other := newcomer("paypal"), newcomer("paypal"), newcomer("paypa1"), newcomer(""), newcomer("")
	first.Email, again.Email, other.Email = "a@example.com", "A@example.com", "b@example.com"
	bad := newcomer("admin")
	second := first
	second.UpdatedAt = second.UpdatedAt.Add(time.Second)
	file := []gatehouse.Import{here, changed, bad, first, first, second, twin, alike, again, other, other, newcomer("ana"), newcomer("eve"), here}

	before := h.accounts(t)
	rehearsal := h.RehearseImport()
	var rehearsed, done []string
	for _, in := range file {
		added, err := rehearsal.ImportAccount(t.Context(), in)
		rehearsed = append(rehearsed, fmt.Sprint(added, err))
	}
	if diff := cmp.Diff(before, h.accounts(t)); diff != "" {
		t.Errorf("the rehearsal changed something:\n%s", diff)
	}
	for _, in := range file {
		if id, err := model.ParseID[model.User](in.ID); err == nil && in.ID != here.ID {
			if events, err := h.store.EventsOf(t.Context(), id, 10); err != nil || len(events) != 0 {
				t.Errorf("the rehearsal left events: %v %v", events, err)
			}
		}
	}
	for _, in := range file {
		added, err := h.ImportAccount(t.Context(), in)
		done = append(done, fmt.Sprint(added, err))
	}
	if diff := cmp.Diff(done, rehearsed); diff != "" {
		t.Errorf("the answers differ (- import, + rehearsal):\n%s", diff)
	}
	if want := "false <nil>,false gatehouse: bad-request (id),false gatehouse: username-reserved (username),true <nil>,false <nil>"; !strings.HasPrefix(strings.Join(done, ","), want) {
		t.Errorf("got %v", done)
	}
}
