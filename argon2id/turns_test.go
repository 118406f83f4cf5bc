package argon2id

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// named returns the client that a letter stands for.
func named(letter rune) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(letter >> 8), byte(letter)}), 32)
}

// queueOf queues one call of the price of a turn for each letter.
func queueOf(letters string) *turns {
	t := newTurns(64)
	for _, letter := range letters {
		t.add(named(letter), place{memoryKiB: 64, cores: 1})
	}
	return t
}

// drain lets in all that wait and returns whose they were.
func drain(t *turns) string {
	var order strings.Builder
	for w := t.next(); w != nil; w = t.next() {
		order.WriteByte(w.client.network.Addr().As4()[3])
		t.letIn(w)
	}
	return order.String()
}

func TestPW20ClientsTakeTurns(t *testing.T) {
	for _, c := range []struct{ name, arrive, want string }{
		{"one_client_is_served_in_order_of_arrival", "aaa", "aaa"},
		{"single_calls_are_served_in_order_of_arrival", "cab", "cab"},
		{"who_sends_many_waits_for_them_alone", "ffffffffab", "fabfffffff"},
		{"each_has_one_in_each_round", "aaabbc", "abcaba"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := drain(queueOf(c.arrive)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}

	t.Run("a_newcomer_comes_after_one_of_each_who_waits", func(t *testing.T) {
		waiting := queueOf("ffffab")
		for letter, want := range map[rune]int{'n': 3, 'a': 4, 'f': 6} {
			if got := waiting.ahead(named(letter)); got != want {
				t.Errorf("%c: %d are ahead, want %d", letter, got, want)
			}
		}
	})
}

func TestPW20DearPlacesAreNeitherStarvedNorPreferred(t *testing.T) {
	waiting := newTurns(64)
	prices := map[rune]uint64{'a': 64, 'b': 64, 'c': 16, 'd': 256}
	taken := map[netip.Prefix]uint64{}
	for letter, price := range prices {
		waiting.add(named(letter), place{memoryKiB: price})
		waiting.add(named(letter), place{memoryKiB: price})
	}
	for range 1300 {
		w := waiting.next()
		taken[w.client.network] += w.wants.memoryKiB
		waiting.add(w.client.network, w.wants)
		waiting.letIn(w)
	}
	// In 400 rounds a, b and c go in 400 times and d 100 times.
	for letter, want := range map[rune]uint64{'a': 400 * 64, 'b': 400 * 64, 'c': 400 * 16, 'd': 100 * 256} {
		if got := taken[named(letter)]; got+256 < want || got > want+256 {
			t.Errorf("%c took %d KiB, want %d", letter, got, want)
		}
	}
}

func TestPW20WhoIsCrowdedOut(t *testing.T) {
	for _, c := range []struct {
		name, waiting string
		by            rune
		want          string // who is left, in their turn; "" when nobody has to go
	}{
		{"the_newest_of_whoever_has_most", "fffaab", 'n', "fabfa"},
		{"nobody_for_whoever_has_most", "fffaab", 'f', ""},
		{"nobody_for_whoever_would_have_as_many", "fffaab", 'a', ""},
		{"one_for_whoever_has_still_less", "fffaab", 'b', "fabfa"},
		{"nobody_where_all_have_one", "abc", 'n', ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			waiting := queueOf(c.waiting)
			out := waiting.crowdedOut(named(c.by))
			if out == nil {
				if c.want != "" {
					t.Errorf("nobody has to go")
				}
				return
			}
			newest := out.client.waiting.Back().Value == out
			waiting.remove(out)
			if got := drain(waiting); got != c.want || !newest {
				t.Errorf("%q are left, want %q; the newest went: %v", got, c.want, newest)
			}
		})
	}
}

// The queue with its counts beside one that counts anew each time.
func TestQueueCountsRightWhateverComesAndGoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		waiting := newTurns(64)
		model := map[netip.Prefix][]*waiter{}
		drop := func(w *waiter) {
			own := model[w.client.network]
			model[w.client.network] = slices.DeleteFunc(own, func(other *waiter) bool { return other == w })
		}
		letter := rapid.RuneFrom([]rune("abcd"))
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				who := named(letter.Draw(t, "who"))
				w := waiting.add(who, place{memoryKiB: rapid.Uint64Range(0, 300).Draw(t, "wants")})
				model[who] = append(model[who], w)
			},
			"let in": func(t *rapid.T) {
				w := waiting.next()
				if w == nil {
					t.Skip("nobody waits")
				}
				if first := model[w.client.network][0]; first != w {
					t.Fatal("not by order of arrival")
				}
				waiting.letIn(w)
				drop(w)
			},
			"give up": func(t *rapid.T) {
				own := model[named(letter.Draw(t, "who"))]
				if len(own) == 0 {
					t.Skip("it waits for nothing")
				}
				w := rapid.SampledFrom(own).Draw(t, "which")
				waiting.remove(w)
				drop(w)
			},
			"": func(t *rapid.T) {
				length := 0
				for who, own := range model {
					length += len(own)
					ahead := 0
					for _, other := range model {
						ahead += min(len(other), len(own)+1)
					}
					if got := waiting.ahead(who); got != ahead {
						t.Fatalf("%d are ahead, want %d", got, ahead)
					}
				}
				if waiting.length != length || waiting.order.Len() != len(waiting.clients) {
					t.Fatalf("%d wait for %d clients, want %d", waiting.length, waiting.order.Len(), length)
				}
			},
		})
	})
}
