package model

// Picture stands in the HTML part of a message where that says cid: and its ID
// (RFC 2392 section 2), and travels with it, so that nothing is fetched.
type Picture struct {
	ID    string // unique in the world, without angle brackets, as in logo.1f0c…@id.example.com
	Kind  PictureKind
	Bytes []byte // shared by many messages: not to be changed
}

// PictureKind is the media type of a picture.
type PictureKind string

// The kinds that every mail program shows.
const (
	PNG  PictureKind = "image/png"
	JPEG PictureKind = "image/jpeg"
)
