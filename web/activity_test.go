package web

import (
	"slices"
	"strings"
	"testing"

	"gatehouse/model"
)

func TestActivityIsInPlainWords(t *testing.T) {
	aboutNobody := []model.EventName{model.EventSigningKeyMade, model.EventSigningKeyForgotten, model.EventSigningKeyResealed, model.EventChainBroken, model.EventEverythingEnded, model.EventStoreMarked}
	said := map[string]model.EventName{}
	for _, name := range model.EventNames() {
		what := whatHappened(name)
		if (what == otherActivity) != slices.Contains(aboutNobody, name) {
			t.Errorf("%s is said as %q", name, what)
		}
		if before, twice := said[what]; twice && what != otherActivity {
			t.Errorf("%s and %s are both said as %q", before, name, what)
		}
		said[what] = name
		if strings.Contains(what, "_") || strings.Contains(what, string(name)) {
			t.Errorf("%q holds the name of an event", what)
		}
	}
	if got := whatHappened("x_y"); got != otherActivity {
		t.Errorf("got %q", got)
	}
}

func TestAccountShowsWhatHappened(t *testing.T) {
	s := open(t)
	b := s.browse()
	b.enter("ana")
	s.json("POST", "/v1/login", `{"identifier":"ana","password":"wrong"}`, header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"))
	s.register("eva")
	s.json("POST", "/v1/login", `{"identifier":"eva","password":"wrong"}`, header("User-Agent", "evas-own/1"))
	page := b.open("/account").body
	_, list, found := strings.Cut(page, `<h2 id="activity">`)
	if !found {
		t.Fatal("there is no activity")
	}
	for _, want := range []string{"Login failed", "Firefox on Linux", "127.0.0.1", "Logged in", "Registered"} {
		if !strings.Contains(list, want) {
			t.Errorf("the list lacks %q:\n%s", want, list)
		}
	}
	if failed, in := strings.Index(list, "Login failed"), strings.Index(list, "Logged in"); failed > in {
		t.Error("the newest is not the first")
	}
	t.Run("AD-02_SC-24_nothing_of_others_and_no_name_of_an_event", func(t *testing.T) {
		for _, never := range append(names(), "evas-own") {
			if strings.Contains(page, never) {
				t.Errorf("the page holds %q", never)
			}
		}
	})
	t.Run("at_most_ten", func(t *testing.T) {
		for range shownActivity {
			s.login("ana")
		}
		_, list, _ := strings.Cut(b.open("/account").body, `<h2 id="activity">`)
		if got := strings.Count(list, "<li"); got != shownActivity {
			t.Errorf("%d events are shown, want %d", got, shownActivity)
		}
	})
}

func names() (all []string) {
	for _, name := range model.EventNames() {
		all = append(all, string(name))
	}
	return all
}
