package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse/model"
	"gatehouse/web"
)

// figures are what a collector reads: the value of each sample, by its name and
// labels as they stand in the text.
type figures map[string]float64

var (
	familyLine = regexp.MustCompile(`^# (HELP|TYPE) ([a-z_]+) (.+)$`)
	sampleLine = regexp.MustCompile(`^([a-z_]+)(\{[a-z_]+="(?:[^"\\]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\]|\\["\\n])*")*\})? (\S+)$`)
)

// readFigures reads the text format of Prometheus, more strictly than it does.
func readFigures(t *testing.T, text string) figures {
	t.Helper()
	found, families, family := figures{}, map[string]bool{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if begun := familyLine.FindStringSubmatch(line); begun != nil {
			if begun[1] == "HELP" && families[begun[2]] {
				t.Errorf("%s is there twice", begun[2])
			}
			family = begun[2]
			families[family] = true
			continue
		}
		sample := sampleLine.FindStringSubmatch(line)
		if sample == nil {
			t.Errorf("no line of the format: %s", line)
			continue
		}
		if part := strings.TrimPrefix(sample[1], family); part != "" && part != "_bucket" && part != "_sum" && part != "_count" {
			t.Errorf("%s stands with %s", sample[1], family)
		}
		value, err := strconv.ParseFloat(sample[3], 64)
		if _, twice := found[sample[1]+sample[2]]; err != nil || twice {
			t.Errorf("%s: %v, twice: %t", line, err, twice)
		}
		found[sample[1]+sample[2]] = value
	}
	return found
}

// metricsURL is where a server shows its figures.
func (r *running) metricsURL(t *testing.T) string {
	t.Helper()
	_, rest, ok := strings.Cut(r.stdout.String(), "\n  metrics    ")
	url, _, _ := strings.Cut(rest, "\n")
	if !ok {
		t.Fatalf("the greeting names no metrics:\n%s", r.stdout)
	}
	return url
}

// scrape asks as a collector does.
func (r *running) scrape(t *testing.T) (figures, string) {
	t.Helper()
	status, text := get(t, http.DefaultClient, r.metricsURL(t))
	if status != 200 {
		t.Fatalf("metrics answer %d: %s", status, text)
	}
	return readFigures(t, text), text
}

// startMeasured starts a server with figures.
func startMeasured(t *testing.T, args ...string) *running {
	t.Helper()
	return start(t, nil, append([]string{"--admin-listen", "127.0.0.1:0"}, args...)...)
}

// equal compares samples with what they should be.
func (f figures) equal(t *testing.T, want figures) {
	t.Helper()
	for sample, value := range want {
		if got, ok := f[sample]; !ok || got != value {
			t.Errorf("%s is %v (there: %t), want %v", sample, got, ok, value)
		}
	}
}

