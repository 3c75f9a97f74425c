package cloudreplica_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
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

// Whose replicas are older than four hours, as of the last collection of data.
func ExampleInventory() {
	server, err := cloudreplicatest.Start(cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: "Tidewater"}),
		cloudreplicatest.WithReplicas(
			cloudreplicatest.Replica{Name: "ledger", Tenant: "Tidewater", VMs: []cloudreplicatest.VM{{Name: "ledger-db", Age: 5 * time.Hour}, {Name: "ledger-web"}}}),
		cloudreplicatest.WithPlans(cloudreplicatest.Plan{Name: "ledger", Tenant: "Tidewater", VMs: []string{"ledger-db", "ledger-web"}}))
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx := context.Background()
	client := clientOf(server)
	defer client.Close(ctx)

	report, err := cloudreplica.Inventory(ctx, client, cloudreplica.InventoryOptions{RPO: 4 * time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	for vm := range report.VMs() {
		fmt.Println(vm.Name, vm.Tenants, vm.Class, vm.Age.Round(time.Hour))
	}
	// Output:
	// ledger-db [Tidewater] breach 5h0m0s
	// ledger-web [Tidewater] ok 1h0m0s
}

// A failover that another process waits for, by its token: the task is gone with the first one's session.
func ExampleResume() {
	server, err := cloudreplicatest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx := context.Background()
	first := clientOf(server)
	failover, err := first.FailoverPlans.Start(ctx, cloudreplicatest.PlanID("acme all"), cloudreplica.FailoverStart{})
	if err != nil {
		log.Fatal(err)
	}
	token, err := failover.ResumeToken(ctx)
	if err != nil {
		log.Fatal(err)
	}
	_ = first.Close(ctx)

	second := clientOf(server)
	defer second.Close(ctx)
	resumed, err := cloudreplica.Resume[cloudreplica.CloudFailoverSession](second, token)
	if err != nil {
		log.Fatal(err)
	}
	session, err := resumed.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, machine := range session.CloudFailoverTasks {
		fmt.Println(machine.VMName, machine.Result)
	}
	// Output:
	// db-1 Success
	// web-1 Success
}

// The points that a plan would fail over to.
func ExampleFailoverPlans_State() {
	server, err := cloudreplicatest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx := context.Background()
	client := clientOf(server)
	defer client.Close(ctx)

	state, err := client.FailoverPlans.State(ctx, cloudreplicatest.PlanID("acme all"))
	if err != nil {
		log.Fatal(err)
	}
	for _, vm := range state.VMs {
		fmt.Println(vm.Name, vm.Newest.State, time.Since(vm.Newest.CreationTimeUTC.Time).Round(10*time.Minute))
	}
	fmt.Println(state.Ready())
	// Output:
	// db-1 Ready 30m0s
	// web-1 Ready 30m0s
	// true
}

// clientOf returns a client of a simulated Enterprise Manager.
func clientOf(server *cloudreplicatest.Server) *cloudreplica.Client {
	soon := drkit.WithPolling(drkit.PollPolicy{MinInterval: 5 * time.Millisecond})
	client, err := cloudreplica.NewClient(server.URL, cloudreplica.Login(server.User, drkit.NewSecret(server.Password)), append(server.Options(), soon)...)
	if err != nil {
		log.Fatal(err)
	}
	return client
}
