package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse"
	"gatehouse/model"
)

// importedPassword is that of every user in importer/testdata.
const importedPassword = model.Password("correct horse battery staple")

// imports runs gatehouse import and returns the exit code and what it said.
func imports(t *testing.T, dir, stdin string, args ...string) (code int, said string) {
	t.Helper()
	p, stdout, stderr := testProgram()
	p.stdin = strings.NewReader(stdin)
	code = p.run(t.Context(), append([]string{"import", "--data", dir}, args...))
	if stdout.String() != "" {
		t.Errorf("import wrote to standard output: %s", stdout)
	}
	return code, stderr.String()
}

// inside opens the rules over a data directory.
func inside(t *testing.T, dir string) *gatehouse.Auth {
	t.Helper()
	p, _, _ := testProgram()
	cfg, err := p.configure(map[string]string{"data": dir})
	if err != nil {
		t.Fatal(err)
	}
	open, err := openExisting(t.Context(), cfg, p.quietLog())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = open.Close() })
	return open.auth
}

// firebaseConfig is the file of the parameters, closed to others.
func firebaseConfig(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("../../importer/testdata/firebase-config.txt")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "firebase.txt")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// foreignExports are the documents of importer/testdata: who logs in, who is
// kept out although the password is right, who has none, and what is said.
func foreignExports(t *testing.T) []foreignExport {
	t.Helper()
	config := firebaseConfig(t)
	return []foreignExport{
		{file: "keycloak.json", from: "keycloak", in: "kana kbela@example.com kchris kemil", without: "kdora", said: `left behind: role or group whose name cannot be a role here: 1, line 15
left behind: client roles: 1, line 15
left behind: groups: 1, line 15
left behind: login at another site: 1, line 15
left behind: second factor: 1, line 15
weak hash until the first login, --wrap makes it strong at once: 3, lines 70, 102, 191
no user, passed by: service account: 1, line 134
left behind: temporary password: 1, line 158
no password, hand over a reset-link: 1, line 158
imported 5, refused 0, already there 0`},
		{file: "auth0-hashes.jsonl", from: "auth0", in: "ada@example.com aino aino@example.com", said: `imported 2, refused 0, already there 0`},
		{file: "auth0-import.json", from: "auth0", in: "alma anton@example.com asta@example.com", out: "arne@example.com", said: `left behind: second factor: 1, line 2
weak hash until the first login, --wrap makes it strong at once: 1, line 42
imported 4, refused 0, already there 0`},
		{file: "auth0-users.jsonl", from: "auth0", without: "agda@example.com axel@example.com", said: `left behind: second factor: 1, line 1
no password, hand over a reset-link: 2, lines 1, 2
left behind: login at another site: 1, line 2
imported 2, refused 0, already there 0`},
		{file: "firebase.json", from: "firebase", args: []string{"--firebase-config", config}, in: "fina@example.com", out: "frode@example.com", without: "flora@example.com", said: `left behind: custom claims: 1, line 1
weak hash until the first login, --wrap makes it strong at once: 2, lines 1, 35
left behind: phone number: 1, line 14
left behind: login at another site: 1, line 14
no password, hand over a reset-link: 1, line 14
no user, passed by: anonymous user: 1, line 30
imported 3, refused 0, already there 0`},
		{file: "firebase.csv", from: "firebase", args: []string{"--firebase-config", config}, in: "fina@example.com", out: "frode@example.com", without: "flora@example.com", said: `left behind: custom claims: 1, line 1
weak hash until the first login, --wrap makes it strong at once: 2, lines 1, 4
left behind: phone number: 1, line 2
left behind: login at another site: 1, line 2
no password, hand over a reset-link: 1, line 2
no user, passed by: anonymous user: 1, line 3
imported 3, refused 0, already there 0`},
		{file: "supabase.csv", from: "supabase", in: "sara@example.com signe@example.com", out: "sixten@example.com", without: "selma@example.com", said: supabaseSaid(2)},
		{file: "supabase.json", from: "supabase", in: "sara@example.com signe@example.com", out: "sixten@example.com", without: "selma@example.com", said: supabaseSaid(1)},
		{file: "django.json", from: "django", in: "djana djon@example.com dlegacy", without: "djura", said: `left behind: role or group whose name cannot be a role here: 1, line 1
left behind: rights of staff and superusers: 1, line 1
no password, hand over a reset-link: 1, line 1
weak hash until the first login, --wrap makes it strong at once: 1, line 1
imported 4, refused 0, already there 0`},
		{file: "kratos.json", from: "kratos", in: "katri@example.com kaspar@example.com", out: "kuno", without: "karin@example.com", said: `left behind: login without a password: 1, line 2
left behind: second factor: 1, line 2
left behind: login at another site: 1, line 109
no password, hand over a reset-link: 1, line 109
weak hash until the first login, --wrap makes it strong at once: 1, line 149
imported 4, refused 0, already there 0`},
		{file: "pocketbase.json", from: "pocketbase", in: "petra petra@example.com paul_1", said: `imported 2, refused 0, already there 0`},
		{file: "users.csv", from: "csv", in: "vera vilma@example.com", without: "viktor", said: `no password, hand over a reset-link: 1, line 3
weak hash until the first login, --wrap makes it strong at once: 1, line 4
imported 3, refused 0, already there 0`},
	}
}

