package smtp_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"gatehouse/model"
	"gatehouse/smtp/smtptest"
)

// logoPart is what stands before the bytes of the logo.
const logoPart = "Content-Disposition: inline; filename=\"logo.png\"\r\nContent-Id: <logo.1@shop.example>\r\n" +
	"Content-Transfer-Encoding: base64\r\nContent-Type: image/png; name=\"logo.png\"\r\n\r\niVBORw==\r\n"

// withLogo is greeting with a logo. What is in the bytes is of no concern here.
func withLogo() model.Message {
	message := greeting
	message.HTML = `<img src="cid:logo.1@shop.example">`
	message.Logo = &model.Picture{ID: "logo.1@shop.example", Kind: model.PNG, Bytes: []byte("\x89PNG")}
	return message
}

func TestALogoGoesBesideThePartThatShowsIt(t *testing.T) {
	server := start(t, smtptest.Config{})
	mailer := newMailer(t, configOf(server))
	plain := withLogo()
	plain.HTML = ""
	for _, message := range []model.Message{withLogo(), plain, greeting} {
		if err := mailer.Send(t.Context(), message); err != nil {
			t.Fatal(err)
		}
	}
	taken := server.Mails()
	if data := taken[0].Data; !strings.Contains(data, "multipart/related") || !strings.Contains(data, logoPart) {
		t.Errorf("the logo is not beside the HTML part:\n%s", data)
	}
	for _, other := range taken[1:] {
		for _, word := range []string{"related", "logo", "image/", "inline"} {
			if strings.Contains(other.Data, word) {
				t.Errorf("a mail that shows no logo holds %s:\n%s", word, other.Data)
			}
		}
	}
}

func TestALogoMakesNoHeaders(t *testing.T) {
	server := start(t, smtptest.Config{})
	mailer := newMailer(t, configOf(server))
	for i, change := range []func(*model.Picture){
		func(p *model.Picture) { p.ID = "logo@shop.example>\r\nBcc: <eve@evil.example" },
		func(p *model.Picture) { p.ID = "logo@shop.example>" },
		func(p *model.Picture) { p.ID = "logo @shop.example" },
		func(p *model.Picture) { p.ID = "l\u00f6go@shop.example" },
		func(p *model.Picture) { p.ID = "logo" },
		func(p *model.Picture) { p.ID = "@shop.example" },
		func(p *model.Picture) { p.ID = "" },
		func(p *model.Picture) { p.Kind = "image/svg+xml" },
		func(p *model.Picture) { p.Kind = "image/png\r\nBcc: eve@evil.example" },
		func(p *model.Picture) { p.Kind = "" },
	} {
		t.Run(fmt.Sprintf("AI-19_%d", i), func(t *testing.T) {
			message := withLogo()
			change(message.Logo)
			if err := mailer.Send(t.Context(), message); err == nil || strings.Contains(err.Error(), "eve") {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("AI-19_bytes_stay_bytes", func(t *testing.T) {
		message := withLogo()
		message.Logo.Bytes = bytes.Repeat([]byte("\r\n.\r\nRCPT TO:<eve@evil.example>\r\n"), 100)
		if err := mailer.Send(t.Context(), message); err != nil {
			t.Fatal(err)
		}
	})
	if taken := server.Mails(); len(taken) != 1 || taken[0].To != "ana@example.com" || strings.Contains(taken[0].Data, "eve") {
		t.Errorf("taken: %+v", taken)
	}
}
