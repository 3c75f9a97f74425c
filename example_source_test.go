package drkit_test

import (
	"context"
	"fmt"
	"time"

	"github.com/drkit-go/drkit"
)

// resync watches a replica that has no task: it is done when its lag is gone.
type resync struct {
	replica string
	lag     func(ctx context.Context, replica string) (time.Duration, error) // asks the service once
}

func (r resync) ID() string { return "resync of " + r.replica }

func (r resync) Look(ctx context.Context) (drkit.Look[time.Time], error) {
	lag, err := r.lag(ctx, r.replica)
	if err != nil {
		return drkit.Look[time.Time]{}, err // a look that failed: the wait goes on
	}
	if lag > 0 {
		return drkit.Look[time.Time]{Progress: drkit.Progress{State: "LAGGING"}}, nil
	}
	return drkit.Look[time.Time]{
		Progress: drkit.Progress{State: "IN_SYNC", Percent: 100},
		Done:     true,
		Result:   time.Date(2026, time.May, 1, 12, 0, 0, 0, time.UTC),
	}, nil
}

// Whatever can be looked at can be waited for: implement Source, and a Poller does the rest.
func ExampleSource() {
	minutes := 3
	poller := drkit.NewPoller(resync{
		replica: "db-1",
		lag: func(context.Context, string) (time.Duration, error) {
			minutes--
			return time.Duration(minutes) * time.Minute, nil
		},
	}, drkit.WithPolling(drkit.PollPolicy{MinInterval: time.Millisecond}))

	inSync, err := poller.Wait(context.Background())
	fmt.Println(poller.ID(), inSync.Format(time.TimeOnly), err)
	// Output: resync of db-1 12:00:00 <nil>
}
