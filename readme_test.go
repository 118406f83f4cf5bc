package gatehouse_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse"
	"gatehouse/model"
)

// The tests of this file hold the documentation to the code.

func TestReadmeShowsTheExampleThatRuns(t *testing.T) {
	_, body, _ := strings.Cut(read(t, "example_test.go"), "func Example() {\n")
	body, _, _ = strings.Cut(body, "\t// Output:")
	shown := between(t, read(t, "README.md"), "```go\n", "```")
	if want := strings.TrimPrefix(strings.ReplaceAll("\n"+body, "\n\t", "\n"), "\n"); want == "" || shown != want {
		t.Errorf("README.md shows another example than example_test.go:\n%s", cmp.Diff(want, shown))
	}
}

func TestReadmeListsEverySettingOfTheCommand(t *testing.T) {
	source := read(t, "cmd/gatehouse/settings.go")
	flags := found(between(t, source, "func settingNames() []string {", "\n}"), `"([a-z-]+)"`)
	var want []string
	for _, name := range append([]string{"config"}, flags...) {
		variable := "GATEHOUSE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		want = append(want, "| `--"+name+"` | `"+variable+"` |")
	}
	same(t, "settings", found(section(t, "README.md", "## Settings"), "(?m)^(\\| `--[a-z-]+` \\| `[A-Z_]+` \\|)"), want)
}

func TestOperateListsEveryEvent(t *testing.T) {
	want := found(read(t, "model/event.go"), `EventName = "([a-z_]+)"`)
	same(t, "events", firstCells(section(t, "docs/guides/operate.md", "## Events")), want)
}

func TestHTTPGuideListsEveryRefusal(t *testing.T) {
	var want []string
	for _, refusal := range model.Refusals() {
		want = append(want, refusal.Code)
	}
	same(t, "codes", firstCells(section(t, "docs/guides/http-api.md", "## Refusals")), want)
}

func TestHTTPGuideHasASectionForEveryJSONRoute(t *testing.T) {
	var want []string
	for _, row := range regexp.MustCompile(`\{"([A-Z]+)", "(/[^"]*)", (\w+)`).FindAllStringSubmatch(read(t, "web/routes.go"), -1) {
		if row[3] != "visitor" && row[3] != "insider" && !strings.HasPrefix(row[2], "/static/") {
			want = append(want, row[1]+" "+row[2])
		}
	}
	headings := strings.Join(found(read(t, "docs/guides/http-api.md"), `(?m)^### (.+)$`), ", ")
	same(t, "routes", strings.Split(headings, ", "), want)
}

func TestLibraryGuideListsEveryVerb(t *testing.T) {
	printing := []string{"Format", "GoString", "LogValue"}
	var want []string
	for verb := range reflect.TypeFor[*gatehouse.Auth]().Methods() {
		if !slices.Contains(printing, verb.Name) {
			want = append(want, verb.Name)
		}
	}
	rows := strings.Join(found(section(t, "docs/guides/library.md", "## The verbs"), "(?m)^\\| (`[^|]+) \\|"), "\n")
	same(t, "verbs", found(rows, "`(\\w+)`"), want)
}

func TestLibraryGuideListsEveryField(t *testing.T) {
	var want []string
	for field := range reflect.TypeFor[gatehouse.Config]().Fields() {
		if field.Name != "Issuer" && field.Name != "Audience" { // these are in the example above the table
			want = append(want, field.Name)
		}
	}
	same(t, "fields", firstCells(section(t, "docs/guides/library.md", "## Open")), want)
}

func TestReadmeNamesTheFileOfEveryRule(t *testing.T) {
	house := section(t, "README.md", "## The house")
	for _, asked := range found(section(t, "README.md", "## What was asked for, and where it is"), "(?m)^\\|[^|]+\\|([^|]+)\\|") {
		for _, verb := range found(asked, "`([A-Z][A-Za-z]+)`") {
			for _, file := range sources(t) {
				if !strings.Contains(file, "/") && strings.Contains(read(t, file), ") "+verb+"(ctx ") && !strings.Contains(house, "`"+file+"`") {
					t.Errorf("README.md does not say that %s is in %s", verb, file)
				}
			}
		}
	}
}

func TestGuidesBeginWithTheirContents(t *testing.T) {
	for _, page := range []string{"docs/guides/operate.md", "docs/guides/import.md"} {
		text := read(t, page)
		contents, _, _ := strings.Cut(text, "\n## ")
		for _, heading := range found(text, `(?m)^## (.+)$`) {
			anchor := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading), "")
			if link := "](#" + strings.ReplaceAll(anchor, " ", "-") + ")"; !strings.Contains(contents, link) {
				t.Errorf("%s does not lead to %q in its first lines", page, heading)
			}
		}
	}
}

func TestReadmeShowsEveryPackageOnItsFloor(t *testing.T) {
	var want []string
	for pkg := range floors {
		inside := path.Dir(pkg) // what lies in the folder of another package is a part of it
		if _, ok := floors[inside]; !ok || inside == "." {
			want = append(want, strings.ReplaceAll(pkg, ".", "gatehouse"))
		}
	}
	var got []string
	for _, packages := range found(section(t, "README.md", "## The house"), "(?m)^\\| \\w+ \\| (`[^|]+) \\|") {
		got = append(got, found(packages, "`([^`]+)`")...)
	}
	slices.Sort(got)
	same(t, "packages", slices.Compact(got), want) // verify stands on jwt, which has a floor of its own
}

