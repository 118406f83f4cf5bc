package web

import (
	"database/sql"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse/storetest"
)

// dump is every row of every table, by the name of the table, without when a session
// was used last.
func (s *site) dump(t *testing.T) map[string][]string {
	t.Helper()
	db, err := sql.Open("sqlite", s.file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	all := map[string][]string{}
	for _, table := range storetest.Rows(t, db, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`) {
		table = strings.TrimSpace(table)
		all[table] = storetest.Rows(t, db, "SELECT * FROM "+table, "last_used_at", "idle_expires_at")
	}
	if len(all) < 8 {
		t.Fatalf("only %d tables", len(all))
	}
	return all
}

// wantUnchanged compares two dumps, but for some tables.
func wantUnchanged(t *testing.T, before, after map[string][]string, but ...string) {
	t.Helper()
	for table, rows := range after {
		if !slices.Contains(but, table) && !slices.Equal(rows, before[table]) {
			t.Errorf("%s has changed:\n%q\n%q", table, before[table], rows)
		}
	}
}

// withLinks lets ana log in on a page and over the API, and returns two links of her
// mails: to confirm another email and to set a password.
func (s *site) withLinks(t *testing.T) (b *tab, ana person, links []string) {
	t.Helper()
	s.register("ana")
	b, ana = s.browse(), s.login("ana")
	b.fill("/login", "identifier", "ana", "password", goodPassword)
	b.fill("/account/email", "email", "anna@example.com", "password", goodPassword)
	links = append(links, linkIn(t, s, newestTo(t, s, s.box, "anna@example.com")))
	s.json("POST", "/v1/password/forgot", `{"email":"ana@example.com"}`)
	links = append(links, linkIn(t, s, newestTo(t, s, s.box, "ana@example.com")))
	return b, ana, links
}

func TestLookingChangesNothing(t *testing.T) {
	s := openEverything(t)
	b, ana, links := s.withLinks(t)
	var paths []string
	for _, row := range s.door.rows() {
		if row.method == http.MethodGet {
			paths = append(paths, strings.NewReplacer("{id}", "1", "{code}", "internal", "{file}", "none").Replace(row.path))
		}
		paths = append(paths, strings.NewReplacer("{id}", ana.session, "{code}", "internal", "{file}", "none").Replace(row.path))
	}
	paths = slices.Compact(append(slices.Sorted(slices.Values(paths)), links...))
	const export = "/v1/account/export"
	before := s.dump(t)
	t.Run("PH-11_all_routes_by_GET_HEAD_and_OPTIONS", func(t *testing.T) {
		seen := 0
		for _, path := range paths {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
				if path == export && method != http.MethodOptions {
					continue
				}
				for _, r := range []reply{b.do(method, path, ""), s.ask(method, path, "", bearing(ana.access))} {
					if r.status >= 500 {
						t.Errorf("%s %s: %d", method, path, r.status)
					}
					if r.status < 400 {
						seen++
					}
				}
			}
		}
		wantUnchanged(t, before, s.dump(t))
		if seen < 60 {
			t.Errorf("only %d answers were no refusals", seen)
		}
		b.surf(links[0]).shows("Confirm email")
		b.surf(links[1]).shows("Choose a new password")
	})
	t.Run("PH-11_an_export_is_recorded_and_nothing_else_is", func(t *testing.T) {
		if r := s.ask("GET", export, "", bearing(ana.access)); r.status != 200 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		after := s.dump(t)
		wantUnchanged(t, before, after, "events")
		if len(after["events"]) != len(before["events"])+1 {
			t.Errorf("%d events, want one more than %d", len(after["events"]), len(before["events"]))
		}
	})
}

func TestLinksHoldNoSecret(t *testing.T) {
	s := openEverything(t)
	b, ana, links := s.withLinks(t)
	var secrets []string
	for _, link := range links {
		secrets = append(secrets, link[strings.Index(link, "code=")+len("code="):])
	}
	addressed := regexp.MustCompile(`(?:href|action|formaction|src|content)="([^"]*)"`)
	ours := regexp.MustCompile(`^[a-z/-]*(\?(next=[a-zA-Z0-9%/-]*|done=[a-z-]+)|#[a-z]+|/[0-9a-f-]{36})?$`)
	t.Run("PH-20_no_secret_in_any_link", func(t *testing.T) {
		looked := 0
		look := func(from string, r reply) {
			t.Helper()
			secrets := append([]string{b.cookie(sessionCookie), b.cookie(csrfCookie), b.cookie(requestCookie), ana.access, ana.refresh}, secrets...)
			if found := csrfInput.FindStringSubmatch(r.body); found != nil {
				secrets = append(secrets, found[1])
			}
			targets := []string{r.header.Get("Location"), r.header.Get("Link"), r.header.Get("Refresh")}
			for _, found := range addressed.FindAllStringSubmatch(r.body, -1) {
				targets = append(targets, found[1])
			}
			for _, target := range targets {
				looked++
				for _, secret := range secrets {
					if secret != "" && strings.Contains(target, secret) {
						t.Errorf("%s leads to %s", from, target)
					}
				}
				if strings.Contains(target, "?") && !ours.MatchString(target) {
					t.Errorf("%s has a link with a query that is not known: %s", from, target)
				}
			}
		}
		for _, row := range s.door.rows() {
			if row.method == http.MethodGet && !strings.HasPrefix(row.path, mailboxPath) { // which shows the links in mails
				look(row.path, b.open(fill(row.path)))
				look(row.path, s.browse().open(fill(row.path)))
			}
		}
		for _, link := range links { // the one kind that holds one
			look("a link", b.open(link))
			look("a page behind a link", b.follow())
		}
		for _, form := range [][]string{
			{"/login", "identifier", "ana", "password", wrongPassword}, {"/login", "identifier", "ana", "password", goodPassword},
			{"/forgot", "email", "ana@example.com"}, {"/register", "email", "zoe@example.com", "password", goodPassword},
		} {
			other := s.browse()
			other.open(form[0])
			values := url.Values{}
			for i := 1; i < len(form); i += 2 {
				values.Set(form[i], form[i+1])
			}
			look("the form "+form[0], other.submit(form[0], values))
		}
		if looked < 200 {
			t.Errorf("only %d links were looked at", looked)
		}
	})
}
