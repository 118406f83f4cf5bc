package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"gatehouse/argon2id"
	"gatehouse/model"
)

// enumeration is a server with people of every kind, all made anew for each
// surface, since a name counts its failures.
type enumeration struct {
	server  *server
	samples int // of each class
	phc     string
}

func newEnumeration(t testing.TB, samples int) *enumeration {
	t.Helper()
	return startEnumeration(t, samples)
}

func startEnumeration(t testing.TB, samples int, settings ...string) *enumeration {
	t.Helper()
	e := &enumeration{samples: samples, server: serve(t, newData(t), append(settings, "--hash-params", cheapHash)...)}
	price, err := argon2id.ParseParams(cheapHash)
	must(t, err)
	engine, err := argon2id.NewEngine(argon2id.Config{Params: price})
	must(t, err)
	e.phc, err = engine.Hash(t.Context(), []byte(word))
	must(t, err)
	return e
}

// newName is a username that nobody has. All are equally long, so that the
// requests are, too.
func newName() string { return "u" + strings.ToLower(rand.Text())[:15] }

// names returns as many names as the samples of a class need.
func (e *enumeration) names() []string {
	names := make([]string, (e.samples+triesPerName-1)/triesPerName)
	for i := range names {
		names[i] = newName()
	}
	return names
}

// bcryptOf is a hash as other systems make it, of a password that nobody knows.
const bcryptOf = "$2b$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

// classesBeside is how many classes of login are also measured beside others.
const classesBeside = 6

// login is a wrong password for every kind of person.
func (e *enumeration) login(t testing.TB) surface {
	unknown, again, active, never := e.names(), e.names(), e.names(), e.names()
	disabled, imported, invited, deleted, elsewhere := e.names(), e.names(), e.names(), e.names(), e.names()
	e.registerAll(t, active, never, deleted)
	e.logIn(t, active)
	for _, g := range e.logIn(t, deleted) {
		e.server.ask(t, request{method: "DELETE", path: "/v1/account", bearer: g.Access, body: object("password", word)}).want(t, 204)
	}
	const moment = "2026-01-01T00:00:00Z"
	e.bring(t, map[string]any{"disabled_at": moment, "password_hash": e.phc}, disabled)
	e.bring(t, map[string]any{"password_hash": e.phc}, imported)
	e.bring(t, nil, invited)
	e.bring(t, map[string]any{"password_hash": bcryptOf}, elsewhere)
	of := func(name string, names []string) class {
		requests := make([]string, e.samples)
		for i := range requests {
			requests[i] = e.server.head("POST", "/v1/login", "", object("identifier", names[i/triesPerName], "password", otherWord))
		}
		return class{name: name, status: "401", requests: requests}
	}
	other := of("imported, bcrypt of another system", elsewhere)
	other.requests = other.requests[:(e.samples+9)/10] // much dearer, and plain to see
	other.apart = "until the first login: [decision 12](decisions/0012-what-a-stored-hash-may-tell.md)"
	return surface{"`POST /v1/login`, wrong password", []class{
		of("unknown", unknown), of("unknown, once more", again), // what chance does
		of("active", active), of("never logged in", never), of("disabled", disabled),
		of("imported", imported), of("invited, no password so far", invited), of("deleted", deleted), other,
	}}
}

// locked is a name that is slowed down: the right password is not even looked at.
func (e *enumeration) locked(t testing.TB) surface {
	known, unknown := newName(), newName()
	e.registerAll(t, []string{known})
	for _, name := range []string{known, unknown} {
		for range 5 {
			e.server.ask(t, request{method: "POST", path: "/v1/login", body: object("identifier", name, "password", otherWord)}).want(t, 401)
		}
	}
	of := func(name, identifier, password string) class {
		request := e.server.head("POST", "/v1/login", "", object("identifier", identifier, "password", password))
		return class{name: name, status: "429", requests: repeat(e.samples, func() string { return request })}
	}
	return surface{"`POST /v1/login`, slowed down", []class{
		of("unknown", unknown, otherWord), of("known, wrong password", known, otherWord), of("known, right password", known, word),
	}}
}

