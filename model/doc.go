// Package model holds the nouns of Gatehouse and their rules of form: what a
// user, a session, a code and a signing key are, how a username or an email is
// spelled, every refusal there is, and the two windows through which the rules
// see the world, [Store] and [Mailer].
//
// It is the foundation of the house: it imports nothing of ours, only the
// standard library and the Unicode tables of golang.org/x/text and
// golang.org/x/net/idna (docs/decisions/0002). Its structs carry no JSON or SQL
// tags; each floor translates at its own edge.
package model
