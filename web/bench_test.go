package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkMe compares GET /v1/me with a bare handler behind the same TLS that
// sends the same body: the goal is half its rate or more.
func BenchmarkMe(b *testing.B) {
	s := open(b)
	s.register("ana")
	ana := s.login("ana")
	body := []byte(s.ask("GET", "/v1/me", "", bearing(ana.access)).body)
	bare := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}))
	defer bare.Close()
	measure := func(b *testing.B, client *http.Client, url string) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				req, err := http.NewRequest("GET", url, nil)
				if err != nil {
					b.Error(err)
					return
				}
				req.Header.Set("Authorization", "Bearer "+ana.access)
				res, err := client.Do(req)
				if err != nil || res.StatusCode != 200 {
					b.Error(res, err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
		})
	}
	b.Run("bare", func(b *testing.B) { measure(b, bare.Client(), bare.URL) })
	b.Run("me", func(b *testing.B) { measure(b, s.srv.Client(), s.url+"/v1/me") })
}
