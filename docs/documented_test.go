package docs_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fact is what a page says, and the text of the source that makes it so. Whoever
// changes one has to change the other. A fact about ourselves has no source.
type fact struct{ page, says, file, source string }

const (
	operate  = "docs/guides/operate.md"
	httpAPI  = "docs/guides/http-api.md"
	security = "SECURITY.md"
)

// documented is what the standards want to be documented, by requirement.
func documented() map[string][]fact {
	return map[string][]fact{
		"DO-01_input_and_limits": slices.Concat(inputFacts(), limitFacts()),
		"DO-02_throttling_and_ways_in": append(throttleFacts(), []fact{
			{operate, "## Which passwords are refused", "", ""},
			{operate, "the username, the email or a part of it, the host of `--url`, `--audience`, `gatehouse`", "", ""},
			{operate, "There is one way to log in: the password", "", ""},
			{operate, "`aal1`", "grant.go", `"aal1"`},
		}...),
		"DO-03_lifetimes_with_reasons": lifetimeFacts(),
		"DO-04_who_may_do_what": {
			{httpAPI, "A user can reach their own data and no other", "", ""},
			{httpAPI, "There is no route for operators", "", ""},
			{security, "| who | can | cannot |", "", ""},
		},
		"DO-05_keys_and_algorithms":   keyFacts(),
		"DO-06_connections_and_waits": connectionFacts(),
		"DO-07_classes_of_data": {
			{operate, "| class | what | where | protected by | gone |", "", ""},
			{operate, "**An access token can be read by whoever holds it.**", "", ""},
			{operate, "| event | 400 days;", "config.go", "DefaultEventRetention = 400 * 24 * time.Hour"},
		},
		"DO-08_mending_building_and_what_is_risky": {
			{security, "| critical | somebody logs in as somebody else, or issues a token | 7 days |", "", ""},
			{security, "| high | a session survives its end, a secret reaches a log | 30 days |", "", ""},
			{security, "scripts/sbom", "scripts/sbom", "CycloneDX"},
			{security, "scripts/reproduce", "scripts/reproduce", "-trimpath"},
			{security, "What is expensive on purpose is the password hash", "", ""},
			{security, "The dependency with most code that reads\nstrangers' bytes is SQLite", "", ""},
			{security, "No test code is part of a build", "floors_test.go", `"testing":      "no test code in the build"`},
		},
		"DO-09_inventory_of_logs": {
			{operate, "| message | level | fields |", "", ""},
			{operate, "## Events\n", "", ""},
			{operate, "No line holds a password, token, cookie, code, body or query.", "", ""},
		},
		"DO-10_browsers": {
			{operate, "The pages need cookies and HTML, and work without scripts.", "", ""},
			{operate, "A browser that sends neither\n`Sec-Fetch-Site` nor `Origin` cannot submit a form.", "", ""},
		},
		"DO-11_retention_and_privacy_to_adopt": {
			{operate, "A text to adopt for your users:", "", ""},
			{operate, "What happens with your account is recorded for 400 days", "config.go", "DefaultEventRetention = 400 * 24 * time.Hour"},
			{operate, "You can download all of this,\n> and delete it, on your account page.", "", ""},
		},
		"PH-27_a_host_name_of_its_own": {
			{operate, "Give Gatehouse a host name of its own", "", ""},
			{operate, "HSTS is sent with `includeSubDomains` for two years, so everything below that name must speak HTTPS.", "web/guard.go", "max-age=63072000; includeSubDomains"},
			{operate, "[preloaded](https://hstspreload.org), which is hard to undo", "", ""},
		},
	}
}

func connectionFacts() []fact {
	return []fact{
		{operate, "## Connections\n\nOutgoing, only where a setting asks for it:", "", ""},
		{operate, "every 10 minutes until there is a certificate", "cmd/gatehouse/acme.go", "acmeCheck = 10 * time.Minute"},
		{operate, "| 2 s, once, no redirect |", "breach/breach.go", "patience   = 2 * time.Second"},
		{operate, "| 30 s for a mail; again after 10 s, then twice as long up to 30 min, for a day |", "outbox.go", "mailPatience = 30 * time.Second"},
		{operate, "| 30 s for a mail; again after 10 s, then twice as long up to 30 min, for a day |", "outbox.go", "mailFirstGap = 10 * time.Second"},
		{operate, "| 30 s for a mail; again after 10 s, then twice as long up to 30 min, for a day |", "outbox.go", "mailMostGap  = 30 * time.Minute"},
		{operate, "| 30 s for a mail; again after 10 s, then twice as long up to 30 min, for a day |", "outbox.go", "mailLife     = 24 * time.Hour"},
		{operate, "| waiting for another process on the file | 5 s |", "sqlite/sqlite.go", "busyTimeout = 5 * time.Second"},
		{operate, "| reads | 4 connections, 5 s |", "sqlite/sqlite.go", "readTimeout = 5 * time.Second"},
		{operate, "| writes | one writer; 64 share a commit, 1,024 wait |", "sqlite/writer.go", "maxBatch = 64"},
	}
}

