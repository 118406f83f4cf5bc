package importer_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse/importer"
	"gatehouse/model"
)

func sources() []importer.Source {
	return []importer.Source{
		importer.Keycloak, importer.Auth0, importer.Firebase, importer.Supabase,
		importer.Django, importer.Kratos, importer.PocketBase, importer.CSV,
	}
}

// line tells all of a user in one line, but for the salt and digest.
func line(u importer.User) string {
	if u.NoUser != "" {
		return fmt.Sprintf("%d no user: %s", u.Line, u.NoUser)
	}
	scheme, _, _ := strings.Cut(strings.TrimPrefix(string(u.PasswordHash), "$"), "$")
	at := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.Format(time.RFC3339Nano)
	}
	return fmt.Sprintf("%d %s %q %q %v verified=%t %s disabled=%t %s %s %q %q", u.Line, u.ID, u.Username, u.Email, u.Roles,
		u.EmailVerified, at(u.EmailVerifiedAt), u.Disabled, at(u.CreatedAt), at(u.UpdatedAt), scheme, u.LeftBehind)
}

// read returns a line for each user and each error.
func read(from io.Reader, source importer.Source) (lines []string) {
	for u, err := range importer.Users(from, source, importer.FirebaseParameters{}) {
		var refusal *model.Error
		switch {
		case errors.As(err, &refusal):
			lines = append(lines, fmt.Sprintf("%d refused: %s: %s", u.Line, refusal.Fields[0].Field, refusal.Fields[0].Detail))
		case err != nil:
			lines = append(lines, "trouble: "+err.Error())
		default:
			lines = append(lines, line(u))
		}
	}
	return lines
}

