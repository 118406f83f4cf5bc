package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"gatehouse"
	"gatehouse/model"
)

type auditCommands struct {
	List   auditListCommand   `cmd:"" help:"List the newest events."`
	Verify auditVerifyCommand `cmd:"" help:"Check that no event was changed or removed."`
	Export auditExportCommand `cmd:"" help:"Write all events to standard output, one a line, the oldest first."`
}

// auditListCommand prints the newest events, the newest first.
type auditListCommand struct {
	User  string `placeholder:"WHO" help:"About this user: a username, an email or an id, also of a user who is gone."`
	Event string `placeholder:"NAME" help:"With this name, as in authn_login_fail."`
	Since string `placeholder:"TIME" help:"Not before: 2026-11-22, 2026-11-22T18:00:00Z, or 36h or 7d ago."`
	Until string `placeholder:"TIME" help:"Before."`
	Limit int    `default:"100" placeholder:"N" help:"At most so many (100)."`
	JSON  bool   `help:"Print JSON lines."`
}

func (c auditListCommand) Run(ctx context.Context, p *program, cfg config) error {
	filter, err := c.filter(time.Now())
	if err != nil {
		return err
	}
	return p.withAuth(ctx, cfg, func(auth *gatehouse.Auth) error {
		if c.User != "" {
			if filter.UserID, err = auditedUser(ctx, auth, c.User); err != nil {
				return err
			}
		}
		rows, err := auth.FindEvents(ctx, filter)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeEvents(p.stdout, jsonLine, slices.Values(rows))
		}
		return p.printEvents(rows)
	})
}

// filter reads what can be wrong before the database is opened.
func (c auditListCommand) filter(now time.Time) (filter model.EventFilter, err error) {
	filter.Name, filter.Limit = model.EventName(c.Event), c.Limit
	if c.Limit < 1 {
		return filter, &usageError{sentence: "--limit is a number from 1 on"}
	}
	if c.Event != "" && !slices.Contains(model.EventNames(), filter.Name) {
		return filter, &usageError{sentence: fmt.Sprintf("there is no event %q; docs/guides/operate.md lists them", c.Event)}
	}
	if filter.Since, err = pointInTime("--since", c.Since, now); err != nil {
		return filter, err
	}
	filter.Until, err = pointInTime("--until", c.Until, now)
	return filter, err
}

// pointInTime reads a day, a time or how long ago it was; zero for nothing.
func pointInTime(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	if ago, err := parseDays(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, &usageError{sentence: fmt.Sprintf("%s: %q is no time; write 2026-11-22, 2026-11-22T18:00:00Z, or 36h or 7d for so long ago", flag, text)}
}

// auditedUser finds a user by name, email or id. The id of one who is gone still
// has its events.
func auditedUser(ctx context.Context, auth *gatehouse.Auth, who string) (model.UserID, error) {
	if id, err := model.ParseID[model.User](who); err == nil {
		return id, nil
	}
	user, err := auth.FindUser(ctx, who)
	if errors.Is(err, model.ErrNotFound) {
		return model.UserID{}, fmt.Errorf("there is no user %q", who)
	}
	return user.ID, err
}

func (p *program) printEvents(rows []model.EventRow) error {
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TIME\tEVENT\tUSER\tADDRESS\tUSER AGENT\tPOSITION")
	for _, row := range rows {
		shown := toEventJSON(row)
		position := "-"
		if row.Seal.Position > 0 {
			position = fmt.Sprint(row.Seal.Position)
		}
		agent := "-"
		if shown.UserAgent != "" {
			// A stranger's text: quoted, it cannot steer a terminal.
			agent = fmt.Sprintf("%.60q", shown.UserAgent)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", timeOrDash(row.At), eventWord(shown.Event), or(shown.UserID, "-"), or(shown.Address, "-"), agent, position)
	}
	return table.Flush()
}

// eventWord is the name of an event. Quoted, one that somebody wrote into the
// database cannot steer a terminal.
func eventWord(name string) string {
	if name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") == "" {
		return name
	}
	return strconv.Quote(name)
}

// auditVerifyCommand walks the chain. It fails when something is wrong with it.
type auditVerifyCommand struct {
	Head string `placeholder:"POSITION:MAC" help:"A head that was printed or logged before; it must be in the chain."`
}

func (c auditVerifyCommand) Run(ctx context.Context, p *program, cfg config) error {
	var known gatehouse.EventHead
	if c.Head != "" {
		var err error
		if known, err = gatehouse.ParseEventHead(c.Head); err != nil {
			return &usageError{sentence: "--head: " + err.Error()}
		}
	}
	return p.withAuth(ctx, cfg, func(auth *gatehouse.Auth) error {
		if c.Head == "" {
			var err error
			if known, err = rememberedHead(auth, cfg.dataDir); err != nil {
				return err
			}
		}
		report, err := auth.VerifyEvents(ctx, known)
		if err != nil {
			return err
		}
		if report.Faults > 0 {
			return p.sayFaults(report)
		}
		if report.Head.Position == 0 {
			fmt.Fprintln(p.stdout, "There are no events.")
			return nil
		}
		fmt.Fprintf(p.stdout, "The chain holds: %s, positions %d to %d.\nhead %s\n",
			count(int(report.Events), "event"), report.Begin+1, report.Head.Position, report.Head)
		return nil
	})
}

func (p *program) sayFaults(report gatehouse.EventReport) error {
	for _, fault := range report.First {
		where := ""
		if fault.Row.ID != 0 {
			where = fmt.Sprintf(", id %d, %s, %q", fault.Row.ID, timeOrDash(fault.Row.At), string(fault.Row.Name))
		}
		fmt.Fprintf(p.stdout, "position %d%s: %s\n", fault.Position, where, fault.What)
	}
	if more := report.Faults - len(report.First); more > 0 {
		fmt.Fprintf(p.stdout, "and %d more\n", more)
	}
	fmt.Fprintf(p.stderr, "gatehouse: the audit chain does not hold: %s in %s\n", count(report.Faults, "fault"), count(int(report.Events), "event"))
	return errSaid
}

// auditExportCommand writes every event there is.
type auditExportCommand struct {
	Format string `default:"json" enum:"json,csv" placeholder:"KIND" help:"json, one object a line, or csv (json)."`
}

func (c auditExportCommand) Run(ctx context.Context, p *program, cfg config) error {
	return p.withAuth(ctx, cfg, func(auth *gatehouse.Auth) error {
		line := jsonLine
		out := bufio.NewWriterSize(p.stdout, 64<<10)
		if c.Format == "csv" {
			line = csvLine
			if _, err := out.Write(csvHead()); err != nil {
				return fmt.Errorf("the export is not complete: %w", err)
			}
		}
		exported := 0
		err := auth.EachEvent(ctx, func(row model.EventRow) error {
			text, err := line(row)
			if err == nil {
				_, err = out.Write(text)
			}
			exported++
			return err
		})
		if err = errors.Join(err, out.Flush()); err != nil {
			return fmt.Errorf("the export is not complete: %w", err)
		}
		fmt.Fprintf(p.stderr, "exported %d\n", exported)
		return nil
	})
}
