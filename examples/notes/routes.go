package main

import (
	"encoding/json"
	"io"
	"net/http"

	"gatehouse/verify"
)

// routes is every route with who may use it. Require lets nobody in without a
// valid token and answers everybody else: 401, 403 or 503.
func routes(tokens *verify.Verifier, notes *notebook) http.Handler {
	d := desk{notes}
	mux := http.NewServeMux()
	mux.Handle("GET /notes", tokens.Require(as(d.list)))
	mux.Handle("POST /notes", tokens.Require(as(d.write)))
	mux.Handle("DELETE /notes/{id}", tokens.Require(as(d.remove)))
	mux.Handle("GET /admin/notes", tokens.Require(as(d.listAll), verify.Role("editor")))
	return mux
}

// as hands over who is asking.
func as(answer func(w http.ResponseWriter, r *http.Request, user string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, ok := verify.FromContext(r.Context())
		if !ok {
			panic("a route without Require") // a mistake of ours: nobody gets an answer
		}
		answer(w, r, claims.Subject)
	})
}

// desk answers what is asked about notes.
type desk struct{ notes *notebook }

func (d desk) list(w http.ResponseWriter, _ *http.Request, user string) {
	say(w, http.StatusOK, map[string]any{"notes": d.notes.notesOf(user)})
}

func (d desk) listAll(w http.ResponseWriter, _ *http.Request, _ string) {
	say(w, http.StatusOK, map[string]any{"notes": d.notes.newest(100)})
}

func (d desk) write(w http.ResponseWriter, r *http.Request, user string) {
	var in struct{ Text string }
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4*maxTextBytes))
	body.DisallowUnknownFields()
	err := body.Decode(&in)
	if err != nil || body.Decode(new(any)) != io.EOF || in.Text == "" || len(in.Text) > maxTextBytes {
		refuse(w, http.StatusBadRequest, "bad-request", `Send {"text":"…"} with 1 to 4096 bytes of text, and nothing else.`)
		return
	}
	added, ok := d.notes.add(user, in.Text)
	if !ok {
		refuse(w, http.StatusConflict, "full", "There is no room; delete a note first.")
		return
	}
	say(w, http.StatusCreated, map[string]any{"note": added})
}

func (d desk) remove(w http.ResponseWriter, r *http.Request, user string) {
	if !d.notes.remove(user, r.PathValue("id")) {
		refuse(w, http.StatusNotFound, "not-found", "You have no such note.")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// refuse answers with a problem document, in the form that Require uses.
func refuse(w http.ResponseWriter, status int, code, title string) {
	w.Header().Set("Content-Type", "application/problem+json")
	send(w, status, map[string]any{"title": title, "status": status, "code": code})
}

func say(w http.ResponseWriter, status int, content any) {
	w.Header().Set("Content-Type", "application/json")
	send(w, status, content)
}

// send answers in JSON, which nobody on the way shall keep.
func send(w http.ResponseWriter, status int, content any) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(content) // who has gone cannot be told
}
