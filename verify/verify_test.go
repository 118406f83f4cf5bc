package verify

import (
	"bytes"
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http"
	"os/exec"
	"reflect"
	"regexp"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestNewNamesTheFieldThatIsWrong(t *testing.T) {
	good := Config{Issuer: "https://id.example.com", Audience: audience}
	for name, test := range map[string]struct {
		change func(*Config)
		field  string
	}{
		"no_issuer":               {func(c *Config) { c.Issuer = "" }, "Issuer"},
		"no_audience":             {func(c *Config) { c.Audience = "" }, "Audience"},
		"an_http_issuer":          {func(c *Config) { c.Issuer = "http://id.example.com" }, "Issuer"},
		"an_issuer_with_a_path":   {func(c *Config) { c.Issuer = "https://id.example.com/" }, "Issuer"},
		"an_issuer_with_a_query":  {func(c *Config) { c.Issuer = "https://id.example.com?" }, "Issuer"},
		"an_issuer_with_a_user":   {func(c *Config) { c.Issuer = "https://a@id.example.com" }, "Issuer"},
		"an_issuer_in_capitals":   {func(c *Config) { c.Issuer = "HTTPS://id.example.com" }, "Issuer"},
		"an_http_key_set":         {func(c *Config) { c.KeySetURL = "http://id.example.com/keys" }, "KeySetURL"},
		"a_file":                  {func(c *Config) { c.KeySetURL = "file:///etc/keys" }, "KeySetURL"},
		"a_key_set_with_a_user":   {func(c *Config) { c.KeySetURL = "https://a:b@id.example.com/keys" }, "KeySetURL"},
		"an_http_list":            {func(c *Config) { c.StatusListURL = "http://id.example.com/list" }, "StatusListURL"},
		"a_list_without_host":     {func(c *Config) { c.StatusListURL = "https:///list" }, "StatusListURL"},
		"a_list_with_a_fragment":  {func(c *Config) { c.StatusListURL = "https://id.example.com/list#a" }, "StatusListURL"},
		"a_storm_of_polls":        {func(c *Config) { c.StatusInterval = time.Millisecond }, "StatusInterval"},
		"a_negative_interval":     {func(c *Config) { c.StatusInterval = -time.Second }, "StatusInterval"},
		"a_slow_poll":             {func(c *Config) { c.StatusInterval = 2 * time.Minute }, "StatusInterval"},
		"an_age_below_two_polls":  {func(c *Config) { c.StatusMaxAge = time.Second }, "StatusMaxAge"},
		"an_age_beyond_any_list":  {func(c *Config) { c.StatusMaxAge = time.Hour }, "StatusMaxAge"},
		"a_negative_age":          {func(c *Config) { c.StatusMaxAge = -1 }, "StatusMaxAge"},
		"an_age_below_slow_polls": {func(c *Config) { c.StatusInterval = 20 * time.Second }, "StatusMaxAge"},
		"a_storm_for_keys":        {func(c *Config) { c.KeySetInterval = time.Second }, "KeySetInterval"},
		"keys_for_ever":           {func(c *Config) { c.KeySetMaxAge = 24 * time.Hour }, "KeySetMaxAge"},
		"keys_below_two_looks":    {func(c *Config) { c.KeySetMaxAge = time.Minute }, "KeySetMaxAge"},
	} {
		t.Run("JW-30_"+name, func(t *testing.T) {
			config := good
			test.change(&config)
			v, err := New(config)
			if v != nil || err == nil || !strings.Contains(err.Error(), "Config."+test.field+" ") {
				t.Errorf("got %v, %v; want an error about %s", v, err, test.field)
			}
		})
	}
	t.Run("JW-30_the_zero_value_of_the_rest_is_the_safe_default", func(t *testing.T) {
		got, err := good.withDefaults()
		must(t, err)
		want := []time.Duration{time.Second, 30 * time.Second, 5 * time.Minute, time.Hour}
		if d := []time.Duration{got.StatusInterval, got.StatusMaxAge, got.KeySetInterval, got.KeySetMaxAge}; !slices.Equal(d, want) {
			t.Errorf("got %v, want %v", d, want)
		}
		if got.KeySetURL != good.Issuer+keysPath || got.StatusListURL != good.Issuer+listPath {
			t.Errorf("got %s and %s", got.KeySetURL, got.StatusListURL)
		}
	})
}

func TestTheZeroVerifierAcceptsNothing(t *testing.T) {
	w := newWorld(t)
	bearer := w.token(1)
	for name, v := range map[string]*Verifier{"JW-30_zero": {}, "JW-30_nil": nil} {
		t.Run(name, func(t *testing.T) {
			wantCheck(t, v, bearer, ErrUnavailable)
			if err := v.Ready(context.Background()); !errors.Is(err, ErrUnavailable) {
				t.Errorf("Ready: got %v", err)
			}
			if got := knock(v.Require(w.door(w.still())), "Bearer "+bearer); got.StatusCode != 503 {
				t.Errorf("got status %d, want 503", got.StatusCode)
			}
			v.Close()
		})
	}
}

// TestNothingSkipsACheck reads the names a program can use.
func TestNothingSkipsACheck(t *testing.T) {
	bad := regexp.MustCompile(`(?i)skip|insecure|unverified|unsafe|disable|ignore|nocheck|allow|trustall`)
	t.Run("JW-30_no_setting", func(t *testing.T) {
		for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
			if bad.MatchString(field.Name) || field.Type.Kind() == reflect.Bool {
				t.Errorf("Config.%s looks like a switch", field.Name)
			}
		}
	})
	t.Run("JW-30_no_function", func(t *testing.T) {
		for _, file := range sourceFiles(t) {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			must(t, err)
			ast.Inspect(parsed, func(n ast.Node) bool {
				if f, ok := n.(*ast.FuncDecl); ok && bad.MatchString(f.Name.Name) {
					t.Errorf("%s has a function %s", file, f.Name.Name)
				}
				return true
			})
		}
	})
}

