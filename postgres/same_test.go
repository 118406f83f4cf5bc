package postgres_test

import (
	"bytes"
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gatehouse/model"
	"gatehouse/postgres"
	"gatehouse/sqlite"
)

// both is one act on each engine, and what each says.
type both struct {
	t                *rapid.T
	sqlite, postgres model.Store
	seen             map[string]int // how often an act succeeded
}

// do runs fn on both and wants the same value and the same answer: nil, the same
// refusal, or trouble.
func do[V any](b both, what string, fn func(model.Store) (V, error)) {
	one, errOne := fn(b.sqlite)
	two, errTwo := fn(b.postgres)
	if verdict(errOne) != verdict(errTwo) {
		b.t.Fatalf("%s: SQLite answers %v and PostgreSQL %v", what, errOne, errTwo)
	}
	if errOne != nil {
		return
	}
	b.seen[what]++
	if diff := gocmp.Diff(one, two, gocmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		b.t.Fatalf("%s: differs (- SQLite, + PostgreSQL):\n%s", what, diff)
	}
}

func verdict(err error) string {
	var refusal *model.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refusal):
		return refusal.Code
	case errors.Is(err, model.ErrStoreUnavailable):
		return "unavailable"
	}
	return "trouble"
}

// strange draws text and bytes that programs trip over.
var strange = rapid.OneOf(
	rapid.String(),
	rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 40), func(b []byte) string { return string(b) }),
	rapid.SampledFrom([]string{"", "\x00", "a\x00b", "\xff", "a\xc3", "\xed\xa0\x80", "ana", "Ana", "ANA", "anа", "àna", "a\u0300na", "ana ", " ana", "straße", "strasse",
		"STRASSE", "ﬁ", "fi", "İ", "i", "ı", "кот", "木村", "עברית", "\U0001F469\u200d\U0001F680", "%", "_", "'; DROP TABLE users; --", "$1", "\\x00", "NULL", "\ufeffana",
		strings.Repeat("é", 128)}))

// instant draws times that are near each other, far ones, and now and then none.
var instant = rapid.Custom(func(t *rapid.T) time.Time {
	zone := time.FixedZone("", rapid.IntRange(-12*3600, 14*3600).Draw(t, "zone"))
	switch rapid.IntRange(0, 19).Draw(t, "kind") {
	case 0:
		return time.Time{}
	case 1, 2:
		return time.UnixMicro(rapid.Int64Range(-1<<52, 1<<52).Draw(t, "micros")).In(zone)
	}
	return noon.Add(time.Duration(rapid.Int64Range(-1000, 10_000).Draw(t, "after noon"))).In(zone)
})

var (
	counter  = rapid.SampledFrom([]int64{0, 0, 1, 1, 2, 3, -1, 1 << 31, 1 << 40})
	versions = rapid.SampledFrom([]int64{1, 1, 1, 2, 3, 0, -1, 1 << 31})
)

// seldom draws a time that is mostly none.
var seldom = rapid.OneOf(rapid.Just(time.Time{}), rapid.Just(time.Time{}), rapid.Just(time.Time{}), instant)

// word draws text that is seldom strange.
var word = rapid.OneOf(rapid.SampledFrom([]string{"ana", "bob", "eve", "anа", "ANA"}), rapid.StringMatching(`[a-z]{1,8}`), strange)

func id[Kind any](t *rapid.T) (id model.ID[Kind]) {
	// Few distinct ones, so that they meet, in an order that is not that of text.
	id[0] = rapid.SampledFrom([]byte{0, 'Z', 'a', 0xff}).Draw(t, "id")
	return id
}

func client(t *rapid.T) model.Client {
	addresses := []netip.Addr{{}, netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("::ffff:192.0.2.7"), netip.MustParseAddr("2001:db8::1"),
		netip.MustParseAddr("fe80::1").WithZone("eth0"), netip.MustParseAddr("fe80::1").WithZone("\xff")}
	return model.Client{Address: rapid.SampledFrom(addresses).Draw(t, "address"), UserAgent: strange.Draw(t, "user agent"), RequestID: strange.Draw(t, "request id")}
}

