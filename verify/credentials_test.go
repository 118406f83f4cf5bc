package verify

import (
	"net/http"
	"sync"
	"testing"
)

// What is fetched is public, so nothing is sent that could stand for the service
// or for one of its users.
func TestFetchesCarryNoCredential(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	var asked []*http.Request
	inner := w.server.Config.Handler
	w.server.Config.Handler = http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		mu.Lock()
		asked = append(asked, in.Clone(in.Context()))
		mu.Unlock()
		inner.ServeHTTP(out, in)
	})
	v := w.renewed()
	wantCheck(t, v, w.token(1), nil)
	mu.Lock()
	defer mu.Unlock()
	t.Run("AD-17_neither_of_the_service_nor_of_the_user", func(t *testing.T) {
		if len(asked) < 2 {
			t.Fatalf("%d requests were seen, want keys and list", len(asked))
		}
		for _, in := range asked {
			if in.Header.Get("Authorization") != "" || in.Header.Get("Cookie") != "" || in.URL.RawQuery != "" || in.Method != http.MethodGet || in.ContentLength > 0 {
				t.Errorf("%s %s was sent with %v", in.Method, in.URL, in.Header)
			}
		}
	})
}