func TestEveryFieldOfAnExportArrives(t *testing.T) {
	for file, given := range map[string]struct {
		source importer.Source
		want   []string
	}{
		"keycloak.json": {importer.Keycloak, []string{
			`15 e1f7a9c2-0d4b-4c55-8a11-000000000001 "kana" "kana@example.com" [editor] verified=true - disabled=false 2023-11-14T22:13:20.001Z - "pbkdf2-sha512" ["role or group whose name cannot be a role here" "client roles" "groups" "login at another site" "second factor"]`,
			`70 e1f7a9c2-0d4b-4c55-8a11-000000000002 "" "kbela@example.com" [] verified=true - disabled=false 2023-11-14T22:13:20.002Z - "pbkdf2-sha256" []`,
			`102 e1f7a9c2-0d4b-4c55-8a11-000000000003 "kchris" "" [] verified=false - disabled=false 2023-11-14T22:13:20.003Z - "argon2id" []`,
			`134 no user: service account`,
			`158 e1f7a9c2-0d4b-4c55-8a11-000000000005 "kdora" "" [] verified=false - disabled=true 2023-11-14T22:13:20.005Z - "" ["temporary password"]`,
			`191 e1f7a9c2-0d4b-4c55-8a11-000000000006 "kemil" "" [] verified=false - disabled=false 2023-11-14T22:13:20.006Z - "pbkdf2-sha1" []`,
		}},
		"auth0-hashes.jsonl": {importer.Auth0, []string{
			`1 afe6df11-a281-8632-b4b4-c19e48c083e3 "" "ada@example.com" [] verified=true - disabled=false 2019-12-06T18:36:12Z - "2b" []`,
			`2 a9616455-43af-85ac-889c-e7a372e12175 "Aino" "aino@example.com" [] verified=false - disabled=false 2019-12-06T18:36:12Z - "2b" []`,
		}},
		"supabase.csv": {importer.Supabase, []string{
			`2 5a0c0d3e-1b2c-4d5e-8f90-000000000001 "" "sara@example.com" [] verified=true 2023-01-02T03:05:00Z disabled=false 2023-01-02T03:04:05.67891Z 2023-02-02T03:04:05.67891Z "2a" []`,
			`3 5a0c0d3e-1b2c-4d5e-8f90-000000000002 "" "selma@example.com" [] verified=true 2023-01-02T03:05:00Z disabled=false 2023-01-02T03:04:05.67891Z 2023-02-02T03:04:05.67891Z "" ["login at another site"]`,
			`4 no user: anonymous user`,
			`5 5a0c0d3e-1b2c-4d5e-8f90-000000000004 "" "sixten@example.com" [] verified=false - disabled=true 2023-01-02T03:04:05.67891Z 2023-02-02T03:04:05.67891Z "2a" []`,
			`6 5a0c0d3e-1b2c-4d5e-8f90-000000000005 "" "signe@example.com" [] verified=false - disabled=false 2023-01-02T03:04:05.67891Z 2023-02-02T03:04:05.67891Z "firescrypt" []`,
			`7 no user: deleted user`,
		}},
		"django.json": {importer.Django, []string{
			`1 5b98504c-f189-8864-8bf4-b19f6d636d7d "djana" "djana@example.com" [editors] verified=false - disabled=false 2020-04-05T06:07:08.009Z - "pbkdf2_sha256" ["role or group whose name cannot be a role here" "rights of staff and superusers"]`,
			`1 b9f9be4a-33ad-80fc-be23-1b1d6bb2c4be "" "djon@example.com" [] verified=false - disabled=false 2020-04-05T06:07:08.009Z - "argon2" []`,
			`1 7171e4d8-3181-8227-b253-ae3f5de8aaaf "djura" "" [] verified=false - disabled=true 2020-04-05T06:07:08.009Z - "" []`,
			`1 7e301ea1-c265-8777-acb3-3c60cfebfa19 "dlegacy" "" [editors] verified=false - disabled=false 2020-04-05T06:07:08.009Z - "pbkdf2_sha1" []`,
		}},
		"kratos.json": {importer.Kratos, []string{
			`2 9b1c7c84-2f4f-4c0e-9a3c-000000000001 "" "katri@example.com" [] verified=true 2024-01-03T03:04:05.5Z disabled=false 2024-01-02T03:04:05.678901Z 2024-02-02T03:04:05.678901Z "2a" ["login without a password" "second factor"]`,
			`63 9b1c7c84-2f4f-4c0e-9a3c-000000000002 "kuno" "kuno@example.com" [] verified=false - disabled=true 2024-01-02T03:04:05.678901Z 2024-02-02T03:04:05.678901Z "argon2id" []`,
			`109 9b1c7c84-2f4f-4c0e-9a3c-000000000003 "" "karin@example.com" [] verified=false - disabled=false 2024-01-02T03:04:05.678901Z 2024-02-02T03:04:05.678901Z "" ["login at another site"]`,
			`149 9b1c7c84-2f4f-4c0e-9a3c-000000000004 "" "kaspar@example.com" [] verified=false - disabled=false 2024-01-02T03:04:05.678901Z 2024-02-02T03:04:05.678901Z "scrypt" []`,
		}},
		"pocketbase.json": {importer.PocketBase, []string{
			`1 a0c700cf-981d-8d0b-a3f5-4eaf2663ae39 "petra" "petra@example.com" [] verified=true - disabled=false 2024-11-22T10:20:30.123Z 2024-11-23T10:20:30.123Z "2a" []`,
			`2 d83a6031-979a-8f79-ab8c-49e101e19330 "Paul_1" "" [] verified=false - disabled=false 2023-11-22T10:20:30.123Z 2023-11-23T10:20:30.123Z "2a" []`,
		}},
		"users.csv": {importer.CSV, []string{
			`2 874e79e3-37dc-84fd-82f6-2985f9b54462 "Vera" "vera@example.com" [editor shop:write] verified=true - disabled=false 2022-03-04T05:06:07Z - "2y" []`,
			`3 b349fa55-2633-881a-8643-b6cac1eeb370 "viktor" "" [] verified=false - disabled=false - - "" []`,
			`4 0ff28a1f-f91d-88ec-a64a-0d822d65e40e "" "vilma@example.com" [] verified=false - disabled=false 2022-03-04T05:06:07Z - "pbkdf2-sha256" []`,
		}},
	} {
		t.Run(file, func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(given.want, read(bytes.NewReader(content), given.source)); diff != "" {
				t.Errorf("(- want, + got):\n%s", diff)
			}
			// Byte order mark, other line ends, one octet at a time: still the same users.
			windows := "\ufeff" + strings.ReplaceAll(strings.ReplaceAll(string(content), "\r", ""), "\n", "\r\n")
			if diff := cmp.Diff(given.want, read(oneByOne{strings.NewReader(windows)}, given.source)); diff != "" {
				t.Errorf("with a mark (- want, + got):\n%s", diff)
			}
		})
	}
}

