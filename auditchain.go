package gatehouse

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"gatehouse/model"
)

// eventKey makes the MACs of events.
type eventKey [32]byte

func newEventKey(master model.MasterKey) (key eventKey, err error) {
	derived, err := deriveKey(master, "gatehouse events v1")
	copy(key[:], derived)
	return key, err
}

// place is where a sealed event stands in the chain.
type place struct {
	position int64 // 0 is before the first event
	mac      model.Digest
}

// stretch is the part of the chain that was sealed under a key that is no longer
// the current one. It is kept so that the part can be verified when nobody has the
// master key any more.
type stretch struct {
	masterID [sealKeyBytes]byte
	key      eventKey
	last     int64 // the position at which it ends
}

const stretchBytes = sealKeyBytes + len(eventKey{}) + 8

// chain is what its record says: the place before the first event that is kept,
// and the last place.
type chain struct {
	begin, end place
	former     []stretch // in the order of their positions
	masterID   [sealKeyBytes]byte
	key        eventKey // of everything after the last stretch
	kept       []byte   // the encrypted form of former
	// aged is the time by which events were forgotten last, or the chain was begun.
	aged time.Time
}

// keyAt returns the key under which a position was sealed.
func (c *chain) keyAt(position int64) eventKey {
	for _, s := range c.former {
		if position <= s.last {
			return s.key
		}
	}
	return c.key
}

// The messages that are authenticated begin with what they are.
const (
	chainMessage = "gatehouse chain\x00"
	eventMessage = "gatehouse event\x00"

	chainVersion = 1
	chainHead    = 1 + sealKeyBytes
	chainBytes   = chainHead + 2*(8+sha256.Size) + 8 + 4 // without the stretches and the MAC
	stretchLabel = "event_chain.record"
)

var (
	errChainFalse   = errors.New("gatehouse: the record of the audit chain was changed by somebody else")
	errEventFalse   = errors.New("gatehouse: an event whose time seems to be over was changed, or one before it was removed")
	errHeadGone     = errors.New("gatehouse: the end that the audit chain had is not in it any more")
	errChainForeign = errors.New("gatehouse: the record of the audit chain was made under a master key that is not here")
)

// moveChain makes the current key that of everything that follows, and reports
// whether it was another one.
func (m *masterKeys) moveChain(c *chain) (moved bool) {
	current := m.current()
	if c.masterID == current.seal.keyID {
		return false
	}
	if c.end.position > c.begin.position {
		c.former = append(c.former, stretch{c.masterID, c.key, c.end.position})
	}
	c.masterID, c.key = current.seal.keyID, current.events
	c.keepStretches(current.seal)
	return true
}

// newChain begins behind a position.
func (m *masterKeys) newChain(behind int64, now time.Time) *chain {
	current := m.current()
	c := &chain{masterID: current.seal.keyID, key: current.events, aged: now}
	c.begin.position, c.end.position = behind, behind
	c.keepStretches(current.seal)
	return c
}

// record is what is kept of the chain.
func (c *chain) record() []byte {
	record := append([]byte{chainVersion}, c.masterID[:]...)
	for _, at := range []place{c.begin, c.end} {
		record = binary.BigEndian.AppendUint64(record, uint64(at.position))
		record = append(record, at.mac[:]...)
	}
	record = binary.BigEndian.AppendUint64(record, uint64(c.aged.UnixMicro()))
	record = binary.BigEndian.AppendUint32(record, uint32(len(c.kept)))
	record = append(record, c.kept...)
	mac := c.key.mac(chainMessage, record)
	return append(record, mac[:]...)
}

// keepStretches encrypts the keys of the stretches that still have events.
func (c *chain) keepStretches(with sealer) {
	c.former = slices.DeleteFunc(c.former, func(s stretch) bool { return s.last <= c.begin.position })
	plain := make([]byte, 0, len(c.former)*stretchBytes)
	for _, s := range c.former {
		plain = append(append(plain, s.masterID[:]...), s.key[:]...)
		plain = binary.BigEndian.AppendUint64(plain, uint64(s.last))
	}
	c.kept = with.encrypt(plain, stretchLabel)
}

// begunChain returns the chain that was begun, inside a transaction.
func (m *masterKeys) begunChain(ctx context.Context, tx model.EventChain) (*chain, error) {
	record, _, err := tx.EventChain(ctx)
	if err != nil {
		return nil, err
	}
	return m.openChain(record)
}