func sourceFiles(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", `{{join .GoFiles "\n"}}`, ".").Output()
	must(t, err)
	return strings.Fields(string(out))
}

func TestOnlyJWTAndTheStandardLibraryAreLinked(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", `{{if not .Standard}}{{.ImportPath}}{{end}}`, ".").Output()
	must(t, err)
	if got, want := strings.Fields(string(out)), []string{"gatehouse/jwt", "gatehouse/verify"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReady(t *testing.T) {
	t.Run("says_what_is_missing_when_time_is_up", func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		v := w.still()
		err := v.Ready(ctx)
		if !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "no keys") {
			t.Errorf("got %v", err)
		}
		must(t, v.keys.renew(context.Background()))
		if err = v.Ready(ctx); err == nil || !strings.Contains(err.Error(), "no status list") {
			t.Errorf("got %v", err)
		}
		must(t, v.list.renew(context.Background()))
		must(t, v.Ready(ctx))
	})
	t.Run("waits_for_a_server_that_comes_up", func(t *testing.T) {
		w := newWorld(t)
		w.set(func() { w.keysDoor = answerWith(503, jsonType, "") })
		v, err := New(Config{Issuer: w.server.URL, Audience: audience, RootCAs: w.roots, Now: w.clock})
		must(t, err)
		defer v.Close()
		await(t, "a look in vain", func() bool { return w.count(keysPath) > 0 })
		wantCheck(t, v, w.token(1), ErrUnavailable)
		w.set(func() { w.keysDoor = nil })
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		must(t, v.Ready(ctx))
		wantCheck(t, v, w.token(1), nil)
	})
}

func TestClose(t *testing.T) {
	w := newWorld(t)
	v := w.live()
	bearer := w.token(1)
	wantCheck(t, v, bearer, nil)
	v.Close()
	v.Close()
	t.Run("nothing_is_accepted_any_more", func(t *testing.T) { wantCheck(t, v, bearer, ErrUnavailable) })
	t.Run("no_goroutine_is_left", func(t *testing.T) {
		var stacks bytes.Buffer
		must(t, pprof.Lookup("goroutine").WriteTo(&stacks, 1))
		if strings.Contains(stacks.String(), "verify.(*worker)") {
			t.Errorf("still at work:\n%s", &stacks)
		}
	})
	t.Run("no_more_requests", func(t *testing.T) {
		asked := w.count(listPath)
		time.Sleep(3 * v.config.StatusInterval)
		if got := w.count(listPath); got != asked {
			t.Errorf("got %d requests after Close", got-asked)
		}
	})
}

