//go:build failover

package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"
)

// cluster is three PostgreSQL nodes under Patroni and the etcd that elects
// among them, all on loopback. Every process works in a directory of its own
// below dir, and is found by that.
type cluster struct {
	dir         string
	account     *syscall.Credential // whom the processes run as; nil is who we are
	synchronous bool
	fill        blanks
	ports       []int // etcd, its peers, then PostgreSQL and REST of each node
	rest        *http.Client
}

// blanks is what the templates are filled with.
type blanks struct {
	Dir, Programs, Password, Interface string
	Synchronous                        bool
	ClientPort, PeerPort               int
	Number, Port, RESTPort             int
}

const nodes = 3

func (c *cluster) port(node int) int { return c.ports[2+2*node] }

func (c *cluster) restURL(node int, path string) string {
	return fmt.Sprintf("http://127.0.0.1:%d%s", c.ports[3+2*node], path)
}

func (c *cluster) nodeName(node int) string { return "node" + strconv.Itoa(node+1) }

// startCluster returns when two standbys follow a leader and may replace it.
func startCluster(t *testing.T, dir string, synchronous bool) *cluster {
	t.Helper()
	c := &cluster{dir: dir, synchronous: synchronous, ports: freePorts(t, 2+2*nodes), rest: &http.Client{Timeout: 3 * time.Second}}
	if os.Getuid() == 0 { // as which PostgreSQL refuses to run
		c.account = credential(t, "postgres")
	}
	c.fill = blanks{Dir: dir, Programs: os.Getenv("GATEHOUSE_FAILOVER_PROGRAMS"), Password: rand.Text(), Interface: patroniInterface(t),
		Synchronous: synchronous, ClientPort: c.ports[0], PeerPort: c.ports[1]}
	t.Cleanup(c.stop)
	c.config(t, "etcd.yml", "etcd", c.fill)
	c.spawn(t, "etcd", "etcd", "--config-file", filepath.Join(dir, "etcd", "etcd.yml"))
	await(t, "etcd", func() bool { return c.asks(fmt.Sprintf("http://127.0.0.1:%d/health", c.ports[0])) })
	for node := range nodes {
		fill := c.fill
		fill.Number, fill.Port, fill.RESTPort = node+1, c.port(node), c.ports[3+2*node]
		c.config(t, "patroni.yml", c.nodeName(node), fill)
	}
	c.startNode(t, 0)
	await(t, "the first leader", func() bool { return c.leader() == 0 })
	for node := 1; node < nodes; node++ {
		c.startNode(t, node)
	}
	await(t, "the standbys", c.healthy)
	return c
}

// config writes a filled template into the directory of a process.
func (c *cluster) config(t *testing.T, name, process string, fill blanks) {
	t.Helper()
	text, err := template.ParseFiles(filepath.Join("..", "scripts", "failover.d", name))
	must(t, err)
	var filled bytes.Buffer
	must(t, text.Execute(&filled, fill))
	must(t, os.MkdirAll(filepath.Join(c.dir, process), 0o700))
	c.own(t, filepath.Join(c.dir, process))
	path := filepath.Join(c.dir, process, name)
	must(t, os.WriteFile(path, filled.Bytes(), 0o600))
	c.own(t, path)
}

func (c *cluster) own(t *testing.T, path string) {
	t.Helper()
	if c.account != nil {
		must(t, os.Chown(path, int(c.account.Uid), int(c.account.Gid)))
	}
}

// spawn starts a process in its directory, with nothing of our environment that
// PostgreSQL, Patroni or etcd would take for a setting.
func (c *cluster) spawn(t *testing.T, process, program string, args ...string) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(c.dir, process+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(t, err)
	defer log.Close()
	cmd := exec.Command(program, args...)
	cmd.Dir = filepath.Join(c.dir, process)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "HOME=" + cmd.Dir}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.account, Setsid: true}
	must(t, cmd.Start())
	go func() { _ = cmd.Wait() }()
}

func (c *cluster) startNode(t *testing.T, node int) {
	t.Helper()
	c.spawn(t, c.nodeName(node), "patroni", filepath.Join(c.dir, c.nodeName(node), "patroni.yml"))
}

