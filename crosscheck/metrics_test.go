package crosscheck

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// serving builds the command, runs it and returns where its figures are, and
// where people log in.
func serving(t *testing.T) (metrics, url string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "gatehouse")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/gatehouse")
	build.Dir = ".."
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	serve := exec.CommandContext(t.Context(), binary, "serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
		"--data", filepath.Join(t.TempDir(), "data"), "--smtp", "mailbox")
	serve.Cancel = func() error { return serve.Process.Signal(os.Interrupt) }
	greeting, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = serve.Wait() })
	for lines := bufio.NewScanner(greeting); lines.Scan(); {
		switch words := strings.Fields(lines.Text()); {
		case strings.HasPrefix(lines.Text(), "Gatehouse is ready at "):
			url = words[len(words)-1]
		case len(words) == 2 && words[0] == "metrics":
			return words[1], url
		}
	}
	t.Fatal("the greeting names no metrics")
	return "", ""
}

func read(t *testing.T, url string) (text []byte, header http.Header) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err = io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %d, %v", url, answer.StatusCode, err)
	}
	return text, answer.Header
}

// The parser and the linter are those of Prometheus itself.
func TestPrometheusReadsOurFigures(t *testing.T) {
	metrics, url := serving(t)
	// Who vouches for the certificate is not the question here.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	for _, path := range []string{"/healthz", "/login", "/nothing"} {
		answer, err := client.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
	}
	text, header := read(t, metrics)
	t.Run("format", func(t *testing.T) {
		if got, want := expfmt.ResponseFormat(header).FormatType(), expfmt.TypeTextPlain; got != want {
			t.Errorf("%s is read as %v", header.Get("Content-Type"), got)
		}
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"gatehouse_http_request_duration_seconds", "gatehouse_events_total", "go_gc_duration_seconds", "process_start_time_seconds"} {
			if families[name] == nil {
				t.Errorf("%s is not there", name)
			}
		}
		histogram := families["gatehouse_http_request_duration_seconds"]
		for _, m := range histogram.GetMetric() {
			buckets := m.GetHistogram().GetBucket()
			if last := buckets[len(buckets)-1]; m.GetHistogram().GetSampleCount() != 1 || last.GetCumulativeCount() != 1 {
				t.Errorf("one request is counted as %v", m)
			}
		}
		if got := len(histogram.GetMetric()); got != 3 {
			t.Errorf("3 places were asked for, and %d have a histogram", got)
		}
	})
	t.Run("names", func(t *testing.T) {
		problems, err := promlint.New(bytes.NewReader(text)).Lint()
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range problems {
			t.Errorf("%s: %s", problem.Metric, problem.Text)
		}
	})
}
