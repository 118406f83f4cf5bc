package e2e

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// timesSay is what EN-02 asks for: alike is what happens by chance in more than one
// case of a hundred and is closer than anybody could use. Noise is chance that a
// longer run, or a quieter machine, would make less of.
func timesSay(p float64, more, median time.Duration) string {
	more = max(more, -more)
	switch {
	case p <= 0.01:
		return "**apart**"
	case more >= 5*time.Millisecond || more*50 >= median:
		return "noise"
	}
	return "alike"
}

func writeTableHead(to io.Writer) {
	_, _ = io.WriteString(to, "| surface | asked for | compared with | samples | median | difference | | p | time | bytes |\n"+
		"|---|---|---|---|---|---|---|---|---|---|\n")
}

func writeTableFoot(to io.Writer) {
	_, _ = fmt.Fprintf(to, `
Requests of a row and of what it is compared with went over one connection in random order, to a server with SQLite and hashes of %s, on %d cores. The difference is that of the
medians; p is that of the rank-sum test of Mann and Whitney, in both directions. *Alike* is p > 0.01 with medians less than 2 %% and 5 ms apart, *noise* is p > 0.01 with medians
further apart. Bytes are status, headers and body, without Date, the id of the request and the seconds to wait.
`, cheapHash, runtime.NumCPU())
}

// writeTableRows writes a row for every class but the first, beside the first.
func writeTableRows(to io.Writer, name string, seen []measured) {
	first := seen[0]
	base := median(first.took)
	for _, m := range seen[1:] {
		more, rank := median(m.took)-base, compareRanks(m.took, first.took)
		timed, bytes := timesSay(rank.p, more, base), "**differ**"
		if m.apart != "" && timed != "alike" {
			timed = m.apart
		}
		if m.sameAnswers(first) {
			bytes = "equal"
		} else if m.apart != "" {
			bytes = fmt.Sprintf("%s and %s: %s", m.status, first.status, m.apart)
		}
		_, _ = fmt.Fprintf(to, "| %s | %s | %s | %d + %d | %.3f ms | %+.3f ms | %+.1f %% | %.2g | %s | %s |\n", name, m.name, first.name,
			len(m.took), len(first.took), micros(base)/1e3, micros(more)/1e3, 100*float64(more)/float64(base), rank.p, timed, bytes)
	}
}

func TestTheTableSaysWhatIsApart(t *testing.T) {
	const ms = time.Millisecond
	of := func(c class, base time.Duration, answer string) measured {
		m := measured{class: c, answers: map[string]int{answer: 40}}
		for i := range 40 {
			m.took = append(m.took, base+time.Duration(i*7%40)*ms/100)
		}
		return m
	}
	seen := []measured{
		of(class{name: "unknown", status: "401"}, 10*ms, "a"),
		of(class{name: "active", status: "401"}, 10*ms, "a"),
		of(class{name: "slow", status: "401"}, 11*ms, "a"),
		of(class{name: "other", status: "403"}, 10*ms, "b"),
		of(class{name: "known", status: "409", apart: "by design"}, 20*ms, "b"),
	}
	var got strings.Builder
	writeTableRows(&got, "login", seen)
	want := `| login | active | unknown | 40 + 40 | 10.200 ms | +0.000 ms | +0.0 % | 1 | alike | equal |
| login | slow | unknown | 40 + 40 | 10.200 ms | +1.000 ms | +9.8 % | 1.4e-14 | **apart** | equal |
| login | other | unknown | 40 + 40 | 10.200 ms | +0.000 ms | +0.0 % | 1 | alike | **differ** |
| login | known | unknown | 40 + 40 | 10.200 ms | +10.000 ms | +98.0 % | 1.4e-14 | by design | 409 and 401: by design |
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", &got, want)
	}
}
