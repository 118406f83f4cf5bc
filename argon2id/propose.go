package argon2id

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

const (
	proposalPasses = 3 // as DefaultParams
	proposalRounds = 3 // a guess, and twice better with what was measured
	proposalTries  = 3 // the best of them counts
	hashesPerCore  = 4 // for the rate of all cores
)

// Proposal is a price and what it comes to on the machine that measured it.
type Proposal struct {
	Params Params
	// Time is that of one hash on one core.
	Time time.Duration
	// PerSecond is how many hashes all cores finish together.
	PerSecond float64
}

// Propose measures this machine and returns the price of a hash that takes about
// the target on one core: three passes over as much memory as there is time for,
// RFC 9106 section 4, with more passes only where memory reaches the bound of
// what is accepted. It never goes below what Params.Check wants, so that Time may
// be above the target. It takes some ten times the target and all cores.
func Propose(ctx context.Context, target time.Duration) (Proposal, error) {
	params := DefaultParams()
	for range proposalRounds {
		took, err := measure(ctx, params)
		if err != nil {
			return Proposal{}, err
		}
		params = paramsFor(target, took, params)
	}
	return Measure(ctx, params)
}

// Measure returns what a price comes to on this machine.
func Measure(ctx context.Context, params Params) (Proposal, error) {
	took, err := measure(ctx, params)
	if err != nil {
		return Proposal{}, err
	}
	rate, err := measureTogether(ctx, params)
	return Proposal{Params: params, Time: took, PerSecond: rate}, err
}

// paramsFor returns the price for the target, when a hash of another price took
// so long.
func paramsFor(target, took time.Duration, measured Params) Params {
	const mebibyte = 1024 // in KiB
	least, most := uint64(12*mebibyte), uint64(maxMemoryKiB)
	work := uint64(float64(measured.work()) * float64(target) / float64(max(took, 1)))
	memory := min(max(work/proposalPasses/mebibyte*mebibyte, least), most)
	passes := uint64(proposalPasses)
	if memory == most {
		passes = min(max(work/memory, passes), maxPasses)
	}
	return Params{MemoryKiB: uint32(memory), Passes: uint32(passes), Lanes: 1}
}

func measure(ctx context.Context, params Params) (best time.Duration, err error) {
	engine, err := NewEngine(Config{Params: params})
	if err != nil {
		return 0, err
	}
	for range proposalTries {
		begin := time.Now()
		if err := engine.VerifyAbsent(ctx, []byte("the price of one login")); err != nil {
			return 0, fmt.Errorf("argon2id: measure %s: %w", params, err)
		}
		if took := time.Since(begin); best == 0 || took < best {
			best = took
		}
	}
	return best, nil
}

func measureTogether(ctx context.Context, params Params) (perSecond float64, err error) {
	cores := runtime.GOMAXPROCS(0)
	engine, err := NewEngine(Config{Params: params, MemoryBudgetKiB: uint64(cores) * uint64(params.MemoryKiB), MaxWait: time.Minute})
	if err != nil {
		return 0, err
	}
	failures := make([]error, cores)
	var group sync.WaitGroup
	begin := time.Now()
	for core := range cores {
		group.Go(func() {
			for range hashesPerCore {
				if err := engine.VerifyAbsent(ctx, []byte("the price of one login")); err != nil {
					failures[core] = fmt.Errorf("argon2id: measure %s on all cores: %w", params, err)
				}
			}
		})
	}
	group.Wait()
	for _, err := range failures {
		if err != nil {
			return 0, err
		}
	}
	return float64(cores*hashesPerCore) / time.Since(begin).Seconds(), nil
}