func inputFacts() []fact {
	return []fact{
		{operate, "| username | 1 to 64 code points", "model/username.go", "maxUsernameRunes = 64"},
		{operate, "| email | 254 octets, local part 64,", "model/email.go", "maxEmailBytes     = 254"},
		{operate, "| email | 254 octets, local part 64,", "model/email.go", "maxEmailLocalPart = 64"},
		{operate, "| password, new | 15 to 256 code points and 1,024 bytes after NFC |", "config.go", "DefaultPasswordMin = 15"},
		{operate, "| password, new | 15 to 256 code points and 1,024 bytes after NFC |", "model/password.go", "MaxPasswordRunes = 256"},
		{operate, "| password, new | 15 to 256 code points and 1,024 bytes after NFC |", "model/password.go", "MaxPasswordBytes = 1024"},
		{operate, "| both names | at least one of username and email |", "", ""},
		{operate, "| role | 1 to 64 bytes", "model/role.go", "MaxRoleBytes = 64"},
		{operate, "| body | 64 KiB, JSON nesting 8 |", "web/guard.go", "maxBody    = 64 << 10"},
		{operate, "| request line and header | 16 KiB; URL 4 KiB; 50 cookies |", "web/guard.go", "maxHead    = 16 << 10"},
		{operate, "| request line and header | 16 KiB; URL 4 KiB; 50 cookies |", "web/guard.go", "maxURL     = 4 << 10"},
		{operate, "| request line and header | 16 KiB; URL 4 KiB; 50 cookies |", "web/guard.go", "maxCookies = 50"},
		{operate, "| access token | 8 KiB, header 1 KiB |", "jwt/jwt.go", "MaxTokenSize = 8 << 10"},
		{operate, "| access token | 8 KiB, header 1 KiB |", "jwt/jwt.go", "maxHeaderSize = 1 << 10"},
		{operate, "| `User-Agent` that is kept | 256 bytes |", "web/clientip.go", "maxUserAgent = 256"},
	}
}

func limitFacts() []fact {
	return []fact{
		{operate, "5 s at most, 64 for each core, then 503 `overloaded`", "argon2id/engine.go", "defaultMaxWait = 5 * time.Second"},
		{operate, "5 s at most, 64 for each core, then 503 `overloaded`", "argon2id/engine.go", "waitingPerCore = 64"},
		{operate, "Argon2: 256 MiB, 10 passes, 16 lanes", "argon2id/params.go", "maxMemoryKiB = 256 * 1024"},
		{operate, "Argon2: 256 MiB, 10 passes, 16 lanes", "argon2id/params.go", "maxPasses    = 10"},
		{operate, "Argon2: 256 MiB, 10 passes, 16 lanes", "argon2id/params.go", "maxLanes     = 16"},
		{operate, "64 share a commit, 1,024 wait", "sqlite/writer.go", "maxWaiting = 1024"},
		{operate, "| sessions of one user | 20 | the oldest is ended |", "config.go", "sessionsPerUser = 20"},
	}
}

