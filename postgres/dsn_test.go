package postgres

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"gatehouse/model"
)

var transports = []struct {
	dsn     string
	refused bool
}{
	{"postgres://ana@db.example.com/gatehouse", false},
	{"postgres://ana@db.example.com/gatehouse?sslmode=verify-full", false},
	{"postgresql://ana@db1.example.com,db2.example.com:6432/gatehouse", false},
	{"postgres://ana@192.0.2.7/gatehouse", false},
	{"postgres://ana@[2001:db8::7]:5432/gatehouse", false},
	{"host=db.example.com dbname=gatehouse", false},
	{"host=db.example.com sslmode=verify-full", false},
	{"postgres://ana@localhost/gatehouse?sslmode=disable", false},
	{"postgres://ana@127.0.0.1/gatehouse", false},
	{"postgres://ana@127.8.9.10/gatehouse?sslmode=disable", false},
	{"postgres://ana@[::1]/gatehouse?sslmode=disable", false},
	{"host=/run/postgresql sslmode=disable", false},
	{"postgres://%2Frun%2Fpostgresql/gatehouse", false},

	{"postgres://ana@db.example.com/gatehouse?sslmode=disable", true},
	{"postgres://ana@db.example.com/gatehouse?sslmode=allow", true},
	{"postgres://ana@db.example.com/gatehouse?sslmode=prefer", true},
	{"postgres://ana@db.example.com/gatehouse?sslmode=require", true},
	{"postgres://ana@db.example.com/gatehouse?ssl=true", true},
	{"postgres://ana@db.example.com/gatehouse?sslmode=verify-ca", true},
	{"postgres://ana@db.example.com/gatehouse?sslmode=", true},
	{"postgres://ana@db.example.com/gatehouse?application_name=x&sslmode=disable", true},
	{"postgres://ana:a?b@db.example.com/gatehouse?sslmode=disable", true},
	{"postgres://ana@localhost,db.example.com/gatehouse?sslmode=disable", true},
	{"postgres://ana@db.example.com,127.0.0.1/gatehouse?sslmode=prefer", true},
	{"postgres://ana@localhost.example.com/gatehouse?sslmode=disable", true},
	{"postgres://ana@127.0.0.1.example.com/gatehouse?sslmode=disable", true},
	{"postgres://ana@0.0.0.0/gatehouse?sslmode=disable", true},
	{"postgres://ana@10.0.0.1/gatehouse?sslmode=disable", true},
	{"host=db.example.com sslmode=require", true},
	{"host=db.example.com sslmode = 'disable'", true},
}

func TestConnectionsThatLeaveTheMachineAreVerified(t *testing.T) {
	for _, test := range transports {
		t.Run("TL-05_ST-13_"+test.dsn, func(t *testing.T) {
			config, err := parse(test.dsn)
			if (err != nil) != test.refused {
				t.Fatalf("got error %v, want a refusal: %v", err, test.refused)
			}
			if test.refused {
				if !strings.Contains(err.Error(), "verify-full") {
					t.Errorf("the refusal does not say how to mend it: %v", err)
				}
				return
			}
			for _, host := range hostsOf(config) {
				if isRemote(host) && (host.TLSConfig == nil || host.TLSConfig.InsecureSkipVerify || host.TLSConfig.ServerName != host.Host) {
					t.Errorf("the connection to %s is not verified", host.Host)
				}
			}
		})
	}
	t.Run("ST-13_the_environment_does_not_weaken_it", func(t *testing.T) {
		t.Setenv("PGSSLMODE", "disable")
		config, err := parse("postgres://ana@db.example.com/gatehouse")
		if err != nil || !isVerified(hostsOf(config)[0]) || len(hostsOf(config)) != 1 {
			t.Errorf("got error %v, want one verified way to connect", err)
		}
	})
	t.Run("ST-13_a_service_file_does_not_weaken_it", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "services")
		if err := os.WriteFile(file, []byte("[main]\nhost=db.example.com\nsslmode=disable\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		config, err := parse("service=main servicefile=" + file)
		if err != nil || !isVerified(hostsOf(config)[0]) || len(hostsOf(config)) != 1 {
			t.Errorf("got error %v, want one verified way to connect", err)
		}
	})
}