func newcomer(t *rapid.T) model.User {
	return model.User{ID: id[model.User](t), Username: model.Username(word.Draw(t, "username")), Email: model.Email(word.Draw(t, "email")),
		EmailVerifiedAt: seldom.Draw(t, "verified"), Roles: rapid.SliceOfN(strange, 0, 3).Draw(t, "roles"), DisabledAt: seldom.Draw(t, "disabled"),
		CreatedAt: instant.Draw(t, "created"), UpdatedAt: instant.Draw(t, "updated")}
}

// newSession is a session that is often alive, of a user who is often there.
func newSession(t *rapid.T) model.Session {
	var cookie model.Digest
	cookie[0] = rapid.SampledFrom([]byte{0, 1, 2, 0xff}).Draw(t, "cookie")
	return model.Session{ID: id[model.Session](t), UserID: id[model.User](t), TokenDigest: cookie, Counter: counter.Draw(t, "counter"),
		SteppedAt: instant.Draw(t, "stepped"), AuthenticatedAt: instant.Draw(t, "authenticated"), CreatedAt: instant.Draw(t, "created"),
		LastUsedAt: instant.Draw(t, "used"), IdleExpiresAt: instant.Draw(t, "idle end"), ExpiresAt: instant.Draw(t, "end"), Client: client(t)}
}

// TestBothEnginesAnswerAlike runs the same acts with strange values on SQLite
// and on PostgreSQL and compares every answer.
func TestBothEnginesAnswerAlike(t *testing.T) {
	t.Run("AI-33_what_one_accepts_the_other_accepts", func(t *testing.T) {
		one, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "gatehouse.db"))
		must(t, err)
		t.Cleanup(func() { must(t, one.Close()) })
		// A collation under which many different texts are close to each other.
		var collation string
		if query[int](t, keywords(server(t)), `SELECT current_setting('server_version_num')::int`) >= 150000 {
			collation = `TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'und'`
		}
		two, err := postgres.Open(t.Context(), newDatabase(t, collation))
		must(t, err)
		t.Cleanup(func() { must(t, two.Close()) })
		seen := make(map[string]int)
		compare := func(rt *rapid.T) {
			b := both{rt, one, two, seen}
			aboutOneLogin(t, b)
			for range 5 {
				if rapid.Bool().Draw(rt, "about users") {
					aboutUsers(t, b)
				} else {
					aboutTheRest(t, b)
				}
			}
			do(b, "Accounts", func(s model.Store) (all []account, err error) {
				list, err := s.Accounts(t.Context(), model.UserID{}, 1000)
				for _, a := range list {
					one, _ := plain(a, nil)
					all = append(all, one)
				}
				return all, err
			})
			do(b, "EndedIndexes", func(s model.Store) (int, error) {
				places, err := s.EndedIndexes(t.Context())
				return len(places), err
			})
		}
		wanted := []string{"CreateUser", "RenameUser", "ChangePassword", "RehashPassword", "ResetPassword", "DeleteUser", "OpenSession", "StepSession",
			"EndSession", "Presence", "PresenceByToken", "IssueCode", "SpendCode", "Record", "CreateSigningKey", "AccountByUsername", "AccountByEmail"}
		missing := func(what string) bool { return seen[what] == 0 }
		// What is drawn is left to chance, so one round may miss an act.
		for range 5 {
			rapid.Check(t, compare)
			if !slices.ContainsFunc(wanted, missing) {
				return
			}
		}
		t.Errorf("of %v some never succeeded, so nothing was compared: %v", wanted, seen)
	})
}

