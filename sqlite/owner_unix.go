//go:build unix

package sqlite

import (
	"io/fs"
	"syscall"
)

// ownedBy reports whether the file belongs to this account.
func ownedBy(info fs.FileInfo, account int) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == account
}
