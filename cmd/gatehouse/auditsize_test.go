package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func TestFailuresDoNotFillTheDisk(t *testing.T) {
	t.Parallel()
	r := start(t, nil, "--limits", "failures=100000/24h,network-failures=100000/24h")
	client := r.client(t)
	const sent, asked = 150, 10_000
	fail := func(n int) {
		t.Helper()
		body, err := json.Marshal(map[string]string{"identifier": fmt.Sprint(n, strings.Repeat("ä", 30<<10)), "password": "wrong horse battery staple"})
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Post(r.url+"/v1/login", "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != 401 && answer.StatusCode != 429 {
			t.Fatalf("got %d", answer.StatusCode)
		}
	}
	size := func() int {
		db, err := sql.Open("sqlite", filepath.Join(r.dir, "gatehouse.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		var bytes int
		if err := db.QueryRowContext(t.Context(), `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`).Scan(&bytes); err != nil {
			t.Fatal(err)
		}
		return bytes + len(r.stderr.String())
	}
	fail(0)
	before := size()
	for n := range sent {
		fail(n + 1)
	}
	waitFor(t, "the lines", func() bool { return strings.Count(r.stderr.String(), `"route":"/v1/login"`) == sent+1 })
	grown := size() - before
	t.Run("LG-13_ten_thousand_with_60_KiB_each_take_less_than_20_MiB", func(t *testing.T) {
		if grown <= 0 || grown/sent*asked > 20<<20 {
			t.Errorf("%d failures took %d bytes, so %d take %d KiB", sent, grown, asked, grown/sent*asked>>10)
		}
	})
}
