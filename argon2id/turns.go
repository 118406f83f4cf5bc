package argon2id

import (
	"container/list"
	"net/netip"
)

// turns is who waits for a place. Each client has a queue of its own, by order of
// arrival, and the clients take turns: whoever sends many calls waits for them
// and not the others. All of it needs the lock of the admission.
type turns struct {
	// turnKiB is what a client may take each time it has its turn. Who wants more
	// saves it up over several turns, so that nothing dear waits for ever and no
	// client gets more by asking for dear things.
	turnKiB uint64
	length  int // of all queues together
	clients map[netip.Prefix]*client
	order   list.List // of *client; the front one has its turn
	// deep counts the clients by what waits for them: deep[n] have more than n
	// waiters. Its length is the longest queue.
	deep []int
}

// client is somebody for whom at least one call waits.
type client struct {
	network  netip.Prefix
	turn     *list.Element // in turns.order
	waiting  list.List     // of *waiter
	savedKiB uint64
}

type waiter struct {
	wants   place
	client  *client
	element *list.Element // in client.waiting; nil once it waits no more
	done    chan struct{} // closed when it waits no more
	refused bool          // else the place is taken; settled when done is closed
}

func newTurns(turnKiB uint64) *turns {
	return &turns{turnKiB: max(turnKiB, 1), clients: map[netip.Prefix]*client{}}
}

// ahead returns how many waiters would go before a further one of this client.
func (t *turns) ahead(network netip.Prefix) (count int) {
	for _, clients := range t.deep[:min(t.waitingFor(network)+1, len(t.deep))] {
		count += clients
	}
	return count
}

func (t *turns) waitingFor(network netip.Prefix) int {
	if c := t.clients[network]; c != nil {
		return c.waiting.Len()
	}
	return 0
}

// add queues a call. A client who comes anew has the last turn.
func (t *turns) add(network netip.Prefix, wants place) *waiter {
	c := t.clients[network]
	if c == nil {
		c = &client{network: network}
		c.turn = t.order.PushBack(c)
		t.clients[network] = c
	}
	before := c.waiting.Len()
	if before == len(t.deep) {
		t.deep = append(t.deep, 0)
	}
	t.deep[before]++
	t.length++
	w := &waiter{wants: wants, client: c, done: make(chan struct{})}
	w.element = c.waiting.PushBack(w)
	return w
}

// remove takes out a waiter, wherever it stands.
func (t *turns) remove(w *waiter) {
	c := w.client
	c.waiting.Remove(w.element)
	w.element = nil
	t.length--
	left := c.waiting.Len()
	t.deep[left]--
	if left == len(t.deep)-1 && t.deep[left] == 0 {
		t.deep = t.deep[:left]
	}
	if left == 0 {
		t.order.Remove(c.turn)
		delete(t.clients, c.network)
	}
}

// next returns the waiter who is to be let in before all others, or nil. It
// returns the same one until that is removed.
func (t *turns) next() *waiter {
	for {
		front := t.order.Front()
		if front == nil {
			return nil
		}
		c := front.Value.(*client)
		w := c.waiting.Front().Value.(*waiter)
		if c.savedKiB+t.turnKiB >= w.wants.memoryKiB {
			return w
		}
		c.savedKiB += t.turnKiB
		t.order.MoveToBack(front)
	}
}

// letIn removes the waiter that next returned, whose client has had its turn.
func (t *turns) letIn(w *waiter) {
	c := w.client
	// Who wants less than a turn saves nothing.
	c.savedKiB -= max(w.wants.memoryKiB, t.turnKiB) - t.turnKiB
	t.order.MoveToBack(c.turn)
	t.remove(w)
}

// crowdedOut returns whoever is to go so that a further call of this client can
// wait: the newest call of the client with most of them. It returns nil when
// that client would have no more than this one.
func (t *turns) crowdedOut(by netip.Prefix) *waiter {
	longest := len(t.deep)
	if longest <= t.waitingFor(by)+1 {
		return nil
	}
	for element := t.order.Front(); element != nil; element = element.Next() {
		if c := element.Value.(*client); c.waiting.Len() == longest {
			return c.waiting.Back().Value.(*waiter)
		}
	}
	return nil
}