func aboutUsers(t *testing.T, b both) {
	ctx, rt := t.Context(), b.t
	user, at := newcomer(rt), instant.Draw(rt, "now")
	hash, other := model.PasswordHash(strange.Draw(rt, "hash")), model.PasswordHash(strange.Draw(rt, "other hash"))
	version := versions.Draw(rt, "version")
	switch rapid.IntRange(0, 9).Draw(rt, "act") {
	case 0, 1, 2, 3:
		do(b, "CreateUser", func(s model.Store) (any, error) { return nil, s.CreateUser(ctx, user, hash) })
	case 4:
		do(b, "RenameUser", func(s model.Store) (model.User, error) { return s.RenameUser(ctx, user.ID, user.Username, at) })
	case 5:
		do(b, "ChangePassword", func(s model.Store) (any, error) {
			return nil, s.ChangePassword(ctx, user.ID, version, hash, at)
		})
	case 6:
		do(b, "RehashPassword", func(s model.Store) (bool, error) { return s.RehashPassword(ctx, user.ID, other, hash) })
	case 7:
		do(b, "SetDisabled", func(s model.Store) (any, error) { return nil, s.SetDisabled(ctx, user.ID, user.DisabledAt, at) })
	case 8:
		do(b, "DeleteUser", func(s model.Store) (any, error) { return nil, s.DeleteUser(ctx, user.ID, at) })
	case 9:
		do(b, "ResetPassword", func(s model.Store) (model.User, error) { return s.ResetPassword(ctx, user.ID, hash, at) })
	}
	do(b, "AccountByUsername", func(s model.Store) (account, error) { return plain(s.AccountByUsername(ctx, user.Username)) })
	do(b, "AccountByEmail", func(s model.Store) (account, error) { return plain(s.AccountByEmail(ctx, user.Email)) })
	do(b, "Account", func(s model.Store) (account, error) { return plain(s.Account(ctx, user.ID)) })
}

// account is a model.Account that can be compared.
type account struct {
	User    model.User
	Hash    string
	Version int64
}

func plain(a model.Account, err error) (account, error) {
	return account{a.User, string(a.PasswordHash), a.PasswordVersion}, err
}

// aboutOneLogin succeeds at every act, with strange values beside the point.
func aboutOneLogin(t *testing.T, b both) {
	ctx, rt := t.Context(), b.t
	user, session := newcomer(rt), newSession(rt)
	user.ID, session.ID = model.NewID[model.User](), model.NewID[model.Session]()
	user.Username, user.Email = model.Username("u"+user.ID.String()), ""
	user.DisabledAt, user.CreatedAt, user.UpdatedAt = time.Time{}, noon, noon
	session.UserID, session.TokenDigest, session.Counter = user.ID, model.Digest(append(session.ID[:], session.ID[:]...)), 1<<33
	session.CreatedAt, session.LastUsedAt, session.AuthenticatedAt = noon, noon, noon
	session.IdleExpiresAt, session.ExpiresAt = noon.Add(time.Hour), noon.Add(time.Hour)
	code := model.CodeRecord{Digest: session.TokenDigest, Purpose: model.PurposeReset, UserID: user.ID, CreatedAt: noon, ExpiresAt: session.ExpiresAt}
	overAPI := session
	overAPI.ID, overAPI.TokenDigest = model.NewID[model.Session](), model.Digest{}
	step := model.Step{SessionID: overAPI.ID, Counter: overAPI.Counter, Now: noon, IdleExpiresAt: overAPI.IdleExpiresAt}

	do(b, "CreateUser", func(s model.Store) (any, error) { return nil, s.CreateUser(ctx, user, "hash") })
	do(b, "OpenSession", func(s model.Store) (any, error) { return nil, second(s.OpenSession(ctx, session, 1)) })
	do(b, "OpenSession", func(s model.Store) (any, error) { return nil, second(s.OpenSession(ctx, overAPI, 1)) })
	do(b, "PresenceByToken", func(s model.Store) (model.Presence, error) {
		return placeless(s.PresenceByToken(ctx, session.TokenDigest, noon))
	})
	do(b, "StepSession", func(s model.Store) (model.Presence, error) { return placeless(s.StepSession(ctx, step)) })
	do(b, "IssueCode", func(s model.Store) (any, error) { return nil, s.IssueCode(ctx, code) })
	do(b, "SpendCode", func(s model.Store) (model.CodeRecord, error) {
		return s.SpendCode(ctx, code.Digest, code.Purpose, noon)
	})
	do(b, "EndSession", func(s model.Store) (any, error) { return nil, s.EndSession(ctx, user.ID, session.ID, noon) })
	do(b, "DeleteUser", func(s model.Store) (any, error) { return nil, s.DeleteUser(ctx, user.ID, noon) })
}

