package gatehouse

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"gatehouse/model"
)

// A device token is 56 bytes in base64url: 16 random ones that name the device, 8
// of the second at which it ends, and 32 bytes HMAC-SHA-256 of both, of the user
// and of the version of the password, under a key derived from the master key. It
// says nothing about anybody, and a new password makes it worthless.
const (
	deviceIDBytes  = 16
	deviceBody     = deviceIDBytes + 8
	deviceRawBytes = deviceBody + sha256.Size
)

// deviceKey is the HMAC-SHA-256 that proves device tokens. It is a function for
// the reason given at sealer.
type deviceKey func(body []byte, account model.Account) []byte

func newDeviceKey(master model.MasterKey) (deviceKey, error) {
	key, err := deriveKey(master, "gatehouse device token v1")
	return func(body []byte, account model.Account) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write(body) // of one length, as all that follows
		mac.Write(account.User.ID[:])
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(account.PasswordVersion)))
		return mac.Sum(nil)
	}, err
}

// newDevice makes the token of a device on which the password of this account was
// right.
func (a *Auth) newDevice(account model.Account) model.DeviceToken {
	raw := make([]byte, deviceIDBytes, deviceRawBytes)
	_, _ = rand.Read(raw) // never fails
	raw = binary.BigEndian.AppendUint64(raw, uint64(a.now().Add(DeviceLifetime).Unix()))
	raw = append(raw, a.masters.Load().current().devices(raw, account)...)
	return model.DeviceToken(base64.RawURLEncoding.EncodeToString(raw))
}

// deviceOf is newDevice after what has given the account another password version,
// perhaps. It is empty where the account cannot be read: what was done is done.
func (a *Auth) deviceOf(ctx context.Context, id model.UserID) model.DeviceToken {
	account, err := a.store.Account(ctx, id)
	if err != nil {
		a.log.WarnContext(ctx, "no device token", "user_id", id.String(), "error", err)
		return ""
	}
	return a.newDevice(account)
}

// knownDevice returns what names the device of the client, and false where the
// client brought no token that is good for this account.
func (a *Auth) knownDevice(ctx context.Context, account model.Account) (id []byte, known bool) {
	token := string(model.ClientFrom(ctx).Device)
	if len(token) != base64.RawURLEncoding.EncodedLen(deviceRawBytes) || strings.ContainsAny(token, "\r\n") {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return nil, false
	}
	body, mac := raw[:deviceBody], raw[deviceBody:]
	ends := time.Unix(int64(binary.BigEndian.Uint64(body[deviceIDBytes:])), 0)
	for _, master := range a.masters.Load().all {
		if hmac.Equal(mac, master.devices(body, account)) {
			return body[:deviceIDBytes], a.now().Before(ends)
		}
	}
	return nil, false
}
