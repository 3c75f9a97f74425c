package drkit_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/drkit-go/drkit"
)

// A runbook fails machines over four at a time. One that fails does not hold up the others.
func ExampleForEach() {
	machines := []string{"db-1", "app-1", "web-1"}
	outcomes, err := drkit.ForEach(context.Background(), machines, 4, func(ctx context.Context, machine string) (string, error) {
		poller := startFailover(machine) // client.VMReplications.Failover(ctx, …)
		if machine == "app-1" {
			poller = startDoomed(machine)
		}
		vm, err := poller.Wait(ctx)
		if err != nil {
			return "", fmt.Errorf("%s: %w", machine, err)
		}
		return vm, nil
	})
	for i, outcome := range outcomes { // in the order of the machines
		fmt.Println(machines[i], outcome.Result, outcome.Err == nil)
	}
	fmt.Println(err)
	// Output:
	// db-1 vm-db-1 true
	// app-1  false
	// web-1 vm-web-1 true
	// app-1: task on db-1 failed: InsufficientSpace: The datastore is full. (task app-1)
}

// Machines that build on one another are better left alone after the first failure.
func ExampleStopOnError() {
	full := errors.New("the datastore is full")
	outcomes, err := drkit.ForEach(context.Background(), []string{"db-1", "app-1", "web-1"}, 1,
		func(_ context.Context, machine string) (string, error) {
			if machine == "app-1" {
				return "", full
			}
			return "vm-" + machine, nil
		}, drkit.StopOnError())
	fmt.Println(err)
	for _, outcome := range outcomes {
		fmt.Println(outcome.Result, outcome.Err)
	}
	fmt.Println(errors.Is(outcomes[2].Err, full), errors.Is(outcomes[2].Err, context.Canceled))
	// Output:
	// the datastore is full
	// vm-db-1 <nil>
	//  the datastore is full
	//  not begun: another item failed: the datastore is full
	// true false
}

// Options can be kept, and given to any ForEach.
func ExampleForEachOption() {
	var options []drkit.ForEachOption
	if careful := true; careful {
		options = append(options, drkit.StopOnError())
	}
	squares, err := drkit.ForEach(context.Background(), []int{1, 2, 3}, 2, func(_ context.Context, n int) (int, error) {
		return n * n, nil
	}, options...)
	fmt.Println(squares[2].Result, err)
	// Output: 9 <nil>
}