func TestFiguresFollowWhatHappens(t *testing.T) {
	t.Parallel()
	r := startMeasured(t, "--smtp", "mailbox")
	before, _ := r.scrape(t)
	before.equal(t, figures{
		`gatehouse_logins_total{result="success"}`: 0, `gatehouse_logins_total{result="wrong-credentials"}`: 0,
		`gatehouse_events_total{event="authn_token_reuse"}`: 0, "gatehouse_store_up": 1, "gatehouse_mails_waiting": 0,
		"gatehouse_mails_oldest_seconds": 0, "gatehouse_password_hashes_total": 0, "gatehouse_password_hashes_waiting": 0,
		"gatehouse_password_hash_memory_bytes": 0, `gatehouse_mail_tries_total{result="sent"}`: 0,
	})
	r.beside(t, quietWords+"\n", "user", "add", "ana")
	l := logIn(t, r)
	l.renew(t)
	for body, want := range map[string]int{
		`{"identifier":"ana","password":"another horse battery staple"}`: 401, `{"identifier":"ana"}`: 400, `{"refresh_token":"ghr_nonsense"}`: 401,
	} {
		path := "/v1/login"
		if strings.Contains(body, "refresh") {
			path = "/v1/token/refresh"
		}
		if got := l.ask(t, path, body); got != want {
			t.Errorf("%s answers %d, want %d", body, got, want)
		}
	}
	if got := l.ask(t, "/v1/register", `{"username":"bea","email":"bea@example.com","password":"lantern quarry velvet moth"}`); got != 202 {
		t.Errorf("register answers %d", got)
	}
	if got := l.me(t, l.access); got != 200 {
		t.Errorf("me answers %d", got)
	}
	waitFor(t, "the mail", func() bool {
		now, _ := r.scrape(t)
		return now[`gatehouse_mail_tries_total{result="sent"}`] == 1
	})
	after, _ := r.scrape(t)
	after.equal(t, figures{
		`gatehouse_logins_total{result="success"}`: 1, `gatehouse_logins_total{result="wrong-credentials"}`: 1, `gatehouse_logins_total{result="other"}`: 1,
		`gatehouse_refreshes_total{result="success"}`: 1, `gatehouse_refreshes_total{result="invalid-token"}`: 1,
		`gatehouse_events_total{event="authn_login_success"}`: 1, `gatehouse_events_total{event="authn_login_fail"}`: 1,
		`gatehouse_events_total{event="user_created"}`:       1, // that of the command was recorded by another process
		`gatehouse_refusals_total{code="wrong-credentials"}`: 1, "gatehouse_password_hashes_total": 3,
		`gatehouse_http_requests_total{route="/v1/login",method="POST",status="2xx"}`:           1,
		`gatehouse_http_requests_total{route="/v1/login",method="POST",status="4xx"}`:           2,
		`gatehouse_http_request_duration_seconds_count{route="/v1/login",method="POST"}`:        3,
		`gatehouse_http_request_duration_seconds_count{route="/v1/me",method="GET"}`:            1,
		`gatehouse_http_request_duration_seconds_bucket{route="/v1/me",method="GET",le="+Inf"}`: 1,
	})
	if took := after[`gatehouse_http_request_duration_seconds_sum{route="/v1/login",method="POST"}`]; took <= 0 || took > 60 {
		t.Errorf("three logins took %v s", took)
	}
}

func TestTheGuideListsEveryFigure(t *testing.T) {
	t.Parallel()
	_, text := startMeasured(t).scrape(t)
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "guides", "operate.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(guide), "\n## Metrics\n")
	section, _, _ = strings.Cut(section, "\n## ")
	shown, listed := map[string]bool{}, map[string]bool{}
	for _, family := range regexp.MustCompile(`(?m)^# TYPE (gatehouse_[a-z_]+) `).FindAllStringSubmatch(text, -1) {
		shown[family[1]] = true
	}
	for _, name := range regexp.MustCompile(`gatehouse_[a-z_]+`).FindAllString(section, -1) {
		listed[name] = true
	}
	if diff := cmp.Diff(shown, listed); diff != "" || len(shown) < 10 {
		t.Errorf("shown and in the guide (-shown +listed):\n%s", diff)
	}
}

func TestEachRefusalOfALoginIsCountedByItself(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	for _, refusal := range []*model.Error{
		model.ErrWrongCredentials, model.ErrUserDisabled, model.ErrEmailUnverified, model.ErrTooManyAttempts, model.ErrOverloaded, model.ErrUnavailable,
	} {
		m.answered(web.Answered{Method: http.MethodPost, Route: "/v1/login", Status: 400, Code: refusal.Code})
		if counter := m.logins.of[refusal.Code]; counter == nil || counter.Load() != 1 {
			t.Errorf("%s is not counted", refusal.Code)
		}
	}
	if n := m.logins.of[otherCount].Load(); n != 0 {
		t.Errorf("%d are counted as other", n)
	}
}

func TestReuseOfATokenShowsInFigures(t *testing.T) {
	t.Parallel()
	r := startMeasured(t)
	r.beside(t, quietWords+"\n", "user", "add", "ana")
	l := logIn(t, r)
	stolen := l.refresh
	for range 3 {
		if got := l.renew(t); got != 200 {
			t.Fatalf("a refresh answers %d", got)
		}
	}
	if got := l.ask(t, "/v1/token/refresh", `{"refresh_token":"`+stolen+`"}`); got != 401 {
		t.Fatalf("the stolen one answers %d", got)
	}
	now, _ := r.scrape(t)
	now.equal(t, figures{
		`gatehouse_events_total{event="authn_token_reuse"}`: 1,
		`gatehouse_refreshes_total{result="success"}`:       3, `gatehouse_refreshes_total{result="invalid-token"}`: 1,
	})
}

