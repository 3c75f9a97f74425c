package main

import (
	"cmp"
	"os"
	"path/filepath"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// simulate makes an Enterprise Manager in this process, with a tenant who has two plans, and a journal that goes with
// it.
func simulate(chosen *settings, options []drkit.Option) (client *cloudreplica.Client, closeAll func(), err error) {
	folder, err := os.MkdirTemp("", "tenant-failover-")
	if err != nil {
		return nil, nil, err
	}
	closeAll = func() { _ = os.RemoveAll(folder) }
	server, err := cloudreplicatest.Start(simulated()...)
	if err != nil {
		closeAll()
		return nil, nil, err
	}
	closeAll = func() { server.Close(); _ = os.RemoveAll(folder) }
	options = append([]drkit.Option{drkit.WithPolling(drkit.PollPolicy{MinInterval: 70 * time.Millisecond})}, options...)
	client, err = cloudreplica.NewClient(server.URL, cloudreplica.Login(server.User, drkit.NewSecret(server.Password)),
		append(server.Options(), options...)...)
	if err != nil {
		closeAll()
		return nil, nil, err
	}
	if len(chosen.plans) == 0 {
		chosen.tenant = cmp.Or(chosen.tenant, "acme")
	}
	chosen.file = cmp.Or(chosen.file, filepath.Join(folder, "journal"))
	return client, closeAll, nil
}

// simulated are two tenants. A machine of the second is not ready.
func simulated() []cloudreplicatest.Option {
	replica := func(tenant string, vms ...cloudreplicatest.VM) cloudreplicatest.Replica {
		return cloudreplicatest.Replica{Name: tenant + " " + vms[0].Name, Tenant: tenant, VMs: vms}
	}
	return []cloudreplicatest.Option{
		cloudreplicatest.FailoverDuration(50*time.Millisecond, 200*time.Millisecond),
		cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: "acme"}, cloudreplicatest.Tenant{Name: "globex"}),
		cloudreplicatest.WithReplicas(
			replica("acme", cloudreplicatest.VM{Name: "db-1"}, cloudreplicatest.VM{Name: "db-2", Age: 2 * time.Hour}),
			replica("acme", cloudreplicatest.VM{Name: "web-1"}, cloudreplicatest.VM{Name: "web-2"}, cloudreplicatest.VM{Name: "web-3"}),
			replica("globex", cloudreplicatest.VM{Name: "app-1"}, cloudreplicatest.VM{Name: "app-2", State: cloudreplicatest.StateFailover}),
			replica("globex", cloudreplicatest.VM{Name: "app-3", Points: -1}),
		),
		cloudreplicatest.WithPlans(
			cloudreplicatest.Plan{Name: "databases", Tenant: "acme", VMs: []string{"db-1", "db-2"}},
			cloudreplicatest.Plan{Name: "web", Tenant: "acme", VMs: []string{"web-1", "web-2", "web-3"}, Together: true},
			cloudreplicatest.Plan{Name: "globex all", Tenant: "globex", VMs: []string{"app-1", "app-2", "app-3"}},
		),
	}
}
