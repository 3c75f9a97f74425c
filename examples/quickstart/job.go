package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// job is the recovery of one machine, printed as it happens.
type job struct {
	client *vcav.Client
	out    io.Writer
	dryRun bool
}

// choose signs in, lists the replications and returns the one to work on.
func (j job) choose(ctx context.Context, id string, simulated bool) (vcav.VMReplication, error) {
	session, err := j.client.Sessions.SignIn(ctx)
	if err != nil {
		return vcav.VMReplication{}, err
	}
	fmt.Fprintf(j.out, "signed in as %s %v\n", session.User, session.Roles)

	var chosen vcav.VMReplication
	for replication, err := range j.client.VMReplications.List(ctx, vcav.VMReplicationQuery{}) {
		if err != nil {
			return vcav.VMReplication{}, err
		}
		fmt.Fprintf(j.out, "  %-8s %s → %s  %-6s %s  %s\n", replication.VMName, replication.Source.Site,
			replication.Destination.Site, replication.OverallHealth, recoveryState(replication), replication.ID)
		if replication.ID == id || id == "" && simulated && chosen.ID == "" {
			chosen = replication
		}
	}
	switch {
	case chosen.ID != "":
		return chosen, nil
	case id == "":
		return vcav.VMReplication{}, errors.New("this job fails a machine over for real: name its replication with -replication")
	default:
		return vcav.VMReplication{}, fmt.Errorf("replication %s: %w", id, drkit.ErrNotFound)
	}
}

// recover rehearses, fails over and reverses.
func (j job) recover(ctx context.Context, replication vcav.VMReplication) error {
	instances, err := j.client.VMReplications.Instances(ctx, replication.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(j.out, "%s has %d instance(s)\n", replication.VMName, len(instances))

	replications, id := j.client.VMReplications, replication.ID
	var recovered vcav.VMReplication
	for _, step := range []struct {
		name  string
		start func() (*drkit.Poller[vcav.VMReplication], error)
	}{
		{"sync", func() (*drkit.Poller[vcav.VMReplication], error) { return replications.Sync(ctx, id) }},
		{"test failover", func() (*drkit.Poller[vcav.VMReplication], error) {
			return replications.TestFailover(ctx, id, vcav.CloudFailoverTest{PowerOn: true})
		}},
		{"clean up the test", func() (*drkit.Poller[vcav.VMReplication], error) {
			return replications.CleanUpTestFailover(ctx, id)
		}},
		{"failover", func() (*drkit.Poller[vcav.VMReplication], error) {
			return replications.Failover(ctx, id, vcav.CloudFailover{PowerOn: true})
		}},
		{"reverse", func() (*drkit.Poller[vcav.VMReplication], error) { return replications.Reverse(ctx, id) }},
	} {
		after, err := j.do(ctx, step.name, step.start)
		if err != nil {
			return fmt.Errorf("%s of %s: %w", step.name, replication.VMName, err)
		}
		if step.name == "failover" {
			recovered = after
		}
	}
	if info := recovered.DestinationState.RecoveryInfo; info != nil {
		fmt.Fprintf(j.out, "%s was recovered at %s as VM %s in vApp %s, and is now protected in the other direction\n",
			recovered.VMName, recovered.Destination.Site, info.VCDVMID, info.VAppID)
	}
	return nil
}

// do starts one step and waits for its end. In a dry run the client refuses to start it.
func (j job) do(ctx context.Context, name string, start func() (*drkit.Poller[vcav.VMReplication], error)) (vcav.VMReplication, error) {
	poller, err := start()
	if j.dryRun && errors.Is(err, drkit.ErrReadOnly) {
		fmt.Fprintf(j.out, "would %s\n", name)
		return vcav.VMReplication{}, nil
	}
	if err != nil {
		return vcav.VMReplication{}, err
	}
	began := time.Now()
	fmt.Fprintf(j.out, "%s: task %s\n", name, poller.ID())
	replication, err := poller.Wait(ctx, drkit.OnProgress(func(p drkit.Progress) {
		fmt.Fprintf(j.out, "  %-9s %3d %%\n", p.State, p.Percent)
	}))
	if err == nil {
		fmt.Fprintf(j.out, "  done in %s, recovery is %s\n", time.Since(began).Round(10*time.Millisecond), recoveryState(replication))
	}
	return replication, err
}

func recoveryState(replication vcav.VMReplication) vcav.RecoveryState {
	if info := replication.DestinationState.RecoveryInfo; info != nil {
		return info.RecoveryState
	}
	return vcav.RecoveryStateNotStarted
}
