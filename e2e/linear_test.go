package e2e

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"gatehouse/storetest"
)

// What clients asked of sessions and what they were answered is a history.
// Porcupine looks for an order of the acts in which each took effect at one
// moment between its call and its answer, and all answers are those of
// storetest.RefreshModel, session by session. There is none if a token was
// answered twice in two ways, or a session that had ended was answered.

const (
	stepWindow = 10 * time.Second
	// clockSlack is more than the clocks of test and server go apart: both read
	// the one of the machine.
	clockSlack = 50 * time.Millisecond
)

type verb string

const (
	refreshing verb = "refresh" // a token is presented
	ending     verb = "end"     // logout, revocation, end of all others
	looking    verb = "look"    // GET /v1/me
)

// act is one request that concerns one session. Times count from the beginning
// of the history.
type act struct {
	session  string
	verb     verb
	counter  int64 // of the token presented
	called   time.Duration
	returned time.Duration // when it can have no effect any more
}

// told is how an act was answered. The zero value is no answer: it took effect
// or it did not.
type told struct {
	answered  bool
	refused   bool
	successor int64
}

// line is a session as far as the history says. When the last step was is known
// between two moments.
type line struct {
	counter          int64
	ended            bool
	earliest, latest time.Duration
}

// after is every state that an act may have left.
func (l line) after(a act, t told) (next []line) {
	if !t.answered {
		next = append(next, l)
	}
	switch a.verb {
	case looking:
		if t.answered && t.refused == l.ended {
			next = append(next, l)
		}
	case ending:
		if !t.answered || !t.refused || l.ended {
			l.ended = true
			next = append(next, l)
		}
	case refreshing:
		next = append(next, l.presented(a, t, a.called-l.latest-clockSlack)...)
		next = append(next, l.presented(a, t, a.returned-l.earliest+clockSlack)...)
	}
	return next
}

// presented is the session after a token was presented so long after the last
// step, if the model answers as the server did.
func (l line) presented(a act, t told, since time.Duration) []line {
	next, successor, ok := storetest.RefreshModel{Counter: l.counter, SinceStep: since, Ended: l.ended}.Present(a.counter, stepWindow)
	if t.answered && (ok == t.refused || successor != t.successor) {
		return nil
	}
	if next.Counter != l.counter {
		l.earliest, l.latest = a.called, a.returned
	}
	l.counter, l.ended = next.Counter, next.Ended
	return []line{l}
}

// linear is line for porcupine.
func linear() porcupine.Model {
	model := porcupine.NondeterministicModel{
		Partition: bySession,
		Init:      func() []any { return []any{line{}} },
		Step: func(state, input, output any) (next []any) {
			for _, l := range state.(line).after(input.(act), output.(told)) {
				next = append(next, l)
			}
			return next
		},
	}
	return model.ToModel()
}

func bySession(history []porcupine.Operation) (parts [][]porcupine.Operation) {
	at := map[string]int{}
	for _, op := range history {
		id := op.Input.(act).session
		i, ok := at[id]
		if !ok {
			i = len(parts)
			at[id], parts = i, append(parts, nil)
		}
		parts[i] = append(parts[i], op)
	}
	return parts
}

// checkLinear fails the test when there is no such order.
func checkLinear(t *testing.T, history []porcupine.Operation) {
	t.Helper()
	for _, part := range bySession(history) {
		session := part[0].Input.(act).session
		switch porcupine.CheckOperationsTimeout(linear(), part, patience) {
		case porcupine.Illegal:
			t.Errorf("no order explains the history of session %s:\n%s", session, tellAll(part))
		case porcupine.Unknown:
			t.Errorf("not decided within %s whether an order explains the %d acts of session %s", patience, len(part), session)
		}
	}
}

func tellAll(part []porcupine.Operation) string {
	part = slices.SortedFunc(slices.Values(part), func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	var b strings.Builder
	for _, op := range part[max(0, len(part)-60):] {
		a, t := op.Input.(act), op.Output.(told)
		fmt.Fprintf(&b, "%12v to %12v  %s %d: %+v\n", a.called, a.returned, a.verb, a.counter, t)
	}
	return b.String()
}

func operation(client int, a act, t told) porcupine.Operation {
	return porcupine.Operation{ClientId: client, Input: a, Output: t, Call: int64(a.called), Return: int64(a.returned)}
}

// counterOf is the number of a refresh token, which is all of it that is not
// secret: the session before it is known, and the rest is an HMAC.
func counterOf(token string) (int64, error) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "ghr_"))
	if err != nil || len(raw) != 54 {
		return 0, fmt.Errorf("a refresh token of another form: %v", err)
	}
	return int64(binary.BigEndian.Uint64(raw[14:22]) & (1<<48 - 1)), nil
}

