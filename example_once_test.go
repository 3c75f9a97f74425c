package drkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// startAppliance returns a client of a simulated appliance whose tasks are over in a moment, and a folder.
func startAppliance() (client *vcav.Client, server *vcavtest.Server, folder string, stop func()) {
	server, err := vcavtest.Start(vcavtest.TaskDuration(0, 5*time.Millisecond))
	check(err)
	client, err = vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), append(server.Options(), soon)...)
	check(err)
	folder, err = os.MkdirTemp("", "drkit")
	check(err)
	return client, server, folder, func() {
		_ = client.Close(context.Background())
		server.Close()
		_ = os.RemoveAll(folder)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A runbook that is cut off and run again goes on where it was: the failover is sent once.
func ExampleOnce() {
	client, server, folder, stop := startAppliance()
	defer stop()
	ctx, id := context.Background(), vcavtest.ReplicationID("db-1")

	for run := 1; run <= 3; run++ { // as if it crashed in between
		journal, err := drkit.OpenFileJournal(filepath.Join(folder, "runbook.journal"))
		if err != nil {
			log.Fatal(err)
		}
		poller, err := drkit.Once(ctx, journal, "failover db-1", func(ctx context.Context) (*drkit.Poller[vcav.VMReplication], error) {
			return client.VMReplications.Failover(ctx, id, vcav.CloudFailover{PowerOn: true})
		})
		if err != nil {
			log.Fatal(err)
		}
		if run > 1 { // the first run does not live to see the end
			done, err := poller.Wait(ctx)
			fmt.Println(run, done.VMName, done.DestinationState.RecoveryInfo.RecoveryState, err)
		}
		_ = journal.Close()
	}
	fmt.Println("failovers that ran:", server.Ran("VMReplications.Failover", id))
	// Output:
	// 2 db-1 COMPLETE <nil>
	// 3 db-1 COMPLETE <nil>
	// failovers that ran: 1
}

// A task that has failed stays failed, until somebody has looked and lets it run again.
func ExampleRetry() {
	client, server, _, stop := startAppliance()
	defer stop()
	ctx, id, journal := context.Background(), vcavtest.ReplicationID("db-1"), &drkit.MemoryJournal{}
	server.FailTask("VMReplications.Failover", id, "NoSpace", "The datastore is full.")
	failover := func() error {
		poller, err := drkit.Once(ctx, journal, "failover db-1", func(ctx context.Context) (*drkit.Poller[vcav.VMReplication], error) {
			return client.VMReplications.Failover(ctx, id, vcav.CloudFailover{})
		})
		if err != nil {
			return err
		}
		_, err = poller.Wait(ctx)
		return err
	}

	for range 2 {
		var failed *drkit.TaskError
		fmt.Println(errors.As(failover(), &failed), failed.Message)
	}
	if err := drkit.Retry(ctx, journal, "failover db-1"); err != nil { // somebody has made room
		log.Fatal(err)
	}
	fmt.Println(failover())
	fmt.Println("failovers that ran:", server.Ran("VMReplications.Failover", id))
	// Output:
	// true The datastore is full.
	// true The datastore is full.
	// <nil>
	// failovers that ran: 2
}

// statusJournal keeps steps as text in a map, as the status of a Kubernetes resource has it. It belongs to a
// controller that works on one resource at a time; others need a lock.
type statusJournal struct {
	status map[string]string
	keys   []string
	update func() error // writes the status back
}

func (j *statusJournal) Load(_ context.Context, key string) (s drkit.Step, err error) {
	text, found := j.status[key]
	if !found {
		return s, drkit.ErrNotFound
	}
	return s, json.Unmarshal([]byte(text), &s)
}

func (j *statusJournal) Save(_ context.Context, s drkit.Step) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if _, found := j.status[s.Key]; !found {
		j.keys = append(j.keys, s.Key)
	}
	j.status[s.Key] = string(text)
	return j.update()
}

func (j *statusJournal) Steps(ctx context.Context) (steps []drkit.Step, err error) {
	for _, key := range j.keys {
		s, err := j.Load(ctx, key)
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// A journal of one's own: three methods, and steps as JSON.
func ExampleJournal() {
	client, _, _, stop := startAppliance()
	defer stop()
	updates := 0
	var journal drkit.Journal = &statusJournal{status: map[string]string{}, update: func() error { updates++; return nil }}

	ctx := context.Background()
	poller, err := drkit.Once(ctx, journal, "sync web-1", func(ctx context.Context) (*drkit.Poller[vcav.VMReplication], error) {
		return client.VMReplications.Sync(ctx, vcavtest.ReplicationID("web-1"))
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = poller.Wait(ctx)
	s, _ := journal.Load(ctx, "sync web-1")
	fmt.Println(s.State, updates, err)
	// Output: succeeded 3 <nil>
}

// In tests, and in programs that only have to survive their own errors, nothing has to be on disk.
func ExampleMemoryJournal() {
	ctx := context.Background()
	var journal drkit.MemoryJournal
	if err := journal.Save(ctx, drkit.Step{Version: 1, Key: "failover db-1", State: drkit.StepIntended}); err != nil {
		log.Fatal(err)
	}
	s, err := journal.Load(ctx, "failover db-1")
	fmt.Println(s.State, err)
	_, err = journal.Load(ctx, "failover db-2")
	fmt.Println(errors.Is(err, drkit.ErrNotFound))
	steps, err := journal.Steps(ctx)
	fmt.Println(len(steps), err)
	// Output:
	// intended <nil>
	// true
	// 1 <nil>
}
