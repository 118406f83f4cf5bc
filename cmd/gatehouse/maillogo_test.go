package main

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestMailLogoIsReadFromItsFile(t *testing.T) {
	t.Parallel()
	var asPNG, asJPEG, wide bytes.Buffer
	for _, err := range []error{
		png.Encode(&asPNG, image.NewGray(image.Rect(0, 0, 300, 100))), jpeg.Encode(&asJPEG, image.NewGray(image.Rect(0, 0, 300, 100)), nil),
		png.Encode(&wide, image.NewGray(image.Rect(0, 0, 1300, 10))),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"logo.png": asPNG.Bytes(), "logo.jpg": asJPEG.Bytes(), "named-otherwise.bin": asPNG.Bytes(), "wide.png": wide.Bytes(), "empty.png": nil,
		"page.png": []byte("<!doctype html><script>alert(1)</script>"), "drawing.png": []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`),
		"large.png": bytes.Clone(asPNG.Bytes()),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// Reading 8 TB would not end in time.
	if err := os.Truncate(filepath.Join(dir, "large.png"), 8<<40); err != nil {
		t.Fatal(err)
	}
	// Nobody writes into it, so who opens it waits.
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.png"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{
		"logo.png": "", "logo.jpg": "", "named-otherwise.bin": "",
		"page.png": "page.png: it is neither PNG nor JPEG", "drawing.png": "drawing.png: it is neither PNG nor JPEG",
		"large.png": "large.png: it has more than 64 KiB, and goes with every mail", "wide.png": "wide.png: it has 1300 x 10 pixels; 1200 x 400 are the most",
		"empty.png": "empty.png is empty", "pipe.png": "pipe.png is not a regular file", "": "is not a regular file",
		"missing.png": "missing.png: no such file or directory",
	} {
		t.Run(name, func(t *testing.T) {
			var cfg config
			cfg.mail.logoFile = filepath.Join(dir, name)
			style, err := mailStyle(cfg)
			if says == "" {
				want, _ := os.ReadFile(cfg.mail.logoFile)
				if err != nil || !bytes.Equal(style.Logo, want) {
					t.Errorf("%d bytes, %v", len(style.Logo), err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), "--mail-logo: ") || !strings.HasSuffix(err.Error(), says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %s", err, says)
			}
		})
	}
}
