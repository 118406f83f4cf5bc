package gatehouse_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse"
	"gatehouse/model"
)

// fieldsOf imports, wants a refusal, and returns what it is about.
func fieldsOf(h *house, t testing.TB, in gatehouse.Import) string {
	t.Helper()
	added, err := h.ImportAccount(t.Context(), in)
	var refusal *model.Error
	if !errors.As(err, &refusal) || added {
		return fmt.Sprintf("added %t, error %v", added, err)
	}
	var fields []string
	for _, f := range refusal.Fields {
		fields = append(fields, f.Field+":"+f.Code)
		if f.Detail == "" {
			t.Errorf("%s does not say how to mend it", f.Field)
		}
		for _, secret := range []string{string(in.PasswordHash), "MDEyMzQ1Njc4OWFiY2RlZg", "hunter2"} {
			if secret != "" && (strings.Contains(f.Detail, secret) || strings.Contains(err.Error(), secret)) {
				t.Errorf("LG-06: the refusal repeats a hash: %v %s", err, f.Detail)
			}
		}
	}
	return strings.Join(fields, " ")
}

func TestImportRefuses(t *testing.T) {
	h := newHouse(t)
	user := h.register(t, "gone")
	gone := importOf(h.accounts(t)[0])
	if err := h.EraseUser(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
	h.register(t, "paypal")
	before := h.accounts(t)
	for _, tt := range []struct {
		name, want string
		change     func(*gatehouse.Import)
	}{
		{"AI-22_a_taken_username", "username:username-taken", func(in *gatehouse.Import) { in.Username = "PayPal" }},
		{"AI-22_a_look-alike", "username:username-taken", func(in *gatehouse.Import) { in.Username = "paypa1" }},
		{"AI-22_a_reserved_username", "username:username-reserved", func(in *gatehouse.Import) { in.Username = "Admin" }},
		{"AI-22_a_username_that_is_an_id", "username:username-reserved", func(in *gatehouse.Import) { in.Username = in.ID }},
		{"AI-22_a_username_turned_around", "username:username-invalid", func(in *gatehouse.Import) { in.Username = "a\u202eb" }},
		{"AI-22_two_scripts", "username:username-invalid", func(in *gatehouse.Import) { in.Username = "аbc" }},
		{"AI-22_an_email_as_username", "username:username-invalid", func(in *gatehouse.Import) { in.Username = "a@b.example" }},
		{"AI-23_a_taken_email", "email:email-taken", func(in *gatehouse.Import) { in.Email = "PAYPAL@example.com" }},
		{"AI-23_two_at_signs", "email:email-invalid", func(in *gatehouse.Import) { in.Email = "a@b@example.com" }},
		{"no_name", "username:username-invalid", func(in *gatehouse.Import) { in.Username = "" }},
		{"no_id", "id:bad-request", func(in *gatehouse.Import) { in.ID = "" }},
		{"the_zero_id", "id:bad-request", func(in *gatehouse.Import) { in.ID = model.UserID{}.String() }},
		{"an_id_in_capitals", "id:bad-request", func(in *gatehouse.Import) { in.ID = "AAAAAAAA-0000-4000-8000-000000000000" }},
		{"a_role_of_two_words", "roles:bad-request", func(in *gatehouse.Import) { in.Roles = []string{"good", "two words", "fine"} }},
		{"no_time", "created_at:bad-request updated_at:bad-request", func(in *gatehouse.Import) {
			in.CreatedAt, in.UpdatedAt = time.Time{}, time.Time{}
		}},
		{"times_that_no_export_can_hold", "disabled_at:bad-request created_at:bad-request", func(in *gatehouse.Import) {
			in.DisabledAt, in.CreatedAt = time.Unix(-1, 0), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
		}},
		{"verified_without_email", "email_verified_at:bad-request", func(in *gatehouse.Import) { in.EmailVerifiedAt = in.CreatedAt }},
		{"everything_at_once", "id:bad-request username:username-invalid email:email-invalid roles:bad-request password_hash:bad-request",
			func(in *gatehouse.Import) {
				in.ID, in.Username, in.Email, in.Roles, in.PasswordHash = "x", "a b", "x", []string{""}, "hunter2"
			}},
		{"RV-22_who_was_deleted_here", "id:bad-request", func(in *gatehouse.Import) { *in = gone }},
		{"RV-22_the_id_of_who_was_deleted_here", "id:bad-request", func(in *gatehouse.Import) { in.ID = gone.ID }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := newcomer("newcomer")
			tt.change(&in)
			if got := fieldsOf(h, t, in); got != tt.want {
				t.Errorf("refused for %q, want %q", got, tt.want)
			}
			if id, err := model.ParseID[model.User](in.ID); err == nil {
				events, err := h.store.EventsOf(t.Context(), id, 100)
				if err != nil || slices.ContainsFunc(events, func(e model.Event) bool { return e.Name == model.EventUserImported }) {
					t.Errorf("AI-28: an event was kept: %v %v", events, err)
				}
			}
		})
	}
	if diff := cmp.Diff(before, h.accounts(t)); diff != "" {
		t.Errorf("AI-28: something was kept:\n%s", diff)
	}
	h.mustImport(t, newcomer("newcomer"), true)
}

