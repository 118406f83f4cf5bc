package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"gatehouse"
)

// keySet publishes the public halves of the signing keys (RFC 7517).
func (d *door) keySet(x *exchange) error {
	keys, err := d.auth.KeySet(x.r.Context())
	if err != nil {
		return err
	}
	x.cacheFor(gatehouse.KeySetAge)
	return x.json(http.StatusOK, keys)
}

// metadataAnswer is the authorization server metadata (RFC 8414 section 2): only
// what works here. There is no token endpoint, since ours speaks JSON.
type metadataAnswer struct {
	Issuer                string   `json:"issuer"`
	JWKSURI               string   `json:"jwks_uri"`
	ResponseTypes         []string `json:"response_types_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	RevocationMethods     []string `json:"revocation_endpoint_auth_methods_supported"`
	IntrospectionEndpoint string   `json:"introspection_endpoint,omitempty"`
	IntrospectionMethods  []string `json:"introspection_endpoint_auth_methods_supported,omitempty"`
}

func (d *door) metadata(x *exchange) error {
	issuer := d.auth.Issuer()
	answer := metadataAnswer{
		Issuer: issuer, JWKSURI: issuer + "/.well-known/jwks.json",
		ResponseTypes: []string{}, GrantTypes: []string{},
		RevocationEndpoint: issuer + "/v1/token/revoke", RevocationMethods: []string{"none"},
	}
	if d.secret != nil {
		answer.IntrospectionEndpoint = issuer + "/v1/token/introspect"
		answer.IntrospectionMethods = []string{"client_secret_basic"}
	}
	return x.json(http.StatusOK, answer)
}

// statusList publishes which tokens were revoked
// (draft-ietf-oauth-status-list). Verifiers ask again with If-None-Match.
func (d *door) statusList(x *exchange) error {
	token, err := d.auth.StatusList(x.r.Context())
	if err != nil {
		return err
	}
	// The signature stands for all of the token, which may be long.
	digest := sha256.Sum256([]byte(token[strings.LastIndexByte(token, '.')+1:]))
	tag := `"` + base64.RawURLEncoding.EncodeToString(digest[:16]) + `"`
	x.cacheFor(gatehouse.StatusListAge)
	x.w.Header().Set("ETag", tag)
	if matches(x.r.Header.Values("If-None-Match"), tag) {
		return x.empty(http.StatusNotModified)
	}
	return x.write(http.StatusOK, statusListType, []byte(token))
}

// cacheFor lets caches keep the answer.
func (x *exchange) cacheFor(age time.Duration) {
	x.w.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(int(age/time.Second)))
}

// matches is the weak comparison of RFC 9110 section 13.1.2.
func matches(lines []string, tag string) bool {
	for _, candidate := range strings.Split(strings.Join(lines, ","), ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == tag {
			return true
		}
	}
	return false
}
