package main

import (
	"context"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// simulated are the machines of org1 on the simulated appliance. Three of them cannot be rehearsed: stage
// puts two of these into their state.
func simulated() vcavtest.Option {
	return vcavtest.Protect(
		vcavtest.Replication{VMName: "db-1", VApp: "shop", RPO: 15},
		vcavtest.Replication{VMName: "app-1", VApp: "shop", RPO: 60},
		vcavtest.Replication{VMName: "web-1", VApp: "shop"},
		vcavtest.Replication{VMName: "web-2", VApp: "shop"},
		vcavtest.Replication{VMName: "files-1", Paused: true},
		vcavtest.Replication{VMName: "new-1", Unsynced: true},
		vcavtest.Replication{VMName: "lab-1"},
		vcavtest.Replication{VMName: "old-1"},
	)
}

// stage tests lab-1 and fails old-1 over, as somebody may have done before.
func stage(ctx context.Context, client *vcav.Client) error {
	lab, err := client.VMReplications.TestFailover(ctx, vcavtest.ReplicationID("lab-1"), vcav.CloudFailoverTest{})
	if err != nil {
		return err
	}
	old, err := client.VMReplications.Failover(ctx, vcavtest.ReplicationID("old-1"), vcav.CloudFailover{})
	if err != nil {
		return err
	}
	_, err = drkit.WaitAll(ctx, []*drkit.Poller[vcav.VMReplication]{lab, old})
	return err
}

// simulate makes a client for an appliance in this process.
func (j *job) simulate(ctx context.Context) (closeServer func(), err error) {
	if j.org == "" {
		j.org = "org1"
	}
	server, err := vcavtest.Start(simulated(), vcavtest.TaskDuration(50*time.Millisecond, 250*time.Millisecond))
	if err != nil {
		return nil, err
	}
	user := vcav.LocalUser(server.User, drkit.NewSecret(server.Password))
	j.client, err = vcav.NewClient(server.URL, user, append(server.Options(), j.polling)...)
	if err == nil {
		err = stage(ctx, j.client)
	}
	if err != nil {
		server.Close()
		return nil, err
	}
	return server.Close, nil
}
