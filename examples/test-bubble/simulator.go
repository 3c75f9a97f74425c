package main

import (
	"cmp"
	"os"
	"path/filepath"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// simulate makes a client for the recovery site of two in this process, and a journal that goes with it.
func simulate(chosen *settings, options []drkit.Option) (site, func(), error) {
	folder, err := os.MkdirTemp("", "test-bubble-")
	if err != nil {
		return site{}, nil, err
	}
	pair, err := vspheretest.Start(simulated(), vspheretest.RateLimits(0, 0, 0),
		vspheretest.TaskDuration(30*time.Millisecond, 200*time.Millisecond))
	if err != nil {
		return site{}, nil, err
	}
	remove := func() { pair.Close(); _ = os.RemoveAll(folder) }
	options = append([]drkit.Option{drkit.WithRateLimit(500, 500), patient(60*time.Millisecond, chosen.limit)}, options...)
	found, err := siteOf(pair.Recovery, options...)
	if err != nil {
		remove()
		return site{}, nil, err
	}
	chosen.all = chosen.all || len(chosen.names) == 0
	chosen.folder = cmp.Or(chosen.folder, "/DC/Recovered VMs")
	chosen.compute = cmp.Or(chosen.compute, "/DC/cluster-1/Recovered")
	chosen.file = cmp.Or(chosen.file, filepath.Join(folder, "journal"))
	return found, remove, nil
}

// siteOf is a simulated server as a site.
func siteOf(server *vspheretest.Server, options ...drkit.Option) (site, error) {
	client, err := vsphere.NewClient(server.URL, userOf(server), append(server.Options(), options...)...)
	return site{client, func() (vsphere.Credentials, error) { return userOf(server.Peer()), nil }}, err
}

func userOf(server *vspheretest.Server) vsphere.Credentials {
	return vsphere.Login(server.User, drkit.NewSecret(server.Password))
}

// simulated are the replications of a small shop. The last three cannot be rehearsed, or not from here.
func simulated() vspheretest.Option {
	return vspheretest.Protect(
		vspheretest.Replication{VMName: "db-1", RPO: 15}, vspheretest.Replication{VMName: "app-1"},
		vspheretest.Replication{VMName: "web-1", RPO: 240}, vspheretest.Replication{VMName: "files-1", Paused: true},
		vspheretest.Replication{VMName: "new-1", Unsynced: true, Paused: true},
		vspheretest.Replication{VMName: "plan-1", RecoverySolution: "com.vmware.vcDr"},
		vspheretest.Replication{VMName: "back-1", Reversed: true},
	)
}
