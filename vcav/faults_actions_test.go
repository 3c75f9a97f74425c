package vcav_test

import (
	"context"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// subjects are what operations of a schedule work on: a replication that is synchronized, one with a test, one
// that was failed over and one that is paused. As the names of machines and of policies they serve as well.
var subjects = []string{"db-1", "tested-1", "recovered-1", "paused-1"}

// found is work that a caller can follow.
type found struct {
	id      string
	adopted bool
	wait    func(ctx context.Context) (resource string, err error)
}

// action is a kind of operation.
type action struct {
	operation string // in the contract
	task      string // type of its task; empty: it has none
	call      func(ctx context.Context, client *vcav.Client, site, subject string) (found, error)
	recover   func(ctx context.Context, err error) (found, error)
	// resource is what its result tells of itself; nil where there is nothing to tell.
	resource func(subject string) string
}

// natural says on which subject an action is usually accepted.
var natural = map[string]int{
	"failover": 0, "sync": 0, "test failover": 0, "clean-up": 1, "reverse": 2, "resume": 3, "pause": 0,
	"migrate": 0, "stop": 1, "start": 0, "reconfigure": 0, "create policy": 0, "synchronize policies": 0,
}

// actionNames are in the order in which shrinking prefers them.
var actionNames = []string{
	"sync", "failover", "test failover", "clean-up", "reverse", "resume", "migrate", "stop", "start",
	"reconfigure", "create policy", "synchronize policies", "pause",
}

var actions = map[string]action{
	"failover": onReplication("Failover", "failover", func(ctx context.Context, v *vcav.SiteVMReplications, id string) (*drkit.Poller[vcav.VMReplication], error) {
		return v.Failover(ctx, id, vcav.CloudFailover{PowerOn: true})
	}),
	"test failover": onReplication("TestFailover", "failoverTest", func(ctx context.Context, v *vcav.SiteVMReplications, id string) (*drkit.Poller[vcav.VMReplication], error) {
		return v.TestFailover(ctx, id, vcav.CloudFailoverTest{})
	}),
	"migrate": onReplication("Migrate", "migrate", func(ctx context.Context, v *vcav.SiteVMReplications, id string) (*drkit.Poller[vcav.VMReplication], error) {
		return v.Migrate(ctx, id, vcav.CloudMigrate{PowerOn: true})
	}),
	"reconfigure": onReplication("Reconfigure", "reconfigure", func(ctx context.Context, v *vcav.SiteVMReplications, id string) (*drkit.Poller[vcav.VMReplication], error) {
		return v.Reconfigure(ctx, id, vcav.Reconfigure{Description: drkit.Some("changed")})
	}),
	"sync":     onReplication("Sync", "sync", withoutBody((*vcav.SiteVMReplications).Sync)),
	"clean-up": onReplication("CleanUpTestFailover", "failoverTestCleanup", withoutBody((*vcav.SiteVMReplications).CleanUpTestFailover)),
	"reverse":  onReplication("Reverse", "reverse", withoutBody((*vcav.SiteVMReplications).Reverse)),
	"pause":    onReplication("Pause", "pause", withoutBody((*vcav.SiteVMReplications).Pause)),
	"resume":   onReplication("Resume", "resume", withoutBody((*vcav.SiteVMReplications).Resume)),
	"stop": {
		operation: "VMReplications.Stop", task: "stop",
		call: func(ctx context.Context, client *vcav.Client, site, subject string) (found, error) {
			poller, err := replicationsAt(client, site).Stop(ctx, vcavtest.ReplicationID(subject))
			return follow(poller, err, noResult)
		},
		recover: func(ctx context.Context, err error) (found, error) { return recoverAs(ctx, err, noResult) },
	},
	"start": {
		operation: "VMReplications.Start", task: "start",
		call: func(ctx context.Context, client *vcav.Client, _, subject string) (found, error) {
			poller, err := client.VMReplications.Start(ctx, vcav.ReplicationStart{
				Source:      vcav.VMSource{Site: "site1", VMID: vcavtest.MachineID("new-" + subject)},
				Destination: vcav.CloudDestination{Site: "site2", VDC: vcavtest.VDCID("site2", "org2")},
			})
			return follow(poller, err, idOfReplication)
		},
		recover:  func(ctx context.Context, err error) (found, error) { return recoverAs(ctx, err, idOfReplication) },
		resource: func(subject string) string { return vcavtest.ReplicationID("new-" + subject) },
	},
	"synchronize policies": {
		operation: "Policies.Synchronize", task: "sync",
		call: func(ctx context.Context, client *vcav.Client, _, _ string) (found, error) {
			poller, err := client.Policies.Synchronize(ctx)
			return follow(poller, err, noResult)
		},
		recover: func(ctx context.Context, err error) (found, error) { return recoverAs(ctx, err, noResult) },
	},
	"create policy": {
		operation: "Policies.Create",
		call: func(ctx context.Context, client *vcav.Client, _, subject string) (found, error) {
			policy, err := client.Policies.Create(ctx, vcav.PolicySettings{DisplayName: subject})
			return found{id: policy.ID, wait: func(context.Context) (string, error) { return policy.DisplayName, nil }}, err
		},
		recover:  func(ctx context.Context, err error) (found, error) { return recoverAs(ctx, err, nameOfPolicy) },
		resource: func(subject string) string { return subject },
	},
}

func noResult(vcav.NoResult) string               { return "" }
func idOfReplication(r vcav.VMReplication) string { return r.ID }
func nameOfPolicy(p vcav.Policy) string           { return p.DisplayName }

// follow makes what was found of a poller.
func follow[T any](poller *drkit.Poller[T], err error, tells func(T) string) (found, error) {
	if err != nil {
		return found{}, err
	}
	return found{id: poller.ID(), adopted: poller.Adopted(), wait: func(ctx context.Context) (string, error) {
		result, err := poller.Wait(ctx)
		if err != nil {
			return "", err
		}
		return tells(result), nil
	}}, nil
}

func recoverAs[T any](ctx context.Context, err error, tells func(T) string) (found, error) {
	poller, err := drkit.Recover[T](ctx, err)
	return follow(poller, err, tells)
}

type start func(ctx context.Context, v *vcav.SiteVMReplications, id string) (*drkit.Poller[vcav.VMReplication], error)

// withoutBody is for methods that take nothing else.
func withoutBody(method func(*vcav.SiteVMReplications, context.Context, string) (*drkit.Poller[vcav.VMReplication], error)) start {
	return func(ctx context.Context, v *vcav.SiteVMReplications, id string) (*drkit.Poller[vcav.VMReplication], error) {
		return method(v, ctx, id)
	}
}

func replicationsAt(client *vcav.Client, site string) *vcav.SiteVMReplications {
	if site == "" {
		return &client.VMReplications.SiteVMReplications
	}
	return client.Site(site).VMReplications
}

func onReplication(operation, task string, method start) action {
	return action{
		operation: "VMReplications." + operation, task: task,
		call: func(ctx context.Context, client *vcav.Client, site, subject string) (found, error) {
			poller, err := method(ctx, replicationsAt(client, site), vcavtest.ReplicationID(subject))
			return follow(poller, err, idOfReplication)
		},
		recover:  func(ctx context.Context, err error) (found, error) { return recoverAs(ctx, err, idOfReplication) },
		resource: vcavtest.ReplicationID,
	}
}

// calledBesides are operations that those of callers bring with them; the empty one is all of them.
var calledBesides = []string{
	"", "Tasks.List", "Tasks.Get", "Tasks.Poll", "VMReplications.Get", "VMReplications.List", "Policies.List", "Sessions.SignIn", "Sessions.Get",
}
