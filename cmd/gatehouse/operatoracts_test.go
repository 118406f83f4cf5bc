package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

const riverPassword = "zanzibar goes up the quiet river"

// operatorAct is a command of the operator, and the event it leaves.
type operatorAct struct {
	name  string
	args  string // SESSION stands for that of a login just before
	event string // "" for what only looks
	stdin string
	links bool // it shows a link, once
}

func operatorActs() []operatorAct {
	return []operatorAct{
		{name: "add", args: "user add zanzibar --email zanzibar@example.com --role zanzibar-role", stdin: riverPassword + "\n", event: "user_created"},
		{name: "invite", args: "user add zanzibar-invited --link", event: "authn_code_issued", links: true},
		{name: "list", args: "user list --json"},
		{name: "show", args: "user show zanzibar"},
		{name: "reset", args: "user reset-link zanzibar", event: "authn_code_issued", links: true},
		{name: "sessions", args: "user sessions zanzibar"},
		{name: "end_one", args: "user sessions zanzibar --end SESSION", event: "session_ended"},
		{name: "end_all", args: "user sessions zanzibar --end-all --yes", event: "sessions_ended"},
		{name: "disable", args: "user disable zanzibar", event: "user_disabled"},
		{name: "enable", args: "user enable zanzibar", event: "user_enabled"},
		{name: "keys", args: "keys list"},
		{name: "rotate", args: "keys rotate", event: "signing_key_created"},
		{name: "delete", args: "user delete zanzibar --yes", event: "user_deleted"},
		{name: "events", args: "audit list"},
		{name: "export_events", args: "audit export --format csv"},
	}
}

// TestTheActsOfTheOperator runs the commands beside a server and looks at what each
// of them shows, at what is recorded of it, and at what becomes of sessions.
func TestTheActsOfTheOperator(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	run := func(t *testing.T, stdin, args string) string {
		t.Helper()
		p, stdout, stderr := testProgram()
		p.stdin = strings.NewReader(stdin)
		if code := p.run(t.Context(), append(strings.Fields(args), "--data", r.dir)); code != exitDone {
			t.Fatalf("%v: exit %d: %s%s", args, code, stdout, stderr)
		}
		return stdout.String() + stderr.String()
	}
	for _, act := range operatorActs() {
		access, session := "", ""
		if strings.HasPrefix(act.name, "end_") || act.name == "disable" || act.name == "delete" {
			access, session = zanzibarsLogin(t, r)
		}
		before := strings.Count(run(t, "", "audit list --json"), `"`+act.event+`"`)
		said := run(t, act.stdin, strings.ReplaceAll(act.args, "SESSION", session))
		t.Run("AD-13_LG-11_"+act.name+"_is_recorded_without_values", func(t *testing.T) {
			after := run(t, "", "audit list --json")
			if act.event != "" && strings.Count(after, `"`+act.event+`"`) <= before {
				t.Errorf("no event %s was added", act.event)
			}
			for _, value := range []string{"zanzibar", "ghc_", "river"} {
				if strings.Contains(after, value) {
					t.Errorf("the events hold %q: %s", value, after)
				}
			}
		})
		t.Run("AD-06_"+act.name+"_shows_no_secret", func(t *testing.T) {
			for _, secret := range []string{"$argon2", "river", "ghr_", "eyJ", "PRIVATE KEY"} {
				if strings.Contains(said, secret) {
					t.Errorf("it shows %q: %s", secret, said)
				}
			}
			if strings.Contains(said, "/reset?code=ghc_") != act.links {
				t.Errorf("a link is shown: %v, want %v: %s", !act.links, act.links, said)
			}
		})
		if access != "" {
			t.Run("AD-10_SC-13_"+act.name+"_ends_the_session_at_once", func(t *testing.T) {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/v1/me", nil)
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Authorization", "Bearer "+access)
				answer, err := r.client(t).Do(request)
				if err != nil {
					t.Fatal(err)
				}
				if _ = answer.Body.Close(); answer.StatusCode != http.StatusUnauthorized {
					t.Errorf("got %d", answer.StatusCode)
				}
			})
		}
	}
}

func zanzibarsLogin(t *testing.T, r *running) (access, session string) {
	t.Helper()
	answer, err := r.client(t).Post(r.url+"/v1/login", "application/json", strings.NewReader(`{"identifier":"zanzibar","password":"`+riverPassword+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var grant struct {
		Access  string `json:"access_token"`
		Session string `json:"session_id"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&grant); err != nil || grant.Session == "" {
		t.Fatalf("%d, %v", answer.StatusCode, err)
	}
	return grant.Access, grant.Session
}