func aboutTheRest(t *testing.T, b both) {
	ctx, rt := t.Context(), b.t
	session, now := newSession(rt), instant.Draw(rt, "now")
	purpose := model.CodePurpose(word.Draw(rt, "purpose"))
	code := model.CodeRecord{Digest: session.TokenDigest, Purpose: purpose, UserID: session.UserID, CreatedAt: now, ExpiresAt: session.ExpiresAt}
	version := versions.Draw(rt, "version")
	switch rapid.IntRange(0, 8).Draw(rt, "act") {
	case 0, 1:
		do(b, "OpenSession", func(s model.Store) (any, error) { return nil, second(s.OpenSession(ctx, session, version)) })
	case 2:
		do(b, "StepSession", func(s model.Store) (model.Presence, error) {
			return placeless(s.StepSession(ctx, model.Step{SessionID: session.ID, Counter: session.Counter, Now: now, IdleExpiresAt: session.IdleExpiresAt, RetryWindow: time.Second}))
		})
	case 3:
		do(b, "EndSession", func(s model.Store) (any, error) { return nil, s.EndSession(ctx, session.UserID, session.ID, now) })
	case 4:
		do(b, "IssueCode", func(s model.Store) (any, error) { return nil, s.IssueCode(ctx, code) })
	case 5:
		do(b, "SpendCode", func(s model.Store) (model.CodeRecord, error) { return s.SpendCode(ctx, code.Digest, purpose, now) })
	case 6:
		event := model.Event{At: now, Name: model.EventName(strange.Draw(rt, "name")), UserID: session.UserID, SessionID: session.ID, Client: session.Client}
		do(b, "Record", func(s model.Store) (any, error) { return nil, s.Record(ctx, event) })
	case 7:
		key := model.SigningKey{KeyID: strange.Draw(rt, "key id"), Algorithm: strange.Draw(rt, "algorithm"), Generation: session.Counter,
			Sealed: []byte(strange.Draw(rt, "sealed")), CreatedAt: now, ActiveFrom: session.ExpiresAt}
		do(b, "CreateSigningKey", func(s model.Store) (bool, error) { return s.CreateSigningKey(ctx, key) })
	case 8:
		do(b, "ForgetSessions", func(s model.Store) (int, error) { return s.ForgetSessions(ctx, now) })
		do(b, "ForgetCodes", func(s model.Store) (int, error) { return s.ForgetCodes(ctx, now) })
		do(b, "ForgetEvents", func(s model.Store) (int, error) { return s.ForgetEvents(ctx, version) })
	}
	do(b, "Presence", func(s model.Store) (model.Presence, error) { return placeless(s.Presence(ctx, session.ID, now)) })
	do(b, "PresenceByToken", func(s model.Store) (model.Presence, error) {
		return placeless(s.PresenceByToken(ctx, session.TokenDigest, now))
	})
	do(b, "EventsOf", func(s model.Store) ([]model.Event, error) { return s.EventsOf(ctx, session.UserID, 100) })
	filter := model.EventFilter{Name: model.EventName(strange.Draw(rt, "name")), Since: now, Until: session.ExpiresAt, Limit: 100}
	do(b, "FindEvents", func(s model.Store) ([]model.EventRow, error) { return numberless(s.FindEvents(ctx, filter)) })
	do(b, "LiveCode", func(s model.Store) (model.CodeRecord, error) { return s.LiveCode(ctx, code.Digest, purpose, now) })
	do(b, "SigningKeys", func(s model.Store) ([]model.SigningKey, error) { return s.SigningKeys(ctx) })
}

