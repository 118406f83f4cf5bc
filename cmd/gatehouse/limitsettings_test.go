package main

import (
	"reflect"
	"testing"
	"time"

	"gatehouse"
)

func TestEveryLimitHasAName(t *testing.T) {
	var limits gatehouse.Limits
	names := map[string]bool{}
	for i, l := range namedLimits(&limits) {
		*l.limit = gatehouse.Limit{Count: i + 1, Within: time.Minute}
		names[l.name] = true
	}
	value := reflect.ValueOf(limits)
	if len(names) != value.NumField() {
		t.Errorf("%d names for %d limits", len(names), value.NumField())
	}
	for i := range value.NumField() {
		if value.Field(i).IsZero() {
			t.Errorf("%s has no name", value.Type().Field(i).Name)
		}
	}
}

func TestLimitsHaveOneSpelling(t *testing.T) {
	for text, want := range map[string]gatehouse.Limit{
		"1/1s": {Count: 1, Within: time.Second}, "20/5m": {Count: 20, Within: 5 * time.Minute},
		"10/1h30m": {Count: 10, Within: 90 * time.Minute}, "1000000000/24h": {Count: gatehouse.MaxLimitCount, Within: gatehouse.MaxLimitWithin},
	} {
		if got, ok := parseLimit(text); !ok || got != want || limitText(got) != text {
			t.Errorf("%s: got %v, %v, and back %s", text, got, ok, limitText(got))
		}
	}
	for _, text := range []string{"", "/", "20", "20/", "/5m", "0/5m", "-1/5m", "+1/5m", "1e3/5m", "20/5", "20/0s", "20/-5m", "20/500ms", "20/1.5s",
		"20/25h", "1000000001/5m", "18446744073709551616/5m", "20 /5m", "20/5m/1"} {
		if got, ok := parseLimit(text); ok {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

// TestTheRulesTakeEveryLimitThatTheSettingTakes holds the two to each other.
func TestTheRulesTakeEveryLimitThatTheSettingTakes(t *testing.T) {
	for _, limit := range []gatehouse.Limit{{Count: 1, Within: time.Second}, {Count: gatehouse.MaxLimitCount, Within: gatehouse.MaxLimitWithin}} {
		if err := rulesTake(t, limit); err != nil {
			t.Errorf("%v: %v", limit, err)
		}
	}
	for _, limit := range []gatehouse.Limit{{Count: gatehouse.MaxLimitCount + 1, Within: time.Second}, {Count: 1, Within: gatehouse.MaxLimitWithin + time.Second}} {
		if err := rulesTake(t, limit); err == nil {
			t.Errorf("%v is more than the setting takes", limit)
		}
	}
}

func rulesTake(t *testing.T, limit gatehouse.Limit) error {
	t.Helper()
	store, err := openStore(t.Context(), database{file: t.TempDir() + "/gatehouse.db"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	_, err = gatehouse.New(t.Context(), store, gatehouse.Config{
		Issuer: "https://id.example.com", Audience: "shop", Limits: gatehouse.Limits{SourceFailures: limit},
	})
	return err
}
