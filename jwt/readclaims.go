package jwt

import (
	"fmt"
	"time"
)

// payload is what a verifier reads from an access token: the claims, and what
// it needs to check them but does not hand out.
type payload struct {
	claims    Claims
	notBefore time.Time // zero when absent
	// space is where the lists of the claims lie as long as they are short.
	space [8]string
	used  int
}

// readClaims reads the payload of an access token. Claims nobody knows here
// are ignored, however they are spelled; names are case-sensitive (RFC 7519 section 10.1.1).
func (p *payload) readClaims(doc string) error {
	if p.readPlain(doc) {
		return nil
	}
	*p = payload{}
	return p.readAny(doc)
}

// readAny reads a payload in any spelling that JSON has for it.
func (p *payload) readAny(doc string) error {
	var space [24]jsonMember
	members, err := parseJSONObject(space[:0], doc)
	if err != nil {
		return fmt.Errorf("%w: payload: %w", ErrMalformed, err)
	}
	for _, member := range members {
		ok, err := p.read(member)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("%w: %s has a wrong type or value", ErrClaims, member.name)
		}
	}
	return nil
}

// read takes one claim over, and says whether it has the right form.
func (p *payload) read(member jsonMember) (ok bool, err error) {
	c, v := &p.claims, member.value
	switch member.name {
	case "iss":
		c.Issuer, ok = v.text()
	case "sub":
		c.Subject, ok = v.text()
	case "aud":
		c.Audience, ok = p.audience(v)
		if !ok {
			return false, fmt.Errorf("%w: aud is neither a text nor a list of texts", ErrAudience)
		}
	case "exp":
		c.ExpiresAt, ok = numericDate(v)
	case "nbf":
		p.notBefore, ok = numericDate(v)
	case "iat":
		c.IssuedAt, ok = numericDate(v)
	case "auth_time":
		c.AuthTime, ok = numericDate(v)
	case "jti":
		c.TokenID, ok = v.text()
	case "client_id":
		c.ClientID, ok = v.text()
	case "sid":
		c.SessionID, ok = v.text()
	case "amr":
		c.AMR, ok = p.textList(v)
	case "acr":
		c.ACR, ok = v.text()
	case "roles":
		c.Roles, ok = p.textList(v)
	case "scope":
		c.Scope, ok = v.text()
	case "status":
		c.Status, ok = statusReference(v)
	case "cnf":
		// RFC 7800 section 3.1: the bearer has to prove a key, and nothing
		// here can check the proof.
		return false, fmt.Errorf("%w: cnf is not supported", ErrClaims)
	default:
		ok = true
	}
	return ok, nil
}

// audience reads "aud": a text, or a list that is not empty, of texts that are
// not empty (RFC 7519 section 4.1.3).
func (p *payload) audience(v jsonValue) ([]string, bool) {
	if text, ok := v.text(); ok {
		texts := p.list(1)
		texts[0] = text
		return texts, text != ""
	}
	texts, ok := p.textList(v)
	if !ok || len(texts) == 0 {
		return nil, false
	}
	for _, text := range texts {
		if text == "" {
			return nil, false
		}
	}
	return texts, true
}

func (p *payload) textList(v jsonValue) ([]string, bool) {
	var space [8]jsonValue
	values, err := v.elements(space[:0])
	if err != nil {
		return nil, false
	}
	texts := p.list(len(values))
	for i, value := range values {
		text, ok := value.text()
		if !ok {
			return nil, false
		}
		texts[i] = text
	}
	return texts, true
}

// list returns a list of n empty texts.
func (p *payload) list(n int) []string {
	if n > len(p.space)-p.used {
		return make([]string, n)
	}
	p.used += n
	return p.space[p.used-n : p.used : p.used]
}

// statusReference reads "status". A status mechanism other than a status list
// cannot be asked, so it is refused: the token may have been revoked there.
func statusReference(v jsonValue) (reference StatusReference, ok bool) {
	list, ok := onlyMember(v, "status_list")
	if !ok || list.kind != jsonObject {
		return StatusReference{}, false
	}
	var space [4]jsonMember
	members, err := parseJSONObject(space[:0], list.raw)
	if err != nil {
		return StatusReference{}, false
	}
	hasIndex := false
	for _, member := range members {
		switch member.name {
		case "idx":
			reference.Index, ok = member.value.integer()
			hasIndex = true
		case "uri":
			reference.URI, ok = member.value.text()
		}
		if !ok {
			return StatusReference{}, false
		}
	}
	return reference, hasIndex && reference.URI != ""
}

// onlyMember returns the value of an object's one member.
func onlyMember(v jsonValue, name string) (jsonValue, bool) {
	if v.kind != jsonObject {
		return jsonValue{}, false
	}
	var space [2]jsonMember
	members, err := parseJSONObject(space[:0], v.raw)
	if err != nil || len(members) != 1 || members[0].name != name {
		return jsonValue{}, false
	}
	return members[0].value, true
}
