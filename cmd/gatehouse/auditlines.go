package main

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"gatehouse/model"
)

// eventJSON is an event as the operator gets it. What is not known is left out.
type eventJSON struct {
	Position  int64  `json:"position,omitempty"`
	ID        int64  `json:"id"`
	At        string `json:"at"`
	Event     string `json:"event"`
	UserID    string `json:"user_id,omitempty"`
	SessionID string `json:"session_id,omitempty"`
	Address   string `json:"address,omitempty"`
	UserAgent string `json:"user_agent,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	MAC       string `json:"mac,omitempty"`
}

func toEventJSON(row model.EventRow) eventJSON {
	shown := eventJSON{
		Position: row.Seal.Position, ID: row.ID, At: row.At.UTC().Format(time.RFC3339Nano), Event: string(row.Name),
		UserAgent: row.Client.UserAgent, RequestID: row.Client.RequestID,
	}
	if !row.UserID.IsZero() {
		shown.UserID = row.UserID.String()
	}
	if !row.SessionID.IsZero() {
		shown.SessionID = row.SessionID.String()
	}
	if row.Client.Address.IsValid() {
		shown.Address = row.Client.Address.String()
	}
	if row.Seal.Position > 0 {
		shown.MAC = hex.EncodeToString(row.Seal.MAC[:])
	}
	return shown
}

// jsonLine is an event as a line of JSON.
func jsonLine(row model.EventRow) ([]byte, error) {
	line, err := json.Marshal(toEventJSON(row))
	return append(escapeJSON(line), '\n'), err
}

func csvHead() []byte {
	return []byte("position,id,at,event,user_id,session_id,address,user_agent,request_id,mac\n")
}

// csvLine is an event as a line of CSV (RFC 4180, but for the end of the line). A
// value that a table would take for a formula begins with an apostrophe.
func csvLine(row model.EventRow) ([]byte, error) {
	shown := toEventJSON(row)
	position := ""
	if shown.Position > 0 {
		position = strconv.FormatInt(shown.Position, 10)
	}
	fields := []string{position, strconv.FormatInt(shown.ID, 10), shown.At, shown.Event, shown.UserID, shown.SessionID,
		shown.Address, shown.UserAgent, shown.RequestID, shown.MAC}
	for i, field := range fields {
		fields[i] = csvText(field)
	}
	var line bytes.Buffer
	w := csv.NewWriter(&line)
	if err := w.Write(fields); err != nil {
		return nil, err
	}
	w.Flush()
	return line.Bytes(), w.Error()
}

// csvText keeps a text from being a formula, and from doing anything else but
// being looked at.
func csvText(text string) string {
	formula := strings.HasPrefix(text, "=") || strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-") || strings.HasPrefix(text, "@") ||
		strings.HasPrefix(text, "\t") || strings.HasPrefix(text, "\r") || strings.HasPrefix(text, "\n") || strings.HasPrefix(text, "\x00") ||
		strings.HasPrefix(text, "＝") || strings.HasPrefix(text, "＋") || strings.HasPrefix(text, "－") || strings.HasPrefix(text, "＠")
	var b strings.Builder
	if formula {
		b.WriteByte('\'')
	}
	for _, r := range strings.ToValidUTF8(text, "\ufffd") {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			appendEscaped(&b, r)
		}
	}
	return b.String()
}

// escapeJSON writes as \uXXXX what stands raw in a line of JSON and cannot be seen
// or turns the direction of what follows. Outside of texts JSON has nothing of the
// kind.
func escapeJSON(line []byte) []byte {
	plain := true
	for _, c := range line {
		plain = plain && c < 0x7f
	}
	if plain {
		return line
	}
	var b strings.Builder
	for at := 0; at < len(line); {
		r, size := utf8.DecodeRune(line[at:])
		if unicode.IsPrint(r) || r < 0x20 {
			b.Write(line[at : at+size])
		} else {
			appendEscaped(&b, r)
		}
		at += size
	}
	return []byte(b.String())
}

func appendEscaped(b *strings.Builder, r rune) {
	if high, low := utf16.EncodeRune(r); r > 0xffff {
		fmt.Fprintf(b, `\u%04x\u%04x`, high, low)
	} else {
		fmt.Fprintf(b, `\u%04x`, r)
	}
}

// writeEvents writes a line for each event.
func writeEvents(w io.Writer, line func(model.EventRow) ([]byte, error), rows iter.Seq[model.EventRow]) error {
	for row := range rows {
		text, err := line(row)
		if err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	return nil
}
