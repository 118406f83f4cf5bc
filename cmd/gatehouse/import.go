package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"sync"
	"time"

	"gatehouse"
	"gatehouse/importer"
	"gatehouse/model"
)

// importCommand reads users as exportCommand writes them, or as other systems
// do. It goes through the document twice: nobody is imported before everybody
// was found to be good.
type importCommand struct {
	File           string `arg:"" help:"Export with users, or - for standard input."`
	From           string `enum:"gatehouse,keycloak,auth0,firebase,supabase,django,kratos,pocketbase,csv" default:"gatehouse" placeholder:"SYSTEM" help:"Who wrote it: gatehouse, keycloak, auth0, firebase, supabase, django, kratos, pocketbase or csv (gatehouse)."`
	FirebaseConfig string `placeholder:"FILE" help:"The password hash parameters of the project, as the console of Firebase shows them."`
	DryRun         bool   `help:"Check every user and write nothing."`
	Wrap           bool   `help:"Put hashes of other systems inside Argon2id at once."`
	SkipRefused    bool   `help:"Import the others when some are refused."`
}

func (c importCommand) Run(ctx context.Context, p *program, cfg config) (err error) {
	parameters, err := c.firebaseParameters()
	if err != nil {
		return err
	}
	from := p.stdin
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer file.Close()
		from = file
	}
	open, err := c.open(ctx, p, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, open.Close()) }()
	input := interruptible(ctx, from)
	defer input.Close()
	run := importRun{auth: open.auth, report: newImportReport(p.stderr), wrap: c.Wrap, at: time.Now().UTC().Truncate(time.Microsecond)}
	if c.DryRun {
		err = run.rehearse(ctx, c.entries(input, parameters), nil)
		run.report.end("dry run, nothing was written: ")
	} else {
		err = c.inTwoPasses(ctx, &run, c.entries(input, parameters), cfg.dataDir)
		run.report.end("")
	}
	if err == nil && run.report.refused > 0 {
		err = errSaid
	}
	return err
}

// inTwoPasses keeps between the two passes what the first has found to be good: the
// document may be a pipe, and may change meanwhile.
func (c importCommand) inTwoPasses(ctx context.Context, run *importRun, entries iter.Seq2[entry, error], dir string) (err error) {
	good, err := newSpool(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, good.Close()) }()
	err = run.rehearse(ctx, entries, good)
	run.report.imported = 0 // what was counted is only checked so far
	if err != nil {
		return fmt.Errorf("%w; nothing was imported", err)
	}
	if run.report.refused > 0 && !c.SkipRefused {
		run.report.nothingImported()
		return nil
	}
	return run.bringIn(ctx, good)
}

// firebaseParameters reads the file that is named, if any.
func (c importCommand) firebaseParameters() (importer.FirebaseParameters, error) {
	switch {
	case c.FirebaseConfig == "":
		return importer.FirebaseParameters{}, nil
	case c.From != string(importer.Firebase):
		return importer.FirebaseParameters{}, &usageError{sentence: "--firebase-config is for --from=firebase"}
	}
	content, err := readSecretFile(c.FirebaseConfig)
	if err != nil {
		return importer.FirebaseParameters{}, fmt.Errorf("--firebase-config: %w", err)
	}
	parameters, err := importer.ParseFirebaseParameters(string(content))
	if err != nil {
		return importer.FirebaseParameters{}, fmt.Errorf("--firebase-config: %s: %w", c.FirebaseConfig, err)
	}
	return parameters, nil
}

// open makes what is missing, but for a dry run.
func (c importCommand) open(ctx context.Context, p *program, cfg config) (*installation, error) {
	if c.DryRun {
		return openExisting(ctx, cfg, p.quietLog())
	}
	return openInstallation(ctx, cfg, cfg.knownURL(), p.quietLog())
}

// interruptible makes reads end with ctx: one from a terminal or a pipe goes on
// otherwise.
func interruptible(ctx context.Context, from io.Reader) io.ReadCloser {
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { _ = in.CloseWithError(ctx.Err()) })
	go func() {
		_, err := io.Copy(in, from)
		_ = in.CloseWithError(err)
	}()
	return out
}

