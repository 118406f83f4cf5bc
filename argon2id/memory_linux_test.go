package argon2id

import (
	"bytes"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// A kernel that reads or writes one byte too many ends the test program here.
func TestKernelsStayWithinTheirMemory(t *testing.T) {
	page := os.Getpagesize()
	eachKernel(t, func(t *testing.T, k kernel) {
		for _, price := range []Params{{8, 3, 1}, {12, 2, 1}, {64, 3, 8}, {600, 3, 1}, {1200, 2, 2}} {
			size := int(price.MemoryKiB) * blockBytes
			whole, err := unix.Mmap(-1, 0, size+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
			if err != nil {
				t.Fatal(err)
			}
			for _, guard := range [][]byte{whole[:page], whole[page+size:]} {
				if err := unix.Mprotect(guard, unix.PROT_NONE); err != nil {
					t.Fatal(err)
				}
			}
			w := &worker{kernel: k, memory: whole[page : page+size]}
			in := input{password: []byte("correct horse battery"), salt: []byte("sixteen bytes!!!")}
			got := make([]byte, 32)
			for range 8 {
				in.salt = append(in.salt, 'x') // other reference blocks
				w.derive(got, in, price, 1)
			}
			if want := bare(in, price, 32); !bytes.Equal(got, want) {
				t.Errorf("%s: got %x, want %x", price, got, want)
			}
			if err := unix.Munmap(whole); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// residentMiB returns what the process has in memory.
func residentMiB(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize() >> 20
}

func TestPW20IdleMemoryGoesBackToTheSystem(t *testing.T) {
	// What earlier tests left idle is gone by then, and does not go meanwhile.
	time.Sleep(keepFor + time.Second)
	debug.FreeOSMemory()
	synctest.Test(t, func(t *testing.T) {
		before := residentMiB(t)
		engine := newTestEngine(t, Config{Params: Params{MemoryKiB: 128 * 1024, Passes: 1, Lanes: 1}})
		mustHash(t, engine, "fifteen-chars!!")
		if used := residentMiB(t) - before; used < 100 {
			t.Errorf("a hash of 128 MiB takes %d MiB", used)
		}
		time.Sleep(keepFor + time.Second)
		synctest.Wait()
		if left := residentMiB(t) - before; left > 64 {
			t.Errorf("%d MiB stay", left)
		}
	})
}
