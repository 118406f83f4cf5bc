package web

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"strings"
	"testing"

	"gatehouse"
	"gatehouse/model"
)

func TestTheMailboxShowsTheLogo(t *testing.T) {
	t.Parallel()
	var logo bytes.Buffer
	if err := png.Encode(&logo, image.NewGray(image.Rect(0, 0, 96, 48))); err != nil {
		t.Fatal(err)
	}
	box := new(model.Mailbox)
	s := openRules(t, func(cfg *gatehouse.Config) { cfg.Mailer, cfg.Mail.Logo = box, logo.Bytes() },
		func(cfg *Config) { cfg.Mailbox = box })
	s.json("POST", "/v1/register", `{"email":"ana@example.com","password":"`+goodPassword+`"}`)
	sent := newestTo(t, s, box, "ana@example.com")
	shown := s.ask("GET", "/dev/mailbox/html/1", "")
	shown.shows(t, `<img class="logo" src="data:image/png;base64,`+base64.StdEncoding.EncodeToString(logo.Bytes())+`" alt="Gatehouse"`)
	if strings.Contains(shown.body, "cid:") || !strings.Contains(sent.HTML, `src="cid:`+sent.Logo.ID+`"`) {
		t.Errorf("the mailbox leaves a name that no browser knows, or the mail has none:\n%s", sent.HTML)
	}
	const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
	if got := shown.header.Get("Content-Security-Policy"); got != policy {
		t.Errorf("PH-02: shown under %s, want %s", got, policy)
	}
}