// numberless takes away the ids, which PostgreSQL also gives to what is not kept.
func numberless(rows []model.EventRow, err error) ([]model.EventRow, error) {
	for i := range rows {
		rows[i].ID = 0
	}
	return rows, err
}

// placeless takes away the place in the status list, which is random.
func placeless(p model.Presence, err error) (model.Presence, error) {
	p.Session.StatusIndex = 0
	return p, err
}

// column is what the two schemas must agree on.
type column struct{ Table, Name, Type, Null string }

func TestTheTwoSchemasAreOne(t *testing.T) {
	dsn := newSchema(t)
	open(t, dsn)
	conn, ctx := connect(t, dsn)
	rows, err := conn.Query(ctx, `SELECT table_name, column_name, data_type, is_nullable, coalesce(collation_name, '')
		FROM information_schema.columns WHERE table_schema = current_schema()`)
	must(t, err)
	var there []column
	for rows.Next() {
		var c column
		var collation string
		must(t, rows.Scan(&c.Table, &c.Name, &c.Type, &c.Null, &collation))
		if want := map[bool]string{true: "C"}[c.Type == "text"]; collation != want {
			t.Errorf("ST-12: the collation of %s.%s is %q, want %q", c.Table, c.Name, collation, want)
		}
		there = append(there, c)
	}
	must(t, rows.Err())

	path := filepath.Join(t.TempDir(), "gatehouse.db")
	store, err := sqlite.Open(t.Context(), path)
	must(t, err)
	must(t, store.Close())
	t.Run("ST-12_AI-33_columns_have_the_same_names_and_kinds", func(t *testing.T) {
		if diff := gocmp.Diff(sorted(columnsOfSQLite(t, path)), sorted(there)); diff != "" {
			t.Errorf("differs (- SQLite, + PostgreSQL):\n%s", diff)
		}
		if len(there) < 40 {
			t.Errorf("only %d columns were compared", len(there))
		}
	})
}

func columnsOfSQLite(t *testing.T, path string) (here []column) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer func() { must(t, db.Close()) }()
	rows, err := db.QueryContext(t.Context(), `SELECT m.name, c.name, c.type, CASE c."notnull" WHEN 1 THEN 'NO' ELSE 'YES' END
		FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'`)
	must(t, err)
	for rows.Next() {
		var c column
		must(t, rows.Scan(&c.Table, &c.Name, &c.Type, &c.Null))
		c.Type = map[string]string{"TEXT": "text", "BLOB": "bytea", "INTEGER": "bigint"}[c.Type]
		switch fmt.Sprint(c.Table, ".", c.Name) {
		case "migrations.version":
			c.Type = "integer"
		case "events.id": // SQLite does not say so of its row number
			c.Null = "NO"
		}
		here = append(here, c)
	}
	must(t, errors.Join(rows.Err(), rows.Close()))
	return here
}

func sorted(list []column) []column {
	slices.SortFunc(list, func(a, b column) int {
		return cmp.Or(strings.Compare(a.Table, b.Table), strings.Compare(a.Name, b.Name))
	})
	return list
}

func TestTheLongestNamesFit(t *testing.T) {
	store := open(t, newSchema(t))
	for i, letter := range []string{"a", "é", "木", "𐐨", "ﷺ", "㎯"} {
		name, err := model.ParseUsername(strings.Repeat(letter, 64))
		if err != nil {
			name = model.Username(strings.Repeat(letter, 64)) // the store does not judge
		}
		user := person(fmt.Sprintf("user%d", i))
		user.Username = name
		user.Email = model.Email(string(bytes.Repeat([]byte{byte('a' + i)}, 242)) + "@example.com")
		must(t, store.CreateUser(t.Context(), user, model.PasswordHash(strings.Repeat("$", 1000))))
		must(t, second(store.AccountByUsername(t.Context(), name)))
	}
}
