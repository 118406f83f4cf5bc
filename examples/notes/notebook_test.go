package main

import (
	"sync"
	"testing"
)

func TestNobodyWritesMoreNotesThanOneMayHave(t *testing.T) {
	t.Parallel()
	var (
		book    notebook
		writers sync.WaitGroup
	)
	for range 8 {
		writers.Go(func() {
			for range maxNotesPerUser {
				book.add("ana", "text")
			}
		})
	}
	writers.Wait()
	if got := len(book.notesOf("ana")); got != maxNotesPerUser {
		t.Errorf("got %d notes, want %d", got, maxNotesPerUser)
	}
	last := book.newest(1)[0]
	if book.remove("eve", last.ID) {
		t.Error("somebody else removed a note")
	}
	if !book.remove("ana", last.ID) || book.remove("ana", last.ID) {
		t.Error("the author removes a note once")
	}
	if _, ok := book.add("ana", "text"); !ok {
		t.Error("there is room again and nothing is taken")
	}
}

func TestAllTogetherWriteNoMoreNotesThanFit(t *testing.T) {
	t.Parallel()
	book := notebook{notes: make([]note, maxNotes-1)}
	if _, ok := book.add("ana", "text"); !ok {
		t.Error("the last note that fits is not taken")
	}
	if _, ok := book.add("bo", "text"); ok || len(book.newest(2*maxNotes)) != maxNotes {
		t.Error("a note too many is taken")
	}
}