// oneByOne reads one octet at a time, as a terminal might.
type oneByOne struct{ from io.Reader }

func (o oneByOne) Read(p []byte) (int, error) { return o.from.Read(p[:min(1, len(p))]) }

func TestWhatIsWrongWithOneUserIsNamedAndTheNextFollows(t *testing.T) {
	const when = "It must be a time, as in 2026-03-01T12:00:00Z."
	const kind = "It is not of the kind that this system writes."
	const columns = "It does not have the columns that Firebase writes; export the users as JSON."
	const hash = "password_hash: It was made in a way that is not read here; leave it out and hand over a reset-link."
	for _, tt := range []struct {
		source   importer.Source
		document string
		want     []string
	}{
		{importer.Keycloak, `{"users":[{"username":7},{"username":"a","enabled":true,"credentials":[{"type":"password","secretData":"{}","credentialData":"hunter2"}]},
			{"credentials":[{"type":"password","secretData":"{\"value\":\"aGk=\",\"salt\":\"aGk=\"}","credentialData":"{\"algorithm\":\"md5\"}"}]},
			{"credentials":[{"type":"password","secretData":"{\"value\":\"aGk=\",\"salt\":\"aGk=\"}","credentialData":"{\"algorithm\":\"argon2\",\"additionalParameters\":{\"type\":[\"d\"],\"version\":[\"1.3\"]}}"}]}]}`,
			[]string{"1 refused: username: " + kind, "1 refused: credentials: Its secretData or credentialData is not what Keycloak writes.", "2 refused: " + hash, "3 refused: " + hash}},
		{importer.Auth0, "{\"email\":\"a@example.com\",\"created_at\":\"yesterday\"}\n\nhunter2\n{\"custom_password_hash\":{\"algorithm\":\"md5\",\"hash\":{\"value\":\"x\"}}}\n" +
			"{\"custom_password_hash\":{\"algorithm\":\"bcrypt\",\"hash\":{\"value\":\"x\"},\"salt\":{\"value\":\"y\"}}}\n[]",
			[]string{"1 refused: created_at: " + when, "3 refused: user: It is not one JSON object in UTF-8.", "4 refused: " + hash, "5 refused: " + hash, "6 refused: user: It is not one JSON object in UTF-8."}},
		{importer.Firebase, "id,a@example.com\n" + "id,a@example.com,yes" + strings.Repeat(",", 21) + "1,1,,,\n" +
			"id,a@example.com,true,,,A,https://example.com/w_2,h_2/a.png" + strings.Repeat(",", 17) + "1,1,,true,,\n",
			[]string{"1 refused: user: " + columns, "2 refused: emailVerified: It must be true or false.", "3 refused: user: " + columns}},
		{importer.Firebase, `{"users":[{"email":"a@example.com","createdAt":"soon"},{"email":"a@example.com","passwordHash":"aGk="}]}`,
			[]string{"1 refused: createdAt: It must be milliseconds since 1970.", "1 refused: passwordHash: The parameters of the project are needed to check it: --firebase-config."}},
		{importer.Django, `[{"model":"auth.user","pk":1,"fields":{"password":"x","last_login":null,"username":["x"]}}]`, []string{"1 refused: username: " + kind}},
		{importer.Kratos, `[{"id":"x","credentials":{"password":{"config":"hunter2"}}}]`, []string{"1 refused: credentials/password/config: It is not what Kratos writes."}},
		{importer.PocketBase, `[{"id":"x","verified":2}]`, []string{"1 refused: verified: " + kind}},
		{importer.CSV, "username,disabled\na,maybe\n", []string{"2 refused: disabled: It must be true or false."}},
	} {
		if diff := cmp.Diff(tt.want, read(strings.NewReader(tt.document), tt.source)); diff != "" {
			t.Errorf("%s (- want, + got):\n%s", string(tt.source), diff)
		}
	}
}

