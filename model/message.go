package model

// Message is one mail to one address.
type Message struct {
	// ID is the same however often the message is sent, without angle brackets,
	// as in 1f0c…@id.example.com: the Message-ID of RFC 5322 section 3.6.4.
	ID      string
	To      Email
	Subject string
	Text    string
	HTML    string
	Logo    *Picture // that the HTML part shows; nil for none
}
