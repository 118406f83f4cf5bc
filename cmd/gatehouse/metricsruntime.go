package main

import (
	"os"
	"runtime"
	"runtime/debug"
	metric "runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// writeRuntime writes what the runtime says about itself, under the names that
// dashboards for Go programs ask for.
func writeRuntime(e *exposition) {
	threads, _ := runtime.ThreadCreateProfile(nil)
	e.family("go_info", kindGauge, "Information about the Go environment.")
	e.add(1, "version", runtime.Version())
	e.one("go_goroutines", kindGauge, "Number of goroutines that currently exist.", float64(runtime.NumGoroutine()))
	e.one("go_threads", kindGauge, "Number of OS threads created.", float64(threads))
	e.one("go_sched_gomaxprocs_threads", kindGauge, "The current runtime.GOMAXPROCS setting.", float64(runtime.GOMAXPROCS(0)))
	writeCollections(e)
	memory := memoryFigures()
	for _, f := range []struct {
		name, kind, help string
		sum              []string
	}{
		{"alloc_bytes", kindGauge, "Number of bytes allocated in heap and currently in use.", []string{heapObjects}},
		{"alloc_bytes_total", kindCounter, "Total number of bytes allocated in heap until now, even if released already.", []string{"/gc/heap/allocs:bytes"}},
		{"sys_bytes", kindGauge, "Number of bytes obtained from system.", []string{"/memory/classes/total:bytes"}},
		{"mallocs_total", kindCounter, "Total number of heap objects allocated, both live and gc-ed.", []string{"/gc/heap/allocs:objects", tinyAllocs}},
		{"frees_total", kindCounter, "Total number of heap objects frees.", []string{"/gc/heap/frees:objects", tinyAllocs}},
		{"heap_alloc_bytes", kindGauge, "Number of heap bytes allocated and currently in use.", []string{heapObjects}},
		{"heap_sys_bytes", kindGauge, "Number of heap bytes obtained from system.", []string{heapObjects, heapUnused, heapReleased, heapFree}},
		{"heap_idle_bytes", kindGauge, "Number of heap bytes waiting to be used.", []string{heapReleased, heapFree}},
		{"heap_inuse_bytes", kindGauge, "Number of heap bytes that are in use.", []string{heapObjects, heapUnused}},
		{"heap_released_bytes", kindGauge, "Number of heap bytes released to OS.", []string{heapReleased}},
		{"heap_objects", kindGauge, "Number of currently allocated objects.", []string{"/gc/heap/objects:objects"}},
		{"stack_inuse_bytes", kindGauge, "Number of bytes obtained from system for stack allocator.", []string{"/memory/classes/heap/stacks:bytes"}},
		{"gc_sys_bytes", kindGauge, "Number of bytes used for garbage collection system metadata.", []string{"/memory/classes/metadata/other:bytes"}},
		{"next_gc_bytes", kindGauge, "Number of heap bytes when next garbage collection will take place.", []string{"/gc/heap/goal:bytes"}},
	} {
		sum := 0.0
		for _, name := range f.sum {
			sum += memory[name]
		}
		e.one("go_memstats_"+f.name, f.kind, f.help, sum)
	}
}

// Those of runtime/metrics that are asked for more than once.
const (
	heapObjects  = "/memory/classes/heap/objects:bytes"
	heapUnused   = "/memory/classes/heap/unused:bytes"
	heapReleased = "/memory/classes/heap/released:bytes"
	heapFree     = "/memory/classes/heap/free:bytes"
	tinyAllocs   = "/gc/heap/tiny/allocs:objects"
)

// memoryFigures reads what writeRuntime adds up, without stopping the program.
func memoryFigures() map[string]float64 {
	samples := []metric.Sample{
		{Name: heapObjects}, {Name: heapUnused}, {Name: heapReleased}, {Name: heapFree}, {Name: tinyAllocs},
		{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/frees:objects"},
		{Name: "/gc/heap/objects:objects"}, {Name: "/gc/heap/goal:bytes"}, {Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"}, {Name: "/memory/classes/metadata/other:bytes"},
	}
	metric.Read(samples)
	figures := make(map[string]float64, len(samples))
	for _, s := range samples {
		if s.Value.Kind() == metric.KindUint64 { // else this version of Go does not have it
			figures[s.Name] = float64(s.Value.Uint64())
		}
	}
	return figures
}

// writeCollections writes how long the collector stopped the program.
func writeCollections(e *exposition) {
	stats := debug.GCStats{PauseQuantiles: make([]time.Duration, 5)}
	debug.ReadGCStats(&stats)
	e.family("go_gc_duration_seconds", kindSummary, "A summary of the pause duration of garbage collection cycles.")
	for i, pause := range stats.PauseQuantiles {
		e.add(pause.Seconds(), "quantile", sampleText(float64(i)/4))
	}
	e.addTo("_sum", stats.PauseTotal.Seconds())
	e.addTo("_count", float64(stats.NumGC))
	e.one("go_memstats_last_gc_time_seconds", kindGauge, "Number of seconds since 1970 of last garbage collection.", unixSeconds(stats.LastGC))
}

func unixSeconds(at time.Time) float64 {
	if at.IsZero() || at.Unix() <= 0 {
		return 0
	}
	return float64(at.UnixMicro()) / 1e6
}

// writeProcess writes what the system says about the process: as much of it as
// the system says.
func writeProcess(e *exposition, began time.Time) {
	e.one("process_start_time_seconds", kindGauge, "Start time of the process since unix epoch in seconds.", unixSeconds(began))
	if files := maxOpenFiles(); files > 0 {
		e.one("process_max_fds", kindGauge, "Maximum number of open file descriptors.", float64(files))
	}
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		e.one("process_open_fds", kindGauge, "Number of open file descriptors.", float64(len(files)-1)) // one was for looking
	}
	text, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return
	}
	stat, ok := parseProcessStat(string(text))
	if !ok {
		return
	}
	e.one("process_cpu_seconds_total", kindCounter, "Total user and system CPU time spent in seconds.", stat.cpuSeconds)
	e.one("process_virtual_memory_bytes", kindGauge, "Virtual memory size in bytes.", stat.virtualBytes)
	e.one("process_resident_memory_bytes", kindGauge, "Resident memory size in bytes.", stat.residentPages*float64(os.Getpagesize()))
}

// processStat is part of /proc/self/stat of Linux.
type processStat struct{ cpuSeconds, virtualBytes, residentPages float64 }

// ticksPerSecond is in what the kernel tells the time of processes, on every
// architecture that Go knows.
const ticksPerSecond = 100

// parseProcessStat reads the fields behind the name of the program, which may
// hold anything, parentheses too. The first of them is the third of proc(5).
func parseProcessStat(text string) (stat processStat, ok bool) {
	const user, system, virtual, resident, first = 14, 15, 23, 24, 3
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) <= resident-first {
		return stat, false
	}
	number := func(field int) float64 {
		n, err := strconv.ParseFloat(fields[field-first], 64)
		ok = ok && err == nil
		return n
	}
	ok = true
	stat.cpuSeconds = (number(user) + number(system)) / ticksPerSecond
	stat.virtualBytes, stat.residentPages = number(virtual), number(resident)
	return stat, ok
}