// refresh is a token that is refused.
func (e *enumeration) refresh(t testing.TB) surface {
	name := newName()
	e.registerAll(t, []string{name})
	ended := e.logIn(t, []string{name})[0]
	e.server.ask(t, request{method: "POST", path: "/v1/logout", bearer: ended.Access}).want(t, 204)
	of := func(name string, token func() string) class {
		requests := repeat(e.samples, func() string {
			return e.server.head("POST", "/v1/token/refresh", "", object("refresh_token", token()))
		})
		return class{name: name, status: "401", requests: requests}
	}
	spent := of("of a session that has ended", func() string { return ended.Refresh })
	spent.apart = "only who once had the token can ask"
	malformed := of("malformed", func() string { return strings.Repeat("x", len(ended.Refresh)) })
	malformed.apart = "who sends it knows that, and it is about nobody"
	return surface{"`POST /v1/token/refresh`", []class{
		of("forged", func() string {
			forged := make([]byte, 54)
			_, _ = rand.Read(forged) // never fails
			return "ghr_" + base64.RawURLEncoding.EncodeToString(forged)
		}),
		malformed, spent,
	}}
}

const namesAreNoSecret = "a username is taken or free for everybody to see; limited to a few an hour"

// register is a name that is free, or taken.
func (e *enumeration) register(t testing.TB) surface {
	taken := newName()
	e.registerAll(t, []string{taken})
	of := func(name, status string, username func() string) class {
		return class{name: name, status: status, requests: repeat(e.samples, func() string {
			return e.server.head("POST", "/v1/register", "", object("username", username(), "password", word))
		})}
	}
	takenToo := of("taken", "409", func() string { return taken })
	takenToo.apart = namesAreNoSecret
	return surface{"`POST /v1/register`, username", []class{of("free", "201", newName), takenToo}}
}

// rename is the same for a person who is logged in.
func (e *enumeration) rename(t testing.TB) surface {
	own, taken := newName(), newName()
	e.registerAll(t, []string{own, taken})
	g := e.logIn(t, []string{own})[0]
	of := func(name, status string, username func() string) class {
		return class{name: name, status: status, requests: repeat(e.samples, func() string {
			return e.server.head("PATCH", "/v1/me", g.Access, object("username", username()))
		})}
	}
	takenToo := of("taken", "409", func() string { return taken })
	takenToo.apart = namesAreNoSecret
	return surface{"`PATCH /v1/me`, username", []class{of("free", "200", newName), takenToo}}
}

func repeat(n int, make func() string) []string {
	var all []string
	for range n {
		all = append(all, make())
	}
	return all
}

// registerAll registers people, two at a time.
func (e *enumeration) registerAll(t testing.TB, groups ...[]string) {
	t.Helper()
	for _, names := range groups {
		e.eachOf(t, names, func(_ int, name string) error {
			got, err := e.server.send(request{method: "POST", path: "/v1/register", body: object("username", name, "password", word)})
			return orStatus(err, got, 201)
		})
	}
}

func (e *enumeration) logIn(t testing.TB, names []string) []grant {
	t.Helper()
	grants := make([]grant, len(names))
	e.eachOf(t, names, func(i int, name string) error {
		got, err := e.server.send(request{method: "POST", path: "/v1/login", body: object("identifier", name, "password", word)})
		if err = orStatus(err, got, 200); err != nil {
			return err
		}
		return json.Unmarshal([]byte(got.body), &grants[i])
	})
	return grants
}

func orStatus(err error, got reply, want int) error {
	if err == nil && got.status != want {
		err = fmt.Errorf("got status %d, want %d: %s", got.status, want, got.body)
	}
	return err
}

func (e *enumeration) eachOf(t testing.TB, names []string, do func(i int, name string) error) {
	t.Helper()
	var all sync.WaitGroup
	places := make(chan struct{}, 2)
	for i, name := range names {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			if err := do(i, name); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// bring imports people who have what is given; what is not named is null.
func (e *enumeration) bring(t testing.TB, given map[string]any, names []string) {
	t.Helper()
	var lines strings.Builder
	for _, name := range names {
		line := map[string]any{"id": model.NewID[model.User]().String(), "username": name, "email": emailOf(name), "email_verified_at": nil, "roles": []string{},
			"disabled_at": nil, "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "password_hash": nil}
		for member, value := range given {
			line[member] = value
		}
		text, err := json.Marshal(line)
		must(t, err)
		lines.Write(append(text, '\n'))
	}
	done(t, e.server.data, lines.String(), "import", "-")
}
