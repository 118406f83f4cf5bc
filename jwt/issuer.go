package jwt

import (
	"errors"
	"net/url"
)

// CheckIssuer refuses an issuer that is no https URL of scheme and host alone
// (RFC 8414 section 2, and no path), or that has another spelling than the one:
// the iss of tokens is compared byte for byte. The error goes on from the name of
// what was checked.
func CheckIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" || u.ForceQuery || u.Path != "" || u.String() != issuer {
		return errors.New("must be an https URL of scheme and host alone, such as https://id.example.com")
	}
	return nil
}
