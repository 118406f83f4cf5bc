package main

import (
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// machineMemoryKiB returns the memory that this process may count on: that of the
// machine, or of the container if that is less. It is 0 where nobody says.
func machineMemoryKiB() uint64 { return memoryKiBIn(os.DirFS("/")) }

// memoryKiBIn reads what Linux says under this root: the memory of the machine,
// and the limits of the control group of the process and of all around it, in
// version 2 and in version 1. In a container the group may have another name
// than the process knows; then the limit lies where the groups begin.
func memoryKiBIn(root fs.FS) (least uint64) {
	lower := func(kib uint64, ok bool) {
		if ok && kib > 0 && (least == 0 || kib < least) {
			least = kib
		}
	}
	lower(memTotal(root))
	groups, _ := fs.ReadFile(root, "proc/self/cgroup")
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		mount, name := "", ""
		switch {
		case parts[0] == "0" && parts[1] == "":
			mount, name = "sys/fs/cgroup", "memory.max"
		case parts[1] == "memory":
			mount, name = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for group := path.Clean("/" + parts[2]); ; group = path.Dir(group) {
			lower(limitIn(root, path.Join(mount, group, name)))
			if group == "/" {
				break
			}
		}
	}
	return least
}

// limitIn reads a limit in octets. "max" is none.
func limitIn(root fs.FS, file string) (kib uint64, ok bool) {
	text, err := fs.ReadFile(root, file)
	if err != nil {
		return 0, false
	}
	octets, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return octets >> 10, err == nil
}

func memTotal(root fs.FS) (kib uint64, ok bool) {
	text, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "MemTotal:" {
			kib, err := strconv.ParseUint(fields[1], 10, 64)
			return kib, err == nil
		}
	}
	return 0, false
}
