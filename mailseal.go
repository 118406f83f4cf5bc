package gatehouse

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"gatehouse/model"
)

// letter is what is sealed of a mail until it is sent.
type letter struct {
	To       string     // the canonical address; empty for a mail that nobody gets
	Username string     `json:",omitempty"`
	Code     string     `json:",omitempty"` // of the link
	Purpose  string     `json:",omitempty"`
	Digits   string     `json:",omitempty"`
	Address  netip.Addr `json:",omitzero"` // where something was done from
	At       time.Time  // when it was done

	// Of who asked for a recovery, until its mail is written:
	UserAgent []byte `json:",omitempty"` // which may be no UTF-8
	RequestID string `json:",omitempty"`
}

// mailKey seals the mails that wait.
type mailKey struct {
	// of is a function for the reason that sealer.aead is one.
	of func(model.MailID) (sealer, error)
}

func newMailKey(master model.MasterKey) (mailKey, error) {
	base, err := deriveKey(master, "gatehouse outbox v1")
	if err != nil {
		return mailKey{}, err
	}
	name := sha256.Sum256(base)
	return mailKey{of: func(id model.MailID) (sealer, error) {
		// Each mail has a key of its own, so no number of them is too many for
		// random nonces.
		key, err := hkdf.Expand(sha256.New, base, string(id[:]), 32)
		if err != nil {
			return sealer{}, fmt.Errorf("gatehouse: derive key: %w", err)
		}
		return sealerNamed(key, [sealKeyBytes]byte(name[:sealKeyBytes]))
	}}, nil
}

// mailLabel binds a sealed letter to its row.
func mailLabel(id model.MailID, kind model.MailKind) string {
	return "outbox.sealed\x00" + id.String() + "\x00" + string(kind)
}

func (k mailKey) seal(id model.MailID, kind model.MailKind, l letter) ([]byte, error) {
	plain, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("gatehouse: seal mail: %w", err)
	}
	sealing, err := k.of(id)
	if err != nil {
		return nil, err
	}
	return sealing.encrypt(plain, mailLabel(id, kind)), nil
}

// openMail opens what waits under whichever master key it was sealed.
func (m *masterKeys) openMail(kept model.OutboxRecord) (l letter, err error) {
	for _, master := range m.all {
		sealing, err := master.mails.of(kept.ID)
		if err != nil {
			return l, err
		}
		if !sealing.made(kept.Sealed) {
			continue
		}
		plain, err := sealing.decrypt(kept.Sealed, mailLabel(kept.ID, kept.Kind))
		if err != nil {
			return l, err
		}
		if err := json.Unmarshal(plain, &l); err != nil {
			return l, fmt.Errorf("gatehouse: open mail: %w", err)
		}
		return l, nil
	}
	return l, errSealed
}
