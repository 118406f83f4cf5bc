package gatehouse

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"gatehouse/argon2id"
	"gatehouse/model"
)

const (
	testSalt, testTag = "MDEyMzQ1Njc4OWFiY2RlZg", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
	testArgon2id      = "$argon2id$v=19$m=12288,t=3,p=1$" + testSalt + "$" + testTag
	// $2b$04$ with a salt and no digest.
	testCheapRecipe = "JGFyZ29uMmlkJHY9MTkkbT04LHQ9MSxwPTEkTURFeU16UTFOamM0T1dGaVkyUmxaZyRBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"
	testRecipe      = "JDJiJDA0JENDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQy4uLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4u"
)

func testHashes(t testing.TB, peppers ...model.Pepper) *passwordHashes {
	t.Helper()
	engine, err := argon2id.NewEngine(argon2id.Config{Params: argon2id.Params{MemoryKiB: 12 * 1024, Passes: 3, Lanes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return &passwordHashes{engine: engine, peppers: func() []model.Pepper { return peppers }}
}

func testPepper(id string) model.Pepper {
	p := model.Pepper{ID: id}
	for i := range p.Key {
		p.Key[i] = id[i%len(id)] + byte(7*i)
	}
	return p
}

// storedForms are texts that are read, and rejectedForms some that are not.
var (
	storedForms = map[string]string{
		"ours":             testArgon2id,
		"peppered":         "$pepper$k1" + testArgon2id,
		"wrapped":          "$wrapped$" + testRecipe + testArgon2id,
		"peppered_wrapped": "$pepper$k1$wrapped$" + testRecipe + testArgon2id,
		"bcrypt":           "$2b$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"md5-crypt":        "$1$abcdefgh$4/U5.w6NPtLkJ2WyrTwm91",
		// $argon2id$v=19$m=8,t=1,p=1$ with a salt and no digest.
		"wrapped_Argon2id": "$wrapped$" + testCheapRecipe + testArgon2id,
	}
	rejectedForms = map[string]string{
		"empty":                      "",
		"a_bare_password":            "hunter2",
		"m_of_8_GiB":                 "$argon2id$v=19$m=8388608,t=3,p=1$" + testSalt + "$" + testTag,
		"m_of_8_GiB_under_a_pepper":  "$pepper$k1$argon2id$v=19$m=8388608,t=3,p=1$" + testSalt + "$" + testTag,
		"m_of_8_GiB_wrapped":         "$wrapped$" + testRecipe + "$argon2id$v=19$m=8388608,t=3,p=1$" + testSalt + "$" + testTag,
		"1000_passes_of_Django":      "argon2$argon2id$v=19$m=65536,t=1000,p=1$" + testSalt + "$" + testTag,
		"bcrypt_of_cost_31":          "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"bcrypt_of_cost_31_wrapped":  "$wrapped$JDJiJDMxJENDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQy4uLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4uLi4u" + testArgon2id,
		"wrapped_with_a_digest":      "$wrapped$JDEkYWJjZGVmZ2gkNC9VNS53Nk5QdExrSjJXeXJUd205MQ" + testArgon2id,
		"wrapped_without_parameters": "$wrapped$" + testArgon2id,
		"wrapped_base64_of_another":  "$wrapped$" + testRecipe + "==" + testArgon2id,
		"wrapped_with_a_line_end":    "$wrapped$" + testRecipe + "\n" + testArgon2id,
		"wrapped_twice":              "$wrapped$" + testRecipe + "$wrapped$" + testRecipe + testArgon2id,
		"wrapped_alone":              "$wrapped$" + testRecipe,
		"wrapped_around_bcrypt":      "$wrapped$" + testRecipe + "$2b$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"wrapped_Django":             "$wrapped$" + testRecipe + "argon2" + testArgon2id,
		"pepper_without_an_id":       "$pepper$" + testArgon2id,
		"pepper_alone":               "$pepper$k1",
		"pepper_twice":               "$pepper$k1$pepper$k1" + testArgon2id,
		"pepper_inside":              "$wrapped$" + testRecipe + "$pepper$k1" + testArgon2id,
		"pepper_over_bcrypt":         "$pepper$k1$2b$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"a_mebibyte":                 "$wrapped$" + strings.Repeat("A", 1<<20) + testArgon2id,
	}
)

func TestStoredFormsAreReadAsTheyAreWritten(t *testing.T) {
	for name, text := range storedForms {
		t.Run(name, func(t *testing.T) {
			if s, err := parseStored(text); err != nil || string(s.text()) != text {
				t.Errorf("read as %q, %v", string(s.text()), err)
			}
		})
	}
	s, err := parseStored("argon2" + testArgon2id)
	if err != nil {
		t.Fatalf("Argon2id of Django: %v", err)
	}
	if got := string(s.text()); got != testArgon2id {
		t.Errorf("Argon2id of Django is kept as %q", got)
	}
}

func TestPoisonedFormsAreNotBegun(t *testing.T) {
	p := testHashes(t, testPepper("k1"))
	for name, text := range rejectedForms {
		t.Run("PW-19_"+name, func(t *testing.T) {
			var start, end runtime.MemStats
			before := p.engine.Evaluations()
			runtime.ReadMemStats(&start)
			_, err := p.verify(t.Context(), []byte("correct horse"), model.PasswordHash(text))
			runtime.ReadMemStats(&end)
			if !errors.Is(err, errHashRejected) {
				t.Fatalf("got %v", err)
			}
			if grown := end.TotalAlloc - start.TotalAlloc; grown > 4<<20 || p.engine.Evaluations() != before {
				t.Errorf("%d bytes were allocated for it, %d hashes computed", grown, p.engine.Evaluations()-before)
			}
		})
	}
}

func TestAWrongPasswordCostsAtLeastWhatAMissingUserCosts(t *testing.T) {
	p := testHashes(t, testPepper("k1"))
	cost := func(f func() error) uint64 {
		before := p.engine.Evaluations()
		if err := f(); err != nil {
			t.Fatal(err)
		}
		return p.engine.Evaluations() - before
	}
	missing := cost(func() error { return p.verifyAbsent(t.Context(), []byte("wrong")) })
	for name, text := range storedForms {
		t.Run("EN-13_"+name, func(t *testing.T) {
			wrong := cost(func() error {
				v, err := p.verify(t.Context(), []byte("wrong"), model.PasswordHash(text))
				if v.match || v.outdated {
					t.Error("it matches")
				}
				return err
			})
			if wrong != missing || missing != 1 {
				t.Errorf("%d hashes of ours for a wrong password, %d for a missing user", wrong, missing)
			}
		})
	}
}

func TestAMissingPepperCostsWhatAMissingUserCosts(t *testing.T) {
	p := testHashes(t)
	for _, name := range []string{"peppered", "peppered_wrapped"} {
		t.Run("EN-13_"+name, func(t *testing.T) {
			before := p.engine.Evaluations()
			_, err := p.verify(t.Context(), []byte("wrong"), model.PasswordHash(storedForms[name]))
			if did := p.engine.Evaluations() - before; !errors.Is(err, errPepperMissing) || did != 1 {
				t.Errorf("%d hashes, %v", did, err)
			}
		})
	}
}

func TestTheEmptyPasswordMatchesNothing(t *testing.T) {
	const ofNothing = "$1$abcdefgh$M55TzYaaccxVGbptZWaxX/" // openssl passwd -1 -salt abcdefgh ''
	p := testHashes(t, testPepper("k1"))
	foreign, err := parseStored(ofNothing)
	if err != nil || !bytes.Equal(foreign.foreign.Derive(nil), foreign.foreign.Digest()) {
		t.Fatalf("not the hash of nothing: %v", err)
	}
	wrapped, err := p.wrap(t.Context(), ofNothing)
	if err != nil {
		t.Fatal(err)
	}
	peppered, err := p.around(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]model.PasswordHash{
		"PW-27_md5-crypt": ofNothing, "PW-27_wrapped": wrapped, "PW-27_peppered": peppered,
	} {
		t.Run(name, func(t *testing.T) {
			if v, err := p.verify(t.Context(), nil, text); err != nil || v.match {
				t.Errorf("%+v, %v", v, err)
			}
		})
	}
}

func TestPepperKeepsPurposesApart(t *testing.T) {
	p := testHashes(t, testPepper("k1"), testPepper("k2"))
	wrapped, err := parseStored(storedForms["peppered_wrapped"])
	if err != nil {
		t.Fatal(err)
	}
	t.Run("PW-18_passwords_and_digests_and_keys", func(t *testing.T) {
		inputs := map[string]bool{}
		for _, s := range []storedHash{{}, {pepper: "k1"}, {pepper: "k2"}, wrapped} {
			input, err := p.input(s, []byte("secret"))
			if err != nil || bytes.Equal(input, []byte("secret")) != (s.pepper == "") {
				t.Errorf("%q: %q, %v", s.pepper, input, err)
			}
			inputs[string(input)] = true
		}
		if len(inputs) != 4 {
			t.Errorf("%d inputs, want 4 that differ", len(inputs))
		}
	})
}

func FuzzParseStored(f *testing.F) {
	for _, forms := range []map[string]string{storedForms, rejectedForms} {
		for _, text := range forms {
			if len(text) <= maxStoredHash {
				f.Add(text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseStored(text)
		if err != nil {
			if !errors.Is(err, errHashRejected) {
				t.Fatalf("trouble: %v", err)
			}
			return
		}
		again, err := parseStored(string(s.text()))
		if err != nil || again.text() != s.text() || again.pepper != s.pepper || again.phc != s.phc || (again.foreign == nil) != (s.foreign == nil) {
			t.Fatalf("%q is kept as %q, which is read as %q, %v", text, string(s.text()), string(again.text()), err)
		}
		if ours := strings.HasPrefix(text, argon2idPrefix) || strings.HasPrefix(text, wrappedPrefix) || strings.HasPrefix(text, pepperPrefix); ours && string(s.text()) != text {
			t.Fatalf("%q has another spelling, %q", text, string(s.text()))
		}
	})
}
