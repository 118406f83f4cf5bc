package importer_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse/importer"
	"gatehouse/model"
)

// seenForms are documents in the form in which it was seen in public projects,
// with users of our own. Where the hash has a password that was published with
// it, the hash is theirs.
var seenForms = []struct {
	file   string
	source importer.Source
	seen   string // project and path
	want   []string
}{
	{"keycloak-realms.json", importer.Keycloak, "keycloak/keycloak migration-test/migration-realm-4.8.3.Final.json and -26.6.0.json, RepresentationToModel.java; lakekeeper/lakekeeper examples/access-control/keycloak/realm.json", []string{
		`14 6c1b0a52-0001-4f6e-9f0b-000000000002 "kaarin" "kaarin@localhost.example.com" [] verified=true - disabled=false 2017-09-15T12:43:35.59Z - "pbkdf2-sha256" []`,
		`43 6c1b0a52-0001-4f6e-9f0b-000000000003 "kasimir" "" [] verified=false - disabled=false 2015-08-19T16:00:00Z - "pbkdf2-sha1" []`,
		`61 6c1b0a52-0001-4f6e-9f0b-000000000004 "kleo" "" [] verified=false - disabled=false 2014-09-06T10:40:00Z - "pbkdf2-sha1" []`,
		`81 6c1b0a52-0002-4f6e-9f0b-000000000002 "kerttu" "kerttu@example.com" [] verified=true - disabled=false 2024-12-08T13:26:34.353Z - "argon2id" ["second factor" "login without a password"]`,
		`133 6c1b0a52-0002-4f6e-9f0b-000000000003 "konsta" "" [] verified=false - disabled=false 2020-05-18T20:45:05.173Z - "pbkdf2-sha256" []`,
		`152 no user: service account`,
	}},
	// Their documentation shows the form and masks or hides the passwords.
	{"auth0-identifiers.jsonl", importer.Auth0, "the article on the export of password hashes of their support, and the job users-exports of the Management API", []string{
		`1 51ca3486-6b2a-89aa-b805-57151abc6da6 "" "alli@example.com" [] verified=true - disabled=false 2021-03-05T16:35:16Z - "2b" ["phone number"]`,
		`2 9f3af54c-537a-8714-8abd-3989533f62d2 "" "arvo@example.com" [] verified=true - disabled=false 2021-03-05T16:35:16Z - "2b" []`,
		`3 8677515e-3eb9-8e3d-851a-6674a55f7711 "" "aune@example.com" [] verified=false - disabled=false - - "2b" []`,
		`4 d742c352-612e-83d0-9742-961c1a837c87 "" "atte@example.com" [] verified=true - disabled=false 2021-05-06T07:08:10Z 2021-05-06T07:08:10Z "" ["login at another site"]`,
		`5 e078e6a5-8320-819f-a30b-c0d622771f80 "" "aila@example.com" [] verified=true - disabled=false 2021-05-06T07:08:10Z 2021-05-06T07:08:10Z "" ["login without a password"]`,
	}},
	{"firebase-sites.csv", importer.Firebase, "firebase/firebase-tools src/accountExporter.ts and the history of it; firebase/scrypt tests/01-known-value.sh", []string{
		`1 7717d81e-056d-8569-8cb4-24a446d37b99 "" "folke@example.com" [] verified=true - disabled=false 2017-10-25T01:12:05Z - "firescrypt" ["custom claims"]`,
		`3 3ca782d2-a6fa-868b-b2a7-5098d650a8bd "" "freja@example.com" [] verified=false - disabled=false 2017-10-25T01:12:05.001Z - "" ["login at another site"]`,
		`4 74eab822-06ba-8b34-a097-a920c0f68b2f "" "fritz@example.com" [] verified=false - disabled=false 2017-10-25T01:12:05.002Z - "" ["login at another site"]`,
		`5 no user: anonymous user`,
		`6 59a631c6-6116-8d16-a67b-9f8752f3550c "" "frida@example.com" [] verified=false - disabled=false 2017-10-25T01:12:05.004Z - "" ["custom claims"]`,
		`7 d6392011-47a6-80b6-a2d9-ebeb2ff48367 "" "falk@example.com" [] verified=false - disabled=false 2017-10-25T01:12:05.005Z - "firescrypt" []`,
	}},
	{"firebase-mfa.json", importer.Firebase, "firebase/firebase-tools src/accountExporter.spec.ts", []string{
		`2 7717d81e-056d-8569-8cb4-24a446d37b99 "" "folke@example.com" [] verified=true - disabled=false 2017-10-25T01:12:05Z - "firescrypt" ["second factor"]`,
		`22 63c70b92-66a5-80d7-9e09-820f7afc3820 "" "finn@example.com" [] verified=false - disabled=false 2017-10-25T01:12:05.006Z - "firescrypt" ["login at another site"]`,
	}},
	{"supabase-rows.csv", importer.Supabase, "supabase/auth migrations and internal/models/user.go; internal/crypto/password_test.go", []string{
		`2 5a0c0d3e-1b2c-4d5e-8f90-000000000101 "" "saana@example.com" [] verified=true 2025-12-05T09:15:01.786754Z disabled=false 2025-12-04T21:07:05.525709Z 2025-12-05T09:43:54.894Z "2y" []`,
		`3 5a0c0d3e-1b2c-4d5e-8f90-000000000102 "" "seppo@example.com" [] verified=false - disabled=false 2025-12-04T21:07:05.525709Z 2025-12-05T09:43:54.894Z "argon2id" []`,
		`4 5a0c0d3e-1b2c-4d5e-8f90-000000000103 "" "silja@example.com" [] verified=false - disabled=false 2025-12-04T21:07:05.525709Z 2025-12-05T09:43:54.894Z "argon2i" ["phone number"]`,
		`5 5a0c0d3e-1b2c-4d5e-8f90-000000000104 "" "simo@example.com" [] verified=false - disabled=false 2025-12-04T21:07:05.525709Z 2025-12-05T09:43:54.894Z "firescrypt" []`,
		`6 5a0c0d3e-1b2c-4d5e-8f90-000000000105 "" "sointu@example.com" [] verified=false - disabled=false 2025-12-04T21:07:05.525709Z 2025-12-05T09:43:54.894Z "" ["login at another site"]`,
	}},
	{"kratos-list.json", importer.Kratos, "ory/kratos identity/identity.go, identity/.snapshots, identity/handler_test.go, persistence/sql/migratest/fixtures/identity", []string{
		`1 9b1c7c84-2f4f-4c0e-9a3c-000000000101 "" "Kyllikki@Example.com" [] verified=true 2024-01-03T03:04:05.5Z disabled=false 2013-10-07T08:23:19Z 2013-10-07T08:23:19Z "pbkdf2-sha256" []`,
		`2 9b1c7c84-2f4f-4c0e-9a3c-000000000102 "kimmo" "kimmo@example.com" [] verified=true 2024-01-03T03:04:05.5Z disabled=false 2013-10-07T08:23:19Z 2013-10-07T08:23:19Z "argon2id" ["phone number" "another email"]`,
		`3 9b1c7c84-2f4f-4c0e-9a3c-000000000103 "" "kalle@example.com" [] verified=false - disabled=false 2013-10-07T08:23:19Z 2013-10-07T08:23:19Z "2a" ["second factor"]`,
		`4 9b1c7c84-2f4f-4c0e-9a3c-000000000104 "" "kaija@example.com" [] verified=false - disabled=false 2013-10-07T08:23:19Z 2013-10-07T08:23:19Z "scrypt" []`,
		`5 9b1c7c84-2f4f-4c0e-9a3c-000000000105 "" "kosti@example.com" [] verified=false - disabled=false 2013-10-07T08:23:19Z 2013-10-07T08:23:19Z "md5-crypt" []`,
		`6 9b1c7c84-2f4f-4c0e-9a3c-000000000106 "" "kielo@example.com" [] verified=false - disabled=false 2013-10-07T08:23:19Z 2013-10-07T08:23:19Z "" []`,
		`7 9b1c7c84-2f4f-4c0e-9a3c-000000000107 "" "kuisma@example.com" [] verified=false - disabled=false 2013-10-07T08:23:19Z 2013-10-07T08:23:19Z "" []`,
		`8 beae3f60-9a63-8e75-a8b6-ad739d8c6dee "" "kukka@example.com" [] verified=true - disabled=false - - "2a" []`,
	}},
	{"pocketbase-users.json", importer.PocketBase, "pocketbase/pocketbase tests/data/data.db, the tables users and _superusers", []string{
		`1 03985199-d413-8132-bce1-ce8dce3af32c "users75657" "pirjo@example.com" [] verified=false - disabled=false 2022-10-10T10:36:26.879Z 2022-10-12T11:46:10.49Z "2a" []`,
		`2 353901ea-2699-84c2-9ed7-59392cfdaa64 "" "paavo@example.com" [] verified=true - disabled=false 2024-07-26T12:17:43.787Z 2024-07-26T12:17:43.787Z "2a" []`,
	}},
	{"django-natural.json", importer.Django, "django/django tests/auth_tests/fixtures and test_hashers.py, dumpdata --natural-primary --natural-foreign", []string{
		`23 f39e4a28-032d-874a-bcb0-23326fb30dc4 "danno" "" [directors guests] verified=false - disabled=false 2016-10-16T15:11:45.33Z - "argon2" []`,
		`51 aa95eaf8-4b34-808c-8aa8-25fbab4d3907 "" "dagny@example.com" [] verified=false - disabled=false - - "" []`,
		`60 71693f66-e771-8fd2-8a13-a68ed92539b0 "" "dagmar@example.com" [] verified=false - disabled=false - - "pbkdf2_sha256" []`,
	}},
	{"tables.csv", importer.CSV, "seanmorris/php-wasm demo-web/scripts/build-wordpress-demo.sh; phpbb/phpbb tests/security/hash_test.php; dotnet/aspnetcore src/Identity/test/Identity.Test/PasswordHasherTest.cs", []string{
		`2 97a370b2-fcd2-8411-8094-09f54c6fcb21 "" "viivi@example.com" [] verified=false - disabled=false 2024-12-04T17:10:13Z - "wp" []`,
		`3 33dddaa0-ca3a-81db-a830-6ed9ba13cc1e "Vilho" "vilho@example.com" [] verified=false - disabled=false - - "H" []`,
		`4 c97d9f20-913c-8079-8812-17db573ee309 "ville" "ville@example.com" [] verified=true - disabled=false - - "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==" []`,
		`5 9af4757c-43ee-8c6f-84f9-9a0dce46c447 "venla" "venla@example.com" [] verified=false - disabled=false - - "AQAAAAIAACcQAAAAEAABAgMEBQYHCAkKCwwNDg9B0Oxwty+PGIDSp95gcCfzeDvA4sGapUIUov8usXfD6A==" []`,
	}},
}

