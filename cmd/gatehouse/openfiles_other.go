//go:build !unix

package main

// maxOpenFiles is how many files this process may have open; 0 where the system
// does not say.
func maxOpenFiles() int { return 0 }
