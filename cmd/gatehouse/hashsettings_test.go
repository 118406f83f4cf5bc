package main

import (
	"runtime"
	"testing"
	"testing/fstest"

	"gatehouse/argon2id"
)

func TestMemoryIsThatOfTheMachineOrOfItsContainer(t *testing.T) {
	const meminfo = "MemTotal:        8000000 kB\nMemFree:         1000000 kB\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  uint64
	}{
		{"nobody_says", nil, 0},
		{"the_machine", map[string]string{"proc/meminfo": meminfo}, 8000000},
		{"no_limit", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n",
		}, 8000000},
		{"version_2", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "536870912\n",
		}, 524288},
		{"version_2_around", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "536870912\n", "sys/fs/cgroup/a/memory.max": "268435456\n",
		}, 262144},
		{"version_2_in_a_container", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/../elsewhere\n", "sys/fs/cgroup/memory.max": "536870912\n",
		}, 524288},
		{"version_1", map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/a\n0::/\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "536870912\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":   "9223372036854771712\n",
		}, 524288},
		{"nonsense", map[string]string{
			"proc/meminfo": "MemTotal: much kB\n", "proc/self/cgroup": "\n:\n0::\n", "sys/fs/cgroup/memory.max": "-1\n",
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := fstest.MapFS{}
			for name, text := range c.files {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := memoryKiBIn(root); got != c.want {
				t.Errorf("got %d KiB, want %d", got, c.want)
			}
		})
	}
}

func TestPW20HashMemorySuitsTheMachine(t *testing.T) {
	const mebibyte = 1 << 10
	usual, large := argon2id.DefaultParams(), argon2id.Params{MemoryKiB: 200 * mebibyte, Passes: 1, Lanes: 1}
	cores := uint64(runtime.GOMAXPROCS(0))
	for _, c := range []struct {
		name            string
		cfg             config
		available, want uint64
	}{
		{"what_is_set", config{hashParams: usual, hashMemoryKiB: 100 * mebibyte}, 64 * mebibyte, 100 * mebibyte},
		{"one_hash_a_core", config{hashParams: usual}, 0, max(cores*64, 256) * mebibyte},
		{"a_dear_hash_a_core", config{hashParams: large}, 0, max(cores*200, 256) * mebibyte},
		{"a_quarter_of_a_small_machine", config{hashParams: usual}, 512 * mebibyte, 128 * mebibyte},
		{"at_least_one", config{hashParams: usual}, 128 * mebibyte, 64 * mebibyte},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.cfg.hashMemory(c.available); got != c.want {
				t.Errorf("got %s, want %s", sizeOf(got), sizeOf(c.want))
			}
		})
	}
}

func TestSizesHaveOneSpelling(t *testing.T) {
	for text, want := range map[string]uint64{"1KiB": 1, "256MiB": 262144, "2GiB": 2097152} {
		if got, ok := parseMemory(text); !ok || got != want || sizeOf(got) != text {
			t.Errorf("%s: got %d, %v, and back %s", text, got, ok, sizeOf(got))
		}
	}
	for _, text := range []string{"", "0MiB", "256", "256MB", "256 MiB", "-1MiB", "+1MiB", "1.5GiB", "MiB", "9000000000GiB", "18446744073709551615KiB"} {
		if got, ok := parseMemory(text); ok {
			t.Errorf("%q is taken for %d KiB", text, got)
		}
	}
}