func TestDamageEndsTheReading(t *testing.T) {
	long := strings.Repeat("x", importer.MaxUserBytes)
	for name, tt := range map[string]struct {
		source   importer.Source
		document string
		want     []string
	}{
		"nothing":          {importer.Kratos, "", []string{"trouble: line 1: the document is no JSON from here on, or ends too early"}},
		"a_member_twice":   {importer.PocketBase, "[\n{\"id\":1,\"id\":1}]", []string{"trouble: line 2: a member stands there twice"}},
		"another_shape":    {importer.Firebase, `{"users":{"a":1}}`, []string{"trouble: line 1: this is not what that system exports"}},
		"no_list":          {importer.Keycloak, `"users"`, []string{"trouble: line 1: this is not what that system exports"}},
		"a_long_user":      {importer.Kratos, "[\n{\"id\":\"" + long + "\"}]", []string{"trouble: line 2: one user is longer than 1048576 bytes"}},
		"a_long_row":       {importer.CSV, "username\n\"" + long + "\"\n", []string{"trouble: one user is longer than 1048576 bytes"}},
		"a_long_text":      {importer.Keycloak, `{"realm":"` + long + `"}`, []string{"trouble: line 1: one user is longer than 1048576 bytes"}},
		"no_header":        {importer.Supabase, "1,2,3\n", []string{"trouble: line 1: the first line must name the columns, and id is missing"}},
		"a_column_twice":   {importer.CSV, "email,email\n", []string{"trouble: line 1: a column stands in the header twice"}},
		"no_name":          {importer.CSV, "id,roles\n", []string{"trouble: line 1: the first line must name a column username or email"}},
		"unknown_source":   {"abacus", "", []string{`trouble: importer: no source "abacus"`}},
		"a_bad_quotation":  {importer.CSV, "username\na\"b\n", []string{"trouble: line 2: a quotation mark is missing, or stands where none belongs"}},
		"claims_unquoted":  {importer.Firebase, "id,a@example.com,true" + strings.Repeat(",", 21) + "1,1,,true,{\"a\":1,\"b\":2},\nid,b@example.com,true" + strings.Repeat(",", 21) + "1,1,,true,,\n", []string{"trouble: line 1: a quotation mark is missing, or stands where none belongs; export the users as JSON"}},
		"bytes_that_lie":   {importer.Kratos, "[{\"id\":\"\xff\"}]", []string{"trouble: line 1: the document is no JSON from here on, or ends too early"}},
		"a_realm_too_many": {importer.Keycloak, "[{\"users\":[]},\n7]", []string{"trouble: line 2: this is not what that system exports"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, read(strings.NewReader(tt.document), tt.source)); diff != "" {
				t.Errorf("(- want, + got):\n%s", diff)
			}
		})
	}
	t.Run("a_long_line_is_only_that_line", func(t *testing.T) {
		got := read(strings.NewReader("{\"alt_id\":\"a\"}\n\""+long+"\"\n{\"alt_id\":\"b\"}"), importer.Auth0)
		if len(got) != 3 || got[1] != "2 refused: line: It is longer than 1048576 bytes." || !strings.HasPrefix(got[2], "3 ") {
			t.Errorf("got %d lines: %.300s", len(got), got)
		}
	})
}

// endless is a realm with members as large as a whole realm and many users.
type endless struct {
	step, users int
	rest        []byte
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		if e.step > 2*e.users+1 {
			return 0, io.EOF
		}
		switch e.step++; {
		case e.step == 1:
			e.rest = []byte(`{"clients":[0`)
		case e.step <= e.users:
			e.rest = []byte(`,{"clientId":"` + strings.Repeat("c", 400) + `"}`)
		case e.step == e.users+1:
			e.rest = []byte(`],"users":[{"username":"first"}`)
		case e.step <= 2*e.users:
			e.rest = []byte(`,{"username":"` + strings.Repeat("u", 400) + "\"}\n")
		default:
			e.rest = []byte(`]}`)
			e.step = 2*e.users + 2
		}
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func TestALargeDocumentTakesNoMemory(t *testing.T) {
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const users = 20_000 // 17 MB
	n, last := 0, 0
	for u, err := range importer.Users(&endless{users: users}, importer.Keycloak, importer.FirebaseParameters{}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%5000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			if now.HeapAlloc > before.HeapAlloc+4<<20 {
				t.Fatalf("after %d users the heap has grown by %d bytes", n, now.HeapAlloc-before.HeapAlloc)
			}
		}
		last = u.Line
	}
	if n != users || last != users-1 {
		t.Errorf("%d users, the last on line %d", n, last)
	}
}

