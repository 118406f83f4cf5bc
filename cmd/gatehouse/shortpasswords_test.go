package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestShortPasswordsAreWarnedOf(t *testing.T) {
	t.Parallel()
	t.Run("PW-01_7_starts_nothing", func(t *testing.T) {
		p, _, stderr := testProgram()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a server that starts would go on
		defer cancel()
		code := p.run(ctx, []string{"serve", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--password-min", "7"})
		if code == exitDone || !strings.Contains(stderr.String(), "--password-min: 7 is out of range") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	})
	for least, warned := range map[string]bool{"8": true, "14": true, "15": false} {
		t.Run("PW-01_"+least, func(t *testing.T) {
			r := start(t, nil, "--password-min", least)
			if got := strings.Contains(r.stderr.String(), "passwords may be short"); got != warned {
				t.Errorf("warned of at the start: %t, want %t: %s", got, warned, r.stderr)
			}
			p, stdout, stderr := testProgram()
			if code := p.run(t.Context(), []string{"doctor", "--data", r.dir, "--url", r.url, "--password-min", least}); code != exitDone {
				t.Errorf("doctor: exit code %d: %s%s", code, stdout, stderr)
			}
			if got := strings.Contains(stdout.String(), "warn  passwords    --password-min is "+least); got != warned {
				t.Errorf("warned of by doctor: %t, want %t: %s", got, warned, stdout)
			}
		})
	}
}
