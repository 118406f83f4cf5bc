package importer

import (
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"gatehouse/model"
)

// decode reads an object into a struct; members that it does not name are passed
// by. The refusal names the member that is wrong.
func decode(object []byte, into any) error {
	err := json.Unmarshal(object, into)
	if err == nil {
		return nil
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		if member := strings.TrimPrefix(string(semantic.JSONPointer), "/"); member != "" {
			return wrong(member, "It is not of the kind that this system writes.")
		}
	}
	return wrong("user", "It is not one JSON object in UTF-8.")
}

// timeForms are the spellings of a time that databases and frameworks have. One
// without a zone is in UTC.
func timeForms() []string {
	return []string{
		time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999-07", "2006-01-02T15:04:05.999999999-07",
		"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999",
	}
}

// moments reads the times of one user and remembers what is wrong with them.
type moments struct{ wrong []error }

// text reads a time; "" is none, and so is the year 1, where programs in Go and
// C# have none.
func (m *moments) text(member, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	for _, form := range timeForms() {
		if at, err := time.Parse(form, text); err == nil {
			return at.UTC()
		}
	}
	m.wrong = append(m.wrong, wrong(member, "It must be a time, as in 2026-03-01T12:00:00Z."))
	return time.Time{}
}

func (m *moments) err() error { return model.Together(m.wrong...) }

// milliseconds reads a time as JavaScript and Java count it; 0 is none.
func milliseconds(since1970 int64) time.Time {
	if since1970 == 0 {
		return time.Time{}
	}
	return time.UnixMilli(since1970).UTC()
}

// truth is a Boolean that some databases write as 0 and 1.
type truth bool

func (t *truth) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case "true", "1":
		*t = true
	case "false", "0", "null":
		*t = false
	default:
		return errors.New("importer: neither true nor false")
	}
	return nil
}

// truthOf reads a Boolean of a table; "" is false.
func truthOf(member, text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "t", "1":
		return true, nil
	case "false", "f", "0", "":
		return false, nil
	}
	return false, wrong(member, "It must be true or false.")
}

// unpadded writes base64 without the padding, as the form of PHC wants it.
func unpadded(text string) string { return strings.TrimRight(text, "=") }

// octets returns how many octets a text of base64 holds, or -1.
func octets(text string) int {
	raw, err := base64.RawStdEncoding.DecodeString(unpadded(text))
	if err != nil {
		return -1
	}
	return len(raw)
}

// errForeignHash refuses a hash that cannot be put together.
func errForeignHash() error {
	return wrong("password_hash", "It was made in a way that is not read here; leave it out and hand over a reset-link.")
}

// errClearText refuses a password that lies there for everybody to read.
func errClearText(member string) error {
	return wrong(member, "The password stands there in clear text, which is not taken; leave it out and hand over a reset-link.")
}
