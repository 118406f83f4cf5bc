package e2e

import (
	"math"
	"slices"
	"testing"
	"time"
)

// rankSum is the test of Mann and Whitney for two groups of times.
type rankSum struct {
	u float64 // how many pairs have the larger one in the first group; a tie is half a pair
	p float64 // probability of groups as far apart or farther where both are alike, in either direction
}

// compareRanks makes no assumption about the shape of what it is given, so that a
// few slow answers decide nothing. The normal approximation with the correction
// for ties and for continuity is exact enough from 20 of each up.
func compareRanks(first, second []time.Duration) rankSum {
	n, m := float64(len(first)), float64(len(second))
	u, ties := countPairs(first, second)
	spread := math.Sqrt(variance(n, m, ties))
	if spread == 0 {
		return rankSum{u: u, p: 1} // everything is equal
	}
	away := max(math.Abs(u-n*m/2)-0.5, 0)
	return rankSum{u: u, p: math.Erfc(away / spread / math.Sqrt2)}
}

// countPairs returns the statistic, and the sum of t³-t over all groups of t equal
// values.
func countPairs(first, second []time.Duration) (u, ties float64) {
	type value struct {
		of    time.Duration
		first bool
	}
	all := make([]value, 0, len(first)+len(second))
	for _, t := range first {
		all = append(all, value{t, true})
	}
	for _, t := range second {
		all = append(all, value{t, false})
	}
	slices.SortFunc(all, func(a, b value) int { return int(a.of - b.of) })
	ranks := 0.0
	for i := 0; i < len(all); {
		end, ours := i, 0
		for ; end < len(all) && all[end].of == all[i].of; end++ {
			if all[end].first {
				ours++
			}
		}
		same := float64(end - i)
		ranks += float64(ours) * float64(i+1+end) / 2 // equal values share the mean of their ranks
		ties += same*same*same - same
		i = end
	}
	n := float64(len(first))
	return ranks - n*(n+1)/2, ties
}

func variance(n, m, ties float64) float64 {
	all := n + m
	return n * m / 12 * (all + 1 - ties/(all*(all-1)))
}

func nanoseconds(values ...int) []time.Duration {
	times := make([]time.Duration, len(values))
	for i, v := range values {
		times[i] = time.Duration(v)
	}
	return times
}

func TestRankSumsAreThoseOfOthers(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second []time.Duration
		u, p          float64
	}{
		// The example in the documentation of scipy.stats.mannwhitneyu, asymptotic.
		{"scipy", nanoseconds(19, 22, 16, 29, 24), nanoseconds(20, 11, 17, 12), 17, 0.11134688653314041},
		// The example of Hollander and Wolfe in the documentation of R's wilcox.test,
		// in hundredths; there without correction for continuity, and one-sided.
		{"R", nanoseconds(80, 83, 189, 104, 145, 138, 191, 164, 73, 146), nanoseconds(115, 88, 90, 74, 121), 35, 0.24462},
		{"the_other_way_round", nanoseconds(115, 88, 90, 74, 121), nanoseconds(80, 83, 189, 104, 145, 138, 191, 164, 73, 146), 15, 0.24462},
		{"all_equal", nanoseconds(7, 7, 7), nanoseconds(7, 7), 3, 1},
		{"alike", nanoseconds(1, 2, 3, 4), nanoseconds(1, 2, 3, 4), 8, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := compareRanks(c.first, c.second); got.u != c.u || math.Abs(got.p-c.p) > 1e-5 {
				t.Errorf("got U=%g p=%.6f, want U=%g p=%.6f", got.u, got.p, c.u, c.p)
			}
		})
	}
}

// TestTheSpreadOfRankSumsIsThatOfAllOrders deals eight values with ties into two
// groups in every possible way.
func TestTheSpreadOfRankSumsIsThatOfAllOrders(t *testing.T) {
	values := nanoseconds(1, 2, 2, 2, 3, 4, 4, 9)
	const n = 3
	var sum, squares, deals, ties float64
	for chosen := range 1 << len(values) {
		var first, second []time.Duration
		for i, v := range values {
			if chosen>>i&1 == 1 {
				first = append(first, v)
			} else {
				second = append(second, v)
			}
		}
		if len(first) != n {
			continue
		}
		u, tied := countPairs(first, second)
		sum, squares, deals, ties = sum+u, squares+u*u, deals+1, tied
	}
	m := float64(len(values) - n)
	if mean := sum / deals; mean != n*m/2 {
		t.Errorf("the mean is %g, want %g", mean, n*m/2)
	}
	got, want := variance(n, m, ties), squares/deals-(sum/deals)*(sum/deals)
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("the variance is %g, want %g", got, want)
	}
}

// TestRankSumsSeeAPercentInNoise holds the instrument to what it is for: 500
// answers each, of which some are much too slow.
func TestRankSumsSeeAPercentInNoise(t *testing.T) {
	group := func(base time.Duration, turn int) []time.Duration {
		times := make([]time.Duration, 500)
		for i := range times {
			times[i] = base + time.Duration(i*turn%500)*time.Microsecond/5
			if i%25 == 0 {
				times[i] *= 9
			}
		}
		return times
	}
	usual := group(8*time.Millisecond, 7)
	if got := compareRanks(group(8*time.Millisecond, 11), usual); got.p < 0.5 {
		t.Errorf("p=%g for groups that are alike", got.p)
	}
	if got := compareRanks(group(8080*time.Microsecond, 11), usual); got.p > 1e-6 {
		t.Errorf("p=%g for a hundredth more", got.p)
	}
}
