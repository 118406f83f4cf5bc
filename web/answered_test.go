package web

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestWhatIsToldOfARequest asks for something and looks at what is told of it:
// once for each request, and nothing that was sent.
func TestWhatIsToldOfARequest(t *testing.T) {
	var (
		mu   sync.Mutex
		told []Answered
	)
	s := open(t, func(cfg *Config) {
		cfg.Answered = func(a Answered) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, a)
		}
	})
	for _, tt := range []struct {
		name         string
		method, path string
		unreadable   int
		want         Answered
	}{
		{"a_page", "GET", "/login", 0, Answered{Method: "GET", Route: "/login", Status: 200}},
		{"a_refusal", "GET", "/v1/me", 0, Answered{Method: "GET", Route: "/v1/me", Status: 401, Code: "invalid-token"}},
		{"LG-06_a_parameter", "DELETE", "/v1/sessions/MARKER", 0, Answered{Method: "DELETE", Route: "/v1/sessions/{id}", Status: 401, Code: "invalid-token"}},
		{"LG-06_a_path_that_is_not_there", "GET", "/MARKER?MARKER", 0, Answered{Method: "GET", Status: 404, Code: "not-found"}},
		{"a_method_that_the_route_does_not_have", "PUT", "/login", 0, Answered{Method: "other", Route: "/login", Status: 405, Code: "method-not-allowed"}},
		{"LG-06_a_method_that_nobody_knows", "MARKER", "/MARKER", 0, Answered{Method: "other", Status: 404, Code: "not-found"}},
		{"what_nobody_could_read", "", "", 431, Answered{Method: "other", Status: 431, Code: "bad-request"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told = nil
			r := httptest.NewRequest(http.MethodGet, "https://"+s.host+tt.path, nil)
			r.Method = tt.method
			if tt.unreadable != 0 {
				r = r.WithContext(WithUnreadable(r.Context(), tt.unreadable))
			}
			w := httptest.NewRecorder()
			s.door.ServeHTTP(w, r)
			if diff := cmp.Diff([]Answered{tt.want}, told, cmpopts.IgnoreFields(Answered{}, "Took")); diff != "" || w.Code != tt.want.Status {
				t.Errorf("answered %d (-want +told):\n%s", w.Code, diff)
			}
			if len(told) == 1 && told[0].Took <= 0 {
				t.Errorf("it took %v", told[0].Took)
			}
		})
	}
}
