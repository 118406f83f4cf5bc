package web

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/model"
)

// readJSON reads an object whose members are the ones of the body, all text.
// The decoder holds to RFC 7493: no duplicate names, in whatever escape; names
// compared to the letter; no ill-formed UTF-8 and no lone surrogate. Refusals:
// ErrUnknownMember for a well-formed object with another member, else
// ErrBadRequest.
func readJSON(text []byte, takes body) (fields, error) {
	in := jsontext.NewDecoder(bytes.NewReader(text))
	if in.PeekKind() != '{' {
		return nil, model.ErrBadRequest
	}
	if _, err := in.ReadToken(); err != nil {
		return nil, model.ErrBadRequest
	}
	values, unknown := fields{}, false
	for in.PeekKind() != '}' {
		name, err := in.ReadToken()
		if err != nil {
			return nil, model.ErrBadRequest
		}
		// The token is only good until the next one is read.
		key := name.String()
		if !takes.knows(key) {
			unknown = true
			if err := skipValue(in); err != nil {
				return nil, err
			}
			continue
		}
		value, err := in.ReadToken()
		if err != nil || value.Kind() != '"' {
			return nil, model.ErrBadRequest
		}
		values[key] = value.String()
	}
	if _, err := in.ReadToken(); err != nil {
		return nil, model.ErrBadRequest
	}
	if _, err := in.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, model.ErrBadRequest
	}
	if unknown {
		return nil, model.ErrUnknownMember
	}
	return values, nil
}

// maxNesting bounds what is looked at before it is refused anyway.
const maxNesting = 8

// skipValue reads past one value. Refusal: ErrBadRequest.
func skipValue(in *jsontext.Decoder) error {
	depth := in.StackDepth()
	for {
		if _, err := in.ReadToken(); err != nil || in.StackDepth() > maxNesting {
			return model.ErrBadRequest
		}
		if in.StackDepth() == depth {
			return nil
		}
	}
}

// writeJSON gives the text of an answer. Answers are types of their own, made
// for it; nothing of package model is ever encoded.
func writeJSON(answer any) ([]byte, error) {
	return json.Marshal(answer, json.Deterministic(true))
}

// writeIndentedJSON is writeJSON for documents that people read.
func writeIndentedJSON(answer any) ([]byte, error) {
	return json.Marshal(answer, json.Deterministic(true), jsontext.WithIndent("  "))
}
