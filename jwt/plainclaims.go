package jwt

import (
	"strings"
	"time"
)

// plainReader reads a payload that is written as appendJSON writes it: its
// members in its order, no spaces, no escapes. Nearly every token that gets as
// far as its payload is one of ours, and for those it takes half the time of
// readAny (BenchmarkReadClaims), some two microseconds of the first look at a
// token. The price is a second reader of one text; FuzzClaims demands that it
// says what readAny says.
type plainReader struct {
	rest string
	// odd says that something is written in another way; what was read then
	// does not count.
	odd bool
}

// readPlain reads a payload in the form of appendJSON, and says whether it was
// one. Of a payload that it reads it says the same as readAny; all others, also
// those that have to be refused, are left to readAny.
func (p *payload) readPlain(doc string) bool {
	if !isPlain(doc) || !strings.HasPrefix(doc, `{"iss":"`) {
		return false
	}
	r, c := plainReader{rest: doc}, &p.claims
	r.text(`{"iss":"`, &c.Issuer)
	r.text(`,"sub":"`, &c.Subject)
	if r.next(`,"aud":"`) {
		c.Audience = p.list(1)
		r.restOfText(&c.Audience[0])
		r.odd = r.odd || c.Audience[0] == ""
	}
	r.date(`,"exp":`, &c.ExpiresAt)
	r.date(`,"iat":`, &c.IssuedAt)
	r.text(`,"jti":"`, &c.TokenID)
	r.text(`,"client_id":"`, &c.ClientID)
	r.text(`,"sid":"`, &c.SessionID)
	r.date(`,"auth_time":`, &c.AuthTime)
	r.texts(`,"amr":["`, &c.AMR, p)
	r.text(`,"acr":"`, &c.ACR)
	r.texts(`,"roles":["`, &c.Roles, p)
	r.text(`,"scope":"`, &c.Scope)
	if r.next(`,"status":{"status_list":`) {
		c.Status.Index = r.integer(`{"idx":`)
		r.text(`,"uri":"`, &c.Status.URI)
		r.odd = r.odd || c.Status.URI == "" || !r.next("}}")
	}
	return !r.odd && r.rest == "}"
}

// next takes the text from the start of what is left, or nothing.
func (r *plainReader) next(text string) bool {
	if !strings.HasPrefix(r.rest, text) {
		return false
	}
	r.rest = r.rest[len(text):]
	return true
}

// text reads a member that starts like this, if it comes next.
func (r *plainReader) text(start string, to *string) {
	if r.next(start) {
		r.restOfText(to)
	}
}

// restOfText reads as far as the next quotation mark, which in a plain document
// is the end of the text.
func (r *plainReader) restOfText(to *string) {
	end := strings.IndexByte(r.rest, '"')
	if end < 0 {
		r.odd = true
		return
	}
	*to, r.rest = r.rest[:end], r.rest[end+1:]
}

// texts reads a list of at least one text, if it comes next.
func (r *plainReader) texts(start string, to *[]string, p *payload) {
	if !r.next(start) {
		return
	}
	first := p.used
	for more := true; more && !r.odd; more = r.next(`,"`) {
		if p.used == len(p.space) {
			r.odd = true
			return
		}
		r.restOfText(&p.space[p.used])
		p.used++
	}
	*to = p.space[first:p.used:p.used]
	r.odd = r.odd || !r.next("]")
}

func (r *plainReader) date(start string, to *time.Time) {
	if strings.HasPrefix(r.rest, start) {
		*to = time.Unix(r.integer(start), 0).UTC()
	}
}

// integer reads a number of at most 15 digits, which is below 2^53.
func (r *plainReader) integer(start string) (n int64) {
	if !r.next(start) {
		r.odd = true
		return 0
	}
	digits := 0
	for digits < len(r.rest) && '0' <= r.rest[digits] && r.rest[digits] <= '9' && digits < 16 {
		n = n*10 + int64(r.rest[digits]-'0')
		digits++
	}
	r.odd = r.odd || digits == 0 || digits > 15 || r.rest[0] == '0' && digits > 1
	r.rest = r.rest[digits:]
	return n
}