func TestFiguresHoldNothingThatWasSent(t *testing.T) {
	t.Parallel()
	r := startMeasured(t, "--smtp", "mailbox")
	const marker = "quokka"
	r.beside(t, quietWords+"\n", "user", "add", "ana-"+marker)
	l := &loggedIn{running: r, http: r.client(t)}
	if got := l.ask(t, "/v1/login", `{"identifier":"ana-`+marker+`","password":"`+quietWords+`"}`); got != 200 {
		t.Fatalf("login answers %d", got)
	}
	l.ask(t, "/v1/login", `{"identifier":"nobody-`+marker+`","password":"`+marker+` lantern velvet moth"}`)
	l.ask(t, "/v1/register", `{"username":"bea","email":"bea@`+marker+`.example","password":"lantern quarry velvet moth"}`)
	l.ask(t, "/v1/password/forgot", `{"email":"`+marker+`@example.com"}`)
	l.ask(t, "/v1/password/reset", `{"code":"`+marker+`","new_password":"lantern quarry velvet moth"}`)
	for method, path := range map[string]string{
		"GET": "/" + marker + "?" + marker + "=" + marker, "QUOKKA": "/login", "DELETE": "/v1/sessions/" + marker, "POST": "/errors/" + marker,
		"PUT": "/static/" + marker, "HEAD": "/v1/" + marker, "quokka": "/" + marker + "/" + marker,
	} {
		request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(marker))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("User-Agent", marker)
		request.Header.Set("Authorization", "Bearer "+marker)
		request.Header.Set("X-Request-Id", marker)
		request.Header.Set("X-Forwarded-For", "203.0.113.77")
		answer, err := l.http.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
	}
	found, text := r.scrape(t)
	found.equal(t, figures{`gatehouse_http_requests_total{route="none",method="GET",status="4xx"}`: 1})
	t.Run("LG-06_no_name_address_path_or_token", func(t *testing.T) {
		for _, secret := range []string{marker, strings.ToUpper(marker), "example.com", "203.0.113", "127.0.0.1", "::1", l.access, l.refresh, "gh" + "r_", quietWords, r.dir} {
			if strings.Contains(text, secret) {
				t.Errorf("%q is among the figures", secret)
			}
		}
	})
	t.Run("strangers_add_no_figure", func(t *testing.T) {
		for i := range 50 {
			if status, _ := get(t, l.http, fmt.Sprintf("%s/%s/%d", r.url, marker, i)); status != 404 {
				t.Fatalf("got %d", status)
			}
		}
		again, _ := r.scrape(t)
		again.equal(t, figures{`gatehouse_http_requests_total{route="none",method="GET",status="4xx"}`: 51})
		if len(again) != len(found) {
			t.Errorf("there were %d figures, and are %d", len(found), len(again))
		}
	})
}

func TestEveryProcessHasItsOwnRuntime(t *testing.T) {
	t.Parallel()
	r := startMeasured(t)
	now, _ := r.scrape(t)
	for _, name := range []string{
		"go_goroutines", "go_threads", "go_memstats_alloc_bytes", "go_memstats_heap_inuse_bytes", "go_memstats_sys_bytes", "go_memstats_next_gc_bytes",
		"go_memstats_mallocs_total", "process_start_time_seconds", "gatehouse_password_hash_memory_limit_bytes",
	} {
		if now[name] <= 0 {
			t.Errorf("%s is %v", name, now[name])
		}
	}
	if age := time.Since(time.Unix(int64(now["process_start_time_seconds"]), 0)); age < 0 || age > time.Hour {
		t.Errorf("the process began %v ago", age)
	}
}