func TestAnExportInTheFormThatWasSeenArrives(t *testing.T) {
	// The sample of firebase/scrypt README.md.
	parameters, err := importer.ParseFirebaseParameters("hash_config {\n  algorithm: SCRYPT,\n" +
		"  base64_signer_key: jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==,\n" +
		"  base64_salt_separator: Bw==,\n  rounds: 8,\n  mem_cost: 14,\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range seenForms {
		t.Run(form.file, func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join("testdata", form.file))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for user, err := range importer.Users(bytes.NewReader(content), form.source, parameters) {
				if err != nil {
					t.Errorf("line %d: %v", user.Line, err)
				}
				got = append(got, line(user))
			}
			if diff := cmp.Diff(form.want, got); diff != "" {
				t.Errorf("%s (- want, + got):\n%s", form.seen, diff)
			}
		})
	}
}

func TestAPhoneNumberIsNoUsername(t *testing.T) {
	const form = `[{"id":"x","traits":{"email":"a@example.com"},"credentials":{"password":{"identifiers":[%s],"config":{"hashed_password":"$2a$10$x"}}},` +
		`"verifiable_addresses":[{"value":"0401234567","via":"sms","verified":true}]}]`
	for name, tt := range map[string]struct {
		identifiers, username, left string
	}{
		"a_number_that_was_proven":     {`"0401234567"`, "", `["phone number"]`},
		"a_number_nobody_proved":       {`"+358 40-123"`, "", `["phone number"]`},
		"a_number_before_the_username": {`"+35840123","aada"`, "aada", `["phone number"]`},
		"a_username_of_digits":         {`"35840123"`, "35840123", `["phone number"]`}, // the address
		"two_usernames":                {`"aada","ada"`, "aada", `["phone number" "another username"]`},
		"two_emails":                   {`"A@example.com","b@example.com"`, "", `["phone number" "another email"]`},
	} {
		t.Run(name, func(t *testing.T) {
			for user, err := range importer.Users(strings.NewReader(fmt.Sprintf(form, tt.identifiers)), importer.Kratos, importer.FirebaseParameters{}) {
				if left := fmt.Sprintf("%q", user.LeftBehind); err != nil || user.Username != tt.username || user.Email != "a@example.com" || left != tt.left {
					t.Errorf("%q and %q without %s, %v", user.Username, user.Email, left, err)
				}
			}
		})
	}
}

