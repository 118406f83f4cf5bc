package model

import (
	"context"
	"slices"
	"sync"
	"time"
)

// mailboxSize is how many messages a Mailbox keeps.
const mailboxSize = 100

// Mailbox is a Mailer for development: it keeps the last 100 messages in memory
// and sends nothing. Whoever can read it can take over every user, so it belongs
// on a machine that nobody else reaches. The zero value is empty and ready.
type Mailbox struct {
	mu   sync.Mutex
	kept []MailboxEntry // the oldest first
	sent int
}

// MailboxEntry is a message that would have been sent.
type MailboxEntry struct {
	Number  int // counted from 1, never given out again
	At      time.Time
	Message Message
}

var _ Mailer = (*Mailbox)(nil)

// Send keeps the message in place of the oldest.
func (m *Mailbox) Send(ctx context.Context, message Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent++
	if len(m.kept) == mailboxSize {
		m.kept = slices.Delete(m.kept, 0, 1)
	}
	m.kept = append(m.kept, MailboxEntry{Number: m.sent, At: time.Now().UTC(), Message: message})
	return nil
}

// Entries returns what is kept, the newest first.
func (m *Mailbox) Entries() []MailboxEntry {
	m.mu.Lock()
	defer m.mu.Unlock()
	entries := slices.Clone(m.kept)
	slices.Reverse(entries)
	return entries
}

// Entry returns the message with this number. Refusal: ErrNotFound, also when
// newer ones have taken its place.
func (m *Mailbox) Entry(number int) (MailboxEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, entry := range m.kept {
		if entry.Number == number {
			return entry, nil
		}
	}
	return MailboxEntry{}, ErrNotFound
}
