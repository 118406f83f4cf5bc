package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gatehouse/model"
)

// posted sends JSON to the running server and returns status and body.
func posted(t *testing.T, r *running, path, body string) (int, string) {
	t.Helper()
	answer, err := r.client(t).Post(r.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// runOn runs a command on the data of a running server.
func runOn(t *testing.T, r *running, stdin string, args ...string) (stdout, stderr string) {
	t.Helper()
	p, out, errors := testProgram()
	p.stdin = strings.NewReader(stdin)
	if code := p.run(t.Context(), append(args, "--data", r.dir)); code != exitDone {
		t.Fatalf("%v: exit code %d: %s", args, code, errors)
	}
	return out.String(), errors.String()
}

func TestWhoWasImportedLogsInWithTheSamePassword(t *testing.T) {
	from, to := start(t, nil), start(t, nil)
	const login = `{"identifier":"нина","password":"four quiet words here"}`
	if status, body := posted(t, from, "/v1/register", `{"username":"Нина","password":"four quiet words here"}`); status != http.StatusCreated {
		t.Fatalf("register: %d %s", status, body)
	}
	if status, body := posted(t, from, "/v1/login", login); status != http.StatusOK {
		t.Fatalf("login: %d %s", status, body)
	}
	if status, body := posted(t, to, "/v1/login", login); status != http.StatusUnauthorized {
		t.Fatalf("login before the import: %d %s", status, body)
	}
	exported, said := runOn(t, from, "", "export")
	if said != "exported 1\n" {
		t.Errorf("export said %q", said)
	}
	// The other server runs, and sees it with the next request.
	if _, said := runOn(t, to, exported, "import", "-"); said != "imported 1, refused 0, already there 0\n" {
		t.Errorf("import said %q", said)
	}
	status, body := posted(t, to, "/v1/login", login)
	var grant struct{ User struct{ ID string } }
	if err := json.Unmarshal([]byte(body), &grant); err != nil || status != http.StatusOK {
		t.Fatalf("login after the import: %d %s", status, body)
	}
	if !strings.Contains(exported, `{"id":"`+grant.User.ID+`","username":"нина",`) {
		t.Errorf("the user has another id there: %s", grant.User.ID)
	}
	t.Run("KY-10_an_export_holds_these_members_and_no_other", func(t *testing.T) {
		var members map[string]any
		if err := json.Unmarshal([]byte(exported), &members); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"id", "username", "email", "email_verified_at", "roles", "disabled_at", "created_at", "updated_at", "password_hash"} {
			if _, given := members[name]; !given {
				t.Errorf("%s is missing", name)
			}
			delete(members, name)
		}
		if len(members) > 0 || strings.Contains(exported, "quiet") {
			t.Error("it holds more")
		}
	})
	t.Run("LG-06_neither_server_logged_the_hash", func(t *testing.T) {
		for _, r := range []*running{from, to} {
			if log := r.stderr.String() + r.stdout.String(); strings.Contains(log, "argon2id$") {
				t.Errorf("a hash stands in %s", log)
			}
		}
	})
}

func TestAnImportFromATerminalCanBeInterrupted(t *testing.T) {
	p, _, stderr := testProgram()
	silent, typing := io.Pipe()
	t.Cleanup(func() { _ = typing.Close() })
	p.stdin = silent
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- p.run(ctx, []string{"import", "-", "--data", t.TempDir()}) }()
	// Once this is taken, the command waits for more that never comes.
	if _, err := typing.Write([]byte("no user\n")); err != nil {
		t.Fatal(err)
	}
	cancel()
	if code := <-ended; code != exitRefused || !strings.Contains(stderr.String(), "gatehouse: interrupted; nothing was imported") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestALineOfAnExportDoesNotPrintTheHash(t *testing.T) {
	const hash = "$argon2id$v=19$secret"
	l := lineOf(model.Account{PasswordHash: hash})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if printed := fmt.Sprintf(verb, l) + fmt.Sprintf(verb, &l); strings.Contains(printed, "secret") || strings.Contains(printed, fmt.Sprintf("%x", hash)) {
			t.Errorf("LG-06: %s prints the hash", verb)
		}
	}
}

// FuzzImportLine reads what strangers wrote: no line may do more than be
// refused, and whatever is read can be written again as the same line.
func FuzzImportLine(f *testing.F) {
	f.Add([]byte(`{"id":"00000000-0000-4000-8000-000000000001","username":"ana","email":null,"email_verified_at":null,"roles":["a"],` +
		`"disabled_at":null,"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00.5+02:00","password_hash":"$argon2id$"}`))
	f.Add([]byte(`{"id":null,"id":1}`))
	f.Add([]byte("\xff\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		in, err := parseAccountLine(text)
		if err != nil {
			if said := fmt.Sprint(err); !strings.HasPrefix(said, "gatehouse: bad-request (") {
				t.Errorf("got %q, want a refusal", said)
			}
			return
		}
		written, err := json.Marshal(accountLine{
			ID: in.ID, Username: orNull(in.Username), Email: orNull(in.Email), Roles: in.Roles,
			EmailVerifiedAt: sameOrNull(in.EmailVerifiedAt), DisabledAt: sameOrNull(in.DisabledAt),
			CreatedAt: sameOrNull(in.CreatedAt), UpdatedAt: sameOrNull(in.UpdatedAt), PasswordHash: orNull(string(in.PasswordHash)),
		})
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseAccountLine(written)
		if diff := cmp.Diff(in, again, cmpopts.EquateEmpty()); diff != "" || err != nil || in.PasswordHash != again.PasswordHash {
			t.Errorf("%s: %v\n%s", written, err, diff)
		}
	})
}

func sameOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func TestAMissingMemberIsToldHowToMendIt(t *testing.T) {
	_, err := parseAccountLine([]byte(`{"username":"ana","password_hash":null}`))
	var refused *model.Error
	if !errors.As(err, &refused) {
		t.Fatalf("got %v, want a refusal", err)
	}
	got := map[string]string{}
	for _, field := range refused.Fields {
		got[field.Field] = field.Detail
	}
	want := map[string]string{
		"id":                "It is missing. It must be text.",
		"email":             "It is missing; write null for none.",
		"email_verified_at": "It is missing; write null for none.",
		"roles":             "It is missing. It must be a list of texts.",
		"disabled_at":       "It is missing; write null for none.",
		"created_at":        "It is missing. It must be a time from 1970 on, as in 2026-03-01T12:00:00Z.",
		"updated_at":        "It is missing. It must be a time from 1970 on, as in 2026-03-01T12:00:00Z.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