func TestImportRefusesHashesThatAreNotToBeComputed(t *testing.T) {
	h := newHouse(t)
	const salt, tag = "MDEyMzQ1Njc4OWFiY2RlZg", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
	for name, hash := range map[string]string{
		"8_GiB":            "$argon2id$v=19$m=8388608,t=3,p=1$" + salt + "$" + tag,
		"a_KiB_too_much":   "$argon2id$v=19$m=262145,t=3,p=1$" + salt + "$" + tag,
		"1000_passes":      "$argon2id$v=19$m=65536,t=1000,p=1$" + salt + "$" + tag,
		"255_lanes":        "$argon2id$v=19$m=65536,t=3,p=255$" + salt + "$" + tag,
		"no_salt":          "$argon2id$v=19$m=65536,t=3,p=1$$" + tag,
		"a_tag_of_4_bytes": "$argon2id$v=19$m=65536,t=3,p=1$" + salt + "$MDEyMw",
		"argon2d":          "$argon2d$v=19$m=65536,t=3,p=1$" + salt + "$" + tag,
		"argon2i_8_GiB":    "$argon2i$v=19$m=8388608,t=3,p=1$" + salt + "$" + tag,
		"version_16":       "$argon2id$v=16$m=65536,t=3,p=1$" + salt + "$" + tag,
		"bad_base64":       "$argon2id$v=19$m=65536,t=3,p=1$" + salt + "$" + strings.Repeat("?", 43),
		"bcrypt_31":        "$2b$31$hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunt",
		"bcrypt_cut":       "$2b$12$hunter2hunter2hunter2hunter2hunter2hunter2hunter2hun",
		"scrypt_256_GiB":   "$scrypt$ln=31,r=8,p=1$" + salt + "$" + tag,
		"pbkdf2_billion":   "$pbkdf2-sha256$i=1000000000,l=32$" + salt + "$" + tag,
		"sha_billion":      "$6$rounds=999999999$saltsalt$" + strings.Repeat(".", 86),
		"unsalted":         "5f4dcc3b5aa765d61d8327deb882cf99",
		"wrapped_nothing":  "$wrapped$$argon2id$v=19$m=65536,t=3,p=1$" + salt + "$" + tag,
		"pepper_unknown":   "$pepper$k1$argon2id$v=19$m=65536,t=3,p=1$" + salt + "$" + tag,
		"a_bare_password":  "hunter2",
		"a_line_end":       "$argon2id$v=19$m=65536,t=3,p=1$" + salt + "$" + tag + "\n",
		"a_mebibyte":       "$argon2id$v=19$m=65536,t=3,p=1$" + salt + "$" + strings.Repeat("A", 1<<20),
	} {
		t.Run("PW-19_"+name, func(t *testing.T) {
			in := newcomer("newcomer")
			in.PasswordHash = model.PasswordHash(hash)
			var start, end runtime.MemStats
			runtime.ReadMemStats(&start)
			got := fieldsOf(h, t, in)
			runtime.ReadMemStats(&end)
			if got != "password_hash:bad-request" {
				t.Errorf("refused for %q", got)
			}
			if grown := end.TotalAlloc - start.TotalAlloc; grown > 4<<20 {
				t.Errorf("%d bytes were allocated for it", grown)
			}
		})
	}
	if left := h.accounts(t); len(left) != 0 {
		t.Errorf("%d users were kept", len(left))
	}
	dear := newcomer("dear")
	dear.PasswordHash = "$argon2id$v=19$m=262144,t=10,p=16$" + salt + "$" + tag
	h.mustImport(t, dear, true)
}
