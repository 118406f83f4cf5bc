package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fence returns the first fenced block of the README in a language.
func fence(t *testing.T, language string) string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	must(t, err)
	_, rest, found := strings.Cut(string(readme), "\n```"+language+"\n")
	block, _, closed := strings.Cut(rest, "\n```")
	if !found || !closed {
		t.Fatalf("the README has no block in %s", language)
	}
	return block + "\n"
}

// frame is what the README leaves out of its example: the imports and check.
const frame = `package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"gatehouse"
	"gatehouse/model"
	"gatehouse/sqlite"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
`

// doors is a program that puts pages and API into a server of its own.
const doors = `package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"gatehouse"
	"gatehouse/sqlite"
	"gatehouse/web"
)

func main() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "shop")
	check(err)
	defer os.RemoveAll(dir)
	store, err := sqlite.Open(ctx, filepath.Join(dir, "gatehouse.db"))
	check(err)
	defer store.Close()

	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	auth, err := gatehouse.New(ctx, store, gatehouse.Config{Issuer: server.URL, Audience: "shop"})
	check(err)
	server.Config.Handler = web.New(auth, web.Config{})

	client := server.Client()
	answer, err := client.Post(server.URL+"/v1/register", "application/json",
		strings.NewReader(` + "`" + `{"username":"ana","password":"four quiet words here"}` + "`" + `))
	check(err)
	fmt.Println(answer.StatusCode)
	answer, err = client.Get(server.URL + "/login")
	check(err)
	text, err := io.ReadAll(answer.Body)
	check(err)
	fmt.Println(answer.StatusCode, strings.Contains(string(text), "<h1>"))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
`

// module makes a module of its own that finds this checkout by a replace line,
// as docs/decisions/0001-module-path.md says. The versions are those that the
// checkout was tested with.
func module(t *testing.T, program string) string {
	t.Helper()
	checkout, err := filepath.Abs("..")
	must(t, err)
	tested, err := os.ReadFile(filepath.Join(checkout, "go.mod"))
	must(t, err)
	sums, err := os.ReadFile(filepath.Join(checkout, "go.sum"))
	must(t, err)
	mod := regexp.MustCompile(`(?m)^tool .*$|(?s)^tool \(.*?\)`).ReplaceAllString(string(tested), "")
	mod = strings.Replace(mod, "module gatehouse\n", "module example.com/shop\n", 1)
	mod += "\nrequire gatehouse v0.0.0\n\nreplace gatehouse => " + checkout + "\n"
	dir := t.TempDir()
	for name, content := range map[string]string{"go.mod": mod, "go.sum": string(sums), "main.go": program} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	return dir
}

// run runs the program of a module and returns what it printed.
func run(t *testing.T, dir string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "run", "-mod=mod", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	return string(out)
}

func TestTheExampleOfTheReadmeRunsInAModuleOfItsOwn(t *testing.T) {
	t.Parallel()
	example := fence(t, "go")
	if got, want := run(t, module(t, frame+example+"}\n")), "ana true 10m0s [hidden]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPagesAndAPIInAServerOfOnesOwn(t *testing.T) {
	t.Parallel()
	if got, want := run(t, module(t, doors)), "201\n200 true\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
