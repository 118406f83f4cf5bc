package model

import "go.mau.fi/util/confusable"

// Skeleton gives the form in which usernames that look alike are equal, UTS #39
// section 4. It is for comparing only, and never shown.
func (u Username) Skeleton() string { return skeleton(string(u)) }

func skeleton(s string) string { return confusable.Skeleton(s) }
