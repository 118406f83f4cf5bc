package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"gatehouse/model"
)

// queryNames are the parameters that a page may have. JSON routes have none:
// what is in a URL ends up in logs and histories.
func queryNames(path string) []string {
	switch path {
	case loginPath:
		return []string{"next", "done"}
	case registerPath:
		return []string{"next"}
	case accountPath:
		return []string{"done"}
	case resetPath, verifyPath:
		return []string{"code", "done"}
	}
	return nil
}

// readQuery refuses ambiguous queries, and any query where none is meant. A
// page ignores names it does not know, which other sites append to links.
func (x *exchange) readQuery() error {
	if x.r.URL.RawQuery == "" {
		return nil
	}
	reads := x.r.Method == http.MethodGet || x.r.Method == http.MethodHead
	if !x.route.who.isPage() || !reads {
		return model.ErrBadRequest
	}
	all, err := parsePairs(x.r.URL.RawQuery)
	if err != nil {
		return err
	}
	x.query = url.Values{}
	for name, value := range all {
		if slices.Contains(queryNames(x.route.path), name) {
			x.query.Set(name, value)
		}
	}
	return nil
}

// readBody reads what the route takes into fields. Refusals: ErrBodyTooLarge
// before more is read, ErrUnsupportedMediaType, ErrUnknownMember,
// ErrBadRequest.
func (x *exchange) readBody() error {
	takes, r := x.route.takes, x.r
	if r.ContentLength > maxBody {
		x.w.Header().Set("Connection", "close")
		return model.ErrBodyTooLarge
	}
	if len(r.Header["Content-Encoding"]) > 0 {
		return model.ErrUnsupportedMediaType
	}
	var text []byte
	var err error
	if r.Body != http.NoBody {
		text, err = io.ReadAll(http.MaxBytesReader(x.raw, r.Body, maxBody))
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return model.ErrBodyTooLarge
	case err != nil:
		return model.ErrBadRequest // the client sent less than it said
	case !takes.json && !takes.form:
		if len(text) > 0 {
			return model.ErrBadRequest
		}
		return nil
	case takes.maySkip && len(text) == 0:
		return nil
	}
	kind, err := mediaType(r.Header["Content-Type"])
	switch {
	case err != nil:
		return err
	case takes.json && kind == "application/json":
		x.fields, err = readJSON(text, takes)
	case takes.form && kind == "application/x-www-form-urlencoded":
		err = x.readForm(text)
	default:
		return model.ErrUnsupportedMediaType
	}
	return err
}

// mediaType is the one Content-Type of a request, in UTF-8 and with no other
// parameter.
func mediaType(headers []string) (string, error) {
	if len(headers) != 1 {
		return "", model.ErrUnsupportedMediaType
	}
	kind, parameters, err := mime.ParseMediaType(headers[0])
	if err != nil {
		return "", model.ErrUnsupportedMediaType
	}
	for name, value := range parameters {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return "", model.ErrUnsupportedMediaType
		}
	}
	return kind, nil
}

// readForm reads a form. A field that was left empty counts as not sent, since
// a browser sends every field there is.
func (x *exchange) readForm(text []byte) error {
	pairs, err := parsePairs(string(text))
	if err != nil {
		return err
	}
	x.fields = fields{}
	for name, value := range pairs {
		switch {
		case name == csrfField && x.route.who.isPage():
			x.csrfSent = value
		case !x.route.takes.knows(name):
			return model.ErrUnknownMember
		case value != "":
			x.fields[name] = value
		}
	}
	return nil
}

// parsePairs reads name=value pairs, each name once, in well-formed UTF-8.
// Refusal: ErrBadRequest.
func parsePairs(text string) (map[string]string, error) {
	pairs := map[string]string{}
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(rawName)
		value, valueErr := url.QueryUnescape(rawValue)
		_, twice := pairs[name]
		if nameErr != nil || valueErr != nil || twice || strings.Contains(pair, ";") ||
			!utf8.ValidString(name) || !utf8.ValidString(value) {
			return nil, model.ErrBadRequest
		}
		pairs[name] = value
	}
	return pairs, nil
}