func TestTheHashOfEverySystemIsPutTogetherFromItsParts(t *testing.T) {
	const config = `{"signIn":{"hashConfig":{
	"algorithm": "SCRYPT",
	"signerKey": "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
	"saltSeparator": "Bw==",
	"rounds": 8,
	"memoryCost": 14
}}}` // firebase/firebase-tools src/gcp/identityPlatform.ts
	parameters, err := importer.ParseFirebaseParameters(config)
	if err != nil {
		t.Fatal(err)
	}
	const digest = "70k8Vg5B3/OrvJOiqusnasv0dLcBHoDAqJrJr7TRLBfMw4MitWx51YXJYFdGiyMbMeKtWtLf5HiBDcN0SUOm4A"
	const want = "$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw$" + digest + "$Bw$jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA"
	for _, letters := range []string{digest, strings.NewReplacer("+", "-", "/", "_").Replace(digest)} {
		document := fmt.Sprintf(`{"users":[{"email":"a@example.com","passwordHash":"%s==","salt":"42xEC-ixf3L2lw=="}]}`, letters)
		for user, err := range importer.Users(strings.NewReader(document), importer.Firebase, parameters) {
			if err != nil || user.PasswordHash != want {
				t.Errorf("got %s, %v", string(user.PasswordHash), err)
			}
		}
	}
}

