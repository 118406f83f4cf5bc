// Package argon2id hashes and checks passwords with Argon2id, RFC 9106 version
// 1.3, and keeps the results as PHC strings.
//
// Most programs use an [Engine]: it makes the salts, never runs more hashes at
// once than memory and cores allow, and spends on a missing user what it spends
// on a wrong password. [ParseHash] is for those who look into stored strings.
//
// The work is done by assembler for AVX-512 or AVX2 where the processor has one of
// them, and by plain Go elsewhere or with the build tag purego; the results are
// the same. Its memory is no part of the Go heap: it is mapped once, reused by the
// next hash, wiped when no other hash wants it, and given back to the system after
// some idle seconds.
//
// It never heard of a user. It writes Argon2id and nothing else, and reads
// nothing else. It keeps no state outside the Engine and never holds on to a
// password. Errors name parameters and lengths, never a password, a salt or a
// tag.
//
// What it does not hide: a stored hash that is dearer than the current
// parameters takes longer than a missing user, and so does one whose number of
// lanes differs on a machine with idle cores. Cheaper ones are padded.
package argon2id
