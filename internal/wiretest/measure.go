package wiretest

import (
	"runtime"
	"sort"
	"testing"
	"time"
)

// Measure returns nanoseconds and allocations per call, of so many calls.
func Measure(b *testing.B, calls int, call func() error) (nanoseconds, allocations float64) {
	b.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	for range calls {
		if err := call(); err != nil {
			b.Fatal(err)
		}
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	return float64(took.Nanoseconds()) / float64(calls), float64(after.Mallocs-before.Mallocs) / float64(calls)
}

// Median returns the value in the middle, and sorts the others around it.
func Median(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/2]
}
