package e2e

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// The measures of a picture, in pixels.
const (
	pictureWidth = 760
	panelHeight  = 170
	plotLeft     = 56
	plotRight    = pictureWidth - 16
	plotTop      = 44  // within a panel
	plotBottom   = 144 // within a panel
)

// curve is one line of a panel, a value for each step of its axis.
type curve struct {
	name   string
	class  string // a, b or limit
	values []float64
}

// panel is one diagram. Its axes begin at zero.
type panel struct {
	title  string
	below  string // what is counted from left to right
	curves []curve
	bars   bool // for the first curve
}

// pictureStyle has the colours for light and dark; both differ in lightness too.
const pictureStyle = `text{font:12px system-ui,sans-serif;fill:#1f2937}.title{font-weight:600}.ground{fill:#fff}.axis{stroke:#9ca3af}
.a{stroke:#1d4ed8;fill:none;stroke-width:2}.b{stroke:#d97706;fill:none;stroke-width:2}.limit{stroke:#b91c1c;stroke-dasharray:6 4;fill:none}
rect.a{fill:#1d4ed8;stroke:none}
@media (prefers-color-scheme:dark){text{fill:#e5e7eb}.ground{fill:#111827}.axis{stroke:#6b7280}.a{stroke:#93c5fd}.b{stroke:#fbbf24}.limit{stroke:#f87171}rect.a{fill:#93c5fd}}
`

// picture draws the storm as SVG that stands by itself.
func (f *stormFound) picture() string {
	panels := f.panels()
	var b strings.Builder
	height := panelHeight * len(panels)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img">`+"\n", pictureWidth, height)
	fmt.Fprintf(&b, "<title>%d clients who log in for %v, one of whom floods</title>\n<style>%s</style>\n", f.clients, f.lasted, pictureStyle)
	fmt.Fprintf(&b, `<rect class="ground" width="%d" height="%d"/>`+"\n", pictureWidth, height)
	for i, p := range panels {
		fmt.Fprintf(&b, `<g transform="translate(0 %d)">`+"\n", i*panelHeight)
		p.draw(&b)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (f *stormFound) panels() []panel {
	var logins, me, healthz, resident []float64
	for _, s := range f.second {
		logins = append(logins, float64(s.logins))
		me = append(me, micros(percentile(s.probes["/v1/me"], 990))/1e3)
		healthz = append(healthz, micros(percentile(s.probes["/healthz"], 990))/1e3)
		resident = append(resident, s.resident)
	}
	across := func(value float64) []float64 {
		line := make([]float64, len(f.second))
		for i := range line {
			line[i] = value
		}
		return line
	}
	bound := f.budget + stormMarginMiB
	return []panel{
		{title: "logins in each second", below: "seconds", curves: []curve{
			{"logins", "a", logins}, {fmt.Sprintf("bare hashes on all cores, %.1f", f.bare.perSecond), "limit", across(f.bare.perSecond)}}},
		{title: "99th percentile of each second, ms", below: "seconds", curves: []curve{
			{"GET /v1/me", "a", me}, {"GET /healthz", "b", healthz}, {"goal, 50", "limit", across(50)}}},
		{title: "resident memory, MiB", below: "seconds", curves: []curve{
			{"gatehouse serve", "a", resident}, {fmt.Sprintf("hash budget and 64, %.0f", bound), "limit", across(bound)}}},
		{title: fmt.Sprintf("clients by their logins; the flooder had %d", f.perEach[0]), below: "logins of a client", bars: true,
			curves: []curve{{"clients", "a", f.spread()}}},
	}
}

// spread counts the clients without the flooder by how often they were logged in.
func (f *stormFound) spread() []float64 {
	counts := []float64{0}
	for _, n := range f.perEach[1:] {
		for len(counts) <= n {
			counts = append(counts, 0)
		}
		counts[n]++
	}
	return counts
}

func (p panel) draw(b io.Writer) {
	top, steps := 1.0, 1
	for _, c := range p.curves {
		steps = max(steps, len(c.values))
		for _, v := range c.values {
			top = max(top, v)
		}
	}
	top *= 1.05
	x := func(i float64) float64 { return plotLeft + (plotRight-plotLeft)*i/float64(steps) }
	y := func(v float64) float64 { return plotBottom - (plotBottom-plotTop)*v/top }
	write := func(class string, at float64, anchor string, height float64, text string) {
		_, _ = fmt.Fprintf(b, `<text class="%s" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", class, at, height, anchor, text)
	}
	write("title", plotLeft, "start", 18, p.title)
	_, _ = fmt.Fprintf(b, `<path class="axis" fill="none" d="M%d %dV%dH%d"/>`+"\n", plotLeft, plotTop, plotBottom, plotRight)
	for _, v := range []float64{0, top / 1.05} {
		write("", plotLeft-6, "end", y(v)+4, fmt.Sprintf("%.0f", v))
	}
	for _, i := range []int{0, steps / 2, steps - 1} {
		write("", x(float64(i)+0.5), "middle", plotBottom+16, fmt.Sprint(i))
	}
	write("", plotRight, "end", 18, "across: "+p.below)
	at := float64(plotLeft)
	for _, c := range p.curves {
		_, _ = fmt.Fprintf(b, `<path class="%s" d="M%.1f 32h18"/>`+"\n", c.class, at)
		write("", at+24, "start", 36, c.name)
		at += 48 + 7*float64(len(c.name))
		if p.bars {
			for i, v := range c.values {
				_, _ = fmt.Fprintf(b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`+"\n",
					c.class, x(float64(i)+0.1), y(v), x(0.8)-x(0), plotBottom-y(v))
			}
			continue
		}
		var path strings.Builder
		for i, v := range c.values {
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(i, 1)], x(float64(i)+0.5), y(v))
		}
		_, _ = fmt.Fprintf(b, `<path class="%s" d="%s"/>`+"\n", c.class, path.String())
	}
}

// A picture that no reader can open would be noticed late.
func TestThePictureOfAStormIsWellFormed(t *testing.T) {
	f := &stormFound{
		stormTook: stormTook{lasted: 2 * time.Second}, clients: 3, bare: bareRate{perSecond: 20}, budget: 256, perEach: []int{3, 1, 0},
		second: []stormSecond{{logins: 20, resident: 100}, {logins: 21, resident: 200}},
	}
	text := f.picture()
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := decoder.Token()
		if err == io.EOF {
			break
		}
		must(t, err)
	}
	if strings.Count(text, "<g ") != 4 || strings.Contains(text, "NaN") || !strings.Contains(text, "the flooder had 3") {
		t.Error(text)
	}
}
