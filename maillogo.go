package gatehouse

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the two kinds that every mail program shows
	_ "image/png"

	"gatehouse/model"
)

// MaxLogoBytes is the size of a logo at most: it travels with every mail.
const MaxLogoBytes = 64 << 10

const (
	maxLogoWidth  = 1200 // pixels
	maxLogoHeight = 400
	// As it is shown, in pixels of the screen. So wide, it fits on every telephone.
	shownLogoWidth  = 264
	shownLogoHeight = 48
)

// checkLogo reads the whole picture, so that no mail program is the first to find
// it damaged. Its size is looked at before anything is unpacked.
func checkLogo(content []byte) error {
	if len(content) > MaxLogoBytes {
		return fmt.Errorf("it has more than %d KiB, and goes with every mail", MaxLogoBytes>>10)
	}
	size, kind, err := image.DecodeConfig(bytes.NewReader(content))
	// Other packages of the program may have taught image further kinds.
	if errors.Is(err, image.ErrFormat) || err == nil && kind != "png" && kind != "jpeg" {
		return errors.New("it is neither PNG nor JPEG")
	}
	if err != nil {
		return fmt.Errorf("it cannot be read: %w", err)
	}
	if size.Width < 1 || size.Height < 1 { // which a JPEG may say
		return errors.New("it has no pixels")
	}
	if size.Width > maxLogoWidth || size.Height > maxLogoHeight {
		return fmt.Errorf("it has %d x %d pixels; %d x %d are the most", size.Width, size.Height, maxLogoWidth, maxLogoHeight)
	}
	if _, _, err := image.Decode(bytes.NewReader(content)); err != nil {
		return fmt.Errorf("it cannot be read: %w", err)
	}
	return nil
}

// logoOf returns the logo as a part of the mail with this id, and how high it is
// shown; nil where there is none. It is no part of what is queued.
func (s MailStyle) logoOf(id string) (logo *model.Picture, height int) {
	if len(s.Logo) == 0 {
		return nil, 0
	}
	size, kind, _ := image.DecodeConfig(bytes.NewReader(s.Logo)) // New has checked it
	height = min(size.Height, shownLogoHeight)
	if size.Width*height > shownLogoWidth*size.Height {
		height = max(1, shownLogoWidth*size.Height/size.Width)
	}
	return &model.Picture{ID: "logo." + id, Kind: model.PictureKind("image/" + kind), Bytes: s.Logo}, height
}
