//go:build failover

package e2e

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// How a round goes: the load runs, the leader is killed, another one answers,
// the old one comes back.
const (
	before = 20 * time.Second
	after  = 10 * time.Second
	// held is how long the standbys hear nothing before the leader is killed,
	// where replication is asynchronous: what is answered meanwhile is lost, so
	// that the check is seen to find it.
	held = time.Second
)

// round is what one round showed.
type round struct {
	leader         string
	outage, back   time.Duration
	refresh, words [2][]time.Duration // what requests took before the kill, and after the outage
}

// TestNothingAnsweredIsLostWhenTheLeaderDies is what scripts/failover runs.
func TestNothingAnsweredIsLostWhenTheLeaderDies(t *testing.T) {
	rounds, err := strconv.Atoi(os.Getenv("GATEHOUSE_FAILOVER_ROUNDS"))
	must(t, err)
	synchronous := os.Getenv("GATEHOUSE_FAILOVER_ASYNCHRONOUS") == ""
	dir := os.Getenv("GATEHOUSE_FAILOVER_DIR")
	c := startCluster(t, dir, synchronous)
	say("cluster", "three nodes, leader %s; synchronous replication %t; etcd interface %s", c.nodeName(c.leader()), synchronous, c.fill.Interface)
	servers := serveAll(t, c)
	l := newLoad(servers)
	l.start()
	say("load", "%d processes; per second: %d refreshes, %d registrations, %.2f logins, %.2f password changes", len(servers),
		refreshers, registrars*int(time.Second)/int(registerEvery), registrars/registerEvery.Seconds()+changers/changeEvery.Seconds(), changers/changeEvery.Seconds())
	all := make([]round, rounds)
	for i := range all {
		all[i] = l.round(t, c)
		say("round "+strconv.Itoa(i+1), "leader %s killed; clients saw nothing done for %.1f s; old leader follows after %.1f s; p99 of a refresh %s before, %s after",
			all[i].leader, all[i].outage.Seconds(), all[i].back.Seconds(), p99(all[i].refresh[0]), p99(all[i].refresh[1]))
	}
	l.finish()
	report(l, all)
	v := judge(l.told, c.holds(t))
	for _, line := range v.lost {
		t.Error("lost: ", line)
	}
	for _, line := range v.doubled {
		t.Error("doubled: ", line)
	}
	for _, line := range l.wrong {
		t.Error("wrong: ", line)
	}
	await(t, "the same rows on all nodes", func() bool { return c.same(t) })
	say("nodes", "all three hold the same rows")
	say("lost", "%d (must be 0)", len(v.lost))
	say("doubled", "%d (must be 0)", len(v.doubled))
	say("wrong answers", "%d (must be 0)", len(l.wrong))
	for _, s := range servers {
		if code := s.stop(t); code != 0 {
			t.Errorf("a server ended with %d", code)
		}
	}
}

func say(what, format string, args ...any) {
	fmt.Printf("%-14s %s\n", what, fmt.Sprintf(format, args...))
}

// serveAll starts three processes with one database, one master key and one
// public address.
func serveAll(t *testing.T, c *cluster) []*server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.dsn("postgres", c.fill.Password, "postgres"))
	must(t, err)
	defer conn.Close(ctx)
	password := rand.Text()
	for _, statement := range []string{"CREATE ROLE gatehouse LOGIN PASSWORD '" + password + "'", "CREATE DATABASE gatehouse OWNER gatehouse"} {
		_, err := conn.Exec(ctx, statement)
		must(t, err)
	}
	var key [32]byte
	_, _ = rand.Read(key[:])
	keyFile := filepath.Join(t.TempDir(), "master.key")
	must(t, os.WriteFile(keyFile, []byte(base64.RawURLEncoding.EncodeToString(key[:])+"\n"), 0o600))
	url := fmt.Sprintf("https://localhost:%d", freePorts(t, 1)[0])
	servers := make([]*server, 3)
	for i := range servers {
		data := newData(t)
		cmd := exec.Command(os.Getenv(binaryVariable), "serve", "--listen", "127.0.0.1:0", "--tls", "local", "--url", url,
			"--data", data, "--master-key-file", keyFile)
		cmd.Dir = c.dir
		cmd.Env = append(os.Environ(), "GATEHOUSE_DATABASE="+c.dsn("gatehouse", password, "gatehouse"))
		servers[i] = start(t, data, cmd)
	}
	return servers
}

// round kills the leader once.
func (l *load) round(t *testing.T, c *cluster) round {
	t.Helper()
	begun := time.Now()
	time.Sleep(before)
	await(t, "a healthy cluster", c.healthy)
	leader := c.leader()
	if !c.synchronous {
		c.holdStandbys(leader)
		time.Sleep(held)
	}
	killed := c.kill(t, leader)
	var answered time.Time
	await(t, "the first answer of another leader", func() (yes bool) {
		answered, yes = l.recovered(killed)
		return yes
	})
	time.Sleep(after)
	back := time.Now()
	c.startNode(t, leader)
	await(t, "the return of the old leader", c.healthy)
	r := round{leader: c.nodeName(leader), back: time.Since(back)}
	time.Sleep(after)
	end := time.Now()
	r.outage = l.outage(killed)
	r.refresh = [2][]time.Duration{l.times(true, begun, killed), l.times(true, answered, end)}
	r.words = [2][]time.Duration{l.times(false, begun, killed), l.times(false, answered, end)}
	return r
}