func throttleFacts() []fact {
	return []fact{
		{operate, "4 are free; after the fifth 30 s, twice as long after each further one, up to 1 h.", "throttle.go", "freeFailures   = 4"},
		{operate, "4 are free; after the fifth 30 s, twice as long after each further one, up to 1 h.", "throttle.go", "firstDelay     = 30 * time.Second"},
		{operate, "4 are free; after the fifth 30 s, twice as long after each further one, up to 1 h.", "throttle.go", "longestDelay   = time.Hour"},
		{operate, "at any pace | 100, then no password is right until it is", "throttle.go", "failuresAtMost = 100"},
		{operate, "| 20 in 5 min | `failures` |", "limits.go", "SourceFailures:  Limit{20, 5 * time.Minute}"},
		{operate, "| 100 in 5 min | `network-failures` |", "limits.go", "NetworkFailures: Limit{100, 5 * time.Minute}"},
		{operate, "| 10 in 1 h | `registrations` |", "limits.go", "Registrations:   Limit{10, time.Hour}"},
		{operate, "| 10 in 1 h | `code-submits` |", "limits.go", "CodeSubmits:     Limit{10, time.Hour}"},
		{operate, "| 10 in 1 h | `mail-requests` |", "limits.go", "MailRequests:    Limit{10, time.Hour}"},
		{operate, "| 3 in 1 h | `mails-per-user` |", "limits.go", "MailsPerUser:    Limit{3, time.Hour}"},
		{operate, "| 10 in 1 h | `renames` |", "limits.go", "Renames:         Limit{10, time.Hour}"},
		{operate, "| 300 in 5 min | `strength-hints` |", "limits.go", "StrengthHints:   Limit{300, 5 * time.Minute}"},
		{operate, "| 30 in 1 min | `refreshes` |", "limits.go", "Refreshes:       Limit{30, time.Minute}"},
		{operate, "- **A stranger cannot lock somebody out.**", "", ""},
	}
}

func lifetimeFacts() []fact {
	return []fact{
		{operate, "| access token | 10 min; 1 s to 60 min", "config.go", "DefaultAccessTTL   = 10 * time.Minute"},
		{operate, "| access token | 10 min; 1 s to 60 min", "config.go", "MaxAccessTTL       = 60 * time.Minute"},
		{operate, "| refresh token | 7 days without use, 30 days in any case |", "config.go", "refreshIdle     = 7 * 24 * time.Hour"},
		{operate, "| refresh token | 7 days without use, 30 days in any case |", "config.go", "SessionLifetime = 30 * 24 * time.Hour"},
		{operate, "| retry window of a refresh | 10 s, the immediate parent only |", "config.go", "refreshWindow   = 10 * time.Second"},
		{operate, "| session of a browser | 24 h without use, 30 days in any case |", "config.go", "sessionIdle     = 24 * time.Hour"},
		{operate, "| fresh login | 5 min |", "config.go", "freshness       = 5 * time.Minute"},
		{operate, "| code, for a reset | 30 min |", "config.go", "ResetCodeTTL  = 30 * time.Minute"},
		{operate, "| code, for an invitation | 24 h |", "config.go", "InviteCodeTTL = 24 * time.Hour"},
		{operate, "| code, for an email | 24 h |", "config.go", "VerifyCodeTTL = 24 * time.Hour"},
		{operate, "| digits in a mail | 10 min, 5 tries;", "config.go", "DigitsTTL     = 10 * time.Minute"},
		{operate, "| digits in a mail | 10 min, 5 tries;", "config.go", "DigitsTries = 5"},
		{operate, "20 wrong ones in a row for one address", "codes.go", "wrongDigitsAtMost = 20"},
		{operate, "| mail that waits | 24 h at most,", "outbox.go", "mailLife     = 24 * time.Hour"},
		{operate, "| `__Host-request`, a browser that asked for a mail | 24 h,", "web/mail.go", "requestCookieAge = gatehouse.VerifyCodeTTL"},
		{operate, "| code in the browser, on its way to the form | 10 min |", "web/cookie.go", "codeCookieAge = 10 * time.Minute"},
		{operate, "| status list | published anew each second, `exp` 5 min |", "statuslist.go", "StatusListAge = time.Second"},
		{operate, "| status list | published anew each second, `exp` 5 min |", "statuslist.go", "statusListTTL = 5 * time.Minute"},
		{operate, "| key set in caches | 300 s |", "rotate.go", "KeySetAge = 300 * time.Second"},
		{operate, "| difference of clocks | 60 s |", "jwt/jwt.go", "Leeway = 60 * time.Second"},
		{operate, "NIST SP 800-63B-4", "", ""},
		{operate, "there is no federation", "", ""},
	}
}