func TestAPasswordThatCannotComeAlongIsNotLostWithoutAWord(t *testing.T) {
	for name, tt := range map[string]struct {
		source         importer.Source
		document, want string
	}{
		"Keycloak_in_clear_text": {importer.Keycloak, `{"users":[{"username":"a","enabled":true,"credentials":[{"type":"password","value":"hunter2","temporary":false}]}]}`, "credentials: The password stands there in clear text"},
		"Kratos_in_clear_text":   {importer.Kratos, `[{"traits":{"email":"a@example.com"},"credentials":{"password":{"config":{"password":"hunter2"}}}}]`, "credentials/password/config: The password stands there in clear text"},
		"Kratos_not_asked_for":   {importer.Kratos, `[{"id":"x","credentials":{"password":{"type":"password","identifiers":["a"],"version":1}}}]`, "credentials/password/config: It is missing; ask Kratos for it with include_credential=password."},
		"Kratos_without_any":     {importer.Kratos, `[{"id":"x","traits":{"email":"a@example.com"}}]`, "credentials: It is missing; ask Kratos for it with include_credential=password, or write {} for somebody who has none."},
		"Supabase_encrypted":     {importer.Supabase, `[{"id":"x","email":"a@example.com","encrypted_password":"{\"key_id\":\"k\",\"alg\":\"aes-gcm-hkdf\",\"data\":\"aHVudGVyMg==\",\"nonce\":\"aGk=\"}"}]`, "encrypted_password: It is encrypted with a key of that installation"},
	} {
		t.Run(name, func(t *testing.T) {
			users := 0
			for user, err := range importer.Users(strings.NewReader(tt.document), tt.source, importer.FirebaseParameters{}) {
				var refusal *model.Error
				if users++; !errors.As(err, &refusal) {
					t.Fatalf("%s: %v", line(user), err)
				}
				got := refusal.Fields[0].Field + ": " + refusal.Fields[0].Detail
				if !strings.HasPrefix(got, tt.want) || strings.Contains(got, "hunter2") {
					t.Errorf("got %s", got)
				}
			}
			if users != 1 {
				t.Errorf("%d users", users)
			}
		})
	}
}