// asks reports whether the answer is 200.
func (c *cluster) asks(url string) bool {
	answer, err := c.rest.Get(url)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// leader is the node that accepts writes, or -1.
func (c *cluster) leader() int {
	for node := range nodes {
		if c.asks(c.restURL(node, "/primary")) {
			return node
		}
	}
	return -1
}

// healthy reports whether all standbys follow a leader, and, where replication
// is synchronous, may replace it. Without that a dead leader has no successor.
func (c *cluster) healthy() bool {
	leader := c.leader()
	if leader < 0 {
		return false
	}
	answer, err := c.rest.Get(c.restURL(leader, "/patroni"))
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	var state struct {
		Replication []struct {
			State string `json:"state"`
		} `json:"replication"`
	}
	if json.NewDecoder(answer.Body).Decode(&state) != nil {
		return false
	}
	streaming := 0
	for _, link := range state.Replication {
		if link.State == "streaming" {
			streaming++
		}
	}
	for node := range nodes {
		if c.synchronous && node != leader && !c.asks(c.restURL(node, "/synchronous")) {
			return false
		}
	}
	return streaming == nodes-1
}

// processes are those that work in the directory of a process or below.
func (c *cluster) processes(process string) []int {
	entries, _ := os.ReadDir("/proc")
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		cwd, err := os.Readlink(filepath.Join("/proc", entry.Name(), "cwd"))
		root := filepath.Join(c.dir, process)
		if err == nil && (cwd == root || strings.HasPrefix(cwd, root+"/")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func signalAll(pids []int, signal syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, signal)
	}
}

// kill ends all processes of a node with SIGKILL and returns when it did. They
// are stopped first, so that none starts another or sees one die.
func (c *cluster) kill(t *testing.T, node int) (at time.Time) {
	t.Helper()
	var pids []int
	for {
		found := c.processes(c.nodeName(node))
		if slices.Equal(found, pids) {
			break
		}
		pids = found
		signalAll(pids, syscall.SIGSTOP)
	}
	at = time.Now()
	signalAll(pids, syscall.SIGKILL)
	await(t, "the end of "+c.nodeName(node), func() bool { return len(c.processes(c.nodeName(node))) == 0 })
	return at
}

// holdStandbys stops the processes that send the leader's log, so that no
// commit from now on reaches a standby.
func (c *cluster) holdStandbys(leader int) {
	for _, pid := range c.processes(c.nodeName(leader)) {
		title, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && bytes.Contains(title, []byte("walsender")) {
			_ = syscall.Kill(pid, syscall.SIGSTOP)
		}
	}
}

// stop ends what is left: Patroni first, so that it starts nothing again, then
// PostgreSQL in the way that frees its shared memory.
func (c *cluster) stop() {
	gone := func(process string) bool { return len(c.processes(process)) == 0 }
	for node := range nodes {
		name := c.nodeName(node)
		signalAll(c.processes(name), syscall.SIGCONT)
		if head, err := os.ReadFile(filepath.Join(c.dir, name, "data", "postmaster.pid")); err == nil {
			first, _, _ := strings.Cut(string(head), "\n")
			postmaster, _ := strconv.Atoi(first)
			pids := c.processes(name)
			signalAll(slices.DeleteFunc(pids, func(pid int) bool { return c.inData(name, pid) }), syscall.SIGKILL)
			if slices.Contains(c.processes(name), postmaster) {
				_ = syscall.Kill(postmaster, syscall.SIGQUIT)
			}
		}
	}
	for _, process := range []string{c.nodeName(0), c.nodeName(1), c.nodeName(2), "etcd"} {
		for end := time.Now().Add(5 * time.Second); !gone(process) && process != "etcd" && time.Now().Before(end); {
			time.Sleep(50 * time.Millisecond)
		}
		signalAll(c.processes(process), syscall.SIGKILL)
	}
}

func (c *cluster) inData(process string, pid int) bool {
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	return err == nil && cwd == filepath.Join(c.dir, process, "data")
}

// dsn names the leader, whichever node that is, or one node when it is given.
func (c *cluster) dsn(account, password, database string, only ...int) string {
	if only == nil {
		only = []int{0, 1, 2}
	}
	var hosts []string
	for _, node := range only {
		hosts = append(hosts, net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port(node))))
	}
	dsn := fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable&connect_timeout=2", account, password, strings.Join(hosts, ","), database)
	if len(only) > 1 {
		dsn += "&target_session_attrs=read-write"
	}
	return dsn
}

func credential(t *testing.T, name string) *syscall.Credential {
	t.Helper()
	account, err := user.Lookup(name)
	must(t, err)
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	must(t, err)
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	must(t, err)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// patroniInterface is the name that the version of etcd's interface has in
// Patroni.
func patroniInterface(t *testing.T) string {
	t.Helper()
	said, err := exec.Command("patroni", "--version").Output()
	must(t, err)
	var major, minor, patch int
	if n, err := fmt.Sscanf(string(said), "patroni %d.%d.%d", &major, &minor, &patch); n < 3 {
		t.Fatalf("patroni --version says %q: %v", said, err)
	}
	if slices.Compare([]int{major, minor, patch}, []int{3, 0, 3}) >= 0 {
		return "etcd3"
	}
	return "etcd"
}

// freePorts finds ports below those that the kernel gives to connections.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var raw [2]byte
	_, _ = rand.Read(raw[:])
	var found []int
	for port := 20000 + int(raw[0])*32 + int(raw[1])%32; len(found) < n && port < 32000; port++ {
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			found = append(found, port)
			_ = listener.Close()
		}
	}
	if len(found) < n {
		t.Fatal("there are no free ports")
	}
	return found
}
