package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestAPanicInEachHandler(t *testing.T) {
	s := openEverything(t)
	s.register("ana")
	rows := s.door.rows()
	for _, row := range rows {
		// Whoever comes in, and whatever is brought, the handler is reached.
		row.who, row.takes, row.again = anyone, body{}, nil
		row.do = func(*exchange) error { panic("MARKER-panic of " + row.path) }
		s.door.routes.paths[row.path][row.method] = row
	}
	// For the end, to see that the process goes on.
	s.withRoute(route{method: http.MethodGet, path: "/v1/alive", who: anyone, do: func(x *exchange) error { x.w.WriteHeader(http.StatusNoContent); return nil }})
	for _, row := range rows {
		path := strings.NewReplacer("{id}", "x", "{code}", "x", "{file}", "x").Replace(row.path)
		t.Run("AI-25_"+row.method+"_"+row.path, func(t *testing.T) {
			got := s.ask(row.method, path, "")
			if got.status != http.StatusInternalServerError || strings.Contains(got.body, "MARKER") {
				t.Errorf("got %d %q, want 500 without the value", got.status, got.body)
			}
			if got.header.Get("X-Request-Id") == "" {
				t.Error("the answer has no request id")
			}
		})
	}
	t.Run("AI-25_LG-06_nothing_of_the_value_is_logged_and_the_process_lives", func(t *testing.T) {
		if strings.Contains(s.logs.String(), "MARKER") || strings.Count(s.logs.String(), `"msg":"panic"`) < len(rows) {
			t.Error("the log holds the value, or not every panic")
		}
		if got := s.ask(http.MethodGet, "/v1/alive", ""); got.status != http.StatusNoContent {
			t.Errorf("afterwards: %d", got.status)
		}
	})
}
