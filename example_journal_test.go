package drkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// runbookJournal returns the path of a journal with a few steps.
func runbookJournal() (path string, remove func()) {
	folder, err := os.MkdirTemp("", "drkit")
	check(err)
	path = filepath.Join(folder, "runbook.journal")
	journal, err := drkit.OpenFileJournal(path)
	check(err)
	for _, s := range []drkit.Step{
		{Key: "sync db-1", State: drkit.StepSucceeded},
		{Key: "failover db-1", State: drkit.StepAccepted, Resource: "replication C4-1"},
		{Key: "failover db-2", State: drkit.StepFailed, Failure: json.RawMessage(`{"task":{"TaskID":"t2","Message":"The datastore is full."},"text":"…"}`)},
	} {
		s.Version = 1
		check(journal.Save(context.Background(), s))
	}
	check(journal.Close())
	return path, func() { _ = os.RemoveAll(folder) }
}

// What one process has saved another finds.
func ExampleFileJournal() {
	path, remove := runbookJournal()
	defer remove()
	ctx := context.Background()

	journal, err := drkit.OpenFileJournal(path)
	if err != nil {
		log.Fatal(err)
	}
	defer journal.Close()
	s, err := journal.Load(ctx, "failover db-1")
	fmt.Println(s.State, s.Resource, err)
	s.State = drkit.StepSucceeded
	fmt.Println(journal.Save(ctx, s)) // it is on disk
	steps, err := journal.Steps(ctx)
	fmt.Println(len(steps), err)
	// Output:
	// accepted replication C4-1 <nil>
	// <nil>
	// 3 <nil>
}

// A journal has one owner at a time, so that two runs of a runbook cannot work against each other.
func ExampleOpenFileJournal() {
	path, remove := runbookJournal()
	defer remove()
	journal, err := drkit.OpenFileJournal(path)
	if err != nil {
		log.Fatal(err)
	}
	_, err = drkit.OpenFileJournal(path)
	fmt.Println(errors.Is(err, drkit.ErrJournal), strings.HasSuffix(err.Error(), "another process has it"))
	_ = journal.Close()
	journal, err = drkit.OpenFileJournal(path)
	fmt.Println(err)
	_ = journal.Close()
	// Output:
	// true true
	// <nil>
}

// A report, while the runbook runs.
func ExampleReadJournal() {
	path, remove := runbookJournal()
	defer remove()
	steps, err := drkit.ReadJournal(path)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range steps {
		fmt.Println(s.Key, s.State)
	}
	// Output:
	// sync db-1 succeeded
	// failover db-1 accepted
	// failover db-2 failed
}

// A step that has failed says why.
func ExampleStep() {
	path, remove := runbookJournal()
	defer remove()
	steps, err := drkit.ReadJournal(path)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range steps {
		if err := s.Err(); err != nil {
			fmt.Println(s.Key+":", err)
		}
	}
	// Output: failover db-2: task failed: The datastore is full. (task t2)
}

// What a report says of a step.
func ExampleStepState() {
	inWords := func(state drkit.StepState) string {
		switch state {
		case drkit.StepReady:
			return "not begun, or refused"
		case drkit.StepIntended:
			return "sent, or about to be: the next run looks"
		case drkit.StepAccepted:
			return "under way"
		case drkit.StepSucceeded:
			return "done"
		case drkit.StepFailed:
			return "failed: look at it, then drkit.Retry"
		default:
			return "of a newer drkit"
		}
	}
	fmt.Println(inWords(drkit.StepIntended))
	// Output: sent, or about to be: the next run looks
}

// A step is what it was begun as: who changes the runbook gives it another key.
func ExampleOnce_changed() {
	client, server, _, stop := startAppliance()
	defer stop()
	journal := &drkit.MemoryJournal{}
	for _, powerOn := range []bool{true, false} {
		_, err := drkit.Once(context.Background(), journal, "failover db-1", func(ctx context.Context) (*drkit.Poller[vcav.VMReplication], error) {
			return client.VMReplications.Failover(ctx, vcavtest.ReplicationID("db-1"), vcav.CloudFailover{PowerOn: powerOn})
		})
		fmt.Println(errors.Is(err, drkit.ErrStep))
	}
	fmt.Println("failovers:", server.Count("VMReplications.Failover"))
	// Output:
	// false
	// true
	// failovers: 1
}
