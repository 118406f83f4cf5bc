package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// peerConn is a connection from somewhere.
type peerConn struct {
	net.Conn
	peer net.Addr
}

func (c peerConn) RemoteAddr() net.Addr { return c.peer }
func (c peerConn) Close() error         { return nil }

// from is a connection from an address.
func from(address string) net.Conn {
	return peerConn{peer: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 1))}
}

func TestCrowd(t *testing.T) {
	limits := crowdLimits{all: 12, perSource: 3, exempt: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, tt := range []struct {
		name string
		from []string
		want int // how many come in
	}{
		{"one_address", []string{"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1"}, 3},
		{"one_address_in_two_spellings", []string{"192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1"}, 3},
		{"two_addresses", []string{"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2"}, 5},
		{"64_bits_of_IPv6", []string{"2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"}, 3},
		{"48_bits_of_IPv6", []string{"2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:3::1", "2001:db8:0:4::1", "2001:db8:0:5::1",
			"2001:db8:0:6::1", "2001:db8:0:7::1", "2001:db8:0:8::1"}, 6},
		{"other_48_bits", []string{"2001:db8:0::1", "2001:db8:1::1", "2001:db8:2::1", "2001:db8:3::1", "2001:db8:4::1", "2001:db8:5::1", "2001:db8:6::1"}, 7},
		{"a_proxy", strings.Split(strings.Repeat("10.0.0.1 ", 11)+"10.0.0.1", " "), 12},
		{"everybody", strings.Split("192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 192.0.2.7 192.0.2.8 192.0.2.9 192.0.2.10 192.0.2.11 192.0.2.12 192.0.2.13 10.0.0.1", " "), 12},
	} {
		t.Run("AI-12_"+tt.name, func(t *testing.T) {
			c, in := newCrowd(limits), []net.Conn{}
			for _, address := range tt.from {
				if conn, ok := c.admit(from(address)); ok {
					in = append(in, conn)
				}
			}
			if len(in) != tt.want || c.size() != tt.want {
				t.Fatalf("%d came in and %d are counted, want %d", len(in), c.size(), tt.want)
			}
			for _, conn := range in {
				_, _ = conn.Close(), conn.Close() // the second changes nothing
			}
			if c.size() != 0 || len(c.from) != 0 {
				t.Errorf("%d are counted after all have left, of %d sources", c.size(), len(c.from))
			}
			if _, ok := c.admit(from(tt.from[0])); !ok {
				t.Error("who left cannot come back")
			}
		})
	}
}

func TestGreedySourcesLeaveRoom(t *testing.T) {
	c := newCrowd(crowdOf(8192, nil))
	c.limits.all, c.limits.perSource = 8192, 2048 // whatever files there may be
	take := func(address string) (taken int) {
		for {
			if _, ok := c.admit(from(address)); !ok {
				return taken
			}
			taken++
		}
	}
	t.Run("AI-12_two_have_a_quarter_each_and_those_after_them_less_and_less", func(t *testing.T) {
		for i, want := range []int{2048, 2048, 1365, 910, 607} {
			if got := take(fmt.Sprintf("192.0.2.%d", i)); got != want {
				t.Errorf("source %d has %d, want %d", i, got, want)
			}
		}
	})
	t.Run("AI-12_the_tenth_has_enough_for_a_browser", func(t *testing.T) {
		for i := 5; i < 10; i++ {
			if got := take(fmt.Sprintf("192.0.2.%d", i)); got < crowdShare {
				t.Errorf("source %d has %d", i, got)
			}
		}
		if got := take("2001:db8::1"); got < crowdShare {
			t.Errorf("a customer with IPv6 has %d", got)
		}
	})
}

func TestBoundsOfTheCrowd(t *testing.T) {
	t.Run("AI-12_no_limits", func(t *testing.T) {
		c := newCrowd(crowdLimits{})
		for range 100 {
			if _, ok := c.admit(from("192.0.2.1")); !ok {
				t.Fatal("declined")
			}
		}
	})
	t.Run("AI-12_open_files_bound_it", func(t *testing.T) {
		got := crowdOf(1<<30, nil)
		if files := maxOpenFiles(); files > 0 && got.all >= files || got.perSource != got.all/4 {
			t.Errorf("got %d, %d for each source, of %d files", got.all, got.perSource, files)
		}
		if got := crowdOf(40, nil); got.all != 40 || got.perSource != 10 {
			t.Errorf("got %d, %d for each source", got.all, got.perSource)
		}
	})
	t.Run("LG-13_declined_strangers_make_one_line_a_minute", func(t *testing.T) {
		c, now := newCrowd(crowdLimits{all: 1}), time.Now()
		c.admit(from("192.0.2.1"))
		told := 0
		for range 1000 {
			c.admit(from("192.0.2.2"))
			if _, tell := c.tell(now); tell {
				told++
			}
		}
		if declined, tell := c.tell(now.Add(tellPeriod)); !tell || declined != 999 || told != 1 {
			t.Errorf("told %d times, then of %d", told, declined)
		}
	})
}

func TestOneSourceCannotTakeAllConnections(t *testing.T) {
	t.Parallel()
	r := start(t, func(p *program) {
		p.limits.connections = 16 // four for each source
		p.limits.handshake, p.limits.header = time.Minute, time.Minute
	})
	var greedy []net.Conn
	for range 4 {
		conn, err := net.Dial("tcp", r.address())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		greedy = append(greedy, conn)
	}
	t.Run("AI-12_the_fifth_is_closed", func(t *testing.T) {
		fifth, err := net.Dial("tcp", r.address())
		if err != nil {
			t.Fatal(err)
		}
		defer fifth.Close()
		if err := fifth.SetReadDeadline(time.Now().Add(60 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := fifth.Read(make([]byte, 1)); n != 0 || err == nil || strings.Contains(err.Error(), "timeout") {
			t.Errorf("got %d bytes, %v; want the end", n, err)
		}
		waitFor(t, "a line in the log", func() bool { return strings.Contains(r.stderr.String(), "too many connections") })
	})
	t.Run("AI-12_another_source_is_served", func(t *testing.T) {
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
		client := r.clientBy(t, dialer)
		if status, _ := get(t, client, r.url+"/healthz"); status != 200 {
			t.Errorf("got %d", status)
		}
	})
	t.Run("AI-12_who_leaves_makes_room", func(t *testing.T) {
		_ = greedy[0].Close()
		waitFor(t, "an answer", func() bool {
			answer, err := r.client(t).Get(r.url + "/healthz")
			if err != nil {
				return false
			}
			defer answer.Body.Close()
			return answer.StatusCode == 200
		})
	})
}

func TestTooManyBehindAProxy(t *testing.T) {
	t.Parallel()
	listener, err := listenOn(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, _, stderr := testProgram()
	r := newReception(listener, receptionConfig{
		handshake: time.Minute, log: newLogger(stderr, "json"),
		crowd: crowdLimits{all: 3, perSource: 1, exempt: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}},
	})
	t.Cleanup(func() { _ = r.Close() })
	for range 3 { // the proxy is not held to the limit of one source
		if _, err := net.Dial("tcp", listener.Addr().String()); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Accept(); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("AI-12_one_too_many_hears_503", func(t *testing.T) {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetReadDeadline(time.Now().Add(60 * time.Second)); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 503 ") || !strings.Contains(string(got), "\r\nRetry-After: 5\r\n") {
			t.Errorf("got %q, %v", got, err)
		}
	})
}
