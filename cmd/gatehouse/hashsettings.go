package main

import (
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"

	"gatehouse/argon2id"
)

// memoryUnits are those in which --hash-memory may be written, in KiB.
func memoryUnits() map[string]uint64 {
	return map[string]uint64{"KiB": 1, "MiB": 1 << 10, "GiB": 1 << 20}
}

// parseHash checks the price of a hash and the memory of all of them together.
func parseHash(cfg *config, values map[string]setting) error {
	params := values["hash-params"]
	cfg.hashParams = argon2id.DefaultParams()
	if params.text != "" {
		var err error
		if cfg.hashParams, err = argon2id.ParseParams(params.text); err != nil {
			return params.wrong("%s", strings.TrimPrefix(err.Error(), "argon2id: "))
		}
	}
	memory := values["hash-memory"]
	if memory.text == "" {
		return nil
	}
	kib, ok := parseMemory(memory.text)
	if !ok {
		return memory.wrong("%q is no size; write it as in 256MiB", memory.text)
	}
	if kib < uint64(cfg.hashParams.MemoryKiB) {
		return memory.wrong("%s holds no hash; one takes %s", sizeOf(kib), sizeOf(uint64(cfg.hashParams.MemoryKiB)))
	}
	cfg.hashMemoryKiB = kib
	return nil
}

// parseMemory reads a whole number with its unit, and returns KiB.
func parseMemory(text string) (kib uint64, ok bool) {
	for unit, size := range memoryUnits() {
		digits, found := strings.CutSuffix(text, unit)
		if !found {
			continue
		}
		number, err := strconv.ParseUint(digits, 10, 64)
		// Above what an int64 of octets holds there is no memory.
		return number * size, err == nil && number > 0 && number <= math.MaxInt64>>10/size
	}
	return 0, false
}

// sizeOf writes KiB in the largest unit that needs no fraction.
func sizeOf(kib uint64) string {
	for _, unit := range []string{"GiB", "MiB"} {
		if size := memoryUnits()[unit]; kib >= size && kib%size == 0 {
			return fmt.Sprintf("%d%s", kib/size, unit)
		}
	}
	return fmt.Sprintf("%dKiB", kib)
}

// hashMemory returns the memory of all hashes at once in KiB: what is set, or one
// new hash for each core and at least 256 MiB, so that every stored hash that is
// accepted can be checked; but no more than a quarter of what the machine or its
// container has, which is for others too.
func (c config) hashMemory(availableKiB uint64) uint64 {
	if c.hashMemoryKiB != 0 {
		return c.hashMemoryKiB
	}
	one := uint64(c.hashParams.MemoryKiB)
	suits := max(largestHashKiB, one*uint64(runtime.GOMAXPROCS(0)))
	if availableKiB != 0 {
		suits = min(suits, availableKiB/4)
	}
	return max(suits, one)
}
