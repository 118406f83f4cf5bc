package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse"
)

// namedLimit is a limit under the name that it has in --limits.
type namedLimit struct {
	name  string
	limit *gatehouse.Limit
}

// namedLimits returns every limit of l, in the order of the documentation.
func namedLimits(l *gatehouse.Limits) []namedLimit {
	return []namedLimit{
		{"failures", &l.SourceFailures},
		{"network-failures", &l.NetworkFailures},
		{"registrations", &l.Registrations},
		{"code-submits", &l.CodeSubmits},
		{"mail-requests", &l.MailRequests},
		{"mails-per-user", &l.MailsPerUser},
		{"renames", &l.Renames},
		{"strength-hints", &l.StrengthHints},
		{"refreshes", &l.Refreshes},
	}
}

// parseLimits reads name=count/time, with commas. What is not named keeps its
// default.
func parseLimits(cfg *config, values map[string]setting) error {
	value := values["limits"]
	if value.text == "" {
		return nil
	}
	limits := namedLimits(&cfg.limits)
	for part := range strings.SplitSeq(value.text, ",") {
		part = strings.TrimSpace(part)
		name, text, found := strings.Cut(part, "=")
		i := slices.IndexFunc(limits, func(l namedLimit) bool { return l.name == name })
		switch {
		case !found:
			return value.wrong("%q is no limit; write it as in failures=20/5m", part)
		case i < 0:
			return value.wrong("there is no limit %q; there are %s", name, limitNames(limits))
		case *limits[i].limit != gatehouse.Limit{}:
			return value.wrong("%s stands there twice", name)
		}
		limit, ok := parseLimit(text)
		if !ok {
			return value.wrong("%s: %q is no limit; write a count from 1 to %d and whole seconds up to %s, as in 20/5m",
				name, text, gatehouse.MaxLimitCount, shortTime(gatehouse.MaxLimitWithin))
		}
		*limits[i].limit = limit
	}
	return nil
}

// parseLimit reads a count and the time in which it may be reached.
func parseLimit(text string) (limit gatehouse.Limit, ok bool) {
	count, within, _ := strings.Cut(text, "/")
	number, numberErr := strconv.ParseUint(count, 10, 64)
	duration, timeErr := time.ParseDuration(within)
	limit = gatehouse.Limit{Count: int(number), Within: duration}
	return limit, numberErr == nil && timeErr == nil && duration%time.Second == 0 && limit.Check() == nil
}

func limitNames(limits []namedLimit) string {
	names := make([]string, len(limits))
	for i, l := range limits {
		names[i] = l.name
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// lookAtLimits names each limit that is set looser than its default: more at
// once, or more in the long run.
func lookAtLimits(cfg config) []finding {
	usual := gatehouse.DefaultLimits()
	usually := namedLimits(&usual)
	var found []finding
	for i, l := range namedLimits(&cfg.limits) {
		set, by := *l.limit, *usually[i].limit
		if set == (gatehouse.Limit{}) {
			continue
		}
		if set.Count > by.Count || int64(set.Count)*int64(by.Within/time.Second) > int64(by.Count)*int64(set.Within/time.Second) {
			found = append(found, warn("limits", "%s is %s, which is looser than the default of %s; guessing is slowed down less",
				l.name, limitText(set), limitText(by)))
		}
	}
	return found
}

// limitText writes a limit as --limits reads it.
func limitText(l gatehouse.Limit) string { return fmt.Sprintf("%d/%s", l.Count, shortTime(l.Within)) }

// shortTime writes a time without parts that are zero: 5m and not 5m0s.
func shortTime(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
