package verify

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gatehouse/jwt"
)

// hostile is an answer that no document may come from. Its door is made for
// each world, so that only the fault it names is wrong with it.
type hostile struct {
	name string
	door func(w *world) http.HandlerFunc
}

const (
	jsonType = "application/json"
	listType = "application/statuslist+jwt"
)

// hostileAnswers are wrong for every document; good is one that would do.
func hostileAnswers(kind string, good func(*world) string) []hostile {
	return []hostile{
		{"status_404", func(w *world) http.HandlerFunc { return answerWith(404, kind, good(w)) }},
		{"status_500", func(w *world) http.HandlerFunc { return answerWith(500, kind, good(w)) }},
		{"status_206_part_of_it", func(w *world) http.HandlerFunc { return answerWith(206, kind, good(w)) }},
		{"status_304_that_nobody_asked_for", func(w *world) http.HandlerFunc { return answerWith(304, kind, "") }},
		{"redirect_to_the_same_host", func(w *world) http.HandlerFunc {
			return redirect(w.server.URL + "/elsewhere")
		}},
		{"redirect_to_plain_http", func(w *world) http.HandlerFunc {
			plain := httptest.NewServer(answerWith(200, kind, good(w)))
			w.t.Cleanup(plain.Close)
			return redirect(plain.URL)
		}},
		{"redirect_to_another_server_that_has_it", func(w *world) http.HandlerFunc {
			other := httptest.NewTLSServer(answerWith(200, kind, good(w)))
			w.t.Cleanup(other.Close)
			w.roots.AddCert(other.Certificate())
			return redirect(other.URL)
		}},
		{"a_page_instead", func(w *world) http.HandlerFunc { return answerWith(200, "text/html", good(w)) }},
		{"plain_text", func(w *world) http.HandlerFunc { return answerWith(200, "text/plain", good(w)) }},
		{"another_type_that_sounds_right", func(w *world) http.HandlerFunc { return answerWith(200, kind+"-seq", good(w)) }},
		{"empty", func(w *world) http.HandlerFunc { return answerWith(200, kind, "") }},
		{"cut_off", func(w *world) http.HandlerFunc { text := good(w); return answerWith(200, kind, text[:len(text)-3]) }},
		{"shorter_than_announced", func(w *world) http.HandlerFunc {
			text := good(w)
			return func(out http.ResponseWriter, in *http.Request) {
				out.Header().Set("Content-Length", "100000")
				answerWith(200, kind, text)(out, in)
			}
		}},
		{"a_connection_that_breaks", func(*world) http.HandlerFunc {
			return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		}},
		{"headers_without_end", func(w *world) http.HandlerFunc {
			text := good(w)
			return func(out http.ResponseWriter, in *http.Request) {
				out.Header().Set("X-Much", strings.Repeat("a", maxHeaderBytes+5000))
				answerWith(200, kind, text)(out, in)
			}
		}},
		{"compressed", func(w *world) http.HandlerFunc {
			return func(out http.ResponseWriter, in *http.Request) {
				out.Header().Set("Content-Encoding", "gzip")
				answerWith(200, kind, "\x1f\x8b\x08\x00")(out, in)
			}
		}},
	}
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

func hostileKeySets(t *testing.T) []hostile {
	document := func(change func(w *world, good string) string) func(*world) http.HandlerFunc {
		return func(w *world) http.HandlerFunc { return answerWith(200, jsonType, change(w, w.keySet())) }
	}
	many := make([]string, jwt.MaxKeySetKeys+1)
	for i := range many {
		one := keySetOf(t, newKey(t, jwt.EdDSA))
		many[i] = strings.TrimSuffix(strings.TrimPrefix(one, `{"keys":[`), `]}`)
	}
	return append(hostileAnswers(jsonType, (*world).keySet),
		hostile{"longer_than_1_MiB", document(func(_ *world, good string) string {
			return good + strings.Repeat(" ", jwt.MaxKeySetSize+1-len(good))
		})},
		hostile{"101_keys", document(func(*world, string) string { return `{"keys":[` + strings.Join(many, ",") + `]}` })},
		hostile{"two_keys_of_one_id", document(func(_ *world, good string) string {
			key := strings.TrimSuffix(strings.TrimPrefix(good, `{"keys":[`), `]}`)
			return `{"keys":[` + key + "," + key + `]}`
		})},
		hostile{"a_secret_key", document(func(_ *world, good string) string {
			return strings.Replace(good, "]}", `,{"kty":"oct","alg":"HS256","kid":"s","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}]}`, 1)
		})},
		hostile{"a_private_part", document(func(_ *world, good string) string {
			return strings.Replace(good, `"kty"`, `"d":"AAAA","kty"`, 1)
		})},
		hostile{"a_published_example_key", document(func(*world, string) string {
			return `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"e","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
		})},
		hostile{"no_key_at_all", document(func(*world, string) string { return `{"keys":[]}` })},
		hostile{"only_keys_for_something_else", document(func(_ *world, good string) string {
			return strings.Replace(good, `"use":"sig"`, `"use":"enc"`, 1)
		})},
		hostile{"broken_JSON", document(func(_ *world, good string) string { return good[:len(good)-1] + `,}` })},
		hostile{"data_after_the_document", document(func(_ *world, good string) string { return good + good })},
		hostile{"no_JSON", document(func(*world, string) string { return "not found" })},
	)
}

func hostileLists(t *testing.T) []hostile {
	stranger := newKey(t, jwt.EdDSA)
	list := func(change func(w *world) listChange) func(*world) http.HandlerFunc {
		return func(w *world) http.HandlerFunc { return answerWith(200, listType, w.list(change(w))) }
	}
	return append(hostileAnswers(listType, func(w *world) string { return w.list(listChange{}) }),
		hostile{"signed_by_an_unknown_key", list(func(*world) listChange { return listChange{signer: stranger} })},
		hostile{"signed_by_another_key_under_a_known_id", func(w *world) http.HandlerFunc {
			impostor, err := jwt.ParseSigningKey(jwt.EdDSA, w.signer.KeyID(), encoded(t, stranger))
			must(t, err)
			return answerWith(200, listType, w.list(listChange{signer: impostor}))
		}},
		hostile{"of_another_issuer", list(func(*world) listChange { return listChange{issuer: "https://evil.example"} })},
		hostile{"of_another_URI", list(func(w *world) listChange { return listChange{uri: w.server.URL + "/v1/other-list"} })},
		hostile{"of_the_future", list(func(w *world) listChange { return listChange{issuedAt: w.clock().Add(2 * time.Minute)} })},
		hostile{"that_has_ended", list(func(w *world) listChange { return listChange{issuedAt: w.clock().Add(-10 * time.Minute)} })},
		hostile{"an_access_token", func(w *world) http.HandlerFunc { return answerWith(200, listType, w.token(1)) }},
		hostile{"longer_than_16_MiB", func(w *world) http.HandlerFunc {
			return answerWith(200, listType, w.list(listChange{})+strings.Repeat("A", jwt.MaxStatusListTokenSize))
		}},
	)
}

func encoded(t *testing.T, key *jwt.SigningKey) []byte {
	t.Helper()
	raw, err := key.Encode()
	must(t, err)
	return raw
}

func TestHostileServers(t *testing.T) {
	for _, document := range []struct {
		name, path string
		hostiles   []hostile
		open       func(*world, http.HandlerFunc)
		renew      func(*Verifier) error
	}{
		{"key_set", keysPath, hostileKeySets(t),
			func(w *world, door http.HandlerFunc) { w.set(func() { w.keysDoor = door }) },
			func(v *Verifier) error { return v.keys.renew(context.Background()) }},
		{"status_list", listPath, hostileLists(t),
			func(w *world, door http.HandlerFunc) { w.set(func() { w.listDoor = door }) },
			func(v *Verifier) error {
				if v.keys.held.Load() == nil {
					if err := v.keys.renew(context.Background()); err != nil {
						return err
					}
				}
				v.keys.askedAt = v.config.Now() // nobody fetches for a key that is not there
				return v.list.renew(context.Background())
			}},
	} {
		for _, h := range document.hostiles {
			t.Run("JW-31_"+document.name+"/"+h.name, func(t *testing.T) {
				w := newWorld(t)
				door := h.door(w)
				token := w.token(1)

				fresh := w.still()
				document.open(w, door)
				if err := document.renew(fresh); err == nil {
					t.Error("it was taken as the first")
				}
				wantCheck(t, fresh, token, ErrUnavailable)

				document.open(w, nil)
				v := w.renewed()
				document.open(w, door)
				if h.name == "status_304_that_nobody_asked_for" {
					v.list.held.Store(v.list.held.Load().without304())
				}
				before := w.count(document.path)
				if err := document.renew(v); err == nil {
					t.Error("it was taken in place of a good one")
				}
				most := 1
				if h.name == "a_connection_that_breaks" {
					most = 2 // net/http tries a kept connection once more
				}
				if got := w.count(document.path) - before; got < 1 || got > most || w.count("/elsewhere") != 0 {
					t.Errorf("got %d requests, want %d at most and none elsewhere", got, most)
				}
				wantCheck(t, v, token, nil)
				wantCheck(t, v, w.token(places+9), ErrInvalidToken)
			})
		}
	}
}

// without304 is the list as it is when the server gave it no tag.
func (h *heldList) without304() *heldList {
	again := *h
	again.tag = ""
	return &again
}

func TestASlowServerIsGivenUp(t *testing.T) {
	for _, path := range []string{keysPath, listPath} {
		for name, written := range map[string]string{"JW-31_no_answer": "", "JW-31_a_body_without_end": "{"} {
			t.Run(name+path, func(t *testing.T) {
				w := newWorld(t)
				release := make(chan struct{})
				t.Cleanup(func() { close(release) })
				v := w.renewed()
				token := w.token(1)
				v.fetch.timeout = 100 * time.Millisecond
				stuck := func(out http.ResponseWriter, _ *http.Request) {
					if written != "" {
						out.Header().Set("Content-Type", jsonType)
						_, _ = out.Write([]byte(written))
						_ = http.NewResponseController(out).Flush()
					}
					<-release
				}
				w.set(func() { w.keysDoor, w.listDoor = stuck, stuck })
				var err error
				if path == keysPath {
					err = v.keys.renew(context.Background())
				} else {
					err = v.list.renew(context.Background())
				}
				if err == nil {
					t.Error("the slow answer was waited for")
				}
				wantCheck(t, v, token, nil)
			})
		}
	}
}

func TestABodyWithoutEndIsCutOff(t *testing.T) {
	for _, test := range []struct {
		name  string
		limit int64
		renew func(*Verifier) error
	}{
		{"key_set", jwt.MaxKeySetSize, func(v *Verifier) error { return v.keys.renew(context.Background()) }},
		{"status_list", jwt.MaxStatusListTokenSize, func(v *Verifier) error { return v.list.renew(context.Background()) }},
	} {
		t.Run("JW-31_"+test.name, func(t *testing.T) {
			w := newWorld(t)
			v := w.renewed()
			sent := make(chan int64, 1)
			endless := func(out http.ResponseWriter, _ *http.Request) {
				chunk, total := []byte(strings.Repeat(" ", 64<<10)), int64(0)
				for n, err := out.Write(chunk); err == nil; n, err = out.Write(chunk) {
					total += int64(n)
				}
				sent <- total
			}
			w.set(func() { w.keysDoor, w.listDoor = typed(jsonType, endless), typed(listType, endless) })
			if err := test.renew(v); err == nil || !strings.Contains(err.Error(), "the answer is longer than") {
				t.Errorf("got %v", err)
			}
			// What the server got rid of also fills the buffers in between.
			if got := <-sent; got > test.limit+16<<20 {
				t.Errorf("the server could send %d bytes, want some %d", got, test.limit)
			}
			wantCheck(t, v, w.token(1), nil)
		})
	}
}

func TestTheServerHasToProveItself(t *testing.T) {
	t.Run("JW-31_a_certificate_of_an_unknown_authority", func(t *testing.T) {
		w := newWorld(t)
		v := w.still(func(c *Config) { c.RootCAs = nil })
		if err := v.keys.renew(context.Background()); err == nil {
			t.Error("the keys of a server without a known certificate were taken")
		}
	})
	t.Run("JW-31_nothing_below_TLS_1.2_and_no_CBC", func(t *testing.T) {
		tlsConfig := newFetcher(Config{}, fetchTimeout).client.Transport.(*http.Transport).TLSClientConfig
		if tlsConfig.MinVersion != tls.VersionTLS12 || tlsConfig.InsecureSkipVerify {
			t.Errorf("got version %x, want 303", tlsConfig.MinVersion)
		}
		for _, suite := range tlsConfig.CipherSuites {
			if name := tls.CipherSuiteName(suite); !strings.Contains(name, "ECDHE") || !strings.Contains(name, "GCM") && !strings.Contains(name, "CHACHA20") {
				t.Errorf("%s is offered", name)
			}
		}
	})
	t.Run("JW-31_no_proxy_of_the_environment", func(t *testing.T) {
		t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
		if transport := newFetcher(Config{}, fetchTimeout).client.Transport.(*http.Transport); transport.Proxy != nil {
			t.Error("there is a proxy that nobody configured")
		}
	})
	t.Run("JW-31_the_whole_exchange_takes_5_seconds_at_most", func(t *testing.T) {
		v, err := New(Config{Issuer: "https://127.0.0.1:1", Audience: audience})
		must(t, err)
		defer v.Close()
		if v.fetch.timeout != 5*time.Second {
			t.Errorf("got %s", v.fetch.timeout)
		}
	})
}
