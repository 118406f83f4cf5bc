package main

import (
	"crypto/rand"
	"slices"
	"sync"
	"time"
)

// What is kept is bounded, so that nobody fills the memory: 40 MiB in all.
const maxNotes, maxNotesPerUser, maxTextBytes = 10_000, 100, 4 << 10

// note is what one user wrote.
type note struct {
	ID        string    `json:"id"`
	Author    string    `json:"author"` // the sub claim, which no other user is ever given
	Text      string    `json:"text"`
	CreatedAt time.Time `json:"created_at"`
}

// notebook keeps everybody's notes in memory, the oldest first. Safe for
// concurrent use; the zero value is empty.
type notebook struct {
	mu    sync.Mutex
	notes []note
}

// add keeps a new note. It reports false when there is no room for one.
func (b *notebook) add(author, text string) (note, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.notes) >= maxNotes || len(b.by(author)) >= maxNotesPerUser {
		return note{}, false
	}
	added := note{ID: rand.Text(), Author: author, Text: text, CreatedAt: time.Now().UTC()}
	b.notes = append(b.notes, added)
	return added, true
}

// notesOf returns the notes of one author.
func (b *notebook) notesOf(author string) []note {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.by(author)
}

// by is notesOf for who holds the lock. It is never nil: JSON shall say [].
func (b *notebook) by(author string) []note {
	found := []note{}
	for _, n := range b.notes {
		if n.Author == author {
			found = append(found, n)
		}
	}
	return found
}

// newest returns the latest notes of everybody, at most limit.
func (b *notebook) newest(limit int) []note {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]note{}, b.notes[max(0, len(b.notes)-limit):]...)
}

// remove forgets a note of this author. It reports false when there is none,
// also for a note of somebody else.
func (b *notebook) remove(author, id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := len(b.notes)
	b.notes = slices.DeleteFunc(b.notes, func(n note) bool { return n.ID == id && n.Author == author })
	return len(b.notes) < before
}
