package main

import (
	"crypto/x509"
	"fmt"
	"time"

	"github.com/smallstep/truststore"
)

// trustCommand makes this machine trust the local authority.
type trustCommand struct{}

// Run installs the certificate of the authority, which it makes first where
// there is none. What cannot be done is said together with the way to do it by
// hand.
func (trustCommand) Run(p *program, cfg config) error {
	authority, err := authorityToTrust(cfg)
	if err != nil {
		return err
	}
	path := localPathsIn(cfg.dataDir).authority
	options := []truststore.Option{truststore.WithPrefix("gatehouse-")}
	browsers, err := truststore.NewNSSTrust()
	if err == nil && browsers.PreCheck() == nil {
		options = append(options, truststore.WithTrust(browsers))
	} else {
		fmt.Fprintf(p.stdout, "Firefox and Chromium keep their own list, which was not found (it needs certutil, package libnss3-tools).\n"+
			"By hand: import %s under Settings, Certificates, Authorities.\n", path)
	}
	if err := truststore.Install(authority, options...); err != nil {
		return fmt.Errorf("%s was not installed: %w\n"+
			"By hand: sudo cp %s /usr/local/share/ca-certificates/gatehouse-local.crt && sudo update-ca-certificates\n"+
			"For one program: curl --cacert %s", path, err, path, path)
	}
	fmt.Fprintf(p.stdout, "Installed %s: this machine trusts it for localhost, and for nothing else.\n", path)
	return nil
}

// authorityToTrust reads the certificate, or makes the authority. The key of one
// that is there is not touched, so that root may install what belongs to the
// account of the server.
func authorityToTrust(cfg config) (*x509.Certificate, error) {
	local := &localCertificates{paths: localPathsIn(cfg.dataDir)}
	if exists(local.paths.authority) {
		return truststore.ReadCertificate(local.paths.authority)
	}
	if err := makeDataDir(cfg.dataDir); err != nil {
		return nil, err
	}
	authority, _, err := local.authority(time.Now())
	return authority, err
}
