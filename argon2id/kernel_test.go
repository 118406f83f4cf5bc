package argon2id

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"golang.org/x/crypto/argon2"
	"pgregory.net/rapid"
)

// bare is golang.org/x/crypto/argon2, which shares no line with ours.
func bare(in input, price Params, tagLength int) []byte {
	return argon2.IDKey(in.password, in.salt, price.Passes, price.MemoryKiB, price.Lanes, uint32(tagLength))
}

// dearest is how much one hash of these tests may cost, in KiB times passes. Where
// the race detector watches each word of the kernel that is written in Go, that
// one computes less: scripts/test has it compute everything without.
func dearest(k kernel) uint32 {
	if raceDetector && k == portable {
		return 600
	}
	return 3200
}

func TestKernelsAgreeWithXCryptoAtTheCorners(t *testing.T) {
	in := input{password: []byte("correct horse battery"), salt: []byte("sixteen bytes!!!")}
	eachKernel(t, func(t *testing.T, k kernel) {
		for _, lanes := range []uint8{1, 2, 3, 5, 16} {
			least := 8 * uint32(lanes)
			for _, memoryKiB := range []uint32{least, least + 1, least + 4*uint32(lanes) - 1, 12 * uint32(lanes), 127 * uint32(lanes),
				511 * uint32(lanes), 512 * uint32(lanes), 515 * uint32(lanes), 1029 * uint32(lanes)} {
				for _, passes := range []uint32{1, 2, 3, 10} {
					price := Params{MemoryKiB: memoryKiB, Passes: passes, Lanes: lanes}
					if memoryKiB*passes > dearest(k) {
						continue
					}
					got := make([]byte, 32)
					dirtyWorker(k, memoryKiB).derive(got, in, price, 1)
					if want := bare(in, price, 32); !bytes.Equal(got, want) {
						t.Errorf("%s: got %x, want %x", price, got, want)
					}
				}
			}
		}
	})
}

func TestKernelsAgreeWithXCryptoAtEveryLength(t *testing.T) {
	price := Params{MemoryKiB: 8, Passes: 1, Lanes: 1}
	eachKernel(t, func(t *testing.T, k kernel) {
		w := dirtyWorker(k, price.MemoryKiB)
		check := func(in input, tagLength int) {
			t.Helper()
			got := make([]byte, tagLength)
			w.derive(got, in, price, 1)
			if want := bare(in, price, tagLength); !bytes.Equal(got, want) {
				t.Errorf("password of %d bytes, salt of %d, tag of %d: got %x, want %x", len(in.password), len(in.salt), tagLength, got, want)
			}
		}
		salt := bytes.Repeat([]byte("salt"), 16)
		for length := 4; length <= 1024; length++ {
			if length > 130 && length%61 > 1 && length < 1020 {
				continue
			}
			check(input{password: []byte("pw"), salt: salt[:16]}, length)
		}
		for length := 8; length <= 64; length++ {
			check(input{password: []byte("pw"), salt: salt[:length]}, 32)
		}
		password := bytes.Repeat([]byte("0123456789abcde"), 69)
		for _, length := range []int{0, 1, 55, 63, 64, 65, 100, 127, 128, 129, 255, 256, 1023, 1024} {
			check(input{password: password[:length], salt: salt[:16]}, 32)
		}
	})
}

func TestKernelsAgreeWithXCryptoAtRandom(t *testing.T) {
	eachKernel(t, func(t *testing.T, k kernel) {
		rapid.Check(t, func(t *rapid.T) {
			lanes := rapid.Uint8Range(1, 16).Draw(t, "p")
			price := Params{
				MemoryKiB: rapid.Uint32Range(8*uint32(lanes), 8*uint32(lanes)+dearest(k)/4).Draw(t, "m"),
				Passes:    rapid.Uint32Range(1, 10).Draw(t, "t"), Lanes: lanes,
			}
			in := input{
				password: rapid.SliceOfN(rapid.Byte(), 0, 1024).Draw(t, "password"),
				salt:     rapid.SliceOfN(rapid.Byte(), 8, 64).Draw(t, "salt"),
			}
			got := make([]byte, rapid.IntRange(16, 64).Draw(t, "tag"))
			// More memory than is needed, as when a cheap hash is checked.
			w := dirtyWorker(k, price.MemoryKiB+rapid.Uint32Range(0, 9).Draw(t, "more"))
			w.derive(got, in, price, rapid.IntRange(1, 4).Draw(t, "cores"))
			if want := bare(in, price, len(got)); !bytes.Equal(got, want) {
				t.Fatalf("got %x, want %x", got, want)
			}
		})
	})
}

