package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// history is what clients were told while a database failed under the server,
// and what they do not know because an answer never came.
type history struct {
	users    map[string]*toldUser    // by username
	sessions map[string]*toldSession // by session id

	// lostLogins is how many logins got no answer. Each may have opened a
	// session that nobody knows of, and not more than one.
	lostLogins int
}

// toldUser is a user whose registration was answered.
type toldUser struct {
	changes int // password changes that were answered, or found to be in force
}

// toldSession is a session whose login was answered.
type toldSession struct {
	steps   int  // successors of the refresh token that were handed out
	unknown bool // one more step was asked for and never answered
	ended   bool // a password change that ends it was answered
}

func newHistory() *history {
	return &history{users: map[string]*toldUser{}, sessions: map[string]*toldSession{}}
}

// kept is what the database holds afterwards.
type kept struct {
	users    map[string]keptUser
	sessions map[string]keptSession
	// repeated is every event that one request recorded twice.
	repeated []string
}

type keptUser struct {
	rows, version   int
	created, change int // events
}

type keptSession struct {
	rows, counter int
	ended         bool
	opened        int // events
}

// verdict names what was answered and is not there, and what is there more
// often than it was asked for.
type verdict struct{ lost, doubled []string }

func (v *verdict) compare(what string, got, least, most int) {
	if got < least {
		v.lost = append(v.lost, fmt.Sprintf("%s: %d, of %d that were answered", what, got, least))
	}
	if got > most {
		v.doubled = append(v.doubled, fmt.Sprintf("%s: %d, of %d that were asked for", what, got, most))
	}
}

// judge holds what is kept against what was told.
func judge(told *history, found kept) verdict {
	v := verdict{doubled: slices.Clone(found.repeated)}
	for name, user := range told.users {
		row := found.users[name]
		v.compare("rows of user "+name, row.rows, 1, 1)
		v.compare("registrations of user "+name, row.created, 1, 1)
		if row.rows > 0 {
			v.compare("password changes of user "+name, row.version-1, user.changes, user.changes)
			v.compare("recorded password changes of user "+name, row.change, user.changes, user.changes)
		}
	}
	for name := range found.users {
		if told.users[name] == nil {
			v.doubled = append(v.doubled, "user "+name+" is there and nobody was told so")
		}
	}
	for id, session := range told.sessions {
		row := found.sessions[id]
		v.compare("rows of session "+id, row.rows, 1, 1)
		v.compare("logins of session "+id, row.opened, 1, 1)
		if row.rows == 0 {
			continue
		}
		most := session.steps
		if session.unknown {
			most++
		}
		v.compare("steps of session "+id, row.counter, session.steps, most)
		if session.ended && !row.ended {
			v.lost = append(v.lost, "the end of session "+id)
		}
	}
	unclaimed := 0
	for id := range found.sessions {
		if told.sessions[id] == nil {
			unclaimed++
		}
	}
	v.compare("sessions that nobody was told of", unclaimed, 0, told.lostLogins)
	slices.Sort(v.lost)
	slices.Sort(v.doubled)
	return v
}

// sound is a history with one of everything, and what a database holds that
// lost and doubled nothing of it.
func sound() (*history, kept) {
	told := newHistory()
	told.users["ana"] = &toldUser{changes: 2}
	told.sessions["s1"] = &toldSession{steps: 3, unknown: true}
	told.sessions["s2"] = &toldSession{ended: true}
	told.lostLogins = 1
	return told, kept{
		users: map[string]keptUser{"ana": {rows: 1, version: 3, created: 1, change: 2}},
		sessions: map[string]keptSession{
			"s1": {rows: 1, counter: 4, opened: 1},
			"s2": {rows: 1, ended: true, opened: 1},
			"s3": {rows: 1, opened: 1},
		},
	}
}

func TestAHistoryIsHeldAgainstTheDatabase(t *testing.T) {
	for _, test := range []struct {
		name          string
		harm          func(told *history, found *kept)
		lost, doubled string
	}{
		{"nothing is wrong", func(*history, *kept) {}, "", ""},
		{"the step that was not answered was not made", func(_ *history, k *kept) {
			k.sessions["s1"] = keptSession{rows: 1, counter: 3, opened: 1}
		}, "", ""},
		{"a user is gone", func(_ *history, k *kept) { delete(k.users, "ana") }, "registrations of user ana, rows of user ana", ""},
		{"a user without the event", func(_ *history, k *kept) {
			k.users["ana"] = keptUser{rows: 1, version: 3, change: 2}
		}, "registrations of user ana", ""},
		{"a password change is gone", func(_ *history, k *kept) {
			k.users["ana"] = keptUser{rows: 1, version: 2, created: 1, change: 1}
		}, "password changes of user ana, recorded password changes of user ana", ""},
		{"a password changed once too often", func(_ *history, k *kept) {
			k.users["ana"] = keptUser{rows: 1, version: 4, created: 1, change: 2}
		}, "", "password changes of user ana"},
		{"a user that was never answered", func(_ *history, k *kept) { k.users["bob"] = keptUser{rows: 1, version: 1, created: 1} },
			"", "user bob is there and nobody was told so"},
		{"a session is gone", func(_ *history, k *kept) { delete(k.sessions, "s1") }, "logins of session s1, rows of session s1", ""},
		{"a refresh is gone", func(_ *history, k *kept) {
			k.sessions["s1"] = keptSession{rows: 1, counter: 2, opened: 1}
		}, "steps of session s1", ""},
		{"a refresh counted twice", func(_ *history, k *kept) {
			k.sessions["s1"] = keptSession{rows: 1, counter: 5, opened: 1}
		}, "", "steps of session s1"},
		{"an ended session lives", func(_ *history, k *kept) {
			k.sessions["s2"] = keptSession{rows: 1, opened: 1}
		}, "the end of session s2", ""},
		{"a login was carried out twice", func(told *history, _ *kept) { told.lostLogins = 0 }, "", "sessions that nobody was told of"},
		{"a request recorded twice", func(_ *history, k *kept) { k.repeated = []string{"request 7 recorded user_created 2 times"} },
			"", "request 7 recorded user_created 2 times"},
	} {
		t.Run(test.name, func(t *testing.T) {
			told, found := sound()
			test.harm(told, &found)
			v := judge(told, found)
			if got := subjects(v.lost); got != test.lost {
				t.Errorf("lost %q, want %q", got, test.lost)
			}
			if got := subjects(v.doubled); got != test.doubled {
				t.Errorf("doubled %q, want %q", got, test.doubled)
			}
		})
	}
}

// subjects is what the lines are about, without the numbers.
func subjects(lines []string) string {
	var all []string
	for _, line := range lines {
		what, _, _ := strings.Cut(line, ":")
		all = append(all, what)
	}
	return strings.Join(all, ", ")
}
