// Package foreignhash checks passwords against the hashes of other systems, so
// that users move here with the password they have.
//
// [Parse] reads the spellings that those systems write and knows one of its own
// for each scheme, [Hash.Canonical]. It makes no hashes: whoever has proven a
// password can hash it anew with a better scheme.
//
// What is read, and the most that is computed. Nothing above is ever begun, and
// the bounds are checked before memory is asked for, so that one poisoned row
// takes neither the memory nor the processor of the machine:
//
//	bcrypt              $2a$ $2b$ $2y$, Django's bcrypt$ and bcrypt_sha256$,
//	                    WordPress's $wp$2y$; cost 4 to 14
//	scrypt              PHC as passlib and as Kratos write it, Django's;
//	                    256 MiB, and N*r*p up to 2^21
//	scrypt of Firebase  as Kratos writes it; the same bounds
//	PBKDF2              with SHA-1, SHA-256, SHA-512: PHC, passlib, Django,
//	                    ASP.NET Identity 2 and 3; 2,000,000 iterations,
//	                    1,000,000 with SHA-512
//	Argon2i             PHC of version 1.3; 256 MiB, 10 passes, 16 lanes,
//	                    and memory times passes up to 512 MiB
//	SHA-crypt           $5$ $6$; 1,000 to 1,000,000 rounds
//	md5-crypt           $1$
//	phpass              $P$ $H$; up to 2^20 rounds
//
// Salts are 8 to 128 bytes, 4 to 16 in the forms of crypt(3); digests 16 to
// 128. Hashes without a salt are not read.
//
// The dearest is about a second of one core.
//
// A password is compared as that system would have compared it. What bcrypt
// leaves out after 72 bytes is left out here too; [Hash.Cuts] says when. A
// password with a NUL matches nothing but Argon2, see [Hash.Derive]. HMAC also
// puts the digest of a key in the place of one that is longer than a block: the
// 20 to 64 bytes of that digest pass for a password of more than 64 or 128 bytes.
// To know them is to have the password, and few of them are UTF-8. Passwords come
// as UTF-8 in NFC; who typed another spelling of the same letters there is not
// recognised.
//
// It never heard of a user. Errors name schemes and parameters, never a
// password, a salt or a digest.
package foreignhash