func TestProcessStat(t *testing.T) {
	t.Parallel()
	const rest = " S 1 2 3 0 -1 4194560 5 6 7 8 250 50 0 0 20 0 8 0 12345 1234567 890 18446744073709551615 1 1 0"
	for _, tt := range []struct {
		name, text string
		ok         bool
	}{
		{"as_it_is", "42 (gatehouse)" + rest, true},
		{"parentheses_in_the_name", "42 (a) b (c)" + rest, true},
		{"nothing", "", false},
		{"short", "42 (gatehouse) S 1 2", false},
		{"no_numbers", "42 (gatehouse)" + strings.ReplaceAll(rest, "0", "x"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parseProcessStat(tt.text)
			if ok != tt.ok || ok && got != (processStat{cpuSeconds: 3, virtualBytes: 1234567, residentPages: 890}) {
				t.Errorf("got %+v, %t", got, ok)
			}
		})
	}
}

func TestDurationsFallIntoBuckets(t *testing.T) {
	t.Parallel()
	var d durations
	for _, took := range []time.Duration{0, time.Millisecond, time.Millisecond + 1, 10 * time.Second, time.Minute} {
		d.add(took)
	}
	e := new(exposition)
	e.family("x", kindHistogram, "X.")
	d.writeTo(e, "route", "a\"b\\c\nd")
	readFigures(t, string(e.text)).equal(t, figures{
		`x_bucket{route="a\"b\\c\nd",le="0.001"}`: 2, `x_bucket{route="a\"b\\c\nd",le="0.005"}`: 3, `x_bucket{route="a\"b\\c\nd",le="5"}`: 3,
		`x_bucket{route="a\"b\\c\nd",le="10"}`: 4, `x_bucket{route="a\"b\\c\nd",le="+Inf"}`: 5, `x_count{route="a\"b\\c\nd"}`: 5,
		`x_sum{route="a\"b\\c\nd"}`: 70.002000001,
	})
}

func TestManyAreCountedAtOnce(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 500 {
				m.answered(web.Answered{Method: "POST", Route: "/login", Status: 303})
				m.answered(web.Answered{Method: "POST", Route: "/v1/login", Status: 401, Code: "wrong-credentials"})
				if i%100 == 0 {
					m.writeTo(new(exposition))
				}
			}
		})
	}
	all.Wait()
	e := new(exposition)
	m.writeTo(e)
	readFigures(t, string(e.text)).equal(t, figures{
		`gatehouse_logins_total{result="success"}`: 4000, `gatehouse_logins_total{result="wrong-credentials"}`: 4000,
		`gatehouse_http_requests_total{route="/login",method="POST",status="3xx"}`: 4000,
	})
}

// It is not parallel: what others allocate would count.
func TestARequestIsCountedWithoutAllocation(t *testing.T) {
	m := newMetrics()
	if got := testing.AllocsPerRun(100, func() {
		m.answered(web.Answered{Method: "POST", Route: "/v1/login", Status: 401, Code: "wrong-credentials", Took: time.Second})
	}); got != 0 {
		t.Errorf("counting a request allocates %v times", got)
	}
}

func TestTriesOfMailsAreTold(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	if m.watchMailer(nil) != nil {
		t.Error("no mailer became one")
	}
	for _, err := range []error{nil, model.ErrMailRefused, fmt.Errorf("x: %w", model.ErrMailDeferred), io.ErrUnexpectedEOF} {
		if got := m.watchMailer(answeringMailer{err}).Send(t.Context(), model.Message{}); !errors.Is(got, err) {
			t.Errorf("got %v, want %v", got, err)
		}
	}
	e := new(exposition)
	m.writeTo(e)
	readFigures(t, string(e.text)).equal(t, figures{
		`gatehouse_mail_tries_total{result="sent"}`: 1, `gatehouse_mail_tries_total{result="refused"}`: 1,
		`gatehouse_mail_tries_total{result="deferred"}`: 1, `gatehouse_mail_tries_total{result="failed"}`: 1,
	})
}

// answeringMailer is a mail server that always says the same.
type answeringMailer struct{ err error }

func (m answeringMailer) Send(context.Context, model.Message) error { return m.err }
