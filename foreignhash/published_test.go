package foreignhash

import (
	"strings"
	"testing"
)

// Hashes that were published with their password, most of them in the tests of
// the systems that make them, with the project and the path where they were seen.
// Only such are here as take little work.
var published = []struct{ seen, text, password string }{
	// The parts of it were put together as package importer does.
	{"keycloak/keycloak UserUpdateTest.java pbkdf2-sha256", "$pbkdf2-sha256$i=27500,l=64$u1VXYxqVfWOzHpF2bGSLyA$uskEPZWMr83pl2mzNB95SFXfIabe2UH9ClENVx/rrQqOjFEjL2aAOGpWsFNNF3qoll7Qht2mY5KxIDm3Rnve2w", "admin"},
	{"lakekeeper/lakekeeper examples/access-control/keycloak/realm.json argon2", "$argon2id$v=19$m=7168,t=5,p=1$RJ0aLMQ2qKbZuROs7qQhcA$BuViHNDGmCq80fvpty/QoggTI8NSt0CuNDGgeoa5f5A", "iceberg"},

	{"supabase/auth internal/crypto/password_test.go argon2i", "$argon2i$v=19$m=16,t=2,p=1$bGJRWThNOHJJTVBSdHl2dQ$NfEnUOuUpb7F2fQkgFUG4g", "test"},
	{"supabase/auth internal/crypto/password_test.go argon2id", "$argon2id$v=19$m=32,t=3,p=2$SFVpOWJ0eXhjRzVkdGN1RQ$RXnb8rh7LaDcn07xsssqqulZYXOM/EUCEFMVcAcyYVk", "test"},
	{"supabase/auth internal/crypto/password_test.go bcrypt", "$2y$04$mIJxfrCaEI3GukZe11CiXublhEFanu5.ododkll1WphfSp6pn4zIu", "test"},

	{"ory/kratos hash/hasher_test.go argon2id", "$argon2id$v=19$m=32,t=2,p=4$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw", "test"},
	{"ory/kratos identity/handler_test.go pbkdf2 of another length than it says", "$pbkdf2-sha256$i=1000,l=128$e8/arsEf4cvQihdNgqj0Nw$5xQQKNTyeTHx2Ld5/JDE7A", "123456"},
	{"ory/kratos hash/hasher_test.go scrypt", "$scrypt$ln=16384,r=8,p=1$2npRo7P03Mt8keSoMbyD/tKFWyUzjiQf2svUaNDSrhA=$MiCzNcIplSMqSBrm4HckjYqYhaVPPjTARTzwB1cVNYE=", "test"},
	{"ory/kratos hash/hasher_test.go md5-crypt", "$md5-crypt$TVEiiKNb$SN6/pUaRQS/E8Jh46As2C/", "test"},
	{"ory/kratos identity/handler_test.go argon2id", "$argon2id$v=19$m=16,t=2,p=1$bVI1aE1SaTV6SGQ3bzdXdw$fnjCcZYmEPOUOjYXsT92Cg", "123456"},

	{"firebase/scrypt tests/02-more-values-passwords.good", "$firescrypt$ln=14,r=8,p=1$Dc+nQe0OnNrVrg==$B8JNxsBRb0H5cHrnR18wpIbKnzp8//NV3r+3nZG4VYnM4simlThHfpOYx0cJrTBi7xVhiBS9UgkrTlrfSRf2VA==$Bw==$NkZlKPkYEFfnbh1nYTfLsbqQnQ6jyRV4itK7iUD+hjO96tsAYhBG40BVS3AuJyiwHinqc5RR3oA+lppOXPNRmw==", "this$is%to^test&some=symbols*out@"},

	{"pocketbase/pocketbase tests/data/data.db", "$2a$10$0CUWH81tPWUhxKqksZnO/eDfJiWTTG/xg7v5Yg8RhcLIGWY3oeCHe", "1234567890"},

	{"django/django tests/auth_tests/test_hashers.py argon2i", "argon2$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$YC9+jJCrQhs5R6db7LlN8Q", "secret"},

	{"dotnet/aspnetcore PasswordHasherTest.cs version 2", "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==", "my password"},
	{"dotnet/aspnetcore PasswordHasherTest.cs version 3 of SHA-1", "AQAAAAAAAAD6AAAAEAhftMyfTJylOlZT+eEotFXd1elee8ih5WsjXaR3PA9M", "my password"},
	{"dotnet/aspnetcore PasswordHasherTest.cs version 3 of SHA-512", "AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw", "my password"},
	{"dotnet/aspnetcore PasswordHasherTest.cs version 3 of SHA-512 and 64 bytes", "AQAAAAIAAAD6AAAAIJbVi5wbMR+htSfFp8fTw8N8GOS/Sje+S/4YZcgBfU7EQuqv4OkVYmc4VJl9AGZzmRTxSkP7LtVi9IWyUxX8IAAfZ8v+ZfhjCcudtC1YERSqE1OEdXLW9VukPuJWBBjLuw==", "my password"},
	{"dotnet/aspnetcore PasswordHasherTest.cs version 3 of SHA-512 and 10000 iterations", "AQAAAAIAACcQAAAAEAABAgMEBQYHCAkKCwwNDg9B0Oxwty+PGIDSp95gcCfzeDvA4sGapUIUov8usXfD6A==", "my password"},

	{"phpbb/phpbb tests/security/hash_test.php", "$H$9isfrtKXWqrz8PvztXlL3.daw4U0zI1", "test"},
	{"seanmorris/php-wasm demo-web/scripts/build-wordpress-demo.sh", "$wp$2y$10$Q1xinFjrZeLWJBvxviIL6u834Fu.evIEFHAUVisQ5O.w9Dm0sMdES", "admin"},
}

func TestPublishedHashesMatchTheirPassword(t *testing.T) {
	for _, tt := range published {
		t.Run(tt.seen, func(t *testing.T) {
			text, parse := tt.text, Parse
			if strings.HasPrefix(text, "$argon2id$") {
				parse = ParseArgon2id
			}
			h, err := parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if !h.Match([]byte(tt.password)) {
				t.Error("the right password does not match")
			}
			if again, err := parse(h.Canonical()); err != nil || again.Canonical() != h.Canonical() {
				t.Errorf("the spelling that is kept is read as %v, %v", again, err)
			}
		})
	}
}