func supabaseSaid(first int) string {
	return fmt.Sprintf(`left behind: login at another site: 1, line %d
no password, hand over a reset-link: 1, line %d
no user, passed by: anonymous user: 1, line %d
weak hash until the first login, --wrap makes it strong at once: 1, line %d
no user, passed by: deleted user: 1, line %d
imported 4, refused 0, already there 0`, first+1, first+1, first+2, first+4, first+5)
}

type foreignExport struct {
	file, from       string
	args             []string
	in, out, without string // names, with spaces
	said             string // without the name of the command before each line
}

func TestUsersOfOtherSystemsLogInAfterAnImport(t *testing.T) {
	for _, export := range foreignExports(t) {
		t.Run(export.file, func(t *testing.T) {
			t.Parallel()
			dir, path := filepath.Join(t.TempDir(), "data"), filepath.Join("../../importer/testdata", export.file)
			args := append([]string{"--from", export.from, path}, export.args...)
			code, said := imports(t, dir, "", args...)
			if diff := cmp.Diff(export.said+"\n", strings.ReplaceAll(said, "gatehouse: ", "")); code != exitDone || diff != "" {
				t.Fatalf("exit code %d (- want, + got):\n%s", code, diff)
			}
			users := strings.TrimSuffix(strings.TrimPrefix(lastLine(said), "imported "), ", refused 0, already there 0")
			again := "imported 0, refused 0, already there " + users
			if code, said := imports(t, dir, "", args...); code != exitDone || lastLine(said) != again {
				t.Errorf("the same again: exit code %d: %s", code, said)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".import*")); left != nil {
				t.Errorf("it left %v behind", left)
			}
			auth := inside(t, dir)
			for _, group := range []struct {
				names string
				want  *model.Error
			}{{export.in, nil}, {export.out, model.ErrUserDisabled}, {export.without, model.ErrWrongCredentials}} {
				for _, name := range strings.Fields(group.names) {
					_, err := auth.LoginUser(t.Context(), gatehouse.Credentials{Identifier: name, Password: importedPassword})
					if fmt.Sprint(err) != fmt.Sprint(error(group.want)) && (group.want != nil || err != nil) {
						t.Errorf("login of %s: got %v, want %v", name, err, group.want)
					}
				}
			}
		})
	}
}

func lastLine(said string) string {
	lines := strings.Split(strings.TrimSuffix(said, "\n"), "\n")
	return lines[len(lines)-1]
}

