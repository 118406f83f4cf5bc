package gatehouse

import (
	"regexp"
	"strings"
)

// unquoted is an error of the Mailer that can be logged.
type unquoted struct {
	text  string
	cause error
}

func (u *unquoted) Error() string { return u.text }

func (u *unquoted) Unwrap() error { return u.cause }

// unquoted returns what a Mailer says of this mail, on one line and without what is
// in it. Mail servers quote what they refuse: the address, and where a filter has
// looked inside, the link, which works on until the mail is given up.
func (l letter) unquoted(err error) error {
	if err == nil {
		return nil
	}
	// Lines of a mail may have been folded (RFC 2045 section 6.7, rule 5), and Go may
	// have quoted their ends.
	text := strings.NewReplacer("=\r\n", "", "=\n", "", `=\r\n`, "", `=\n`, "", "=3D", "=", "\r", " ", "\n", " ").Replace(err.Error())
	return &unquoted{text: l.secrets().ReplaceAllString(text, "…"), cause: err}
}

// secrets finds what nobody but the reader of the mail is to see, also as it stands
// in links, and in addresses that answers come back to.
func (l letter) secrets() *regexp.Regexp {
	words := []string{`ghc_[\w-]*`}
	if code := strings.TrimPrefix(l.Code, "ghc_"); code != "" {
		words = append(words, regexp.QuoteMeta(code))
	}
	if len(l.Digits) == DigitsCount {
		words = append(words, l.Digits[:4]+`\W{0,3}`+l.Digits[4:])
	}
	if local, domain, ok := strings.Cut(l.To, "@"); ok {
		words = append(words, regexp.QuoteMeta(local)+`(?:@|%40|=40|=|\+at\+| at )`+regexp.QuoteMeta(domain))
	}
	return regexp.MustCompile(`(?i)` + strings.Join(words, "|"))
}
