package gatehouse_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// drawn is a picture of this size, as a file.
func drawn(t testing.TB, width, height int, encode func(*bytes.Buffer, image.Image) error) []byte {
	t.Helper()
	picture := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.White, color.Black})
	for i := range picture.Pix {
		picture.Pix[i] = uint8(i / 7 % 2)
	}
	var file bytes.Buffer
	mustNot(t, encode(&file, picture))
	return file.Bytes()
}

func asPNG(to *bytes.Buffer, picture image.Image) error  { return png.Encode(to, picture) }
func asJPEG(to *bytes.Buffer, picture image.Image) error { return jpeg.Encode(to, picture, nil) }
func asGIF(to *bytes.Buffer, picture image.Image) error  { return gif.Encode(to, picture, nil) }

func TestTheLogoTravelsInTheMail(t *testing.T) {
	for name, logo := range map[string][]byte{
		"image/png": drawn(t, 300, 100, asPNG), "image/jpeg": drawn(t, 300, 100, asJPEG),
	} {
		t.Run(name, func(t *testing.T) {
			own := bytes.Clone(logo)
			m := newMailHouse(t, func(c *gatehouse.Config) {
				c.Mail = gatehouse.MailStyle{Product: `Größe & "Co"`, Logo: own}
			})
			clear(own) // what the program does with its copy changes nothing
			m.request(t, "ana", "")
			mail := m.deliverOne(t, "ana@example.com")
			if want := []string{"multipart/related", "multipart/alternative", "text/plain", "text/html", name}; !slices.Equal(mail.shape, want) {
				t.Errorf("parts %v, want %v", mail.shape, want)
			}
			if !bytes.Equal(mail.logo, logo) {
				t.Errorf("%d bytes arrived, %d were sent", len(mail.logo), len(logo))
			}
			id := "logo." + strings.Trim(mail.id, "<>")
			if got := mail.logoHeader.Get("Content-Id"); got != "<"+id+">" {
				t.Errorf("Content-ID %s, want <%s>", got, id)
			}
			if got := mail.logoHeader.Get("Content-Disposition"); !strings.HasPrefix(got, "inline;") {
				t.Errorf("Content-Disposition %s", got)
			}
			if !strings.Contains(mail.html, `src="cid:`+id+`" alt="Größe &amp; &#34;Co&#34;" height="48"`) {
				t.Errorf("the HTML part does not show it:\n%s", mail.html)
			}
			if strings.Count(mail.html, "src=") != 1 || strings.Contains(mail.html, "url(") || strings.Contains(mail.html, "ZgotmplZ") {
				t.Errorf("the HTML part holds more than its logo:\n%s", mail.html)
			}
			if strings.Contains(mail.text, "logo") {
				t.Errorf("the text part speaks of it:\n%s", mail.text)
			}
		})
	}
}

func TestALogoIsAtMost48PixelsHigh(t *testing.T) {
	for _, c := range []struct{ width, height, shown int }{
		{300, 100, 48}, {30, 20, 20}, {1200, 100, 22}, {1200, 1, 1},
	} {
		t.Run(fmt.Sprintf("%dx%d", c.width, c.height), func(t *testing.T) {
			m := newMailHouse(t, func(cfg *gatehouse.Config) { cfg.Mail.Logo = drawn(t, c.width, c.height, asPNG) })
			m.request(t, "ana", "")
			if html := m.deliverOne(t, "ana@example.com").html; !strings.Contains(html, fmt.Sprintf(`height="%d" style="height:%[1]dpx;`, c.shown)) {
				t.Errorf("not %d pixels high:\n%s", c.shown, html)
			}
		})
	}
}

// TestWithoutALogoTheNameStandsOnTop looks at the parts too: nothing is beside the two.
func TestWithoutALogoTheNameStandsOnTop(t *testing.T) {
	m := newMailHouse(t)
	m.request(t, "ana", "")
	mail := m.deliverOne(t, "ana@example.com")
	if want := []string{"multipart/alternative", "text/plain", "text/html"}; !slices.Equal(mail.shape, want) {
		t.Errorf("parts %v, want %v", mail.shape, want)
	}
	html := strings.ReplaceAll(mail.html, "\r\n", "\n")
	for _, kept := range []string{
		"border-bottom:3px solid #0e5e54;font-weight:600\">Gatehouse</p>\n", "  .small, .small a { color: #a8a8a8; }\n}\n</style>",
	} {
		if !strings.Contains(html, kept) {
			t.Errorf("the HTML part lacks %q:\n%s", kept, html)
		}
	}
	for _, word := range []string{"<img", "logo", "cid:"} {
		if strings.Contains(mail.html, word) {
			t.Errorf("the HTML part holds %s", word)
		}
	}
}