func TestCloseTellsThoseWhoWait(t *testing.T) {
	w := newWorld(t)
	w.set(func() { w.listDoor = answerWith(503, listType, "") })
	v := w.still()
	v.run()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	waiting := make(chan error, 1)
	go func() { waiting <- v.Ready(ctx) }()
	await(t, "a second look in vain", func() bool { return w.count(listPath) > 1 })
	v.Close()
	if err := <-waiting; !errors.Is(err, ErrUnavailable) || !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
}

func TestCloseDoesNotWaitForAServer(t *testing.T) {
	w := newWorld(t)
	reached := make(chan struct{})
	release := make(chan struct{})
	w.listDoor = func(http.ResponseWriter, *http.Request) {
		close(reached)
		<-release
	}
	v := w.still()
	t.Cleanup(func() { close(release) })
	v.fetch.timeout = time.Hour // the server alone could end the look
	v.run()
	<-reached
	closed := make(chan struct{})
	go func() {
		v.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(patience):
		t.Fatal("Close waits for the server")
	}
}

func TestTroubleInTheBackground(t *testing.T) {
	var log lockedBuffer
	w := newWorld(t)
	var broken atomic.Bool
	v := w.live(func(c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		clock := c.Now
		c.Now = func() time.Time {
			if broken.CompareAndSwap(true, false) {
				panic("the clock is broken")
			}
			return clock()
		}
	})
	t.Run("AI-25_a_panic_does_not_end_the_process", func(t *testing.T) {
		broken.Store(true) // whoever looks next is in the background
		await(t, "the panic", func() bool { return strings.Contains(log.String(), "the clock is broken") })
		asked := w.count(listPath)
		await(t, "the next poll", func() bool { return w.count(listPath) > asked })
	})
	t.Run("the_end_of_trust_is_logged_once_and_so_is_its_return", func(t *testing.T) {
		w.set(func() { w.listDoor = answerWith(503, listType, "") })
		w.sleep(time.Minute)
		await(t, "the line", func() bool { return strings.Contains(log.String(), "every token is refused") })
		wantCheck(t, v, w.token(1), ErrUnavailable)
		asked := w.count(listPath)
		await(t, "more polls in vain", func() bool { return w.count(listPath) > asked+1 })
		w.set(func() { w.listDoor = nil })
		await(t, "the other line", func() bool { return strings.Count(log.String(), "tokens are accepted") == 2 })
		if got := strings.Count(log.String(), "every token is refused"); got != 1 {
			t.Errorf("got %d lines, want 1:\n%s", got, log.String())
		}
	})
	t.Run("LG-06_no_token_is_logged", func(t *testing.T) {
		bearer := w.token(1)
		_ = knock(w.door(v), "Bearer "+bearer)
		_ = knock(w.door(v), "Bearer "+bearer+"x")
		if strings.Contains(log.String(), "eyJ") {
			t.Errorf("the log holds a token:\n%s", log.String())
		}
	})
}

// TestManyAtOnce is for the race detector: tokens, renewals and the end at once.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	v := w.live()
	good, gone := w.token(1), w.token(7)
	w.set(func() { w.revoked = []int64{7} })
	await(t, "the revocation", func() bool {
		_, err := v.Check(context.Background(), gone)
		return err != nil
	})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 300 {
				if claims, err := v.Check(context.Background(), good); err != nil || claims.Subject != "user-1" {
					t.Errorf("got %v, %v", claims, err)
				}
				if _, err := v.Check(context.Background(), gone); !errors.Is(err, ErrInvalidToken) {
					t.Errorf("got %v for a revoked token", err)
				}
			}
		})
	}
	all.Go(func() {
		for range 20 {
			w.sleep(time.Second)
			_ = v.list.renew(context.Background())
		}
	})
	all.Wait()
	all.Go(func() {
		for range 100 {
			_, _ = v.Check(context.Background(), good)
		}
	})
	v.Close()
	all.Wait()
	wantCheck(t, v, good, ErrUnavailable)
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
