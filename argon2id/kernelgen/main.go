// Command kernelgen writes the assembler of package argon2id for amd64: one
// kernel for AVX2 and one for AVX-512, each in two forms. The same computation
// in plain Go is kernel_portable.go.
//
//	go run . -out DIRECTORY
//
// It is a module of its own, so that what it needs stays out of the checksum
// file of those who import gatehouse.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

func main() {
	// avo has put flags of its own into flag.CommandLine.
	flags := flag.NewFlagSet("kernelgen", flag.ExitOnError)
	out := flags.String("out", "", "the directory to write to")
	_ = flags.Parse(os.Args[1:])
	if *out == "" || flags.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "usage: kernelgen -out DIRECTORY")
		os.Exit(2)
	}
	if err := write(*out); err != nil {
		fmt.Fprintf(os.Stderr, "kernelgen: %v\n", err)
		os.Exit(1)
	}
}

// write makes kernel_amd64.s and kernelstubs_amd64.go in the directory.
func write(directory string) error {
	ctx := build.NewContext()
	ctx.ConstraintExpr("amd64,!purego")
	generateAVX512(ctx)
	generateAVX2(ctx)
	file, err := ctx.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return err
	}
	// The arguments are left out: the result is the same in every directory.
	config := printer.Config{Argv: []string{"go", "run", "./argon2id/kernelgen"}, Pkg: "argon2id"}
	assembler, err := printer.NewGoAsm(config).Print(file)
	if err != nil {
		return err
	}
	stubs, err := printer.NewStubs(config).Print(file)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(directory, "kernel_amd64.s"), assembler, 0o644),
		os.WriteFile(filepath.Join(directory, "kernelstubs_amd64.go"), stubs, 0o644),
	)
}