func TestSourcesSayWhyAndNotWhichRow(t *testing.T) {
	for _, file := range sources(t) {
		for _, comment := range found(read(t, file), `//[ \t]*(.*)`) {
			for _, row := range found(comment, `(\b[A-Z]{1,2}-\d{2}\b|security\.md)`) {
				t.Errorf("%s cites %s: rows belong into the names of tests, and reasons into comments", file, row)
			}
		}
	}
}

func TestEveryDependencyHasItsReason(t *testing.T) {
	reasons := read(t, "docs/decisions/0004-dependencies.md")
	modules := found(read(t, "go.mod"), `(?m)^\t(\S+) v`)
	for _, file := range files(t, ".go") {
		for _, imported := range importsOf(t, file) {
			i := slices.IndexFunc(modules, func(m string) bool { return strings.HasPrefix(imported+"/", m+"/") })
			if i >= 0 && !strings.Contains(reasons, strings.TrimPrefix(modules[i], "github.com/chromedp/")) {
				t.Errorf("%s imports %s, and docs/decisions/0004-dependencies.md does not say why", file, modules[i])
			}
		}
	}
}

func TestStandardsAreTheOnesThatTheSourcesCite(t *testing.T) {
	cited := map[string][]string{} // RFC, then the files whose comments cite it
	for _, file := range sources(t) {
		comments := strings.Join(found(read(t, file), `//[ \t]*(.*)`), " ") // a citation may go on in the next line
		for _, rfc := range found(comments, `RFC (\d+(?:bis)?)`) {
			cited[rfc] = append(cited[rfc], filepath.ToSlash(file))
		}
	}
	listed := map[string]bool{}
	for _, row := range found(read(t, "docs/standards.md"), `(?m)^(\| RFC .*)$`) {
		name, _, _ := strings.Cut(row[2:], " |")
		for _, rfc := range found(name, `RFC (\d+(?:bis)?)`) {
			listed[rfc] = true
			for _, file := range found(row, `\]\(\.\./([^)]+\.go)\)`) {
				if !slices.Contains(cited[rfc], file) {
					t.Errorf("docs/standards.md says that %s obeys RFC %s, and no comment there cites it", file, rfc)
				}
			}
		}
	}
	for rfc, files := range cited {
		if !listed[rfc] {
			t.Errorf("RFC %s is cited in %v and has no row in docs/standards.md", rfc, files)
		}
	}
}

func TestEveryRelativeLinkLeadsSomewhere(t *testing.T) {
	headings := map[string][]string{} // of a page, once it was read
	for _, page := range files(t, ".md") {
		for _, link := range found(read(t, page), `(?:\]\(|src=")([^)"]+)[)"]`) {
			if strings.HasPrefix(link, "https://") {
				continue
			}
			path, anchor, _ := strings.Cut(link, "#")
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", page, link)
				continue
			}
			if anchor != "" && headings[target] == nil {
				headings[target] = anchors(t, target)
			}
			if anchor != "" && !slices.Contains(headings[target], anchor) {
				t.Errorf("%s links to %s, which has no heading #%s", page, target, anchor)
			}
		}
	}
}

func TestPagesSayWhatIsAndNotHowItCameAbout(t *testing.T) {
	for _, page := range files(t, ".md") {
		text := strings.NewReplacer("User-Agent", "", "user_agent", "").Replace(read(t, page))
		for _, word := range found(text, `(?i)\b(agents?|AI-generated|session of work|todo|fixme|tbd|for now|coming soon)\b`) {
			t.Errorf("%s says %q", page, word)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// found returns the first group of every match.
func found(text, pattern string) (groups []string) {
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		groups = append(groups, match[1])
	}
	return groups
}

func between(t *testing.T, text, start, end string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, start)
	inside, _, ends := strings.Cut(rest, end)
	if !ok || !ends {
		t.Fatalf("nothing between %q and %q", start, end)
	}
	return inside
}

func section(t *testing.T, page, heading string) string {
	t.Helper()
	return between(t, read(t, page)+"\n## ", "\n"+heading+"\n", "\n## ")
}

// firstCells returns the code in the first column of every row.
func firstCells(text string) []string { return found(text, "(?m)^\\| `([^`]+)` \\|") }

// files returns what is ours and ends like this, relative to the root.
func files(t *testing.T, suffix string) (names []string) {
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && slices.Contains([]string{".git", "node_modules", "testdata"}, entry.Name()) {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, suffix) {
			names = append(names, name)
		}
		return err
	})
	if err != nil || len(names) == 0 {
		t.Fatalf("no files %s: %v", suffix, err)
	}
	return names
}

func anchors(t *testing.T, page string) (names []string) {
	t.Helper()
	left := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for _, heading := range found(read(t, page), `(?m)^#+ (.+)$`) {
		plain := left.ReplaceAllString(strings.ToLower(heading), "")
		names = append(names, strings.ReplaceAll(plain, " ", "-"))
	}
	return names
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("the page and the code list different %s (-code +page):\n%s", what, diff)
	}
}
