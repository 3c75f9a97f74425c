package cloudreplica_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// Show for every failover plan how old the newest restore point of each machine is. With the address of an Enterprise
// Manager and an account, and without the lines of the simulator, the program does the same there.
func Example() {
	ctx := context.Background()
	clock := cloudreplicatest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	manager, err := cloudreplicatest.Start(cloudreplicatest.UseClock(clock))
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()

	client, err := cloudreplica.NewClient(manager.URL, cloudreplica.Login(manager.User, drkit.NewSecret(manager.Password)),
		manager.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	plans, err := client.FailoverPlans.List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, plan := range plans {
		machines, err := client.FailoverPlans.VMs(ctx, plan.ID())
		if err != nil {
			log.Fatal(err)
		}
		for _, machine := range machines {
			points := client.VMReplicaPoints.Query(ctx, cloudreplica.Query[cloudreplica.CloudVMReplicaPoint]{
				Filter: cloudreplica.PointFieldVMDisplayName.Is(machine.Name),
				Sort:   cloudreplica.PointFieldCreationTime.Descending(),
			})
			newest, err := drkit.First(points, nil)
			switch {
			case errors.Is(err, drkit.ErrNotFound):
				fmt.Println(plan.TenantName, machine.Name, "has no point")
			case err != nil:
				log.Fatal(err)
			default:
				age := clock.Now().Sub(newest.CreationTimeUTC.Time) // time.Since elsewhere
				fmt.Println(plan.TenantName, machine.Name, newest.State, age)
			}
		}
	}
	// Output:
	// acme db-1 Ready 30m0s
	// acme web-1 Ready 30m0s
	// globex app-1 Ready 30m0s
}

// What the README shows of the simulator. Change both together.
func TestReadme(t *testing.T) {
	t.Parallel()
	server := cloudreplicatest.NewServer(t)
	client, err := cloudreplica.NewClient(server.URL, cloudreplica.Login(server.User, drkit.NewSecret(server.Password)), server.Options()...)
	require.NoError(t, err)
	newest := cloudreplica.Query[cloudreplica.CloudVMReplicaPoint]{
		Filter: cloudreplica.PointFieldVMDisplayName.Is("db-1"),
		Sort:   cloudreplica.PointFieldCreationTime.Descending(),
	}
	before, err := drkit.First(client.VMReplicaPoints.Query(t.Context(), newest), nil)
	require.NoError(t, err)

	// A job makes a point, which shows once the server has collected it; and the gateway fails once on the way.
	server.Replicate("db-1")
	server.Collect()
	server.Inject(cloudreplicatest.Fault{Operation: "Query.Find", Status: 502, Body: "<html>Bad Gateway</html>", Times: 1})
	after, err := drkit.First(client.VMReplicaPoints.Query(t.Context(), newest), nil)

	require.NoError(t, err)
	assert.True(t, after.CreationTimeUTC.After(before.CreationTimeUTC.Time))
	assert.Equal(t, 3, server.Count("Query.Find")) // a read is sent again
	require.NoError(t, client.Close(t.Context()))
}
