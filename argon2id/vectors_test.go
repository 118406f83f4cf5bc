package argon2id

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// eachKernel runs the test with every kernel that this machine has.
func eachKernel(t *testing.T, test func(t *testing.T, k kernel)) {
	t.Helper()
	for _, k := range kernels() {
		t.Run(k.String(), func(t *testing.T) { test(t, k) })
	}
}

// dirtyWorker has memory in which others have worked: what is there must not
// count.
func dirtyWorker(k kernel, memoryKiB uint32) *worker {
	return &worker{kernel: k, memory: bytes.Repeat([]byte{0xa5}, int(memoryKiB)*blockBytes)}
}

func TestReferenceVectors(t *testing.T) {
	// From test.c of the reference implementation, version 0x13, argon2id.
	for name, v := range map[string]struct {
		params         Params
		password, salt string
		want           string
	}{
		"t=2,m=2^16": {Params{65536, 2, 1}, "password", "somesalt", "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"},
		"t=2,m=2^8":  {Params{256, 2, 1}, "password", "somesalt", "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"},
		"p=2":        {Params{256, 2, 2}, "password", "somesalt", "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"},
		"t=1":        {Params{65536, 1, 1}, "password", "somesalt", "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"},
		"t=4":        {Params{65536, 4, 1}, "password", "somesalt", "9025d48e68ef7395cca9079da4c4ec3affb3c8911fe4f86d1a2520856f63172c"},
		"password":   {Params{65536, 2, 1}, "differentpassword", "somesalt", "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde"},
		"salt":       {Params{65536, 2, 1}, "password", "diffsalt", "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c"},
	} {
		t.Run(name, func(t *testing.T) {
			eachKernel(t, func(t *testing.T, k kernel) {
				if v.params.MemoryKiB > 256 && k != kernels()[0] {
					return // the fastest alone, as Verify below; the build tag purego makes that each of them
				}
				got := make([]byte, 32)
				dirtyWorker(k, v.params.MemoryKiB).derive(got, input{password: []byte(v.password), salt: []byte(v.salt)}, v.params, 1)
				if got := hex.EncodeToString(got); got != v.want {
					t.Errorf("derive gives %s, want %s", got, v.want)
				}
			})
			tag, err := hex.DecodeString(v.want)
			if err != nil {
				t.Fatal(err)
			}
			phc := Hash{Params: v.params, Salt: []byte(v.salt), Tag: tag}.PHC()
			verdict, err := newTestEngine(t, Config{}).Verify(t.Context(), []byte(v.password), phc)
			if err != nil || !verdict.Match {
				t.Errorf("Verify gives %+v, %v", verdict, err)
			}
		})
	}
	const want = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	hash, err := ParseHash(want)
	if err != nil || string(hash.Salt) != "somesalt" || hash.PHC() != want {
		t.Errorf("ParseHash gives %v, %v", hash, err)
	}
}

func TestRFC9106Section53(t *testing.T) {
	in := input{
		password: bytes.Repeat([]byte{1}, 32), salt: bytes.Repeat([]byte{2}, 16),
		secret: bytes.Repeat([]byte{3}, 8), data: bytes.Repeat([]byte{4}, 12),
	}
	const want = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
	eachKernel(t, func(t *testing.T, k kernel) {
		for _, cores := range []int{1, 2, 3, 4} {
			got := make([]byte, 32)
			dirtyWorker(k, 32).derive(got, in, Params{MemoryKiB: 32, Passes: 3, Lanes: 4}, cores)
			if got := hex.EncodeToString(got); got != want {
				t.Errorf("%d cores: got %s, want %s", cores, got, want)
			}
		}
	})
}
