package main

import (
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"gatehouse/model"
)

// hostileAgents are what a stranger may send as a name of a browser, and what CSV
// shows of it.
var hostileAgents = map[string]string{
	"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": `'\u0009=1`, "\r=1": `'\u000d=1`, "＝1": "'＝1", "\x00=1": `'\u0000=1`,
	"Firefox/1 =1": "Firefox/1 =1", "": "", "a,\"b\"\nc": `a,"b"\u000ac`, "\u202ex\u2028\x1b[31m": `\u202ex\u2028\u001b[31m`, "\xff": "\ufffd", "\U000e0041": `\udb40\udc41`,
}

func TestExportOfEvents(t *testing.T) {
	t.Parallel()
	for agent, want := range hostileAgents {
		row := model.EventRow{ID: 7, Event: model.Event{At: time.Unix(1, 2000), Name: model.EventLoginFail, UserID: model.NewID[model.User](),
			Client: model.Client{Address: netip.MustParseAddr("2001:db8::7"), UserAgent: agent, RequestID: agent}}, Seal: model.EventSeal{Position: 9, MAC: model.Digest{1}}}
		t.Run("AI-31_CSV_"+want, func(t *testing.T) {
			text, err := csvLine(row)
			if err != nil || strings.Count(string(text), "\n") != 1 {
				t.Fatalf("%q: got %q, %v", agent, text, err)
			}
			fields, err := csv.NewReader(strings.NewReader(string(csvHead()) + string(text))).ReadAll()
			if err != nil || len(fields) != 2 || fields[1][7] != want || fields[1][8] != want || fields[1][6] != "2001:db8::7" || fields[1][0] != "9" {
				t.Errorf("%q: got %q, %v", agent, fields, err)
			}
		})
		t.Run("LG-07_JSON_"+want, func(t *testing.T) {
			text, err := jsonLine(row)
			line, rest, _ := strings.Cut(string(text), "\n")
			if err != nil || rest != "" {
				t.Fatalf("%q: got %q, %v", agent, text, err)
			}
			for _, r := range line {
				if !unicode.IsPrint(r) {
					t.Errorf("%q: %U stands raw", agent, r)
				}
			}
			var got eventJSON
			if err := json.Unmarshal([]byte(line), &got); err != nil || got.UserAgent != strings.ToValidUTF8(agent, "\ufffd") || got.At != "1970-01-01T00:00:01.000002Z" {
				t.Errorf("%q: got %+v, %v", agent, got, err)
			}
		})
	}
}

func TestServerSealsAndTellsTheHead(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	t.Run("LG-08_the_head_is_logged_and_in_the_chain", func(t *testing.T) {
		head := ""
		waitFor(t, "the head", func() bool {
			for line := range strings.Lines(r.stderr.String()) {
				var told struct{ Msg, Head string }
				if json.Unmarshal([]byte(line), &told) == nil && told.Msg == "audit head" {
					head = told.Head
				}
			}
			return head != ""
		})
		p, stdout, stderr := testProgram()
		if code := p.run(t.Context(), []string{"audit", "verify", "--head", head, "--data", r.dir}); code != exitDone || !strings.Contains(stdout.String(), "The chain holds") {
			t.Errorf("exit %d: %s%s", code, stdout, stderr)
		}
	})
}

func TestTamperingIsNamedToTheOperator(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(stdin string, args ...string) (int, string, string) {
		p, stdout, stderr := testProgram()
		p.stdin = strings.NewReader(stdin)
		code := p.run(t.Context(), append(args, "--data", dir))
		return code, stdout.String(), stderr.String()
	}
	if code, _, said := run("correct horse battery staple\n", "user", "add", "ana"); code != exitDone {
		t.Fatal(said)
	}
	if code, said, _ := run("", "audit", "verify"); code != exitDone {
		t.Fatal(said)
	}
	changeDatabase(t, dir, `UPDATE events SET name = 'user_enabled', at = 1767225600000000 WHERE position = 1`)
	code, stdout, stderr := run("", "audit", "verify")
	if want := "position 1, id 1, 2026-01-01T00:00:00Z, \"user_enabled\": the event or its MAC was changed\n"; code != exitRefused || stdout != want {
		t.Errorf("LG-08: exit %d, got %q, want %q", code, stdout, want)
	}
	if want := "gatehouse: the audit chain does not hold: 1 fault in 1 event\n"; stderr != want {
		t.Errorf("got %q, want %q", stderr, want)
	}
}

// changeDatabase is what somebody with access to the file can do.
func changeDatabase(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), statement)
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestEventsAreNamedPlainlyUnlessSomebodyWroteSomethingElse(t *testing.T) {
	for name, want := range map[string]string{
		"user_created": "user_created", "": `""`, "user_created\x1b[2J": `"user_created\x1b[2J"`, "two words": `"two words"`,
	} {
		if got := eventWord(name); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}