func FuzzDerive(f *testing.F) {
	f.Add([]byte("password"), []byte("somesalt"), uint16(64), uint8(3), uint8(1), uint8(32))
	f.Add([]byte(""), bytes.Repeat([]byte{0xff}, 64), uint16(255), uint8(10), uint8(16), uint8(64))
	f.Add(bytes.Repeat([]byte("a"), 1024), []byte("saltsalt"), uint16(33), uint8(1), uint8(4), uint8(16))
	f.Fuzz(func(t *testing.T, password, salt []byte, memoryKiB uint16, passes, lanes, tagLength uint8) {
		price := Params{MemoryKiB: uint32(memoryKiB) % 4096, Passes: uint32(passes), Lanes: lanes}
		if price.checkStored() != nil || len(password) > maxPasswordBytes || len(salt) < minSaltBytes || len(salt) > maxSaltBytes ||
			tagLength < minTagBytes || tagLength > maxTagBytes {
			t.Skip("never computed")
		}
		in := input{password: password, salt: salt}
		want := bare(in, price, int(tagLength))
		for _, k := range kernels() {
			got := make([]byte, tagLength)
			dirtyWorker(k, price.MemoryKiB).derive(got, in, price, 1+len(password)%3)
			if !bytes.Equal(got, want) {
				t.Errorf("%s, %s: got %x, want %x", k, price, got, want)
			}
		}
	})
}

func TestAWorkerIsGoodForHashesOfAnyShape(t *testing.T) {
	in := input{password: []byte("correct horse battery"), salt: []byte("sixteen bytes!!!")}
	eachKernel(t, func(t *testing.T, k kernel) {
		w := dirtyWorker(k, 600)
		for _, price := range []Params{{600, 2, 1}, {64, 1, 8}, {600, 1, 3}, {8, 3, 1}, {599, 1, 16}, {600, 2, 1}} {
			got := make([]byte, 32)
			w.derive(got, in, price, 2)
			if want := bare(in, price, 32); !bytes.Equal(got, want) {
				t.Errorf("%s: got %x, want %x", price, got, want)
			}
		}
	})
}

// The assembler was written for these.
func TestTheAssemblerKnowsTheseTypes(t *testing.T) {
	fields := reflect.TypeOf(stretch{})
	want := []string{"first", "previous", "count", "lane", "lanes", "laneLength", "start", "area", "otherArea", "again"}
	var got []string
	for i := range fields.NumField() {
		field := fields.Field(i)
		got = append(got, field.Name)
		if field.Type.Kind() != reflect.Uint64 || field.Offset != uintptr(8*i) {
			t.Errorf("%s is a %s at %d", field.Name, field.Type, field.Offset)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("stretch has %v, want %v", got, want)
	}
	if scratchZero != 0 || scratchOfKernel != 4 || scratchBlocks != 6 {
		t.Error("the scratch has another order")
	}
	if size := reflect.TypeOf(lane{}).Size(); size != 8192 {
		t.Errorf("a lane takes %d bytes", size)
	}
	for _, k := range kernels() {
		seen := map[int]bool{}
		for word := range blockWords {
			seen[k.position(word)] = true
		}
		if len(seen) != blockWords || k.position(0) != 0 || seen[blockWords] {
			t.Errorf("%s: a block has %d positions, the first word is at %d", k, len(seen), k.position(0))
		}
	}
}

func TestNothingOfAPasswordStaysBesideTheMemory(t *testing.T) {
	eachKernel(t, func(t *testing.T, k kernel) {
		w := dirtyWorker(k, 64)
		w.derive(make([]byte, 32), input{password: []byte("correct horse battery"), salt: []byte("sixteen bytes!!!")}, Params{64, 2, 2}, 1)
		if !slices.Equal(w.lanes, make([]lane, 2)) {
			t.Error("a lane is not wiped")
		}
		if text := w.text[:cap(w.text)]; len(text) == 0 || !bytes.Equal(text, make([]byte, len(text))) {
			t.Error("the input of H0 is not wiped")
		}
		w.wipe()
		if !bytes.Equal(w.memory, make([]byte, len(w.memory))) {
			t.Error("the memory is not wiped")
		}
	})
}

func TestAHashTakesNoMemoryOfTheHeap(t *testing.T) {
	in := input{password: []byte("correct horse battery"), salt: []byte("sixteen bytes!!!")}
	eachKernel(t, func(t *testing.T, k kernel) {
		for _, length := range []int{tagBytes, maxTagBytes} {
			price, tag := Params{MemoryKiB: 64, Passes: 2, Lanes: 1}, make([]byte, length)
			w := dirtyWorker(k, price.MemoryKiB)
			if got := testing.AllocsPerRun(20, func() { w.derive(tag, in, price, 1) }); got != 0 {
				t.Errorf("a tag of %d bytes: %v allocations", length, got)
			}
		}
	})
}
