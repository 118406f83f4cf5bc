package jwt

import "testing"

func TestAnIssuerHasOneForm(t *testing.T) {
	for _, good := range []string{"https://id.example.com", "https://id.example.com:8443", "https://localhost", "https://[::1]:8443"} {
		if err := CheckIssuer(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "id.example.com", "http://id.example.com", "https://", "https://id.example.com/", "https://id.example.com/auth", "HTTPS://id.example.com",
		"https://id.example.com?a=b", "https://id.example.com?", "https://id.example.com#a", "https://ana@id.example.com", " https://id.example.com",
	} {
		if CheckIssuer(bad) == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
