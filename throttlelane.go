package gatehouse

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"gatehouse/model"
)

// typedAtMost bounds what is looked at of an identifier that nobody can have, in
// bytes.
const typedAtMost = 1024

// laneOf returns the lane in which a password is checked, and by which rule, and
// whether the client is a known device. A device of the user has a lane of its own,
// so that strangers who guess do not keep the user out, and a token that was stolen
// is worth one lane. Everybody else shares the lane of the account, by whatever name
// and at whatever door. What nobody is called has a lane like a user's, under a key,
// since it may be a password that was typed into the wrong field.
func (a *Auth) laneOf(ctx context.Context, who claim) (lane model.Lane, rule model.AttemptRule, known bool) {
	if who.account != nil {
		id := who.account.User.ID
		if device, ok := a.knownDevice(ctx, *who.account); ok {
			return model.Lane{Key: laneDigest("device", string(id[:]), string(device)), UserID: id}, ladder(DeviceLifetime), true
		}
		return userLane(id), ladder(0), false
	}
	key := a.masters.Load().current().attempts
	if identifier, err := model.ParseIdentifier(who.identifier); err == nil {
		return model.Lane{Key: key("identifier", identifier.String())}, ladder(failureMemory), false
	}
	return model.Lane{Key: key("typed", who.identifier[:min(len(who.identifier), typedAtMost)])}, ladder(failureMemory), false
}

// userLane is shared by all who are no known device of the user.
func userLane(id model.UserID) model.Lane {
	return model.Lane{Key: laneDigest("user", string(id[:])), UserID: id}
}

// laneDigest names a lane of somebody who has an id.
func laneDigest(purpose string, parts ...string) model.Digest {
	return digestParts(sha256.New(), purpose, parts)
}

// attemptKey names the lanes of what strangers say of themselves, so that the store
// does not tell what it was. It is a function for the reason given at sealer.
type attemptKey func(purpose string, parts ...string) model.Digest

func newAttemptKey(master model.MasterKey) (attemptKey, error) {
	key, err := deriveKey(master, "gatehouse attempts v1")
	return func(purpose string, parts ...string) model.Digest {
		return digestParts(hmac.New(sha256.New, key), purpose, parts)
	}, err
}

// digestParts writes the length before each part, so that no two lists of parts
// are one text.
func digestParts(h hash.Hash, purpose string, parts []string) (digest model.Digest) {
	for _, part := range append([]string{purpose}, parts...) {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write([]byte(part))
	}
	h.Sum(digest[:0])
	return digest
}
