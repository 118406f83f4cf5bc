package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheWalkThroughOfTheReadmeRunsAsItStands runs the commands of the README
// with bash and curl, in the directory of a server that is running.
func TestTheWalkThroughOfTheReadmeRunsAsItStands(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is missing; scripts/setup installs it", tool)
		}
	}
	s := serve(t, newData(t))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	walk := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", fence(t, "bash"))
	walk.Dir = filepath.Dir(s.data)
	walk.Env = append(os.Environ(), "BASE="+s.url)
	out, err := walk.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 4 {
		t.Fatalf("got %d lines, want 4: who was registered, who am I, where am I logged in, 401:\n%s", len(lines), out)
	}
	type user struct{ ID, Username, Email string }
	var registered, me struct {
		User    user
		Session struct{ Current bool }
	}
	must(t, json.Unmarshal([]byte(lines[0]), &registered))
	must(t, json.Unmarshal([]byte(lines[1]), &me))
	if registered.User.ID == "" || registered.User.Username != "ana" || registered.User.Email != "ana@example.com" {
		t.Errorf("register printed %s", lines[0])
	}
	if me.User != registered.User || !me.Session.Current {
		t.Errorf("who am I printed %s", lines[1])
	}
	var where struct {
		Sessions []struct {
			Current   bool
			UserAgent string `json:"user_agent"`
		}
	}
	must(t, json.Unmarshal([]byte(lines[2]), &where))
	if len(where.Sessions) != 1 || !where.Sessions[0].Current || !strings.HasPrefix(where.Sessions[0].UserAgent, "curl/") {
		t.Errorf("sessions printed %s", lines[2])
	}
	if lines[3] != "401" {
		t.Errorf("the last line is %q, want 401", lines[3])
	}
	if got := users(t, s.data); got != "[]\n" {
		t.Errorf("the walk ends with the account deleted, and there is: %s", got)
	}
}