func TestTheLogoIsNotQueued(t *testing.T) {
	queued := func(t *testing.T, logo []byte) int {
		m := newMailHouse(t, func(c *gatehouse.Config) { c.Mail.Logo = logo })
		m.request(t, "ana", "")
		now, size := m.clock.Now(), 0
		for {
			mail, err := m.store.ClaimMail(t.Context(), model.MailClaim{Now: now, LeaseUntil: now.Add(time.Minute)})
			if errors.Is(err, model.ErrNotFound) {
				return size
			}
			mustNot(t, err)
			size += len(mail.Sealed)
		}
	}
	if with, without := queued(t, drawn(t, 1200, 400, asPNG)), queued(t, nil); with != without || with == 0 {
		t.Errorf("%d bytes are queued with a logo, %d without", with, without)
	}
}

// jpegOf is a picture of one pixel that claims to have others.
func jpegOf(t testing.TB, width, height uint16) []byte {
	t.Helper()
	file := drawn(t, 1, 1, asJPEG)
	at := bytes.Index(file, []byte{0xff, 0xc0}) // start of frame: length, precision, height, width
	binary.BigEndian.PutUint16(file[at+5:], height)
	binary.BigEndian.PutUint16(file[at+7:], width)
	return file
}

// largePNG is one that claims to have 65535 x 65535, with a checksum that is right.
func largePNG(t testing.TB) []byte {
	t.Helper()
	file := drawn(t, 1, 1, asPNG)
	header := file[12:29] // its name, width, height and the rest
	copy(header[4:], []byte{0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff})
	binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(header))
	return file
}

func TestOnlyALogoIsALogo(t *testing.T) {
	good := drawn(t, 300, 100, asPNG)
	for name, c := range map[string]struct {
		logo []byte
		says string
	}{
		"SVG":                      {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "neither PNG nor JPEG"},
		"HTML":                     {[]byte("<!doctype html><script>alert(1)</script>"), "neither PNG nor JPEG"},
		"GIF":                      {drawn(t, 3, 3, asGIF), "neither PNG nor JPEG"},
		"one byte":                 {[]byte{0}, "neither PNG nor JPEG"},
		"10 MB":                    {make([]byte, 10<<20), "more than 64 KiB"},
		"a byte too many":          {append(bytes.Clone(good), make([]byte, gatehouse.MaxLogoBytes+1-len(good))...), "more than 64 KiB"},
		"too wide":                 {drawn(t, 1201, 10, asPNG), "1201 x 10 pixels"},
		"too high":                 {drawn(t, 10, 401, asPNG), "10 x 401 pixels"},
		"a bomb of JPEG":           {jpegOf(t, 0xffff, 0xffff), "65535 x 65535 pixels"},
		"a bomb of PNG":            {largePNG(t), "65535 x 65535 pixels"},
		"nothing in it":            {jpegOf(t, 0, 10), "no pixels"},
		"cut off":                  {good[:len(good)/2], "cannot be read"},
		"the beginning of PNG":     {good[:10], "cannot be read"},
		"damaged within":           {slices.Replace(bytes.Clone(good), len(good)/2, len(good)/2+1, good[len(good)/2]^0xff), "cannot be read"},
		"PNG on top of JPEG frame": {append([]byte("\x89PNG\r\n\x1a\n"), drawn(t, 3, 3, asJPEG)...), "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			err := gatehouse.MailStyle{Logo: c.logo}.Check()
			if err == nil || !strings.HasPrefix(err.Error(), "gatehouse: Config.Mail.Logo: it ") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
	t.Run("the_largest_is_taken", func(t *testing.T) {
		for _, logo := range [][]byte{drawn(t, 1200, 400, asPNG), append(bytes.Clone(good), make([]byte, gatehouse.MaxLogoBytes-len(good))...), nil} {
			mustNot(t, gatehouse.MailStyle{Logo: logo}.Check())
		}
	})
	t.Run("New_names_the_field", func(t *testing.T) {
		h := newHouse(t)
		h.cfg.Mail.Logo = []byte("<svg/>")
		if _, err := gatehouse.New(t.Context(), h.store, h.cfg); err == nil || !strings.Contains(err.Error(), "Config.Mail.Logo: it is neither PNG nor JPEG") {
			t.Errorf("got %v", err)
		}
	})
}
