package web

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// edge is the length of a member, in code points, and the code of the refusal
// it meets; "" where it is accepted.
type edge struct {
	length int
	code   string
}

// edges are what each member of each JSON route meets below, at and above its
// limits.
func edges() map[string]map[string][]edge {
	setPassword := []edge{{0, "password-too-short"}, {14, "password-too-short"}, {15, ""}, {256, ""}, {257, "password-too-long"}}
	typed := func(wrong string) []edge {
		return []edge{{0, "bad-request"}, {1, wrong}, {256, wrong}, {257, "password-too-long"}}
	}
	name := []edge{{0, "username-invalid"}, {1, ""}, {64, ""}, {65, "username-invalid"}}
	return map[string]map[string][]edge{
		"POST /v1/register": {
			"username": name,
			"email":    {{0, "email-invalid"}, {4, "email-invalid"}, {5, ""}, {254, ""}, {255, "email-invalid"}},
			"password": setPassword,
		},
		"POST /v1/login": {
			"identifier": {{0, "bad-request"}, {1, "wrong-credentials"}, {254, "wrong-credentials"}, {255, "wrong-credentials"}},
			"password":   typed("wrong-credentials"),
		},
		"POST /v1/token/refresh": {
			"refresh_token": {{0, "bad-request"}, {1, "invalid-token"}, {maxToken, "invalid-token"}, {maxToken + 1, "bad-request"}},
		},
		"POST /v1/token/revoke": {
			"token":           {{0, "bad-request"}, {1, ""}, {maxToken, ""}, {maxToken + 1, "bad-request"}},
			"token_type_hint": {{0, "bad-request"}, {1, ""}, {64, ""}, {65, "bad-request"}},
		},
		"PATCH /v1/me": {"username": name},
		"POST /v1/password/change": {
			"current_password": typed("wrong-password"),
			"new_password":     setPassword,
		},
		"POST /v1/password/reset": {
			"code": {{0, "bad-request"}, {1, "invalid-or-expired-code"}, {128, "invalid-or-expired-code"}, {129, "bad-request"}},
			"new_password": {{0, "password-too-short"}, {14, "password-too-short"}, {15, "invalid-or-expired-code"},
				{256, "invalid-or-expired-code"}, {257, "password-too-long"}},
		},
		"DELETE /v1/account":       {"password": typed("wrong-password")},
		"POST /v1/password/forgot": {"email": {{0, "email-invalid"}, {1, ""}, {254, ""}, {255, ""}}},
		"POST /v1/email/verify": {
			"code": {{0, "bad-request"}, {1, "invalid-or-expired-code"}, {128, "invalid-or-expired-code"}, {129, "bad-request"}},
		},
		"POST /v1/email/change": {
			"email":    {{0, "email-invalid"}, {4, "email-invalid"}, {5, ""}, {254, ""}, {255, "email-invalid"}},
			"password": typed("wrong-password"),
		},
	}
}

// textOf is a value of that many code points for a member.
func textOf(member string, length, serial int) string {
	switch member {
	case "email":
		return addressOf(length)
	case "username":
		name := fmt.Sprintf("%c%d", 'a'+serial%26, serial)
		if length <= 1 {
			return strings.Repeat(string(rune('a'+serial%26)), length)
		}
		return (name + strings.Repeat("b", length))[:length]
	case "password", "new_password", "current_password":
		return strings.Repeat("aé😀z", length)[:lengthIn("aé😀z", length)]
	}
	return strings.Repeat("x", length)
}

// lengthIn is how many bytes so many code points of a repeated text take.
func lengthIn(text string, runes int) int {
	bytes := 0
	for i, all := 0, []rune(text); i < runes; i++ {
		bytes += len(string(all[i%len(all)]))
	}
	return bytes
}

// addressOf is an address of that length: the local part as long as it may be,
// then labels.
func addressOf(length int) string {
	switch {
	case length == 0:
		return ""
	case length < 5:
		return "a@b.c"[:length]
	case length < 80:
		return "a@b.c" + strings.Repeat("d", length-5)
	}
	local := strings.Repeat("l", 64)
	rest := length - len(local) - 1 - len(".co")
	var labels []string
	for rest > 0 {
		label := min(rest, 60)
		labels = append(labels, strings.Repeat("d", label))
		rest -= label + 1
	}
	address := local + "@" + strings.Join(labels, ".") + ".co"
	return address + strings.Repeat("m", length-len(address))
}

func TestEachMemberHasItsLimits(t *testing.T) {
	s := openEverything(t)
	serial := 0
	for _, row := range s.door.rows() {
		key := row.method + " " + row.path
		if !row.takes.json {
			continue
		}
		for _, m := range row.takes.members {
			all := edges()[key][m.name]
			if len(all) == 0 {
				t.Errorf("AI-01: no edges for %s %s", key, m.name)
			}
			for _, e := range all {
				t.Run(fmt.Sprintf("AI-01_%s_%s_%d", key, m.name, e.length), func(t *testing.T) {
					serial++
					body := map[string]string{m.name: textOf(m.name, e.length, serial)}
					how := []asking{}
					if row.who == bearer {
						user := fmt.Sprintf("user%d", serial)
						s.register(user)
						how = append(how, bearing(s.login(user).access))
					}
					for _, other := range row.takes.members {
						if _, set := body[other.name]; !set && other.required {
							body[other.name] = goodFor(other.name)
						}
					}
					if key == "POST /v1/register" && m.name == "password" {
						body["username"] = fmt.Sprintf("reg%d", serial)
					}
					if key == "POST /v1/register" && m.name != "email" {
						body["email"] = fmt.Sprintf("reg%d@example.com", serial)
					}
					text, err := json.Marshal(body)
					if err != nil {
						t.Fatal(err)
					}
					r := s.json(row.method, row.path, string(text), how...)
					if r.code() != e.code || e.code == "" && r.status >= 300 {
						t.Errorf("got %d %s, want code %q", r.status, r.body, e.code)
					}
				})
			}
			for _, e := range all {
				if e.length == m.max+1 || e.length == m.min-1 {
					all = nil
				}
			}
			if all != nil {
				t.Errorf("AI-01: the limits %d and %d of %s %s are not tried", m.min, m.max, key, m.name)
			}
		}
	}
}

func goodFor(member string) string {
	switch member {
	case "new_password":
		return otherPassword
	case "password", "current_password":
		return goodPassword
	case "email":
		return "zoe@example.com"
	}
	return "x"
}