func keyFacts() []fact {
	return []fact{
		{operate, "replaced after 90 days", "rotate.go", "KeyRotationPeriod = 90 * 24 * time.Hour"},
		{operate, "published 1 hour before it signs", "rotate.go", "KeyPublishedAhead = time.Hour"},
		{operate, "RSA 3072", "jwt/keycheck.go", "minRSABits = 3072"},
		{operate, "32-byte HMAC secret", "jwt/keycheck.go", "minSecretSize = 32"},
		{operate, "16 bytes salt, 32 bytes tag", "argon2id/params.go", "saltBytes = 16"},
		{operate, "16 bytes salt, 32 bytes tag", "argon2id/params.go", "tagBytes  = 32"},
		{operate, "authority 10 years, certificate 60 days", "cmd/gatehouse/localca.go", "authorityLife = 10 * 365 * 24 * time.Hour"},
		{operate, "authority 10 years, certificate 60 days", "cmd/gatehouse/localca.go", "leafLife      = 60 * 24 * time.Hour"},
		{operate, "20 days before its end", "cmd/gatehouse/localca.go", "leafRenewal   = 20 * 24 * time.Hour"},
		{operate, "**Quantum computers.**", "", ""},
	}
}

func TestTheGuidesSayWhatTheBinaryDoes(t *testing.T) {
	seen := map[string]string{}
	words := func(t *testing.T, file string) string {
		if _, known := seen[file]; !known {
			seen[file] = words(t, file)
		}
		return seen[file]
	}
	for name, facts := range documented() {
		t.Run(name, func(t *testing.T) {
			for _, fact := range facts {
				if !strings.Contains(words(t, fact.page), inOneLine(fact.says)) {
					t.Errorf("%s does not say %q", fact.page, fact.says)
				}
				if fact.file != "" && !strings.Contains(words(t, fact.file), inOneLine(fact.source)) {
					t.Errorf("%s says %q, and %s has no %q any more", fact.page, fact.says, fact.file, fact.source)
				}
			}
		})
	}
}

// What is kept of people has its place in the guide, and so has every cookie.
func TestTheGuideNamesEveryTableAndCookie(t *testing.T) {
	_, held, _ := strings.Cut(read(t, filepath.Join(root, operate)), "\n## Data held\n")
	held, _, _ = strings.Cut(held, "\n## ")
	migrations, err := filepath.Glob(filepath.Join(root, "sqlite/migrations/*.sql"))
	if err != nil || len(migrations) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	tables := 0
	for _, migration := range migrations {
		for _, table := range found(read(t, migration), `(?m)^CREATE TABLE (\w+)`) {
			if table = strings.TrimSuffix(table, "_next"); !strings.Contains(held, "`"+table+"`") {
				t.Errorf("%s does not say what is held in %s", operate, table)
			}
			tables++
		}
	}
	cookies := found(read(t, filepath.Join(root, "web/cookie.go")), `"(__Host-[a-z]+)"`)
	for _, cookie := range cookies {
		if !strings.Contains(held, "`"+cookie+"`") {
			t.Errorf("%s does not say what the cookie %s is for", operate, cookie)
		}
	}
	if tables < 8 || len(cookies) < 5 {
		t.Errorf("only %d tables and %d cookies were found", tables, len(cookies))
	}
}

// words is a file as if it stood in one line: where lines end and how columns
// are aligned says nothing.
func words(t *testing.T, file string) string {
	t.Helper()
	return inOneLine(read(t, filepath.Join(root, file)))
}

func inOneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// The guide of the API says of each route who may come in; the table of routes
// is what decides it.
func TestTheGuideSaysWhoMayComeIn(t *testing.T) {
	words := map[string]string{"anyone": "anyone", "bearer": "bearer", "cookied": "session cookie", "introspector": "introspection secret"}
	guide, routes := read(t, filepath.Join(root, httpAPI)), read(t, filepath.Join(root, "web/routes.go"))
	t.Run("DO-04_every_route_of_the_API", func(t *testing.T) {
		known := 0
		for _, row := range found(routes, `\{("[A-Z]+", "/[^"]*", \w+),`) {
			cells := strings.Split(strings.ReplaceAll(row, `"`, ""), ", ")
			method, path, who := cells[0], cells[1], words[cells[2]]
			if who == "" || strings.HasPrefix(path, "/static/") || path == "/readyz" {
				continue
			}
			known++
			line := "[`" + method + " " + path
			if _, rest, ok := strings.Cut(guide, line+"`"); !ok || !strings.Contains(strings.SplitN(rest, "\n", 2)[0], ") | "+who+" |") {
				t.Errorf("%s does not say that %s %s is for: %s", httpAPI, method, path, who)
			}
		}
		if known < 20 {
			t.Errorf("only %d routes were compared", known)
		}
	})
}
