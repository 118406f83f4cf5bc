package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gatehouse"
	"gatehouse/sqlite"
)

// doctorCommand looks at everything and changes nothing but what opening the
// store does. It exits with 1 when something fails.
type doctorCommand struct {
	Hash   bool          `help:"Only measure the price of a hash, and propose one for --target."`
	Target time.Duration `placeholder:"TIME" default:"250ms" help:"How long a hash may take, for --hash."`
}

// grade is how a finding is meant.
type grade string

const (
	gradeOK   grade = "ok"
	gradeWarn grade = "warn"
	gradeFail grade = "fail"
)

// finding is one line of the report: what was found, and what to do about it.
type finding struct {
	grade   grade
	subject string
	text    string
}

func fine(subject, format string, args ...any) finding {
	return finding{gradeOK, subject, fmt.Sprintf(format, args...)}
}
func warn(subject, format string, args ...any) finding {
	return finding{gradeWarn, subject, fmt.Sprintf(format, args...)}
}
func fail(subject, format string, args ...any) finding {
	return finding{gradeFail, subject, fmt.Sprintf(format, args...)}
}

func (d doctorCommand) Run(ctx context.Context, p *program, cfg config, problem settingsProblem) error {
	if d.Hash {
		if d.Target < leastHashTarget || d.Target > mostHashTarget {
			return &usageError{sentence: fmt.Sprintf("--target: %s is out of range; use %s to %s", d.Target, leastHashTarget, mostHashTarget)}
		}
		return p.reportAll(proposeHash(ctx, cfg, d.Target))
	}
	if problem.error != nil {
		p.report(fail("settings", "%v", problem.error))
		return errSaid
	}
	var failed error
	for _, look := range []func(context.Context, config) []finding{
		lookAtSettings, lookAtClock, lookAtDataDir, lookAtMasterKey, lookAtStore, lookAtMail, lookAtCertificate, lookAtHash,
	} {
		failed = errors.Join(failed, p.reportAll(look(ctx, cfg)))
	}
	if failed != nil {
		return errSaid
	}
	return nil
}

// reportAll returns errSaid when something failed.
func (p *program) reportAll(found []finding) (failed error) {
	for _, f := range found {
		p.report(f)
		if f.grade == gradeFail {
			failed = errSaid
		}
	}
	return failed
}

func (p *program) report(f finding) {
	fmt.Fprintf(p.stdout, "%-4s  %-11s  %s\n", f.grade, f.subject, f.text)
}

func lookAtSettings(_ context.Context, cfg config) []finding {
	found := []finding{fine("settings", "%s, listening on %s, --tls=%s", cfg.knownURL(), cfg.listen, cfg.tls.kind)}
	if cfg.passwordMin < gatehouse.DefaultPasswordMin {
		found = append(found, warn("passwords", "--password-min is %d; 15 or more is what NIST SP 800-63B asks for", cfg.passwordMin))
	}
	found = append(found, lookAtLimits(cfg)...)
	if cfg.algorithm == "HS256" {
		found = append(found, warn("algorithm", "with HS256 only the holder of the secret can verify tokens; the key set is empty"))
	}
	return found
}

func lookAtClock(_ context.Context, cfg config) []finding {
	now := time.Now()
	// No copy of this program is older than its own first year.
	if now.Year() < 2025 || now.Year() > 2100 {
		return []finding{fail("clock", "it says %s; set it, and let NTP keep it", now.UTC().Format(time.RFC3339))}
	}
	info, err := os.Stat(cfg.database.file)
	if err == nil && info.ModTime().After(now.Add(time.Minute)) {
		return []finding{fail("clock", "it says %s, but the database was written at %s; set it, and let NTP keep it",
			now.UTC().Format(time.RFC3339), info.ModTime().UTC().Format(time.RFC3339))}
	}
	return []finding{fine("clock", "%s", now.UTC().Format(time.RFC3339))}
}

// lookAtDataDir wants the directory and everything in it closed to others.
func lookAtDataDir(_ context.Context, cfg config) []finding {
	info, err := os.Stat(cfg.dataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return []finding{fail("data", "there is no %s; gatehouse serve makes it", cfg.dataDir)}
	}
	if err != nil {
		return []finding{fail("data", "%v", err)}
	}
	var found []finding
	if info.Mode().Perm()&0o077 != 0 {
		found = append(found, fail("data", "%s is open to others; mend it with: chmod 700 %s", cfg.dataDir, cfg.dataDir))
	}
	err = filepath.WalkDir(cfg.dataDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			found = append(found, fail("data", "%s is open to others; mend it with: chmod 600 %s", path, path))
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a side file of SQLite may go at any time
		found = append(found, fail("data", "%v", err))
	}
	if len(found) == 0 {
		found = append(found, fine("data", "%s is closed to others", cfg.dataDir))
	}
	return found
}

