package vcav_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/wiretest"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

const benchMachines = 100

// BenchmarkOnce compares the start of an operation as a step of a journal with the same start without one: in a file,
// and in memory. The appliance runs in a process of its own; the contestants take turns, each with every machine in
// a round, and the ratios are medians over the rounds of one run. The end of the task is not part of it.
func BenchmarkOnce(b *testing.B) {
	server := startBenchServer(b, "steps")
	client, err := vcav.NewClient(server.URL, vcav.LocalUser("root", drkit.NewSecret(benchPassword)), drkit.WithThumbprint(server.Thumbprint),
		drkit.WithPolling(drkit.PollPolicy{MinInterval: time.Millisecond}))
	require.NoError(b, err)
	b.Cleanup(func() { _ = client.Close(context.Background()) })
	file, err := drkit.OpenFileJournal(filepath.Join(b.TempDir(), "journal"))
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, file.Close()) })

	type poller = *drkit.Poller[vcav.VMReplication]
	steps := 0
	through := func(journal drkit.Journal) func(string) (poller, error) {
		return func(id string) (poller, error) {
			steps++
			return drkit.Once(b.Context(), journal, fmt.Sprint("step ", steps), func(ctx context.Context) (poller, error) {
				return client.VMReplications.Sync(ctx, id)
			})
		}
	}
	plain := func(id string) (poller, error) { return client.VMReplications.Sync(b.Context(), id) }
	saves := &timedJournal{Journal: file}
	round := func(start func(string) (poller, error)) float64 {
		took := time.Duration(0)
		for i := range benchMachines {
			began := time.Now()
			poller, err := start(vcavtest.ReplicationID(fmt.Sprint("vm-", i)))
			took += time.Since(began)
			require.NoError(b, err)
			_, err = poller.Wait(b.Context())
			require.NoError(b, err)
		}
		return float64(took.Microseconds()) / benchMachines
	}
	round(plain)
	b.ResetTimer()
	var micros, inMemory, inFile, saving []float64
	for range max(b.N, 6) {
		unjournaled := round(plain)
		memory := round(through(&drkit.MemoryJournal{}))
		saves.took = 0
		journaled := round(through(saves))
		micros = append(micros, unjournaled)
		inMemory, inFile = append(inMemory, memory/unjournaled), append(inFile, journaled/unjournaled)
		saving = append(saving, 100*float64(saves.took.Microseconds())/benchMachines/journaled)
	}
	b.ReportMetric(wiretest.Median(micros), "µs/start")
	b.ReportMetric(wiretest.Median(inMemory), "×time-memory")
	b.ReportMetric(wiretest.Median(inFile), "×time-file")
	b.ReportMetric(wiretest.Median(saving), "%-saving")
	b.ReportMetric(0, "ns/op")
}

// timedJournal measures what it takes to save the steps that begin; their end is not part of a start.
type timedJournal struct {
	drkit.Journal
	took time.Duration
}

func (j *timedJournal) Save(ctx context.Context, s drkit.Step) error {
	began := time.Now()
	err := j.Journal.Save(ctx, s)
	if s.State == drkit.StepIntended || s.State == drkit.StepAccepted {
		j.took += time.Since(began)
	}
	return err
}

// serveSteps is an appliance with machines to work on, whose tasks are over at once.
func serveSteps() error {
	var machines []vcavtest.Replication
	for i := range benchMachines {
		machines = append(machines, vcavtest.Replication{VMName: fmt.Sprint("vm-", i)})
	}
	server, err := vcavtest.Start(vcavtest.RootPassword(benchPassword), vcavtest.Protect(machines...), vcavtest.TaskDuration(0, 0))
	if err != nil {
		return err
	}
	defer server.Close()
	return sayHello(hello{URL: server.URL, Thumbprint: server.Thumbprint()})
}
