package main

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// expositionType is the text format of Prometheus, which every collector reads.
const expositionType = "text/plain; version=0.0.4; charset=utf-8"

// The kinds of a family.
const (
	kindCounter   = "counter"
	kindGauge     = "gauge"
	kindHistogram = "histogram"
	kindSummary   = "summary"
)

// exposition is figures on their way out. A family is begun, then its samples
// are added.
type exposition struct {
	text []byte
	name string // of the family
}

// family begins the samples of one name. The help is one line.
func (e *exposition) family(name, kind, help string) {
	e.name = name
	e.text = append(e.text, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+kind+"\n"...)
}

// add writes a sample of the family, with the names and values of its labels in
// turn.
func (e *exposition) add(value float64, labels ...string) { e.addTo("", value, labels...) }

// addTo is add for a part of the family, such as _sum.
func (e *exposition) addTo(part string, value float64, labels ...string) {
	e.text = append(append(e.text, e.name...), part...)
	for i := 0; i+1 < len(labels); i += 2 {
		e.text = append(e.text, "{,"[min(i, 1)])
		e.text = append(append(e.text, labels[i]...), `="`...)
		e.text = append(append(e.text, escapedLabel(labels[i+1])...), '"')
	}
	if len(labels) > 0 {
		e.text = append(e.text, '}')
	}
	e.text = append(append(append(e.text, ' '), sampleText(value)...), '\n')
}

// one writes a family of one sample.
func (e *exposition) one(name, kind, help string, value float64) {
	e.family(name, kind, help)
	e.add(value)
}

func escapedLabel(text string) string {
	if !strings.ContainsAny(text, "\\\"\n") {
		return text
	}
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text)
}

func sampleText(value float64) string {
	if math.IsInf(value, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(value, 'g', -1, 64)
}

// counts is a counter with one label whose values are known from the start, so
// that nothing that strangers do makes a further one, and the first of each shows
// as a rise. It is safe for concurrent use.
type counts struct{ of map[string]*atomic.Uint64 }

// otherCount counts whatever is not listed, where it is listed.
const otherCount = "other"

func newCounts(values ...string) counts {
	c := counts{of: make(map[string]*atomic.Uint64, len(values))}
	for _, value := range values {
		c.of[value] = new(atomic.Uint64)
	}
	return c
}

func (c counts) add(value string) {
	counter := c.of[value]
	if counter == nil {
		counter = c.of[otherCount]
	}
	if counter != nil {
		counter.Add(1)
	}
}

func (c counts) writeTo(e *exposition, label string) {
	values := make([]string, 0, len(c.of))
	for value := range c.of {
		values = append(values, value)
	}
	slices.Sort(values)
	for _, value := range values {
		e.add(float64(c.of[value].Load()), label, value)
	}
}

// tookBuckets is how many bounds there are; what took longer has one bucket more.
const tookBuckets = 12

// tookBounds are the upper bounds of the buckets of a duration: those that other
// programs have, and one below for what reads no password.
func tookBounds() [tookBuckets]time.Duration {
	return [...]time.Duration{
		time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
		100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
		time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
	}
}

// durations is a histogram. It is safe for concurrent use.
type durations struct {
	buckets [tookBuckets + 1]atomic.Uint64 // the last is for what took longer
	sum     atomic.Int64                   // nanoseconds
}

func (d *durations) add(took time.Duration) {
	bucket := tookBuckets
	for i, bound := range tookBounds() {
		if took <= bound {
			bucket = i
			break
		}
	}
	d.buckets[bucket].Add(1)
	d.sum.Add(int64(took))
}

func (d *durations) writeTo(e *exposition, labels ...string) {
	with := func(bound float64) []string { return append(slices.Clone(labels), "le", sampleText(bound)) }
	sum, count := time.Duration(d.sum.Load()), uint64(0)
	for i, bound := range tookBounds() {
		count += d.buckets[i].Load()
		e.addTo("_bucket", float64(count), with(bound.Seconds())...)
	}
	count += d.buckets[tookBuckets].Load()
	e.addTo("_bucket", float64(count), with(math.Inf(1))...)
	e.addTo("_sum", sum.Seconds(), labels...)
	e.addTo("_count", float64(count), labels...)
}
