package main

import (
	"context"
	"strings"
	"testing"
)

// TestAnAuditChainThatWasMadeAnew is about who can write to the database and lets
// the server seal other events.
func TestAnAuditChainThatWasMadeAnew(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	waitFor(t, "the chain", func() bool { return strings.Contains(r.stderr.String(), `"msg":"audit head"`) })
	if code := r.stop(); code != 0 {
		t.Fatalf("exit %d: %s", code, r.stderr)
	}
	verify := func(t *testing.T) (code int, said string) {
		t.Helper()
		p, stdout, stderr := testProgram()
		code = p.run(t.Context(), []string{"audit", "verify", "--data", r.dir})
		return code, stdout.String() + stderr.String()
	}
	if code, said := verify(t); code != 0 {
		t.Fatalf("exit %d: %s", code, said)
	}
	changeDatabase(t, r.dir, `UPDATE events SET at = at - 1, position = NULL, mac = NULL, commitment = NULL, salt = NULL`)
	changeDatabase(t, r.dir, `DELETE FROM event_chain`)
	t.Run("LG-08_verify_goes_by_what_the_data_directory_remembers", func(t *testing.T) {
		if code, said := verify(t); code != exitRefused || !strings.Contains(said, "is not that of the head") && !strings.Contains(said, "the end was cut off") {
			t.Errorf("exit %d: %s", code, said)
		}
	})
	t.Run("LG-08_and_so_does_the_server", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p, _, stderr := testProgram()
		ended := make(chan int, 1)
		// An event that is another one is also a store that was put back.
		go func() { ended <- p.run(ctx, []string{"serve", "--listen", "127.0.0.1:0", "--data", r.dir}) }()
		waitFor(t, "the log", func() bool { return strings.Contains(stderr.String(), `"msg":"audit chain broken"`) })
		cancel() // it may not have noted yet what it found
		<-ended
		if code, said := verify(t); code != exitRefused || !strings.Contains(said, "the chain was begun anew") && !strings.Contains(said, "is not that of the head") {
			t.Errorf("exit %d: %s", code, said)
		}
	})
}