// openChain reads a record. It trusts nothing in it before the MAC was checked.
func (m *masterKeys) openChain(record []byte) (*chain, error) {
	if len(record) < chainBytes+sha256.Size || record[0] != chainVersion {
		return nil, errChainFalse
	}
	i := slices.IndexFunc(m.all, func(d derivedKeys) bool { return d.seal.keyID == [sealKeyBytes]byte(record[1:chainHead]) })
	if i < 0 {
		return nil, fmt.Errorf("%w: %s", errChainForeign, hex.EncodeToString(record[1:chainHead]))
	}
	master := m.all[i]
	body := record[:len(record)-sha256.Size]
	mac := master.events.mac(chainMessage, body)
	if !hmac.Equal(mac[:], record[len(body):]) {
		return nil, errChainFalse
	}
	c := &chain{masterID: master.seal.keyID, key: master.events}
	body = body[chainHead:]
	for _, at := range []*place{&c.begin, &c.end} {
		at.position, at.mac = int64(binary.BigEndian.Uint64(body)), model.Digest(body[8:8+sha256.Size])
		body = body[8+sha256.Size:]
	}
	c.aged = time.UnixMicro(int64(binary.BigEndian.Uint64(body))).UTC()
	c.kept = body[8+4:]
	plain, err := master.seal.decrypt(c.kept, stretchLabel)
	if err != nil || len(plain)%stretchBytes != 0 {
		return nil, errChainFalse
	}
	for s := range slices.Chunk(plain, stretchBytes) {
		c.former = append(c.former, stretch{
			masterID: [sealKeyBytes]byte(s), key: eventKey(s[sealKeyBytes:]), last: int64(binary.BigEndian.Uint64(s[stretchBytes-8:])),
		})
	}
	return c, nil
}

// seal gives an event the next place in the chain.
func (c *chain) seal(row *model.EventRow) {
	if row.Seal.Salt == (model.EventSalt{}) {
		_, _ = rand.Read(row.Seal.Salt[:]) // never fails
	}
	row.Seal.Commitment = commitment(row)
	row.Seal.Position = c.end.position + 1
	row.Seal.MAC = c.key.macOf(c.end, row)
	c.end = place{row.Seal.Position, row.Seal.MAC}
}

// expired returns the place of the last of the events, which follow the beginning,
// whose time is over. It stops at one that is not genuine, and reports false.
func (c *chain) expired(rows []model.EventRow, before time.Time) (last place, genuine bool) {
	last = c.begin
	for i := range rows {
		row, position := &rows[i], last.position+1
		switch {
		case !row.At.Before(before) || row.Seal.Position > c.end.position:
			return last, true
		case row.Seal.Position != position || !sameMAC(c.keyAt(position).macOf(last, row), row.Seal.MAC):
			return last, false
		}
		last = place{position, row.Seal.MAC}
	}
	return last, true
}

// macOf is the MAC of an event that follows a place.
func (k eventKey) macOf(before place, row *model.EventRow) model.Digest {
	text := make([]byte, 0, 256)
	text = append(text, before.mac[:]...)
	text = binary.BigEndian.AppendUint64(text, uint64(row.Seal.Position))
	text = binary.BigEndian.AppendUint64(text, uint64(row.ID))
	text = binary.BigEndian.AppendUint64(text, uint64(row.At.UnixMicro()))
	text = appendField(text, string(row.Name))
	text = appendField(text, string(row.UserID[:]))
	text = appendField(text, string(row.SessionID[:]))
	text = append(text, row.Seal.Commitment[:]...)
	return k.mac(eventMessage, text)
}

// sameMAC compares in constant time.
func sameMAC(a, b model.Digest) bool { return hmac.Equal(a[:], b[:]) }

// mac is HMAC-SHA-256 (RFC 2104).
func (k eventKey) mac(what string, text []byte) (sum model.Digest) {
	h := hmac.New(sha256.New, k[:])
	h.Write([]byte(what))
	h.Write(text)
	h.Sum(sum[:0])
	return sum
}

// commitment stands for where an event came from. Without the salt nobody can try
// out what it was.
func commitment(row *model.EventRow) model.Digest {
	text := append(make([]byte, 0, 512), row.Seal.Salt[:]...)
	place := ""
	if row.Client.Address.IsValid() {
		place = row.Client.Address.WithZone("").String()
	}
	text = appendField(text, place)
	text = appendField(text, row.Client.UserAgent)
	text = appendField(text, row.Client.RequestID)
	return sha256.Sum256(text)
}

// appendField adds the length of a text before the text, so that no two events
// have one form.
func appendField(to []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(to, uint32(len(text))), text...)
}
