package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

//go:embed pages/*.html static/*
var pageFiles embed.FS

// The pages, each the name of a file in pages/.
const (
	pageRegister        = "register"
	pageLogin           = "login"
	pageAccount         = "account"
	pageAccountPassword = "account_password"
	pageAccountExport   = "account_export"
	pageAccountDelete   = "account_delete"
	pageReset           = "reset"
	pageForgot          = "forgot"
	pageVerify          = "verify"
	pageAccountEmail    = "account_email"
	pageMailbox         = "mailbox"
	pageMail            = "mail"
	pageError           = "error"
	pageCode            = "code"
)

// pages holds the parsed templates and the static files. It never changes
// after newPages and is safe for concurrent use.
type pages struct {
	templates map[string]*template.Template // by page name
	assets    map[string]asset              // by path under which it is served
	paths     map[string]string             // file name to that path
}

// asset is one static file. Its path carries the hash of its content, so an
// answer may be kept for ever.
type asset struct {
	contentType string
	body        []byte
}

// newPages parses every template and names every static file after its
// content. An error means that the binary was built from broken templates.
func newPages() (*pages, error) {
	p := &pages{
		templates: map[string]*template.Template{},
		assets:    map[string]asset{},
		paths:     map[string]string{},
	}
	if err := p.readAssets(); err != nil {
		return nil, err
	}
	funcs := template.FuncMap{
		"asset":   p.asset,
		"stamp":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"day":     func(t time.Time) string { return t.UTC().Format("2 January 2006") },
		"moment":  func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") },
		"initial": initial,
	}
	layout, err := template.New("layout.html").Funcs(funcs).Option("missingkey=error").
		ParseFS(pageFiles, "pages/layout.html", "pages/parts.html")
	if err != nil {
		return nil, fmt.Errorf("web: parse layout: %w", err)
	}
	for _, name := range pageNames() {
		page, err := layout.Clone()
		if err != nil {
			return nil, fmt.Errorf("web: clone layout: %w", err)
		}
		if page, err = page.ParseFS(pageFiles, "pages/"+name+".html"); err != nil {
			return nil, fmt.Errorf("web: parse page %s: %w", name, err)
		}
		p.templates[name] = page
	}
	return p, nil
}

// render writes the page name, whole or not at all: an error leaves w
// untouched unless w itself fails.
func (p *pages) render(w io.Writer, name string, v view) error {
	page, ok := p.templates[name]
	if !ok {
		return fmt.Errorf("web: no page %q", name)
	}
	if v.Title == "" {
		v.Title = pageTitle(name)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, v); err != nil {
		return fmt.Errorf("web: render page %s: %w", name, err)
	}
	if _, err := out.WriteTo(w); err != nil {
		return fmt.Errorf("web: write page %s: %w", name, err)
	}
	return nil
}

// serveStatic answers GET and HEAD below /static/. Only the exact names with
// their hashes exist; everything else is 404.
func (p *pages) serveStatic(w http.ResponseWriter, r *http.Request) {
	file, ok := p.assets[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", file.contentType)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file.body))
}

// asset is the path under which the static file is served. A template that
// names a file that is not there fails to render.
func (p *pages) asset(file string) (string, error) {
	served, ok := p.paths[file]
	if !ok {
		return "", fmt.Errorf("web: no static file %q", file)
	}
	return served, nil
}

func (p *pages) readAssets() error {
	entries, err := pageFiles.ReadDir("static")
	if err != nil {
		return fmt.Errorf("web: list static files: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		body, err := pageFiles.ReadFile("static/" + name)
		if err != nil {
			return fmt.Errorf("web: read static file: %w", err)
		}
		kind, err := contentType(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		ext := path.Ext(name)
		served := "/static/" + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		p.assets[served] = asset{contentType: kind, body: body}
		p.paths[name] = served
	}
	return nil
}

// contentType does not ask the mime tables of the machine, which differ.
func contentType(name string) (string, error) {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8", nil
	case ".js":
		return "text/javascript; charset=utf-8", nil
	case ".svg":
		return "image/svg+xml", nil
	}
	return "", fmt.Errorf("web: static file %q has no known type", name)
}

// initial is the first letter of a name, for the round sign beside it.
func initial(name string) string {
	r, _ := utf8.DecodeRuneInString(name)
	if !unicode.IsLetter(r) && !unicode.IsNumber(r) {
		return "·"
	}
	return string(unicode.ToUpper(r))
}

func pageNames() []string {
	return []string{
		pageRegister, pageLogin, pageAccount, pageAccountPassword, pageAccountExport, pageAccountDelete,
		pageReset, pageForgot, pageVerify, pageAccountEmail, pageMailbox, pageMail, pageError, pageCode,
	}
}

// pageTitle is the title of a page whose handler gave none.
func pageTitle(name string) string {
	switch name {
	case pageRegister:
		return "Register"
	case pageLogin:
		return "Log in"
	case pageAccount:
		return "Your account"
	case pageAccountPassword:
		return "Change your password"
	case pageAccountExport:
		return "Export your data"
	case pageAccountDelete:
		return "Delete your user and data"
	case pageReset:
		return "Choose a new password"
	case pageForgot:
		return "Forgot your password?"
	case pageVerify:
		return "Confirm your email"
	case pageAccountEmail:
		return "Change your email"
	case pageMailbox:
		return "Mailbox for development"
	}
	return "Something went wrong"
}
