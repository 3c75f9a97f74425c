package drkit_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

// BenchmarkJournal makes 10,000 steps in one file, each with an intent, a task and an end. What a step costs must
// not grow with their number: compare the first thousand with the last. Opening is reported for all of them.
func BenchmarkJournal(b *testing.B) {
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			for b.Loop() {
				benchmarkJournal(b, writers)
			}
		})
	}
}

func benchmarkJournal(b *testing.B, writers int) {
	const thousands = 10
	ctx, path := b.Context(), filepath.Join(b.TempDir(), "journal")
	journal, err := drkit.OpenFileJournal(path)
	require.NoError(b, err)
	var took [thousands]time.Duration
	for thousand := range thousands {
		began := time.Now()
		var all sync.WaitGroup
		for writer := range writers {
			all.Go(func() {
				for n := writer; n < 1000; n += writers {
					s := drkit.Step{Version: 1, Key: fmt.Sprint("failover of machine ", thousand*1000+n), Began: began, Sent: 1}
					s.Note = json.RawMessage(`{"jobs":["0b1f2c8e-6f0c-4d6b-9f4e-0d6e0a6f1e2d"],"state":{"recovery":"NOT_STARTED","direction":"site1 to site2"}}`)
					for _, s.State = range []drkit.StepState{drkit.StepIntended, drkit.StepAccepted, drkit.StepSucceeded} {
						if err := journal.Save(ctx, s); err != nil {
							b.Error(err)
						}
					}
				}
			})
		}
		all.Wait()
		took[thousand] = time.Since(began)
	}
	require.NoError(b, journal.Close())
	began := time.Now()
	journal, err = drkit.OpenFileJournal(path)
	require.NoError(b, err)
	open := time.Since(began)
	require.NoError(b, journal.Close())
	perStep := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(perStep(took[0]), "µs/step-first-1000")
	b.ReportMetric(perStep(took[thousands-1]), "µs/step-last-1000")
	b.ReportMetric(float64(open.Microseconds())/1000, "ms/open")
	b.ReportMetric(float64(sizeOf(b, path))/1000/10/1000, "kB/step")
	b.ReportMetric(0, "ns/op") // that of 10,000 steps is no one's
}
