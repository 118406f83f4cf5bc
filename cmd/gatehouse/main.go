// Command gatehouse serves registration, login and tokens, and gives operators
// their verbs over the same data. It is the roof of the house: the only place
// where an engine meets a door.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"gatehouse/model"
)

// Exit codes of every command.
const (
	exitDone    = 0
	exitRefused = 1 // refused or failed
	exitUsage   = 2 // wrong usage
)

// program is the command with the world it lives in, so that several of them
// can run in one process.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environment    func(name string) (value string, found bool)
	limits         limits
	// redirectPort is the port on which plain HTTP is led to HTTPS.
	redirectPort string
	// certificatePoll is the time between two looks at certificate files.
	certificatePoll time.Duration
	// masterKeyPoll is the time between two looks at the file of the master keys.
	masterKeyPoll time.Duration
	// spareProcessors is how many more processors in Go's sense serve asks for
	// beside those that hash; 0 where several programs share a process.
	spareProcessors int
	// acmeDirectory is the address of the certificate authority of --tls=acme;
	// "" is Let's Encrypt.
	acmeDirectory string
}

func newProgram() *program {
	return &program{
		stdin:           os.Stdin,
		stdout:          os.Stdout,
		stderr:          os.Stderr,
		environment:     os.LookupEnv,
		limits:          defaultLimits(),
		redirectPort:    "80",
		certificatePoll: 2 * time.Second,
		masterKeyPoll:   time.Second,
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := newProgram()
	p.spareProcessors = runtime.GOMAXPROCS(0)
	code := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run does what the arguments say and returns the exit code. Cancelling ctx
// stops a server as a signal does.
func (p *program) run(ctx context.Context, args []string) int {
	err := p.dispatch(ctx, args)
	if err == nil {
		return exitDone
	}
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(p.stderr, "gatehouse: %s\nTry: gatehouse help\n", usage.sentence)
		return exitUsage
	}
	if !errors.Is(err, errSaid) {
		p.explain(err)
	}
	return exitRefused
}

// usageError says what is wrong with the arguments.
type usageError struct{ sentence string }

func (e *usageError) Error() string { return e.sentence }

// errSaid ends a command with exitRefused when everything has been said.
var errSaid = errors.New("said already")

// explain prints an error for the person at the keyboard: refusals with their
// sentences, everything else as it is.
func (p *program) explain(err error) {
	var refusal *model.Error
	if !errors.As(err, &refusal) {
		fmt.Fprintf(p.stderr, "gatehouse: %v\n", err)
		return
	}
	fmt.Fprintf(p.stderr, "gatehouse: %s.\n", refusal.Title)
	for _, field := range refusal.Fields {
		fmt.Fprintf(p.stderr, "  %s: %s\n", field.Field, field.Detail)
	}
	if refusal.RetryAfter > 0 {
		fmt.Fprintf(p.stderr, "  Try again in %s.\n", refusal.RetryAfter.Round(time.Second))
	}
}
