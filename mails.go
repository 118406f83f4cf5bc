package gatehouse

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"strconv"
	"strings"
	"sync"
	"text/template"
	"unicode"
	"unicode/utf8"

	"gatehouse/model"
)

// MailStyle is how mails look. Nothing in them is fetched from anywhere, so nobody
// learns who reads them when.
type MailStyle struct {
	Product string // by default Gatehouse
	Colour  string // of the line on top and of the button, as in #0e5e54
	// Logo is a PNG or JPEG that stands on top in place of the name, on white, at most
	// 48 pixels high; by default none. It has at most 64 KiB and 1200 x 400 pixels, and
	// travels in each mail.
	Logo []byte
}

const (
	defaultProduct = "Gatehouse"
	defaultColour  = "#0e5e54"
	maxProduct     = 64 // code points: it stands in the subject
)

func (s MailStyle) withDefaults() (MailStyle, error) {
	if s.Product == "" {
		s.Product = defaultProduct
	}
	if s.Colour == "" {
		s.Colour = defaultColour
	}
	s.Logo = bytes.Clone(s.Logo)
	return s, s.Check()
}

// Check returns an error that names the field which no mail can be made with.
func (s MailStyle) Check() error {
	if !utf8.ValidString(s.Product) || utf8.RuneCountInString(s.Product) > maxProduct || strings.ContainsFunc(s.Product, unicode.IsControl) {
		return fmt.Errorf("gatehouse: Config.Mail.Product: it has at most %d characters, and no line ends", maxProduct)
	}
	if s.Colour != "" && (len(s.Colour) != 7 || s.Colour[0] != '#' || strings.Trim(s.Colour[1:], "0123456789abcdefABCDEF") != "") {
		return errors.New("gatehouse: Config.Mail.Colour: write it as in " + defaultColour)
	}
	if len(s.Logo) > 0 {
		if err := checkLogo(s.Logo); err != nil {
			return fmt.Errorf("gatehouse: Config.Mail.Logo: %w", err)
		}
	}
	return nil
}

// onColour is black or white, whichever is read better on the colour (WCAG 2.2
// relative luminance, without its gamma: the choice between two does not need it).
func (s MailStyle) onColour() string {
	n, _ := strconv.ParseUint(s.Colour[1:], 16, 32) // New has checked it
	if light := 2126*(n>>16) + 7152*(n>>8&0xff) + 722*(n&0xff); light > 140*10000 {
		return "#000000"
	}
	return "#ffffff"
}

//go:embed mails/letter.txt mails/letter.html
var mailFiles embed.FS

// mailView is what the two templates show.
type mailView struct {
	Subject, Action, Link, Digits, DigitsAre, NotYou string
	Product, Site                                    string
	Lines                                            []string
	Colour, OnColour                                 htmltemplate.CSS
	Logo                                             *model.Picture // nil for the name of the product
	LogoHeight                                       int            // pixels
}

// piece is a part of a line: words, or an address of ours.
type piece struct{ Text, Link string }

// Pieces finds our own addresses in a line, for the HTML part to make links of.
func (v mailView) Pieces(line string) []piece {
	var pieces []piece
	for {
		at := strings.Index(line, v.Site+"/")
		if at < 0 {
			return append(pieces, piece{Text: line})
		}
		end := at + len(v.Site)
		end += len(line[end:]) - len(strings.TrimLeft(line[end:], "/abcdefghijklmnopqrstuvwxyz"))
		pieces = append(pieces, piece{Text: line[:at]}, piece{Link: line[at:end]})
		line = line[end:]
	}
}

// compose writes the mail. Text of users goes into it as text alone: escaped in
// the HTML part, and never into a header.
func (a *Auth) compose(kept model.OutboxRecord, l letter) (model.Message, error) {
	wording, ok := wordingOf(kept.Kind)
	if !ok {
		return model.Message{}, fmt.Errorf("gatehouse: there is no mail of the kind %q", kept.Kind)
	}
	// Only canonical addresses are queued; what is sent is checked once more.
	to, err := model.ParseEmail(l.To)
	if err != nil || to.String() != l.To {
		return model.Message{}, errors.New("gatehouse: the address of a mail is not canonical")
	}
	fill := a.fillIn(l)
	view := mailView{
		Subject: fill(wording.subject), Action: fill(wording.action), NotYou: fill(wording.notYou),
		Product: a.cfg.Mail.Product, Site: a.cfg.Issuer,
		Colour: htmltemplate.CSS(a.cfg.Mail.Colour), OnColour: htmltemplate.CSS(a.cfg.Mail.onColour()),
	}
	for _, line := range wording.lines {
		view.Lines = append(view.Lines, fill(line))
	}
	if wording.path != "" {
		view.Link = a.link(wording.path, l.Code)
	}
	if len(l.Digits) == DigitsCount {
		view.Digits = l.Digits[:4] + " " + l.Digits[4:]
		view.DigitsAre = fill("Or type these digits where you asked for this mail, within {minutes} minutes")
	}
	message := model.Message{ID: kept.ID.String() + "@" + hostOf(a.cfg.Issuer), To: to, Subject: view.Subject}
	view.Logo, view.LogoHeight = a.cfg.Mail.logoOf(message.ID)
	message.Logo = view.Logo
	message.Text, message.HTML, err = render(view)
	return message, err
}

// fillIn puts what is known into the words.
func (a *Auth) fillIn(l letter) func(string) string {
	who, toName := "your account", ""
	if isPlainName(l.Username) {
		who, toName = "your account "+l.Username, " to "+l.Username
	}
	where := ""
	if l.Address.IsValid() {
		where = " from the address " + l.Address.String()
	}
	return strings.NewReplacer(
		"{product}", a.cfg.Mail.Product, "{site}", a.cfg.Issuer, "{who}", who, "{to name}", toName, "{where}", where,
		"{when}", l.At.UTC().Format("2 January 2006 at 15:04 UTC"),
		"{minutes}", strconv.Itoa(int(DigitsTTL.Minutes())),
	).Replace
}

// isPlainName reports whether a username stays words in a mail. Mail programs make
// links of what looks like an address or a number to call, and somebody may have
// chosen the username before the owner of the mailbox took the account over.
func isPlainName(username string) bool {
	other := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && r != '-' && r != '_'
	}
	return strings.ContainsFunc(username, unicode.IsLetter) && !strings.ContainsFunc(username, other)
}

// The files are embedded, so that parsing them fails always or never.
var (
	plainLetter = sync.OnceValue(func() *template.Template { return template.Must(template.ParseFS(mailFiles, "mails/letter.txt")) })
	richLetter  = sync.OnceValue(func() *htmltemplate.Template {
		return htmltemplate.Must(htmltemplate.ParseFS(mailFiles, "mails/letter.html"))
	})
)

func render(view mailView) (text, html string, err error) {
	var textOut, htmlOut bytes.Buffer
	if err := errors.Join(plainLetter().Execute(&textOut, view), richLetter().Execute(&htmlOut, view)); err != nil {
		return "", "", fmt.Errorf("gatehouse: mail: %w", err)
	}
	return textOut.String(), htmlOut.String(), nil
}
