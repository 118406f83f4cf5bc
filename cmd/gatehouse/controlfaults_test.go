package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFaultsOfWhatGuardsAreLogged breaks, one after the other, what a running server
// rests on.
func TestFaultsOfWhatGuardsAreLogged(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	logs := func(t *testing.T, message string) {
		t.Helper()
		waitFor(t, message, func() bool { return strings.Contains(r.stderr.String(), `"msg":"`+message) })
	}
	t.Run("LG-05_the_record_of_the_audit_chain", func(t *testing.T) {
		waitFor(t, "the chain", func() bool { return strings.Contains(r.stderr.String(), `"msg":"audit head"`) })
		changeDatabase(t, r.dir, `UPDATE event_chain SET record = x'00'`)
		p, _, stderr := testProgram()
		p.stdin = strings.NewReader("correct horse battery staple\n")
		changeDatabase(t, r.dir, `INSERT INTO events (at, name) VALUES (1, 'authn_login_fail')`)
		logs(t, "audit chain broken")
		if code := p.run(t.Context(), []string{"audit", "verify", "--data", r.dir}); code != exitRefused {
			t.Errorf("exit %d: %s", code, stderr)
		}
	})
	t.Run("LG-05_the_master_key", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(r.dir, "master.key"), []byte("no key\n"), fileMode); err != nil {
			t.Fatal(err)
		}
		logs(t, "new master keys not taken")
	})
	t.Run("LG-05_the_store", func(t *testing.T) {
		client := r.client(t)
		changeDatabase(t, r.dir, `ALTER TABLE users RENAME TO elsewhere`)
		answer, err := client.Post(r.url+"/v1/login", "application/json", strings.NewReader(`{"identifier":"ana","password":"correct horse battery staple"}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode < 500 {
			t.Errorf("got %d", answer.StatusCode)
		}
		logs(t, "trouble")
	})
}
