package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestICannotLogIn is an operator whom somebody asks for help.
func TestICannotLogIn(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	client := r.client(t)
	const password = "correct horse battery staple"
	login := func(typed string) int {
		t.Helper()
		answer, err := client.Post(r.url+"/v1/login", "application/json", strings.NewReader(`{"identifier":"ana","password":"`+typed+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	r.beside(t, password+"\n", "user", "add", "ana")
	for range 5 {
		login("not the password of ana")
	}
	if got := login(password); got != 429 {
		t.Fatalf("a login after five wrong passwords: %d", got)
	}
	shown := r.beside(t, "", "user", "show", "ana")
	if !regexp.MustCompile(`(?m)^other devices +slowed down until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, after 5 wrong passwords in a row$`).MatchString(shown) {
		t.Errorf("user show says\n%s", shown)
	}
	var seen struct{ Attempts attemptsJSON }
	if err := json.Unmarshal([]byte(r.beside(t, "", "user", "show", "ana", "--json")), &seen); err != nil {
		t.Fatal(err)
	}
	lane := seen.Attempts.OtherDevices
	if lane.Failures != 5 || lane.Total != 5 || lane.UsedUp || lane.BlockedUntil == nil || lane.LastAt == nil {
		t.Fatalf("user show --json says %+v", lane)
	}
	last, _ := time.Parse(time.RFC3339, *lane.LastAt)
	if until, err := time.Parse(time.RFC3339, *lane.BlockedUntil); err != nil || until.Sub(last) != 30*time.Second {
		t.Errorf("blocked from %s to %s, want 30 seconds", *lane.LastAt, *lane.BlockedUntil)
	}
	if said := r.beside(t, "", "user", "enable", "ana"); !strings.HasPrefix(said, "Not disabled: user ana (") || strings.Contains(said, "reset-link") {
		t.Errorf("user enable says %s", said)
	}
	if got := login(password); got != 200 {
		t.Errorf("after user enable a login is answered %d", got)
	}
	if shown := r.beside(t, "", "user", "show", "ana"); !regexp.MustCompile(`(?m)^other devices +not slowed down$`).MatchString(shown) {
		t.Errorf("after the right password user show says\n%s", shown)
	}
}
