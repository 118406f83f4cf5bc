package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// Lifetimes of the local certificates. The leaf is short, since nothing but we
// ourselves has to renew it.
const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 60 * 24 * time.Hour
	leafRenewal   = 20 * 24 * time.Hour // renewed when less than this is left
	leafCheck     = time.Hour
	clockSlack    = time.Hour
)

// localPaths are the files of the local authority in the data directory.
type localPaths struct{ authority, authorityKey, leaf, leafKey string }

func localPathsIn(dir string) localPaths {
	return localPaths{
		authority:    filepath.Join(dir, "local-ca.pem"),
		authorityKey: filepath.Join(dir, "local-ca.key"),
		leaf:         filepath.Join(dir, "local.pem"),
		leafKey:      filepath.Join(dir, "local.key"),
	}
}

// localCertificates is an authority of our own for this machine. It is name
// constrained to localhost and the loopback addresses (RFC 5280 section
// 4.2.1.10), so that its key, if stolen, vouches for nobody else.
type localCertificates struct {
	paths   localPaths
	host    string
	log     *slog.Logger
	current atomic.Pointer[tls.Certificate]
}

// openLocal reads the authority and the leaf for host, and makes what is
// missing.
func openLocal(dir, host string, log *slog.Logger) (*localCertificates, error) {
	l := &localCertificates{paths: localPathsIn(dir), host: host, log: log}
	return l, l.ensure(time.Now())
}

// ensure takes a leaf into service that is good for a while.
func (l *localCertificates) ensure(now time.Time) error {
	authority, key, err := l.authority(now)
	if err != nil {
		return err
	}
	if pair, err := l.storedLeaf(authority, now); err == nil {
		l.current.Store(pair)
		return nil
	}
	pair, err := l.makeLeaf(authority, key, now)
	if err != nil {
		return fmt.Errorf("make the local certificate: %w", err)
	}
	l.current.Store(pair)
	return nil
}

// authority reads the authority, or makes it where there is none. A key without
// a certificate, or the reverse, is an error: replacing one of them silently
// would break the trust that somebody installed.
func (l *localCertificates) authority(now time.Time) (*x509.Certificate, crypto.Signer, error) {
	_, certMissing := os.Lstat(l.paths.authority)
	_, keyMissing := os.Lstat(l.paths.authorityKey)
	if errors.Is(certMissing, fs.ErrNotExist) && errors.Is(keyMissing, fs.ErrNotExist) {
		return l.makeAuthority(now)
	}
	mend := fmt.Sprintf("remove %s and %s to have a new authority made", l.paths.authority, l.paths.authorityKey)
	keyPEM, err := readSecretFile(l.paths.authorityKey)
	if err != nil {
		return nil, nil, fmt.Errorf("local authority: %w", err)
	}
	certPEM, err := os.ReadFile(l.paths.authority)
	if err != nil {
		return nil, nil, fmt.Errorf("local authority: %w; %s", err, mend)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, nil, fmt.Errorf("local authority: %w; %s", err, mend)
	}
	cert, err := leafOf(&pair)
	if err != nil {
		return nil, nil, fmt.Errorf("local authority: %w; %s", err, mend)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !cert.IsCA || now.Add(leafLife).After(cert.NotAfter) {
		return nil, nil, fmt.Errorf("local authority: %s has expired or is no authority; %s", l.paths.authority, mend)
	}
	return cert, key, nil
}

func (l *localCertificates) makeAuthority(now time.Time) (*x509.Certificate, crypto.Signer, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	template := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{Organization: []string{"Gatehouse"}, CommonName: "Gatehouse local authority on " + host},
		NotBefore:             now.Add(-clockSlack),
		NotAfter:              now.Add(authorityLife),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},

		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         []string{"localhost"},
		PermittedIPRanges: []*net.IPNet{
			{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
			{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
		},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make the local authority: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("make the local authority: %w", err)
	}
	if err := writePair(l.paths.authority, l.paths.authorityKey, der, key); err != nil {
		return nil, nil, fmt.Errorf("make the local authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

// storedLeaf returns the leaf on disk if it is ours, for the host and good for
// a while.
func (l *localCertificates) storedLeaf(authority *x509.Certificate, now time.Time) (*tls.Certificate, error) {
	keyPEM, err := readSecretFile(l.paths.leafKey)
	if err != nil {
		return nil, err
	}
	certPEM, err := os.ReadFile(l.paths.leaf)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, err
	}
	leaf, err := leafOf(&pair)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: l.host, CurrentTime: now.Add(leafRenewal)})
	return &pair, err
}

func (l *localCertificates) makeLeaf(authority *x509.Certificate, authorityKey crypto.Signer, now time.Time) (*tls.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber: newSerial(),
		Subject:      pkix.Name{Organization: []string{"Gatehouse"}, CommonName: l.host},
		NotBefore:    now.Add(-clockSlack),
		NotAfter:     now.Add(leafLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if address := net.ParseIP(l.host); address != nil {
		template.IPAddresses = append(template.IPAddresses, address)
	} else if l.host != "localhost" {
		template.DNSNames = append(template.DNSNames, l.host)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority, key.Public(), authorityKey)
	if err != nil {
		return nil, err
	}
	if err := writePair(l.paths.leaf, l.paths.leafKey, der, key); err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}

// writePair writes the key first, so that no certificate is ever without one.
func writePair(certFile, keyFile string, der []byte, key *ecdsa.PrivateKey) error {
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writeFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})); err != nil {
		return err
	}
	return writeFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// newSerial returns a positive number of at most 20 octets, RFC 5280 section
// 4.1.2.2.
func newSerial() *big.Int {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // crypto/rand.Read never fails; it ends the program instead
	raw[0] = raw[0]&0x7f | 0x40
	return new(big.Int).SetBytes(raw[:])
}

func (l *localCertificates) keep(ctx context.Context) {
	every(ctx, leafCheck, l.log, func(context.Context) {
		before := l.current.Load()
		if err := l.ensure(time.Now()); err != nil {
			l.log.Error("local certificate not renewed", "error", err)
		} else if l.current.Load().Leaf.SerialNumber.Cmp(before.Leaf.SerialNumber) != 0 {
			l.log.Info("local certificate renewed")
		}
	})
}

func (l *localCertificates) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return l.current.Load(), nil
}

func (l *localCertificates) overHTTP(next http.Handler) http.Handler { return next }
func (l *localCertificates) protocols() []string                     { return nil }
