package main

import (
	"context"
	"fmt"
	"time"

	"gatehouse/argon2id"
)

// largestHashKiB is what the dearest stored hash that is accepted needs.
const largestHashKiB = 256 << 10

// Targets below are a matter of milliseconds anyway; above, nobody waits.
const leastHashTarget, mostHashTarget = 10 * time.Millisecond, 5 * time.Second

// lookAtHash pays for one hash, as every login does, and says how many fit.
func lookAtHash(ctx context.Context, cfg config) []finding {
	params := cfg.hashParams
	engine, err := argon2id.NewEngine(argon2id.Config{Params: params})
	if err != nil {
		return []finding{fail("hash", "%v", err)}
	}
	begin := time.Now()
	if _, err := engine.Hash(ctx, []byte("the price of one login")); err != nil {
		return []finding{fail("hash", "%v", err)}
	}
	took := time.Since(begin)
	text := fmt.Sprintf("one login costs %d ms and %d MiB (Argon2id, %s)", took.Milliseconds(), params.MemoryKiB/1024, params)
	if took > 2*time.Second {
		return []finding{warn("hash", "%s; this machine is slow for a login server", text), lookAtHashMemory(cfg, machineMemoryKiB())}
	}
	return []finding{fine("hash", "%s", text), lookAtHashMemory(cfg, machineMemoryKiB())}
}

// lookAtHashMemory holds the memory of all hashes beside what there is.
func lookAtHashMemory(cfg config, availableKiB uint64) finding {
	budget := cfg.hashMemory(availableKiB)
	text := fmt.Sprintf("all hashes at once take at most %s", sizeOf(budget))
	switch {
	case availableKiB != 0 && budget > availableKiB/2:
		return warn("hash memory", "%s, of the %d MiB that there are; lower --hash-memory or --hash-params", text, availableKiB/1024)
	case budget < largestHashKiB:
		return warn("hash memory", "%s; a stored hash that needs more, up to %s, is refused", text, sizeOf(largestHashKiB))
	}
	return fine("hash memory", "%s", text)
}

// proposeHash says what the price of a hash comes to on this machine, and which
// price takes about the target.
func proposeHash(ctx context.Context, cfg config, target time.Duration) []finding {
	engine, err := argon2id.NewEngine(argon2id.Config{Params: cfg.hashParams})
	if err != nil {
		return []finding{fail("hash", "%v", err)}
	}
	found := []finding{fine("hash", "computed with %s instructions", engine.Kernel())}
	usual, err := argon2id.Measure(ctx, engine.Params())
	if err != nil {
		return append(found, fail("hash", "%v", err))
	}
	kind := "the default"
	if usual.Params != argon2id.DefaultParams() {
		kind = "what is set"
	}
	found = append(found, fine("hash", "%s is %s: %s", usual.Params, kind, costOf(usual)))
	proposal, err := argon2id.Propose(ctx, target)
	if err != nil {
		return append(found, fail("hash", "%v", err))
	}
	text := fmt.Sprintf("%s is for %d ms: %s", proposal.Params, target.Milliseconds(), costOf(proposal))
	if proposal.Params != usual.Params {
		text += "; to set it: --hash-params " + proposal.Params.String()
	}
	if proposal.Time > target*5/4 {
		return append(found, warn("hash", "%s; measure again when the machine is quiet, and if it says the same, nothing cheaper is safe", text))
	}
	return append(found, fine("hash", "%s", text))
}

func costOf(p argon2id.Proposal) string {
	return fmt.Sprintf("one login costs %d ms and %d MiB, and all cores together finish %.1f logins a second",
		p.Time.Milliseconds(), p.Params.MemoryKiB/1024, p.PerSecond)
}
