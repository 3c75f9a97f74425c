package drkit_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// controller brings machines to the recovery site. It is called again and again for each of them, as the
// controllers of Kubernetes are, and never waits for a task.
type controller struct {
	client  *vcav.Client
	journal drkit.Journal // in a real one the status of the resource: three methods
	report  func(id, state string)
}

// reconcile returns when it wants to be called again; zero is never.
func (c *controller) reconcile(ctx context.Context, id string) (after time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // also for the look after a lost answer
	defer cancel()
	poller, err := drkit.Once(ctx, c.journal, "failover "+id, func(ctx context.Context) (*drkit.Poller[vcav.VMReplication], error) {
		return c.client.VMReplications.Failover(ctx, id, vcav.CloudFailover{PowerOn: true})
	})
	switch {
	case errors.Is(err, drkit.ErrOutcomeUnknown):
		return 20 * time.Millisecond, nil // the next call looks on, and sends nothing that may have run
	case err != nil:
		return 0, err
	}
	if _, err := poller.Poll(ctx); err != nil {
		return 20 * time.Millisecond, nil // a look that failed says nothing about the task
	}
	recovered, err := poller.Result()
	var failed *drkit.TaskError
	switch {
	case errors.Is(err, drkit.ErrNotDone):
		return 20 * time.Millisecond, nil
	case errors.As(err, &failed):
		c.report(id, "failed: "+failed.Message) // and stays so until drkit.Retry
		return 0, nil
	case err != nil:
		return 0, err
	default:
		c.report(id, recovered.VMName+" runs at "+recovered.Destination.Site)
		return 0, nil
	}
}

// A controller calls Once on every turn, polls once, and comes back later. Whatever it meets on the way, the failover
// is sent once: here its first answer is lost.
func Example_reconcile() {
	server, err := vcavtest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client, err := vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	server.Inject(vcavtest.Fault{Operation: "VMReplications.Failover", After: true, Drop: true, Times: 1})

	c := &controller{client: client, journal: &drkit.MemoryJournal{}, report: func(_, state string) { fmt.Println(state) }}
	id := vcavtest.ReplicationID("db-1")
	for again := true; again; {
		after, err := c.reconcile(context.Background(), id)
		if err != nil {
			log.Fatal(err)
		}
		<-time.After(after)
		again = after > 0
	}
	fmt.Println("failovers that ran:", server.Ran("VMReplications.Failover", id))
	// Output:
	// db-1 runs at site2
	// failovers that ran: 1
}
