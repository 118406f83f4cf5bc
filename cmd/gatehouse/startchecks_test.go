package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse"
)

// refusedStart runs gatehouse serve, which has to end by itself, and returns what it
// says. Whoever starts all the same is stopped after a minute.
func refusedStart(t *testing.T, args ...string) string {
	t.Helper()
	p, stdout, stderr := testProgram()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args = append([]string{"serve", "--data", filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0"}, args...)
	if code := p.run(ctx, args); code == exitDone || strings.Contains(stdout.String(), "ready at") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	return stderr.String()
}

func TestNoStartWithoutACertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile, _ := writeCertificate(t, dir, false)
	other, _, _ := writeCertificate(t, t.TempDir(), false)
	broken := filepath.Join(dir, "broken.pem")
	writeOrFail(t, broken, []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"no_files":                    {[]string{"--tls", "files"}, "--cert"},
		"no_key":                      {[]string{"--tls", "files", "--cert", certFile}, "--key"},
		"files_that_are_not_there":    {[]string{"--tls", "files", "--cert", filepath.Join(dir, "none"), "--key", keyFile}, "none"},
		"a_broken_certificate":        {[]string{"--tls", "files", "--cert", broken, "--key", keyFile}, "broken.pem"},
		"the_certificate_of_another":  {[]string{"--tls", "files", "--cert", other, "--key", keyFile}, "private key"},
		"the_local_one_for_everybody": {[]string{"--listen", "0.0.0.0:0"}, "--tls=local is for this one only"},
		"the_local_one_on_IPv6":       {[]string{"--listen", "[::]:0"}, "--tls=local is for this one only"},
		"the_local_one_for_a_host":    {[]string{"--url", "https://id.example.com"}, "vouches for localhost only"},
		"none_at_all":                 {[]string{"--tls", "none"}, "none of local, files, acme and proxy"},
	} {
		t.Run("TL-04_"+name, func(t *testing.T) {
			if said := refusedStart(t, test.args...); !strings.Contains(said, test.says) {
				t.Errorf("it says %q, want %q", said, test.says)
			}
		})
	}
	t.Run("TL-04_the_start_says_whose_certificate_it_is", func(t *testing.T) {
		r := start(t, nil)
		if said := r.stdout.String() + r.stderr.String(); !strings.Contains(said, "authority") && !strings.Contains(said, "gatehouse trust") {
			t.Errorf("it says %s", said)
		}
	})
}

func TestAProxyIsNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"nobody":    {nil, "--tls=proxy needs it"},
		"everybody": {[]string{"--trusted-proxies", "0.0.0.0/0"}, "would trust everybody"},
		"IPv6":      {[]string{"--trusted-proxies", "::/0"}, "would trust everybody"},
		"a_name":    {[]string{"--trusted-proxies", "proxy.example.com"}, "neither an address nor a network"},
	} {
		t.Run("TL-11_"+name+"_is_no_proxy", func(t *testing.T) {
			if said := refusedStart(t, append([]string{"--tls", "proxy", "--url", "https://id.example.com"}, test.args...)...); !strings.Contains(said, test.says) {
				t.Errorf("it says %q, want %q", said, test.says)
			}
		})
	}
}

// The lives of codes are constants: none can be set above a day.
func TestNoSettingMakesALinkLiveLonger(t *testing.T) {
	t.Run("RV-03_no_such_setting_and_a_day_at_most", func(t *testing.T) {
		for _, name := range settingNames() {
			for _, word := range []string{"code", "reset", "invite", "verify", "link", "recovery"} {
				if strings.Contains(name, word) {
					t.Errorf("--%s", name)
				}
			}
		}
		for _, life := range []time.Duration{gatehouse.ResetCodeTTL, gatehouse.InviteCodeTTL, gatehouse.VerifyCodeTTL, gatehouse.DigitsTTL} {
			if life > 24*time.Hour || life <= 0 {
				t.Errorf("a code lives %v", life)
			}
		}
		if gatehouse.ResetCodeTTL != 30*time.Minute || gatehouse.DigitsTTL != 10*time.Minute {
			t.Errorf("a reset lives %v, digits %v", gatehouse.ResetCodeTTL, gatehouse.DigitsTTL)
		}
	})
}

// What the tests of slow clients make short is as long as documented where nobody
// says otherwise.
func TestTimesOfAServer(t *testing.T) {
	t.Run("AI-12_N-28_as_the_guide_says", func(t *testing.T) {
		got := defaultLimits()
		for name, test := range map[string][2]time.Duration{
			"header": {got.header, 5 * time.Second}, "request": {got.request, 15 * time.Second}, "answer": {got.answer, 30 * time.Second},
			"idle": {got.idle, 60 * time.Second}, "handshake": {got.handshake, 5 * time.Second},
		} {
			if test[0] != test[1] {
				t.Errorf("%s is %v, want %v", name, test[0], test[1])
			}
		}
		if newProgram().limits != got {
			t.Errorf("a server starts with %+v", newProgram().limits)
		}
		server := newHTTPServer(nil, got, newLogger(new(output), "json"))
		if server.ReadHeaderTimeout != got.header || server.ReadTimeout != got.request || server.WriteTimeout != got.answer || server.IdleTimeout != got.idle {
			t.Errorf("net/http waits %v, %v, %v and %v", server.ReadHeaderTimeout, server.ReadTimeout, server.WriteTimeout, server.IdleTimeout)
		}
	})
}
