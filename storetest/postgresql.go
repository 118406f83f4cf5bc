package storetest

import (
	"os"
	"testing"
)

// PostgreSQL returns the DSN of the throw-away server that scripts/postgres starts,
// of its superuser. Without one it skips the test, or fails it where
// GATEHOUSE_REQUIRE_POSTGRES is set.
func PostgreSQL(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv("GATEHOUSE_TEST_POSTGRES")
	if dsn == "" && os.Getenv("GATEHOUSE_REQUIRE_POSTGRES") != "" {
		t.Fatal("GATEHOUSE_TEST_POSTGRES is not set; run scripts/postgres go test ./...")
	}
	if dsn == "" {
		t.Skip("no PostgreSQL: run scripts/postgres go test ./...")
	}
	return dsn
}