func lookAtMasterKey(_ context.Context, cfg config) []finding {
	path := masterKeyPath(cfg)
	if _, err := readMasterKeys(path); err != nil {
		return []finding{fail("master key", "%v", err)}
	}
	return []finding{fine("master key", "%s; keep a copy apart from the database", path)}
}

// lookAtStore asks the engine about its file, and the rules whether the signing
// keys open.
func lookAtStore(ctx context.Context, cfg config) []finding {
	if err := needDataDir(cfg); err != nil {
		return []finding{fail("store", "%v", err)}
	}
	found := lookAtSQLite(ctx, cfg.database)
	if cfg.database.file == "" {
		found = lookAtPostgreSQL(ctx, cfg.database)
	}
	if slices.ContainsFunc(found, func(f finding) bool { return f.grade == gradeFail }) {
		return found
	}
	open, err := openExisting(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return []finding{fail("store", "%v", err)}
	}
	keys, err := open.auth.SigningKeys(ctx)
	peppers, pepperErr := open.auth.PepperIDs(ctx)
	waiting, outboxErr := open.auth.OutboxState(ctx)
	recalled := recallStore(ctx, open.auth, cfg.dataDir)
	if err = errors.Join(err, pepperErr, outboxErr, open.auth.Ping(ctx), open.Close()); err != nil {
		return []finding{fail("store", "%v", err)}
	}
	found = append(found, fine("store", "%s answers, with %s", cfg.database, count(len(keys), "signing key")))
	found = append(found, lookAtOutbox(cfg, waiting)...)
	found = append(found, lookAtMemory(recalled, open.auth.ClockBehind())...)
	found = append(found, lookAtPeppers(cfg, peppers)...)
	return append(found, lookAtFormerKeys(cfg, open.auth.MasterKeyIDs(), keys)...)
}

// lookAtSQLite reads the whole file.
func lookAtSQLite(ctx context.Context, where database) []finding {
	if where.file == "" {
		return nil
	}
	store, err := sqlite.Open(ctx, where.file)
	if err != nil {
		return []finding{fail("store", "%v", err)}
	}
	err = store.Check(ctx)
	if err = errors.Join(err, store.Close()); err != nil {
		return []finding{fail("store", "%v; restore a copy", err)}
	}
	return []finding{fine("store", "%s is sound", where)}
}

// lookAtCertificate says how long the certificate is good for.
func lookAtCertificate(_ context.Context, cfg config) []finding {
	certFile, keyFile := cfg.tls.certFile, cfg.tls.keyFile
	switch cfg.tls.kind {
	case tlsProxy:
		return []finding{fine("certificate", "the proxy has it")}
	case tlsACME:
		return []finding{lookAtACME(cfg)}
	case tlsLocal:
		paths := localPathsIn(cfg.dataDir)
		certFile, keyFile = paths.leaf, paths.leafKey
		if !exists(certFile) {
			return []finding{warn("certificate", "there is none; gatehouse serve makes it")}
		}
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return []finding{fail("certificate", "%s: %v", certFile, err)}
	}
	leaf, err := leafOf(&pair)
	if err != nil {
		return []finding{fail("certificate", "%s: %v", certFile, err)}
	}
	parsed, err := url.Parse(cfg.knownURL())
	if err != nil {
		return []finding{fail("certificate", "%v", err)}
	}
	left := time.Until(leaf.NotAfter)
	days := int(left.Hours() / 24)
	switch {
	case left <= 0:
		return []finding{fail("certificate", "%s has expired on %s; renew it", certFile, leaf.NotAfter.UTC().Format(time.DateOnly))}
	case leaf.VerifyHostname(parsed.Hostname()) != nil:
		return []finding{fail("certificate", "%s is not for %s; get one that is", certFile, parsed.Hostname())}
	case left < leaf.NotAfter.Sub(leaf.NotBefore)/10:
		return []finding{warn("certificate", "%s expires in %s; renew it", certFile, count(days, "day"))}
	}
	return []finding{fine("certificate", "%s is good for %s", certFile, count(days, "more day"))}
}

func lookAtACME(cfg config) finding {
	_, port, err := net.SplitHostPort(cfg.listen.String())
	if err != nil || port != "443" {
		return warn("certificate", "the authority asks on ports 443 and 80; %s must be reached from one of them", cfg.listen)
	}
	if !exists(filepath.Join(cfg.dataDir, "acme")) {
		return warn("certificate", "none was obtained so far; gatehouse serve asks for it")
	}
	return fine("certificate", "obtained and renewed by ACME")
}
