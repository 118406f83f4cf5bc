package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{}

// Run prints what the build recorded about itself.
func (versionCommand) Run(p *program) error {
	version, commit := builtFrom()
	_, err := fmt.Fprintf(p.stdout, "gatehouse %s\ncommit %s\n%s %s/%s\n", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// builtFrom returns the version and the commit of the source.
func builtFrom() (version, commit string) {
	version, commit = "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = or(info.Main.Version, version)
		modified := ""
		for _, setting := range info.Settings {
			switch setting.Key {
			case "vcs.revision":
				commit = setting.Value
			case "vcs.modified":
				if setting.Value == "true" {
					modified = " with changes"
				}
			}
		}
		commit += modified
	}
	return version, commit
}
