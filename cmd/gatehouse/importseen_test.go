package main

import (
	"os"
	"path/filepath"
	"testing"

	"gatehouse"
	"gatehouse/model"
)

// seenExports are documents of importer/testdata in forms that were seen in
// public projects: who logs in with which password. Short ones were published
// with the hash.
var seenExports = []struct {
	file, from string
	logins     map[string]model.Password
}{
	{"keycloak-realms.json", "keycloak", map[string]model.Password{
		"kaarin": "admin", "kasimir": importedPassword, "kleo": importedPassword, "kerttu@example.com": "iceberg", "konsta": "admin",
	}},
	{"auth0-identifiers.jsonl", "auth0", map[string]model.Password{
		"alli@example.com": importedPassword, "arvo@example.com": importedPassword, "aune@example.com": importedPassword,
	}},
	{"firebase-sites.csv", "firebase", map[string]model.Password{"folke@example.com": "hunter2", "falk@example.com": "hunter2"}},
	{"firebase-mfa.json", "firebase", map[string]model.Password{"folke@example.com": "hunter2", "finn@example.com": "hunter2"}},
	{"supabase-rows.csv", "supabase", map[string]model.Password{
		"saana@example.com": "test", "seppo@example.com": "test", "silja@example.com": "test", "simo@example.com": "mytestpassword",
	}},
	{"kratos-list.json", "kratos", map[string]model.Password{
		"kyllikki@example.com": "123456", "kimmo@example.com": "123456", "kimmo": "123456", "kalle@example.com": "123456",
		"kaija@example.com": "123456", "kosti@example.com": "test", "kukka@example.com": "123456",
	}},
	{"pocketbase-users.json", "pocketbase", map[string]model.Password{"users75657": "1234567890", "paavo@example.com": "1234567890"}},
	{"django-natural.json", "django", map[string]model.Password{"danno": "secret", "dagmar@example.com": importedPassword}},
	{"tables.csv", "csv", map[string]model.Password{
		"viivi@example.com": "admin", "vilho": "test", "ville": "my password", "venla@example.com": "my password",
	}},
}

func TestUsersOfExportsThatWereSeenLogIn(t *testing.T) {
	config := filepath.Join(t.TempDir(), "firebase.txt")
	// The sample of firebase/scrypt README.md.
	const parameters = "algorithm: SCRYPT,\nbase64_signer_key: jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==,\n" +
		"base64_salt_separator: Bw==,\nrounds: 8,\nmem_cost: 14,\n"
	if err := os.WriteFile(config, []byte(parameters), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, export := range seenExports {
		t.Run(export.file, func(t *testing.T) {
			t.Parallel()
			args := []string{"--from", export.from, filepath.Join("../../importer/testdata", export.file)}
			if export.from == "firebase" {
				args = append(args, "--firebase-config", config)
			}
			dir := filepath.Join(t.TempDir(), "data")
			if code, said := imports(t, dir, "", args...); code != exitDone {
				t.Fatalf("exit code %d: %s", code, said)
			}
			auth := inside(t, dir)
			for name, password := range export.logins {
				if _, err := auth.LoginUser(t.Context(), gatehouse.Credentials{Identifier: name, Password: password}); err != nil {
					t.Errorf("login of %s: %v", name, err)
				}
			}
		})
	}
}