func TestAHistoryWithoutAnOrderIsRefused(t *testing.T) {
	const second = time.Second
	type saw struct {
		from, to time.Duration
		verb     verb
		counter  int64
		told     told
	}
	step := func(successor int64) told { return told{answered: true, successor: successor} }
	done, no, lost := told{answered: true}, told{answered: true, refused: true}, told{}
	for _, test := range []struct {
		name string
		want porcupine.CheckResult
		acts []saw
	}{
		{"steps in a row", porcupine.Ok, []saw{{0, 1, refreshing, 0, step(1)}, {2, 3, refreshing, 1, step(2)}}},
		{"two tabs at once", porcupine.Ok, []saw{{0, 3, refreshing, 0, step(1)}, {1, 2, refreshing, 0, step(1)}}},
		{"RF-03_a_token_with_two_successors", porcupine.Illegal, []saw{{0, 3, refreshing, 0, step(1)}, {1, 2, refreshing, 0, step(2)}}},
		{"RF-03_two_lines_that_go_on", porcupine.Illegal, []saw{
			{0, 1, refreshing, 0, step(1)}, {1, 2, refreshing, 1, step(2)}, {3, 4, refreshing, 0, step(1)}, {4, 5, refreshing, 2, step(3)}}},
		{"the parent inside the window", porcupine.Ok, []saw{{0, 1, refreshing, 0, step(1)}, {8 * second, 9 * second, refreshing, 0, step(1)}}},
		{"the parent about when the window closes", porcupine.Ok, []saw{{0, 2 * second, refreshing, 0, step(1)}, {9 * second, 11 * second, refreshing, 0, no}}},
		{"RF-04_the_parent_after_the_window", porcupine.Illegal, []saw{{0, 1, refreshing, 0, step(1)}, {11 * second, 12 * second, refreshing, 0, step(1)}}},
		{"RF-04_the_parent_refused_inside_the_window", porcupine.Illegal, []saw{{0, 1, refreshing, 0, step(1)}, {2 * second, 3 * second, refreshing, 0, no}}},
		{"RF-02_reuse_that_ends_nothing", porcupine.Illegal, []saw{
			{0, 1, refreshing, 0, step(1)}, {1, 2, refreshing, 1, step(2)}, {3, 4, refreshing, 0, no}, {5, 6, refreshing, 2, step(3)}}},
		{"RF-02_reuse_that_ends_the_session", porcupine.Ok, []saw{
			{0, 1, refreshing, 0, step(1)}, {1, 2, refreshing, 1, step(2)}, {3, 4, refreshing, 0, no}, {5, 6, refreshing, 2, no}}},
		{"a refresh beside the end", porcupine.Ok, []saw{{0, 9, ending, 0, done}, {1, 8, refreshing, 0, step(1)}, {10, 11, refreshing, 1, no}}},
		{"RF-23_a_refresh_after_the_end", porcupine.Illegal, []saw{{0, 1, ending, 0, done}, {2, 3, refreshing, 0, step(1)}}},
		{"SC-09_an_access_token_after_the_end", porcupine.Illegal, []saw{{0, 1, ending, 0, done}, {2, 3, looking, 0, done}}},
		{"an access token refused for no reason", porcupine.Illegal, []saw{{0, 1, looking, 0, no}}},
		{"RF-10_a_lost_step_that_was_made", porcupine.Ok, []saw{{0, 5, refreshing, 0, lost}, {2, 3, refreshing, 0, step(1)}, {6, 7, refreshing, 1, step(2)}}},
		{"RF-10_a_lost_step_that_was_not_made", porcupine.Ok, []saw{{0, 5, refreshing, 0, lost}, {11 * second, 12 * second, refreshing, 0, step(1)}}},
		{"ST-02_a_step_that_was_answered_and_forgotten", porcupine.Illegal, []saw{
			{0, 1, refreshing, 0, step(1)}, {1, 2, refreshing, 1, lost}, {3, 4, refreshing, 1, no}}},
		{"a lost end that was carried out", porcupine.Ok, []saw{{0, 5, ending, 0, lost}, {6, 7, refreshing, 0, no}}},
		{"RF-11_a_lost_end_that_is_undone", porcupine.Illegal, []saw{{0, 5, ending, 0, lost}, {6, 7, refreshing, 0, no}, {8, 9, looking, 0, done}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var history []porcupine.Operation
			for i, l := range test.acts {
				history = append(history, operation(i, act{"s", l.verb, l.counter, l.from, l.to}, l.told))
			}
			if got := porcupine.CheckOperationsTimeout(linear(), history, patience); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
