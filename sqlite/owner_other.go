//go:build !unix

package sqlite

import "io/fs"

// ownedBy is true where files have access lists and no owner as a number.
func ownedBy(fs.FileInfo, int) bool { return true }
