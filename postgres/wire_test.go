package postgres_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// wire stands between a store and the server and breaks on command. It knows
// the frames of the protocol (PostgreSQL documentation, "Message Formats").
type wire struct {
	mu sync.Mutex
	// cut counts down the questions until the connection breaks; 0 is never.
	cut int
	// late breaks it after the server has carried out the question, and before
	// its answer comes back; else the server never gets the question.
	late bool
	// warn puts a warning before the answers to this many COMMITs.
	warn int
	// down refuses new connections.
	down  bool
	conns []net.Conn
}

// newWire returns the DSN that goes through it.
func newWire(t *testing.T, dsn string) (*wire, string) {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{}
	t.Cleanup(func() {
		_ = listener.Close()
		w.breakAll()
	})
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go w.serve(client, config)
		}
	}()
	through := *config
	through.Host, through.Port = "127.0.0.1", uint16(listener.Addr().(*net.TCPAddr).Port)
	return w, keywords(&through, "sslmode=disable", "search_path="+config.RuntimeParams["search_path"])
}

func (w *wire) serve(client net.Conn, config *pgx.ConnConfig) {
	w.mu.Lock()
	down := w.down
	w.mu.Unlock()
	if down {
		_ = client.Close()
		return
	}
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	server, err := net.Dial(network, address)
	if err != nil {
		_ = client.Close()
		return
	}
	w.mu.Lock()
	w.conns = append(w.conns, client, server)
	w.mu.Unlock()
	hang := func() {
		_ = client.Close()
		_ = server.Close()
	}
	defer hang()
	swallow := make(chan struct{})
	go func() {
		defer hang()
		w.answers(client, server, swallow)
	}()
	first, err := frame(client, 0)
	if err != nil {
		return
	}
	for message := first; ; {
		switch w.next(message) {
		case "early":
			return
		case "late":
			close(swallow)
			_, _ = server.Write(message)
			_, _ = io.Copy(io.Discard, client) // until answers hangs up
			return
		}
		if _, err := server.Write(message); err != nil {
			return
		}
		if message, err = frame(client, 1); err != nil {
			return
		}
	}
}

// next says what becomes of a message. A question ends with Query or Sync.
func (w *wire) next(message []byte) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if message[0] != 'Q' && message[0] != 'S' || w.cut == 0 {
		return ""
	}
	if w.cut--; w.cut > 0 {
		return ""
	}
	if w.late {
		return "late"
	}
	return "early"
}

// answers passes on what the server says until it is to be swallowed, and then
// hangs up when the server is done.
func (w *wire) answers(client, server net.Conn, swallow <-chan struct{}) {
	for {
		message, err := frame(server, 1)
		if err != nil {
			return
		}
		select {
		case <-swallow:
			if message[0] == 'Z' {
				return
			}
			continue
		default:
		}
		w.mu.Lock()
		if w.warn > 0 && message[0] == 'C' && bytes.HasSuffix(message, []byte("COMMIT\x00")) {
			w.warn--
			message = append(warning(), message...)
		}
		w.mu.Unlock()
		if _, err := client.Write(message); err != nil {
			return
		}
	}
}

// warning is what comes with a COMMIT whose wait for a standby was given up.
func warning() []byte {
	fields := strings.Join([]string{"SWARNING", "VWARNING", "C01000", "Mcanceling wait for synchronous replication due to user request", "", ""}, "\x00")
	message := binary.BigEndian.AppendUint32([]byte{'N'}, uint32(4+len(fields)))
	return append(message, fields...)
}

// frame reads one message whose length stands behind so many bytes.
func frame(from io.Reader, behind int) ([]byte, error) {
	head := make([]byte, behind+4)
	if _, err := io.ReadFull(from, head); err != nil {
		return nil, err
	}
	length := int(binary.BigEndian.Uint32(head[behind:]))
	message := append(head, make([]byte, length-4)...)
	_, err := io.ReadFull(from, message[behind+4:])
	return message, err
}

// arm breaks the connection at the nth question from now on.
func (w *wire) arm(nth int, late bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut, w.late = nth, late
}

// spent reports whether the break has happened, and takes it back if not.
func (w *wire) spent() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	done := w.cut == 0
	w.cut = 0
	return done
}

func (w *wire) warnCommits(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.warn = n
}

// breakAll loses every connection there is.
func (w *wire) breakAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, conn := range w.conns {
		_ = conn.Close()
	}
	w.conns = nil
}

// setDown makes the server go away, or come back.
func (w *wire) setDown(down bool) {
	w.mu.Lock()
	w.down = down
	w.mu.Unlock()
	if down {
		w.breakAll()
	}
}