// importRun is one import on its way.
type importRun struct {
	auth   *gatehouse.Auth
	report *importReport
	wrap   bool
	at     time.Time // when users came here whose export does not say when they were made
}

// rehearse checks every entry, reports, and puts who is good and not here yet
// into the spool, if there is one.
func (r *importRun) rehearse(ctx context.Context, entries iter.Seq2[entry, error], good *spool) error {
	rehearsal := r.auth.RehearseImport()
	for e, err := range entries {
		if err == nil && e.noUser != "" {
			r.report.note("no user, passed by: "+e.noUser, e.line)
			continue
		}
		added := false
		if err == nil {
			added, err = r.check(ctx, rehearsal, &e)
		}
		switch trouble := r.report.add(e.line, added, err); {
		case ctx.Err() != nil:
			return errors.New("interrupted")
		case trouble != nil:
			return trouble
		case err != nil, !added:
			continue
		}
		r.report.remark(e)
		if good != nil {
			if err := good.add(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// check rehearses one entry and completes it.
func (r *importRun) check(ctx context.Context, rehearsal *gatehouse.Rehearsal, e *entry) (added bool, err error) {
	e.in.Wrap = r.wrap
	if e.foreign {
		err = r.date(ctx, e)
	}
	if err == nil {
		added, err = rehearsal.ImportAccount(ctx, e.in)
	}
	var refusal *model.Error
	if err != nil && !errors.As(err, &refusal) {
		err = fmt.Errorf("line %d: %w", e.line, err)
	}
	return added, err
}

// date fills in times that the export does not have. A user who is here already
// keeps them, so that an import can be run again.
func (r *importRun) date(ctx context.Context, e *entry) error {
	in := &e.in
	if in.CreatedAt.IsZero() {
		user, err := r.auth.FindUser(ctx, in.ID)
		if err != nil && !errors.Is(err, model.ErrNotFound) {
			return err
		}
		in.CreatedAt, in.UpdatedAt = user.CreatedAt, user.UpdatedAt
		if err != nil {
			in.CreatedAt = r.at
		}
	}
	if in.UpdatedAt.IsZero() {
		in.UpdatedAt = in.CreatedAt
	}
	if e.verified && in.EmailVerifiedAt.IsZero() {
		in.EmailVerifiedAt = in.CreatedAt
	}
	if e.disabled {
		in.DisabledAt = in.CreatedAt
	}
	return nil
}

// bringIn imports what is in the spool, several at once: hashes keep the
// processors busy, and commits that come together share one sync of the disk.
// The first trouble ends it.
func (r *importRun) bringIn(ctx context.Context, good *spool) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	entries, outcomes := make(chan entry), make(chan outcome)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) + 1 {
		workers.Go(func() {
			for e := range entries {
				added, err := r.importOne(ctx, e)
				outcomes <- outcome{line: e.line, added: added, err: err}
			}
		})
	}
	go func() {
		for e, err := range good.entries() {
			if err != nil {
				stop(err)
			}
			select {
			case <-ctx.Done():
			case entries <- e:
			}
			if ctx.Err() != nil {
				break
			}
		}
		close(entries)
		workers.Wait()
		close(outcomes)
	}()
	for o := range outcomes {
		if ctx.Err() != nil && o.err != nil {
			continue // it was stopped, and why is known
		}
		if err := r.report.add(o.line, o.added, o.err); err != nil {
			stop(err)
		}
	}
	return stopped(ctx)
}

// importOne waits as long as it takes for a place among the hashes.
func (r *importRun) importOne(ctx context.Context, e entry) (added bool, err error) {
	e.in.Wrap = r.wrap
	for {
		added, err = r.auth.ImportAccount(ctx, e.in)
		if !errors.Is(err, model.ErrOverloaded) || ctx.Err() != nil {
			return added, err
		}
	}
}

type outcome struct {
	line  int
	added bool
	err   error
}

// stopped says why an import ended before its end, or nil.
func stopped(ctx context.Context) error {
	const again = "what was imported stays, and the same import can be run again"
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return nil
	case errors.Is(cause, context.Canceled):
		return errors.New("interrupted; " + again)
	default:
		return fmt.Errorf("%w; %s", cause, again)
	}
}