// report prints what the clients saw.
func report(l *load, all []round) {
	var refresh, words [2][]time.Duration
	var outages []string
	for _, r := range all {
		outages = append(outages, fmt.Sprintf("%.1f", r.outage.Seconds()))
		for i := range refresh {
			refresh[i] = append(refresh[i], r.refresh[i]...)
			words[i] = append(words[i], r.words[i]...)
		}
	}
	kinds, refused, slowest := map[string]int{}, map[int]int{}, time.Duration(0)
	for _, s := range l.samples {
		if s.done {
			kinds[s.kind]++
		} else if s.status == 0 || s.status >= 500 {
			refused[s.status]++
			slowest = max(slowest, s.answered.Sub(s.begun))
		}
	}
	average, _ := os.ReadFile("/proc/loadavg")
	say("acknowledged", "%d writes: %d refreshes, %d logins, %d registrations, %d password changes", len(l.done()),
		kinds[kindRefresh], kinds["login"], kinds["register"], kinds["change"])
	say("unavailable", "%d requests got 503, %d another 5xx, %d no answer, after %.1f s at most; each was asked again",
		refused[503], refused[500]+refused[502]+refused[504], refused[0], slowest.Seconds())
	say("outage", "%s seconds", strings.Join(outages, ", "))
	say("p99", "refresh %s before, %s after; what hashes a password %s before, %s after", p99(refresh[0]), p99(refresh[1]), p99(words[0]), p99(words[1]))
	say("log in again", "%d sessions, refused when a refresh that was not answered was asked again", l.tooLate)
	say("machine", "load average %s", strings.TrimSpace(string(average)))
}

func p99(times []time.Duration) string {
	if len(times) == 0 {
		return "unknown"
	}
	slices.Sort(times)
	return times[len(times)*99/100].Round(time.Millisecond).String()
}

// holds is what the leader keeps.
func (c *cluster) holds(t *testing.T) kept {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.dsn("postgres", c.fill.Password, "gatehouse"))
	must(t, err)
	defer conn.Close(ctx)
	found := kept{users: map[string]keptUser{}, sessions: map[string]keptSession{}}
	ask := func(query string, take func(pgx.Rows) error) {
		rows, err := conn.Query(ctx, query)
		must(t, err)
		defer rows.Close()
		for rows.Next() {
			must(t, take(rows))
		}
		must(t, rows.Err())
	}
	ask(`SELECT username, password_version,
		(SELECT count(*) FROM events WHERE user_id = users.id AND name = 'user_created'),
		(SELECT count(*) FROM events WHERE user_id = users.id AND name = 'authn_password_change') FROM users`, func(rows pgx.Rows) error {
		var name string
		var u keptUser
		err := rows.Scan(&name, &u.version, &u.created, &u.change)
		u.rows = found.users[name].rows + 1
		found.users[name] = u
		return err
	})
	ask(`SELECT CAST(CAST(encode(id, 'hex') AS uuid) AS text), counter, ended_at IS NOT NULL,
		(SELECT count(*) FROM events WHERE session_id = sessions.id AND name = 'authn_login_success') FROM sessions`, func(rows pgx.Rows) error {
		var id string
		s := keptSession{rows: 1}
		err := rows.Scan(&id, &s.counter, &s.ended, &s.opened)
		found.sessions[id] = s
		return err
	})
	ask(`SELECT 'request ' || encode(request_id, 'escape') || ' recorded ' || name || ' ' || count(*) || ' times' FROM events
		WHERE request_id IS NOT NULL GROUP BY request_id, name HAVING count(*) > 1`, func(rows pgx.Rows) error {
		var line string
		err := rows.Scan(&line)
		found.repeated = append(found.repeated, line)
		return err
	})
	return found
}

// same reports whether all nodes hold the same rows.
func (c *cluster) same(t *testing.T) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var digests []string
	for node := range nodes {
		conn, err := pgx.Connect(ctx, c.dsn("postgres", c.fill.Password, "gatehouse", node))
		if err != nil {
			return false
		}
		var digest string
		err = conn.QueryRow(ctx, `SELECT (SELECT md5(string_agg(CAST(users AS text), '' ORDER BY id)) FROM users) ||
			(SELECT md5(string_agg(CAST(sessions AS text), '' ORDER BY id)) FROM sessions) ||
			(SELECT md5(string_agg(CAST(events AS text), '' ORDER BY id)) FROM events)`).Scan(&digest)
		_ = conn.Close(ctx)
		if err != nil {
			return false
		}
		digests = append(digests, digest)
	}
	return len(slices.Compact(digests)) == 1
}
