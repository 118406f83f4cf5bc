package docs_test

import (
	"fmt"
	"strings"
	"testing"
)

// countsHeading is where the written part of docs/security.md ends and the
// generated one begins.
const countsHeading = "## Counts\n"

// tally counts rows by what is known of them.
type tally struct{ rows, proven, foreign, open int }

func (c chapter) tally() (n tally) {
	for _, row := range c.rows {
		n.rows++
		switch {
		case row.status == "":
			n.proven++
		case strings.HasPrefix(row.status, foreignRow):
			n.foreign++
		default:
			n.open++
		}
	}
	return n
}

// tables is the generated part of the page: counts, then every chapter.
func tables(chapters []chapter, proven map[string][]proof) string {
	var b strings.Builder
	b.WriteString("\n| chapter | rows | proved | not applicable | open |\n|---|---:|---:|---:|---:|\n")
	var sum tally
	for _, chapter := range chapters {
		n := chapter.tally()
		fmt.Fprintf(&b, "| [%s](#%s) | %d | %d | %d | %d |\n", chapter.title, anchor(chapter.title), n.rows, n.proven, n.foreign, n.open)
		sum = tally{sum.rows + n.rows, sum.proven + n.proven, sum.foreign + n.foreign, sum.open + n.open}
	}
	fmt.Fprintf(&b, "| **all** | **%d** | **%d** | **%d** | **%d** |\n", sum.rows, sum.proven, sum.foreign, sum.open)
	for _, chapter := range chapters {
		fmt.Fprintf(&b, "\n## %s\n\n| key | level | from | what holds | proved by |\n|---|---|---|---|---|\n", chapter.title)
		for _, row := range chapter.rows {
			by := row.status
			if by == "" {
				by = links(proven[row.key])
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", row.key, row.level, row.sources, row.text, by)
		}
	}
	return b.String()
}

// links names each test once and leads to its file.
func links(tests []proof) string {
	var each []string
	for _, test := range tests {
		each = append(each, fmt.Sprintf("[%s](../%s)", test.name, test.file))
	}
	return strings.Join(each, ", ")
}

func anchor(title string) string {
	return strings.NewReplacer(" ", "-", ".", "").Replace(strings.ToLower(title))
}

// asvsSection says what becomes of each requirement of ASVS 5.0.0.
func asvsSection(t *testing.T, chapters []chapter, lines []string) string {
	t.Helper()
	w := walkASVS(t, chapters, lines)
	rows, proved, cannot, elsewhere := 0, 0, 0, 0
	for id := range w.all {
		whole, _, _ := strings.Cut(id, ".")
		switch {
		case w.byRow[id]:
			rows++
			if w.proved[id] {
				proved++
			}
		case w.cannot[id] != "":
			cannot++
		case w.cannot[whole] != "":
			elsewhere++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## ASVS 5.0\n\nOf the %d requirements of OWASP ASVS 5.0.0, %d stand in the rows above, %d of them in one that is proved; %d cannot apply, and %d stand in chapters that fall out as a whole.\n\n"+
		"| requirements | why they cannot apply | until there is |\n|---|---|---|\n", len(w.all), rows, proved, cannot, elsewhere)
	for _, line := range w.order {
		cells := strings.Split(strings.TrimSuffix(line, " |"), " | ")
		if len(cells) == 2 {
			cells = append(cells, "–")
		}
		if len(cells) != 3 {
			t.Fatalf("requirements.txt: %q", line)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", strings.ReplaceAll(cells[0], " ", ", "), cells[1], cells[2])
	}
	return b.String()
}
