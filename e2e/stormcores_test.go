package e2e

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gatehouse/argon2id"
)

// stormCores is what server and clients share.
func stormCores() float64 { return float64(runtime.NumCPU()) }

// stormTook is how long a storm lasted, how many cores its clients took, and what
// part of all cores there was.
type stormTook struct {
	lasted       time.Duration
	cores, given float64
}

// bareRate is how many hashes all cores finish in a second, and what part of the
// cores there was meanwhile.
type bareRate struct{ perSecond, given float64 }

func (r bareRate) mean(other bareRate) bareRate {
	return bareRate{(r.perSecond + other.perSecond) / 2, (r.given + other.given) / 2}
}

// bareHashes measures hashes of the default price, with memory that is there
// already.
func bareHashes(b *testing.B) bareRate {
	b.Helper()
	const each = 72
	engine, err := argon2id.NewEngine(argon2id.Config{})
	must(b, err)
	round := func(hashes int) {
		var all sync.WaitGroup
		for range runtime.NumCPU() {
			all.Go(func() {
				for range hashes {
					if err := engine.VerifyAbsent(b.Context(), []byte(word)); err != nil {
						b.Error(err)
					}
				}
			})
		}
		all.Wait()
	}
	round(1)
	s := beginStretch()
	round(each)
	return bareRate{float64(each*runtime.NumCPU()) / time.Since(s.began).Seconds(), s.given()}
}

// stretch is a part of the benchmark on a machine whose host may give its cores to
// others.
type stretch struct {
	began  time.Time
	stolen time.Duration
}

func beginStretch() stretch { return stretch{time.Now(), stolenTime()} }

// given is the part of the time of all cores that the host gave to this machine.
func (s stretch) given() float64 {
	return 1 - (stolenTime()-s.stolen).Seconds()/time.Since(s.began).Seconds()/stormCores()
}

// stolenTime is what the host has kept from all cores so far while they had work;
// zero where the system does not say. It is the eighth number of the first line,
// in hundredths of a second.
func stolenTime() time.Duration {
	stat, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(stat), "\n")
	if numbers := strings.Fields(line); len(numbers) > 8 {
		hundredths, _ := strconv.ParseInt(numbers[8], 10, 64)
		return time.Duration(hundredths) * 10 * time.Millisecond
	}
	return 0
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
