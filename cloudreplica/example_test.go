package cloudreplica_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
)

func ExampleNewClient() {
	password := drkit.NewSecret("the password")
	client, err := cloudreplica.NewClient("https://em.example.com:9398", cloudreplica.Login(`HARBOR\ops`, password),
		drkit.WithThumbprint("SHA-256:3A:6F:41:7C:0B:59:E2:D8:10:94:77:AC:5E:21:F3:88:6D:02:B4:CF:19:EA:50:73:96:3D:88:0C:47:BE:15:A2"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(context.Background())
}

// A session for a tenant shows only what is the tenant's.
func ExampleTenantLogin() {
	ctx := context.Background()
	provider := cloudreplica.Login(`HARBOR\ops`, drkit.NewSecret("the provider's password"))
	tenant := cloudreplica.TenantLogin(provider, "Tidewater", drkit.NewSecret("the tenant's password"))
	client, err := cloudreplica.NewClient("https://em.example.com:9398", tenant)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	plans, err := client.FailoverPlans.List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, plan := range plans {
		fmt.Println(plan.Name, plan.ID())
	}
}

// The newest restore point of each machine, from one walk over the points of the last day.
func ExampleFinder_Query() {
	ctx := context.Background()
	client, err := cloudreplica.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	lastDay := cloudreplica.Query[cloudreplica.CloudVMReplicaPoint]{
		Filter: cloudreplica.PointFieldCreationTime.AtLeast(time.Now().Add(-24 * time.Hour)),
		Sort:   cloudreplica.PointFieldCreationTime.Descending(),
	}
	seen := map[string]bool{}
	for point, err := range client.VMReplicaPoints.Query(ctx, lastDay) {
		if err != nil {
			log.Fatal(err)
		}
		if replica, _ := point.Replica(); !seen[replica.ID()] {
			seen[replica.ID()] = true
			fmt.Println(point.VMDisplayName, point.CreationTimeUTC, point.State)
		}
	}
}

func ExampleFilter() {
	ready := cloudreplica.PointFieldState.Is(cloudreplica.ReplicaStateReady)
	either := cloudreplica.PointFieldVMName.In("ledger-db", `the "mail"`)
	fmt.Println(cloudreplica.And(ready, either))
	// Output:
	// (State==Ready;(VmName=="ledger-db",VmName=="the ""mail"""))
}

func ExampleUID_ID() {
	uid := cloudreplica.UID("urn:veeam:CloudTenant:72573c8f-0d94-48c3-aa17-c9ee6f3f7dd0")
	fmt.Println(uid.Type(), uid.ID())
	// Output:
	// CloudTenant 72573c8f-0d94-48c3-aa17-c9ee6f3f7dd0
}

// A failover to the state of half past six, and how it went for each machine.
func ExampleFailoverPlans_Start() {
	ctx := context.Background()
	client, err := cloudreplica.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	plans := client.FailoverPlans.Query(ctx, cloudreplica.Query[cloudreplica.CloudFailoverPlan]{
		Filter: cloudreplica.PlanFieldCloudTenantName.Is("Tidewater"),
	})
	plan, err := drkit.First(plans, nil)
	if err != nil {
		log.Fatal(err)
	}
	failover, err := client.FailoverPlans.Start(ctx, plan.ID(), cloudreplica.FailoverStart{
		Before: time.Date(2031, 5, 2, 6, 30, 0, 0, time.UTC),
	})
	if err != nil {
		log.Fatal(err)
	}
	session, err := failover.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, machine := range session.CloudFailoverTasks {
		fmt.Println(machine.VMName, machine.Result, machine.FailureMessage)
	}
}
