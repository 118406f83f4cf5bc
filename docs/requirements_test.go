// Package docs_test holds the documentation to the sources, without building
// them.
package docs_test

import (
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write security.md anew from requirements.txt and the names of the tests")

// root is where the sources are, seen from here.
const root = ".."

// requirement is a line of docs/requirements.txt.
type requirement struct {
	key, level, sources, text string
	status                    string // "not applicable: why" or "open: why"; "" where a test must prove it
}

// chapter is a heading of docs/requirements.txt and the rows below it.
type chapter struct {
	title string
	rows  []requirement
}

const foreignRow = "not applicable: "

var (
	wholeKey = regexp.MustCompile(`^[A-Z]{2}-\d{2}$`)
	reasoned = regexp.MustCompile(`^(open|not applicable): .{10,}$`)
)

// requirements reads the chapters, and the lines about ASVS behind them.
func requirements(t *testing.T) (chapters []chapter, asvs []string) {
	t.Helper()
	inASVS := false
	for i, line := range strings.Split(read(t, "requirements.txt"), "\n") {
		title, isTitle := strings.CutPrefix(line, "## ")
		switch {
		case isTitle:
			if inASVS = title == "ASVS"; !inASVS {
				chapters = append(chapters, chapter{title: title})
			}
		case line == "" || strings.HasPrefix(line, "#"):
		case inASVS:
			asvs = append(asvs, line)
		default:
			cells := strings.Split(line, " | ")
			if len(cells) == 4 {
				cells = append(cells, "")
			}
			if len(cells) != 5 || len(chapters) == 0 {
				t.Fatalf("requirements.txt:%d has %d fields", i+1, len(cells))
			}
			last := &chapters[len(chapters)-1]
			last.rows = append(last.rows, requirement{cells[0], cells[1], cells[2], cells[3], cells[4]})
		}
	}
	return chapters, asvs
}

// TestEveryRequirementHasATest holds the list of requirements and the names of
// the tests to each other, in both directions.
func TestEveryRequirementHasATest(t *testing.T) {
	chapters, _ := requirements(t)
	proven, known := proofs(t), map[string]bool{}
	for _, chapter := range chapters {
		for _, row := range chapter.rows {
			if known[row.key] || !wholeKey.MatchString(row.key) {
				t.Errorf("%s is there twice, or is no key", row.key)
			}
			known[row.key] = true
			tests := proven[row.key]
			switch {
			case row.status == "" && len(tests) == 0:
				t.Errorf("no test has %s in its name: %s", row.key, row.text)
			case row.status != "" && len(tests) > 0:
				t.Errorf("%s is said to be %q, and %s in %s has it in its name", row.key, row.status, tests[0].name, tests[0].file)
			case row.status != "" && !reasoned.MatchString(row.status):
				t.Errorf("%s has the status %q", row.key, row.status)
			}
		}
	}
	for key, tests := range proven {
		if !known[key] {
			t.Errorf("%s in %s names %s, which is no requirement", tests[0].name, tests[0].file, key)
		}
	}
	if len(known) != 352 {
		t.Errorf("%d requirements, want 352", len(known))
	}
}

// TestTheTableOfRequirementsIsWhatTheTestsSay compares the page with what
// scripts/requirements writes.
func TestTheTableOfRequirementsIsWhatTheTestsSay(t *testing.T) {
	const page = "security.md"
	chapters, lines := requirements(t)
	head, _, found := strings.Cut(read(t, page), countsHeading)
	if !found {
		t.Fatalf("%s has no heading %q", page, countsHeading)
	}
	want := head + countsHeading + tables(chapters, proofs(t)) + asvsSection(t, chapters, lines)
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, page) != want {
		t.Errorf("%s is not what the tests and docs/requirements.txt say; run scripts/requirements", page)
	}
}

// TestEveryRequirementOfASVSIsDecided walks all requirements of OWASP ASVS 5.0.0:
// a row decides each, or it is said why it cannot apply.
func TestEveryRequirementOfASVSIsDecided(t *testing.T) {
	chapters, lines := requirements(t)
	walk := walkASVS(t, chapters, lines)
	if len(walk.all) != 345 {
		t.Errorf("%d requirements, and ASVS 5.0.0 has 345", len(walk.all))
	}
	for _, id := range slices.Sorted(maps.Keys(walk.all)) {
		whole, _, _ := strings.Cut(id, ".")
		switch {
		case walk.byRow[id] && walk.cannot[id] != "":
			t.Errorf("%s is decided by a row, and is said not to apply", id)
		case !walk.byRow[id] && walk.cannot[id] == "" && walk.cannot[whole] == "":
			t.Errorf("%s is not decided", id)
		}
	}
	for id := range walk.byRow {
		if !walk.all[id] {
			t.Errorf("a row cites %s, which ASVS 5.0.0 does not have", id)
		}
	}
	for id := range walk.cannot {
		if strings.Contains(id, ".") && !walk.all[id] {
			t.Errorf("%s is said not to apply, and ASVS 5.0.0 does not have it", id)
		}
	}
}

// walked is ASVS by id: what there is, what a row cites, and why others cannot
// apply. A whole chapter has an id without dots.
type walked struct {
	all, byRow map[string]bool
	proved     map[string]bool // by a row with tests
	cannot     map[string]string
	order      []string // the lines of cannot, as they stand
}

func walkASVS(t *testing.T, chapters []chapter, lines []string) walked {
	t.Helper()
	w := walked{all: map[string]bool{}, byRow: map[string]bool{}, proved: map[string]bool{}, cannot: map[string]string{}}
	for _, line := range lines {
		if sections, ok := strings.CutPrefix(line, "sections "); ok {
			for entry := range strings.FieldsSeq(sections) {
				section, count, _ := strings.Cut(entry, ":")
				n, err := strconv.Atoi(count)
				if err != nil {
					t.Fatalf("requirements.txt: %q", entry)
				}
				for i := range n {
					w.all[section+"."+strconv.Itoa(i+1)] = true
				}
			}
			continue
		}
		ids, why, _ := strings.Cut(line, " | ")
		w.order = append(w.order, line)
		for id := range strings.FieldsSeq(ids) {
			w.cannot[id] = why
		}
	}
	for _, chapter := range chapters {
		for _, row := range chapter.rows {
			for _, id := range found(row.sources, `(V\d+\.\d+\.\d+)`) {
				w.byRow[id] = true
				w.proved[id] = w.proved[id] || row.status == ""
			}
		}
	}
	return w
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
