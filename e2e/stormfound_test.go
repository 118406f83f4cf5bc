package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// stormFound is what came out of a storm.
type stormFound struct {
	stormTook
	clients  int
	bare     bareRate
	budget   float64 // MiB
	statuses map[string]int
	perEach  []int                      // logins by client; the first is the flooder
	refused  []time.Duration            // how long a 503 took that came at once
	inVain   int                        // 503 after a wait
	probes   map[string][]time.Duration // by path
	second   []stormSecond
	peak     float64
}

// stormSecond is one second of it.
type stormSecond struct {
	logins, flooder, refused int
	probes                   map[string][]time.Duration
	resident                 float64
}

func (s *storm) find(took stormTook, bare bareRate) *stormFound {
	f := &stormFound{
		stormTook: took, clients: s.clients, bare: bare, budget: stormBudgetMiB,
		statuses: map[string]int{}, perEach: make([]int, s.clients), probes: map[string][]time.Duration{},
		second: make([]stormSecond, int(took.lasted.Seconds())),
	}
	for i := range f.second {
		f.second[i].probes = map[string][]time.Duration{}
	}
	for _, a := range s.logins {
		f.login(a)
	}
	for path, all := range s.probes {
		for _, a := range all {
			f.probes[path] = append(f.probes[path], a.took)
			if second := f.at(a.at); second != nil {
				second.probes[path] = append(second.probes[path], a.took)
			}
		}
	}
	for _, r := range s.resident {
		f.peak = max(f.peak, r.MiB)
		if second := f.at(r.at); second != nil {
			second.resident = max(second.resident, r.MiB)
		}
	}
	return f
}

// at returns nil after the end: what was on its way then is answered, not counted.
func (f *stormFound) at(when time.Duration) *stormSecond {
	if i := int(when / time.Second); i < len(f.second) {
		return &f.second[i]
	}
	return nil
}

func (f *stormFound) login(a answered) {
	f.statuses[a.status]++
	second := f.at(a.at)
	if a.status == "503" && a.took < time.Second {
		f.refused = append(f.refused, a.took)
	} else if a.status == "503" {
		f.inVain++
	}
	if second == nil {
		return
	}
	switch {
	case a.status == "503":
		second.refused++
	case a.status == "200":
		second.logins++
		f.perEach[a.client]++
		if a.client == 0 {
			second.flooder++
		}
	}
}

// logins is how many were logged in before the end.
func (f *stormFound) logins() (sum int) {
	for _, n := range f.perEach {
		sum += n
	}
	return sum
}

// rate is the part of the rate of bare hashes.
func (f *stormFound) rate() float64 {
	return float64(f.logins()) / f.lasted.Seconds() / f.bare.perSecond
}

// fairRate is rate, where each counts by the cores that there were meanwhile.
func (f *stormFound) fairRate() float64 { return f.rate() / f.given * f.bare.given }

// percentile is the time that so many of a thousand took at most.
func percentile(times []time.Duration, permille int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	return sorted[min(len(sorted)*permille/1000, len(sorted)-1)]
}

func (f *stormFound) report(b *testing.B) {
	b.Helper()
	for status, n := range f.statuses {
		if !slices.Contains([]string{"200", "401", "429", "503"}, status) {
			b.Errorf("%d answers of %s", n, status)
		}
		b.ReportMetric(float64(n), "answers-"+status)
	}
	millis := func(d time.Duration) float64 { return micros(d) / 1e3 }
	b.ReportMetric(f.rate(), "rate")
	b.ReportMetric(f.rate()*stormCores()/(stormCores()-f.cores), "rate-of-cores-left")
	b.ReportMetric(f.fairRate(), "rate-of-cores-given")
	b.ReportMetric(f.given, "given")
	b.ReportMetric(f.bare.given, "bare-given")
	b.ReportMetric(f.bare.perSecond, "bare-per-s")
	b.ReportMetric(f.cores, "client-cores")
	b.ReportMetric(f.peak, "peak-MiB")
	b.ReportMetric(millis(percentile(f.probes["/v1/me"], 990)), "me-p99-ms")
	b.ReportMetric(millis(percentile(f.probes["/healthz"], 990)), "healthz-p99-ms")
	b.ReportMetric(float64(f.inVain), "waited-in-vain")
	b.ReportMetric(millis(percentile(f.refused, 500)), "refused-p50-ms")
	b.ReportMetric(millis(percentile(f.refused, 990)), "refused-p99-ms")
	others := slices.Sorted(slices.Values(f.perEach[1:]))
	b.ReportMetric(float64(f.perEach[0]), "flooder-logins")
	b.ReportMetric(float64(f.logins()-f.perEach[0])/float64(len(others)), "mean-logins-of-others")
	b.ReportMetric(float64(others[len(others)/20]), "p5-logins-of-others")
	b.ReportMetric(0, "ns/op")
	b.Log(f.summary())
}

func (f *stormFound) summary() string {
	return fmt.Sprintf("%d clients, %v: %d logins, %.2f of %.1f bare hashes a second; %d refused; the flooder %d, the others %d",
		f.clients, f.lasted, f.logins(), f.rate(), f.bare.perSecond, f.statuses["503"], f.perEach[0], f.logins()-f.perEach[0])
}
