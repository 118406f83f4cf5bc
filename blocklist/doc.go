// Package blocklist knows passwords that are tried first: those that many
// people use, and those that are made of words everybody can guess about an
// account. It never heard of a user; the words are given to it.
//
// Passwords are compared as wholes (NIST SP 800-63B-4 section 3.1.1.2): a word
// of the list among other words is no reason to refuse. What stands for the
// same whole is a word in another case, two or three times in a row, or with up
// to eleven digits and signs around it, as a year or a birthday. Twelve random
// digits would be a password of their own.
//
// Estimate says how hard a password is to guess. It advises, and refuses nothing.
package blocklist
