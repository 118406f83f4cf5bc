package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// setting is a word of a DSN and what it says.
type setting struct{ name, value string }

// defaults are the settings that a DSN may replace.
var defaults = [...]setting{
	{"pool_max_conns", strconv.Itoa(maxConns)},
	{"pool_max_conn_lifetime", "30m"},
	{"pool_max_conn_lifetime_jitter", "5m"},
	{"pool_max_conn_idle_time", "5m"},
	{"pool_ping_timeout", pingTimeout.String()},
	{"connect_timeout", seconds(connectTimeout)},
	{"application_name", "gatehouse"},
	{"statement_timeout", seconds(statementTimeout) + "s"},
	{"lock_timeout", seconds(lockTimeout) + "s"},
	{"idle_in_transaction_session_timeout", seconds(idleInTxTimeout) + "s"},
	// Asked for in the DSN's place, so that neither the role nor a reloaded
	// configuration of the server can say less.
	{"synchronous_commit", "on"},
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// parse reads a DSN and refuses what is not safe.
func parse(dsn string) (*pgxpool.Config, error) {
	if strings.TrimSpace(dsn) == "" {
		return nil, errors.New("the DSN is empty; it looks like postgres://user@host/database")
	}
	config, err := pgxpool.ParseConfig(behind(dsn, defaults[:]...))
	if err == nil && slices.ContainsFunc(hostsOf(config), isRemote) {
		config, err = pgxpool.ParseConfig(behind(dsn, append(defaults[:], setting{"sslmode", "verify-full"})...))
	}
	if err != nil {
		return nil, unreadable(err)
	}
	for _, host := range hostsOf(config) {
		if isRemote(host) && !isVerified(host) {
			return nil, fmt.Errorf("the DSN asks for a connection to %s that is not verified; leave sslmode out or set it to verify-full, "+
				"with sslrootcert=FILE for an authority of your own (only a socket or a loopback address may go without)", host.Host)
		}
	}
	if sync := config.ConnConfig.RuntimeParams["synchronous_commit"]; !isDurable(sync) {
		return nil, fmt.Errorf("the DSN sets synchronous_commit to %q, which answers before the data is safe; use on or remote_apply", sync)
	}
	// A store writes. A server that only reads is a standby, or was the leader.
	config.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	config.ConnConfig.RuntimeParams["client_encoding"] = "UTF8"
	config.ConnConfig.OnNotice = keepWarning
	config.AfterConnect = checkServer
	return config, nil
}

// behind puts settings in front of those of the DSN, which come later and win.
func behind(dsn string, settings ...setting) string {
	rest, isURL := strings.CutPrefix(dsn, "postgres://")
	if !isURL {
		rest, isURL = strings.CutPrefix(dsn, "postgresql://")
	}
	words := url.Values{}
	var text strings.Builder
	for _, s := range settings {
		words.Set(s.name, s.value)
		text.WriteString(s.name + "=" + s.value + " ")
	}
	if !isURL {
		return text.String() + dsn
	}
	// A "?" before the "@" belongs to the password.
	from := 0
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
		from = i + 1
	}
	from += len(dsn) - len(rest)
	if i := strings.IndexByte(dsn[from:], '?'); i >= 0 {
		return dsn[:from+i+1] + words.Encode() + "&" + dsn[from+i+1:]
	}
	return dsn + "?" + words.Encode()
}

// unreadable says that a DSN is wrong without its text, which may hold a
// password in any place when it is malformed.
func unreadable(err error) error {
	var file *fs.PathError
	if errors.As(err, &file) {
		return fmt.Errorf("the DSN names a file that cannot be read: %w", file)
	}
	return errors.New("the DSN cannot be read; it looks like postgres://user:password@host:5432/database, with %-escapes in the password")
}

// hostsOf returns every way to connect that would be tried.
func hostsOf(config *pgxpool.Config) []*pgconn.FallbackConfig {
	c := config.ConnConfig
	return append([]*pgconn.FallbackConfig{{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
}

// isRemote reports whether what is sent leaves this machine.
func isRemote(host *pgconn.FallbackConfig) bool {
	if network, _ := pgconn.NetworkAddress(host.Host, host.Port); network == "unix" {
		return false
	}
	if strings.EqualFold(host.Host, "localhost") { // RFC 6761 section 6.3
		return false
	}
	address, err := netip.ParseAddr(host.Host)
	return err != nil || !address.Unmap().IsLoopback()
}

// isVerified asks what sslmode=verify-full means: the certificate is checked,
// and against the name that was asked for.
func isVerified(host *pgconn.FallbackConfig) bool {
	return host.TLSConfig != nil && !host.TLSConfig.InsecureSkipVerify && host.TLSConfig.ServerName == host.Host
}

// isDurable reports whether a COMMIT under this synchronous_commit waits for
// the disk and for every synchronous standby.
func isDurable(setting string) bool { return setting == "on" || setting == "remote_apply" }
