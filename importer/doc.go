// Package importer reads the users of other systems from the documents that
// those systems export: Keycloak, Auth0, Firebase, Supabase, Django, Ory Kratos,
// PocketBase, and CSV for all others.
//
// [Users] gives one [User] after the other with the line on which it begins, and
// holds no more of the document in memory than one of them. It knows where each
// system writes a name, a time and a hash, puts the parts of a hash together as
// gatehouse.Import takes it, and says what it leaves behind: second factors,
// logins at other sites, rights that have no meaning here. It judges no name and
// computes no hash; the rules do that.
//
// What is wrong with one user is a refusal, and the next user follows. Damage to
// the document itself is trouble and ends the reading: nobody knows what the
// rest would have been. No error holds what stands in the document.
package importer