func TestSettingsOfTheDSN(t *testing.T) {
	t.Run("ST-02_synchronous_commit_is_on_or_more", func(t *testing.T) {
		for value, refused := range map[string]bool{"": false, "on": false, "remote_apply": false, "off": true, "local": true,
			"remote_write": true, "false": true, "0": true} {
			dsn := "host=/run/postgresql"
			if value != "" {
				dsn += " synchronous_commit=" + value
			}
			config, err := parse(dsn)
			if (err != nil) != refused {
				t.Errorf("%q: got error %v", value, err)
			}
			if want := max(value, "on"); !refused && config.ConnConfig.RuntimeParams["synchronous_commit"] != want {
				t.Errorf("%q: got %q, want %q", value, config.ConnConfig.RuntimeParams["synchronous_commit"], want)
			}
		}
	})
	t.Run("ST-08_pools_and_waits_are_bounded_and_can_be_set", func(t *testing.T) {
		config, err := parse("postgres://localhost/gatehouse")
		if err != nil {
			t.Fatal(err)
		}
		if config.MaxConns != maxConns || config.ConnConfig.ConnectTimeout != connectTimeout || config.PingTimeout != pingTimeout {
			t.Errorf("got %d connections, %v to connect, %v to answer", config.MaxConns, config.ConnConfig.ConnectTimeout, config.PingTimeout)
		}
		for name, want := range map[string]string{"statement_timeout": "5s", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "15s"} {
			if got := config.ConnConfig.RuntimeParams[name]; got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		for _, dsn := range []string{"postgres://localhost/gatehouse?pool_max_conns=7&statement_timeout=9s", "host=localhost pool_max_conns=7 statement_timeout=9s"} {
			config, err := parse(dsn)
			if err != nil || config.MaxConns != 7 || config.ConnConfig.RuntimeParams["statement_timeout"] != "9s" {
				t.Errorf("%s: the settings of the DSN do not win (error %v)", dsn, err)
			}
		}
	})
	t.Run("LG-06_errors_never_hold_the_DSN", func(t *testing.T) {
		for _, dsn := range []string{"", " ", "postgres://ana:Marker7@host:port/x", "postgres://ana:Marker7@[::1/x", "Marker7", "password=Marker7 host",
			"postgres://ana:Mar%ker7@host/x", "host=localhost password='Marker7", "postgres://ana:Marker7@db.example.com/x?sslmode=disable",
			"host=localhost password=Marker7 pool_max_conns=Marker7", "postgres://ana:pa:Marker7@host/x", "host=localhost sslrootcert=/absent password=Marker7",
			"host=localhost password=Marker7 synchronous_commit=off", "postgres://ana:Mark\x00er7@host/x"} {
			_, err := Open(t.Context(), dsn)
			if err == nil {
				t.Errorf("%q was accepted", dsn)
			} else if strings.Contains(err.Error(), "arker7") || strings.Contains(err.Error(), "ker7") {
				t.Errorf("the error holds the password: %v", err)
			}
		}
	})
	t.Run("a_server_that_is_not_there_is_unavailable", func(t *testing.T) {
		_, err := Open(t.Context(), "host="+t.TempDir()+" password=Marker7")
		if !errors.Is(err, model.ErrStoreUnavailable) || strings.Contains(err.Error(), "Marker7") {
			t.Errorf("got error %v", err)
		}
	})
}

// authority makes a certificate for a name, signed by one of its own whose file
// is returned.
func authority(t *testing.T, name string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "root.crt")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// tlsServer answers the request for TLS, or refuses it, and reports what it is
// sent after: nothing, or the startup message.
func tlsServer(t *testing.T, certificate *tls.Certificate) (port int, received chan []byte) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	received = make(chan []byte, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		request := make([]byte, 8) // SSLRequest
		if _, err := io.ReadFull(conn, request); err != nil || binary.BigEndian.Uint32(request[4:]) != 80877103 {
			received <- request
			return
		}
		if certificate == nil {
			_, _ = conn.Write([]byte("N"))
		} else {
			_, _ = conn.Write([]byte("S"))
			conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*certificate}})
		}
		start := make([]byte, 512)
		n, _ := conn.Read(start)
		received <- start[:n]
	}()
	return listener.Addr().(*net.TCPAddr).Port, received
}

func TestTheServerProvesWhoItIs(t *testing.T) {
	const name = "db.example.com"
	right, rootOfRight := authority(t, name)
	wrongName, rootOfWrongName := authority(t, "other.example.com")
	for _, test := range []struct {
		name        string
		certificate *tls.Certificate
		root        string
		accepted    bool
	}{
		{"TL-05_a_verified_server_is_told_who_comes", &right, rootOfRight, true},
		{"TL-05_a_certificate_of_another_authority_is_told_nothing", &right, rootOfWrongName, false},
		{"TL-05_a_certificate_of_another_name_is_told_nothing", &wrongName, rootOfWrongName, false},
		{"TL-05_a_server_without_TLS_is_told_nothing", nil, rootOfRight, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			port, received := tlsServer(t, test.certificate)
			config, err := parse("host=" + name + " port=" + strconv.Itoa(port) + " user=ana password=Marker7 sslrootcert=" + test.root)
			if err != nil {
				t.Fatal(err)
			}
			config.ConnConfig.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
			_, err = pgx.ConnectConfig(t.Context(), config.ConnConfig)
			if err == nil {
				t.Fatal("connected to something that is no PostgreSQL")
			}
			if got := strings.Contains(string(<-received), "ana"); got != test.accepted {
				t.Errorf("the startup message was sent: %v, want %v (error %v)", got, test.accepted, err)
			}
			var certificate *tls.CertificateVerificationError
			if test.certificate != nil && errors.As(err, &certificate) == test.accepted {
				t.Errorf("got error %v", err)
			}
		})
	}
}
