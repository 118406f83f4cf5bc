package main

import (
	"strings"
	"testing"
)

func TestShortPasswordsAreWarnedOf(t *testing.T) {
	t.Parallel()
	t.Run("PW-01_7_starts_nothing", func(t *testing.T) {
		if said := refusedStart(t, "--password-min", "7"); !strings.Contains(said, "--password-min: 7 is out of range") {
			t.Error(said)
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
