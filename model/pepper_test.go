package model_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"gatehouse/model"
)

const (
	oneKey     = "3q2XyGv9oRk1n7bTzWcE5uHf8JmLsQpA0iDgUeVxYwM"
	anotherKey = "Zt4Bn8Kq6LrXo1Ys5Pc9Vd3Hf7Gj2Wm0Ea_Ui-NxQTk"
)

func TestPeppersAreReadFromLines(t *testing.T) {
	for name, text := range map[string]string{
		"a_line_end": "k2:" + oneKey + "\nk1:" + anotherKey + "\n", "none": "k2:" + oneKey + "\nk1:" + anotherKey,
		"of_Windows": "k2:" + oneKey + "\r\nk1:" + anotherKey + "\r\n",
	} {
		t.Run("PW-18_"+name, func(t *testing.T) {
			peppers, err := model.ParsePeppers(text)
			if err != nil || len(peppers) != 2 || peppers[0].ID != "k2" || peppers[1].ID != "k1" || peppers[0].Key == peppers[1].Key {
				t.Errorf("%v, %v", peppers, err)
			}
		})
	}
}

func TestPeppersThatAreNoneAreRefused(t *testing.T) {
	many := ""
	for i := range model.MaxPeppers + 1 {
		many += fmt.Sprintf("k%d:%s\n", i, oneKey)
	}
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":         {"", "line 1: a pepper is"},
		"an_empty_line":   {"k1:" + oneKey + "\n\nk2:" + anotherKey, "line 2: a pepper is"},
		"no_id":           {":" + oneKey, "the id of a pepper"},
		"no_colon":        {oneKey, "line 1: a pepper is"},
		"an_id_in_upper":  {"K1:" + oneKey, "the id of a pepper"},
		"a_dollar":        {"k$1:" + oneKey, "the id of a pepper"},
		"17_octets_of_id": {strings.Repeat("k", 17) + ":" + oneKey, "the id of a pepper"},
		"a_short_key":     {"k1:" + oneKey[1:], "line 1: a pepper is"},
		"a_long_key":      {"k1:" + oneKey + "A", "line 1: a pepper is"},
		"padding":         {"k1:" + oneKey + "=", "line 1: a pepper is"},
		"a_space":         {"k1: " + oneKey, "line 1: a pepper is"},
		"KY-02_zeros":     {"k1:" + strings.Repeat("A", 43), "the key of pepper k1 is not random"},
		"one_id_twice":    {"k1:" + oneKey + "\nk1:" + anotherKey, "pepper k1 is there twice"},
		"one_key_twice":   {"k1:" + oneKey + "\nk2:" + oneKey, "pepper k2 is there twice"},
		"17":              {many, "more than 16 lines"},
	} {
		t.Run("PW-18_"+name, func(t *testing.T) {
			_, err := model.ParsePeppers(tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), oneKey[1:]) {
				t.Errorf("got %v, want %q and no key", err, tt.want)
			}
		})
	}
}

func TestPepperKeysDoNotPrintThemselves(t *testing.T) {
	peppers, err := model.ParsePeppers("k1:" + oneKey)
	if err != nil {
		t.Fatal(err)
	}
	key := peppers[0].Key
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, value := range []any{key, &key, peppers[0], peppers} {
			printed := fmt.Sprintf(verb, value)
			if strings.Contains(printed, fmt.Sprintf("%x", key[:4])) || strings.Contains(printed, string(key[:4])) || strings.Contains(printed, fmt.Sprint(key[0], " ", key[1])) {
				t.Errorf("LG-06: %s of %T prints the key", verb, value)
			}
		}
	}
	if text, err := key.MarshalText(); err != nil || bytes.Contains(text, key[:4]) {
		t.Errorf("LG-06: encoded as %q, %v", text, err)
	}
}