func TestAnIdStaysTheSame(t *testing.T) {
	one := func(source importer.Source, document string) string {
		t.Helper()
		for u, err := range importer.Users(strings.NewReader(document), source, importer.FirebaseParameters{}) {
			if err != nil {
				t.Fatal(err)
			}
			return u.ID.String()
		}
		t.Fatalf("nobody in %s", document)
		return ""
	}
	if got := one(importer.Kratos, `[{"id":"9B1C7C84-2F4F-4C0E-9A3C-000000000001","credentials":{}}]`); got != "9b1c7c84-2f4f-4c0e-9a3c-000000000001" {
		t.Errorf("a UUID became %s", got)
	}
	// Whoever imported with an earlier release can do so again.
	if got := one(importer.PocketBase, `[{"id":"x4m2k0q8r6t1v5w"}]`); got != "a0c700cf-981d-8d0b-a3f5-4eaf2663ae39" {
		t.Errorf("got %s", got)
	}
	if one(importer.Auth0, `[{"user_id":"auth0|5dea9f9c82dd7c0e76e4ec01"}]`) != one(importer.Auth0, `{"_id":{"$oid":"5dea9f9c82dd7c0e76e4ec01"}}`) {
		t.Error("the same user of Auth0 has two ids")
	}
	different := map[string]string{}
	for name, id := range map[string]string{
		"Auth0":               one(importer.Auth0, `[{"user_id":"auth0|1"}]`),
		"Google_by_Auth0":     one(importer.Auth0, `[{"user_id":"google-oauth2|1"}]`),
		"PocketBase":          one(importer.PocketBase, `[{"id":"1"}]`),
		"Django":              one(importer.Django, `[{"model":"auth.user","pk":1,"fields":{"password":"","last_login":null,"date_joined":"2020-01-01T00:00:00Z"}}]`),
		"another_Django":      one(importer.Django, `[{"model":"auth.user","pk":1,"fields":{"password":"","last_login":null,"date_joined":"2020-01-01T00:00:00.1Z"}}]`),
		"Kratos_without_a_id": one(importer.Kratos, `[{"id":"00000000-0000-0000-0000-000000000000","credentials":{}}]`),
		"CSV":                 one(importer.CSV, "username,email\n1,\n"),
		"CSV_by_email":        one(importer.CSV, "username,email\n,1\n"),
	} {
		if other, taken := different[id]; taken {
			t.Errorf("%s has the id of %s", name, other)
		}
		different[id] = name
		if parsed, err := model.ParseID[model.User](id); err != nil || parsed.IsZero() {
			t.Errorf("%s: %s is no id", name, id)
		}
	}
}

func TestNothingPrintsAHashOrAKey(t *testing.T) {
	parameters, err := importer.ParseFirebaseParameters("algorithm: SCRYPT\nbase64_signer_key: c2VjcmV0\nbase64_salt_separator: Bw==\nrounds: 8\nmem_cost: 14\n")
	if err != nil {
		t.Fatal(err)
	}
	user := importer.User{PasswordHash: "c2VjcmV0"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if printed := fmt.Sprintf(verb+verb+verb, parameters, user, &user); strings.Contains(printed, "c2VjcmV0") || strings.Contains(printed, fmt.Sprintf("%x", "c2VjcmV0")) {
			t.Errorf("LG-06: %s prints %s", verb, printed)
		}
	}
}

// FuzzUsers reads what strangers wrote as the export of every system: it ends,
// no refusal and no trouble repeats what stands there, and lines never go back.
func FuzzUsers(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add([]byte("[[[[[[[[")) // deep
	f.Add([]byte("{\"users\":[null,1,\"\",{}]}"))
	f.Fuzz(func(t *testing.T, document []byte) {
		for _, source := range sources() {
			last, ended := 0, false
			for u, err := range importer.Users(bytes.NewReader(document), source, importer.FirebaseParameters{}) {
				var refusal *model.Error
				if ended || err == nil && u.Line < last {
					t.Fatalf("%s: line %d after %d, ended %t", string(source), u.Line, last, ended)
				}
				last = max(last, u.Line)
				ended = err != nil && !errors.As(err, &refusal)
				if refusal != nil && (u.Line == 0 || u.Username+u.Email != "") {
					t.Errorf("%s: a refusal comes with %d %q %q", string(source), u.Line, u.Username, u.Email)
				}
			}
			if most := bytes.Count(document, []byte("\n")) + 1; last > most {
				t.Errorf("%s: line %d of %d", string(source), last, most)
			}
		}
	})
}
