package smtptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"
)

// Certificate is what is wrong with the certificate of the server.
type Certificate int

// What can be wrong.
const (
	Good Certificate = iota
	OtherName
	Expired
	SelfSigned
)

type certificates struct {
	leaf    tls.Certificate
	roots   *x509.CertPool
	rootPEM []byte
}

// makeCertificates makes an authority and a certificate of it for localhost.
func makeCertificates(flaw Certificate) (made certificates, err error) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return made, err
	}
	now := time.Now()
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Authority for tests"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey)
	if err != nil {
		return made, err
	}
	parsed, err := x509.ParseCertificate(rootDER)
	if err != nil {
		return made, err
	}
	made.roots = x509.NewCertPool()
	made.roots.AddCert(parsed)
	made.rootPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return made, err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(12 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	signer, signerKey := root, rootKey
	switch flaw {
	case OtherName:
		leaf.DNSNames = []string{"mail.example.org"}
	case Expired:
		leaf.NotAfter = now.Add(-time.Minute)
	case SelfSigned:
		signer, signerKey = leaf, key
	case Good:
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, signer, &key.PublicKey, signerKey)
	made.leaf = tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: key}
	return made, err
}