func TestAnImportWithWrapKeepsNoWeakHash(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	args := []string{"--from", "django", "--wrap", "../../importer/testdata/django.json"}
	code, said := imports(t, dir, "", args...)
	if code != exitDone || strings.Contains(said, "weak") || lastLine(said) != "imported 4, refused 0, already there 0" {
		t.Fatalf("exit code %d: %s", code, said)
	}
	if code, said := imports(t, dir, "", args...); code != exitDone || lastLine(said) != "imported 0, refused 0, already there 4" {
		t.Errorf("the same again: exit code %d: %s", code, said)
	}
	auth := inside(t, dir)
	err := auth.ExportAccounts(t.Context(), func(account model.Account) error {
		if hash := string(account.PasswordHash); hash != "" && !strings.Contains(hash, "$argon2id$v=19$") {
			t.Errorf("%s has %.12s", account.User.Username, hash)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := auth.LoginUser(t.Context(), gatehouse.Credentials{Identifier: "dlegacy", Password: importedPassword}); err != nil {
		t.Error(err)
	}
}

func TestOneBadUserOfAnotherSystemKeepsAllOut(t *testing.T) {
	const poisoned = "username,email,password_hash,roles\n" +
		"good,,,\n" +
		"PW-19,,$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW,\n" +
		"twin,twin@example.com,,\n" +
		"other,Twin@example.com,,\n" +
		"GOOD,good@example.com,,\n" +
		"two words,,hunter2,no role!\n" +
		"short,\n" +
		"good,,,\n"
	dir := filepath.Join(t.TempDir(), "data")
	want := []string{
		"gatehouse: line 3: password_hash: Give a hash that is read here, with a salt and within the limits: Argon2id, Argon2i, bcrypt, scrypt, PBKDF2, SHA-crypt, md5-crypt or phpass.",
		"gatehouse: line 5: email: Another user has this email.",
		"gatehouse: line 6: username: Another user has this username, or one that looks like it.",
		"gatehouse: line 8: user: It has more columns or fewer than the first line.",
	}
	code, said := imports(t, dir, poisoned, "--from", "csv", "-")
	for _, line := range want {
		if !strings.Contains(said, line+"\n") {
			t.Errorf("it does not say %q:\n%s", line, said)
		}
	}
	if code != exitRefused || lastLine(said) != "imported 0, refused 5, already there 1" || strings.Contains(said, "hunter2") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if _, err := inside(t, dir).FindUser(t.Context(), "good"); err == nil {
		t.Error("ST-01: a good user of a bad document was imported")
	}
	code, said = imports(t, dir, poisoned, "--from", "csv", "--skip-refused", "-")
	if code != exitRefused || lastLine(said) != "imported 2, refused 5, already there 1" {
		t.Errorf("with --skip-refused: exit code %d: %s", code, said)
	}
	code, said = imports(t, dir, poisoned, "--from", "csv", "--skip-refused", "--dry-run", "-")
	if code != exitRefused || lastLine(said) != "dry run, nothing was written: imported 0, refused 5, already there 3" {
		t.Errorf("with --dry-run: exit code %d: %s", code, said)
	}
}

func TestDamageToADocumentKeepsAllOutWhateverIsSaid(t *testing.T) {
	for name, given := range map[string]struct{ from, document, said string }{
		"half_a_list":       {"kratos", `[{"id":"a","traits":{"username":"ana"}},` + "\n" + `{"id":"b","tra`, "gatehouse: line 2: the document is no JSON from here on, or ends too early; nothing was imported\n"},
		"two_documents":     {"keycloak", `{"users":[]}{"users":[]}`, "gatehouse: line 1: this is not what that system exports; nothing was imported\n"},
		"an_open_quotation": {"csv", "username\nana\n\"eve\n", "gatehouse: line 3: a quotation mark is missing, or stands where none belongs; nothing was imported\n"},
		"a_strange_column":  {"csv", "username,pasword_hash\nana,x\n", "gatehouse: line 1: the first line must name the columns; they can be id, username, email, email_verified, roles, disabled, password_hash, created_at, updated_at; nothing was imported\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			code, said := imports(t, dir, given.document, "--from", given.from, "--skip-refused", "-")
			if code != exitRefused || !strings.HasSuffix(said, given.said) || !strings.Contains(said, "imported 0, ") {
				t.Errorf("exit code %d: %s", code, said)
			}
			if users, err := inside(t, dir).Users(t.Context(), model.UserID{}, 10); err != nil || len(users) != 0 {
				t.Errorf("%d users, %v", len(users), err)
			}
		})
	}
}

func TestTheParametersOfFirebaseComeFromAFileThatIsClosed(t *testing.T) {
	dir, config := filepath.Join(t.TempDir(), "data"), firebaseConfig(t)
	export := "../../importer/testdata/firebase.json"
	if code, said := imports(t, dir, "", "--from", "firebase", export); code != exitRefused || !strings.Contains(said, "line 1: passwordHash: The parameters of the project are needed") {
		t.Errorf("without: exit code %d: %s", code, said)
	}
	if code, _ := imports(t, dir, "", "--from", "csv", "--firebase-config", config, export); code != exitUsage {
		t.Errorf("with another system: exit code %d", code)
	}
	if err := os.Chmod(config, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, said := imports(t, dir, "", "--from", "firebase", "--firebase-config", config, export); code != exitRefused || !strings.Contains(said, "can be read by others") {
		t.Errorf("open: exit code %d: %s", code, said)
	}
	if err := os.WriteFile(config, []byte("algorithm: BCRYPT\nbase64_signer_key: c2VjcmV0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(config, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, said := imports(t, dir, "", "--from", "firebase", "--firebase-config", config, export); code != exitRefused ||
		!strings.Contains(said, "password hash parameters as the console") || strings.Contains(said, "c2VjcmV0") {
		t.Errorf("wrong: exit code %d: %s", code, said)
	}
}

func TestAnInterruptedImportIsCompletedByTheSameAgain(t *testing.T) {
	const users = 300
	document := "username,email,email_verified\n"
	for i := range users {
		document += fmt.Sprintf("user%d,user%d@example.com,true\n", i, i)
	}
	dir := filepath.Join(t.TempDir(), "data")
	imports(t, dir, "username\n", "--from", "csv", "-")
	auth := inside(t, dir)
	p, _, stderr := testProgram()
	p.stdin = strings.NewReader(document)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan int, 1)
	go func() { ended <- p.run(ctx, []string{"import", "--data", dir, "--from", "csv", "-"}) }()
	for code := -1; code < 0; {
		if here, err := auth.Users(t.Context(), model.UserID{}, 1); err != nil {
			t.Fatal(err)
		} else if len(here) > 0 {
			cancel()
			code = <-ended
		}
	}
	var done int
	if _, err := fmt.Sscanf(stderr.String()[strings.Index(stderr.String(), "imported "):], "imported %d, refused 0,", &done); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	if done < users && !strings.HasSuffix(stderr.String(), "gatehouse: interrupted; what was imported stays, and the same import can be run again\n") {
		t.Errorf("it said %s", stderr)
	}
	// A user whose commit was on its way when it ended may be here uncounted.
	var added, there int
	code, said := imports(t, dir, document, "--from", "csv", "-")
	if _, err := fmt.Sscanf(lastLine(said), "imported %d, refused 0, already there %d", &added, &there); err != nil || code != exitDone {
		t.Fatalf("exit code %d: %s", code, said)
	}
	if added+there != users || there < done {
		t.Errorf("%d first, then %d and %d of %d", done, added, there, users)
	}
}
