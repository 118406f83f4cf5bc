package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gatehouse/jwt"
)

// refusedToken says why a token is refused.
type refusedToken struct {
	why        string
	keyUnknown bool // what became of the key is worth a second line
}

// refusedFor puts the error of a verifier into words, with what the token says
// beside what it would have to say.
func (s tokenParts) refusedFor(err error, issuer, audience string) refusedToken {
	now := float64(time.Now().Unix())
	switch {
	case s.count == 3 && strings.EqualFold(s.head.Alg, "none"):
		return refusedToken{why: fmt.Sprintf("alg is %q: nobody signed it", s.head.Alg)}
	case errors.Is(err, jwt.ErrUnknownKey) && s.head.Kid != "":
		return refusedToken{why: fmt.Sprintf("unknown key: no key that is accepted has the kid %q", s.head.Kid), keyUnknown: true}
	case errors.Is(err, jwt.ErrSignature):
		return refusedToken{why: "wrong signature: the key did not sign this header and these claims"}
	case errors.Is(err, jwt.ErrAlgorithm):
		return refusedToken{why: fmt.Sprintf("wrong algorithm: the header says %q, and the algorithm belongs to the key", s.head.Alg)}
	case errors.Is(err, jwt.ErrType):
		return refusedToken{why: fmt.Sprintf("wrong type: typ is %q; an access token has at+jwt, a status list statuslist+jwt", s.head.Typ)}
	case errors.Is(err, jwt.ErrIssuer):
		return refusedToken{why: fmt.Sprintf("wrong issuer: iss is %q; this server is %q", s.body.Iss, issuer)}
	case errors.Is(err, jwt.ErrAudience):
		return refusedToken{why: fmt.Sprintf("wrong audience: aud is %s; this server's is %q", inJSON(s.body.Aud), audience)}
	case errors.Is(err, jwt.ErrExpired):
		return refusedToken{why: "expired " + span(s.body.Exp, now) + " ago"}
	case errors.Is(err, jwt.ErrNotYetValid):
		return refusedToken{why: "not yet valid: it begins in " + span(now, max(s.body.Iat, s.body.Nbf)) + "; is a clock wrong?"}
	}
	return refusedToken{why: strings.TrimPrefix(err.Error(), jwt.ErrInvalid.Error()+": ")}
}

// span is the time between two moments in seconds.
func span(from, to float64) string { return (time.Duration(to-from) * time.Second).String() }

func inJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return "unreadable"
	}
	return string(text)
}
