package vcav_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// startExample returns a client of a simulated appliance whose tasks are over in a moment.
func startExample(options ...drkit.Option) (client *vcav.Client, server *vcavtest.Server, stop func()) {
	server, err := vcavtest.Start(vcavtest.TaskDuration(0, 5*time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	options = append(options, server.Options()...)
	options = append(options, drkit.WithPolling(drkit.PollPolicy{MinInterval: 5 * time.Millisecond, Grace: 50 * time.Millisecond}))
	client, err = vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), options...)
	if err != nil {
		log.Fatal(err)
	}
	return client, server, func() { _ = client.Close(context.Background()); server.Close() }
}

// Fail one machine over, and say where it runs.
func Example() {
	client, _, stop := startExample()
	defer stop()
	ctx := context.Background()

	poller, err := client.VMReplications.Failover(ctx, vcavtest.ReplicationID("db-1"), vcav.CloudFailover{PowerOn: true})
	if err != nil {
		log.Fatal(err)
	}
	done, err := poller.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(done.VMName, "runs at", done.Destination.Site, "and is", done.DestinationState.RecoveryInfo.RecoveryState)
	// Output: db-1 runs at site2 and is COMPLETE
}

func ExampleNewClient() {
	password := drkit.NewSecret("from a vault")
	client, err := vcav.NewClient("https://vcda.example.com", vcav.LocalUser("root", password),
		drkit.WithThumbprint("SHA-256:3A:6F:41:7C:0B:59:E2:D8:10:94:77:AC:5E:21:F3:88:6D:02:B4:CF:19:EA:50:73:96:3D:88:0C:47:BE:15:A2"),
		drkit.WithLogger(slog.Default()))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = client.Close(context.Background()) }() // ends the session
	fmt.Println("nothing was sent yet")
	// Output: nothing was sent yet
}

func ExampleClient_Site() {
	server, err := vcavtest.Start(vcavtest.AuthenticatedAt("site1"))
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client, err := vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	elsewhere := client.Site("site1") // the same session and connections; requests name that site
	replications, err := drkit.Collect(elsewhere.VMReplications.List(context.Background(), vcav.VMReplicationQuery{}))
	fmt.Println(len(replications), err)
	// Output: 3 <nil>
}

func ExampleSessions_SignIn() {
	client, _, stop := startExample()
	defer stop()
	session, err := client.Sessions.SignIn(context.Background())
	fmt.Println(session.User, err)
	// Output: root <nil>
}

func ExampleVMReplications_List() {
	client, _, stop := startExample()
	defer stop()
	query := vcav.VMReplicationQuery{SourceOrg: "org1", Sort: []vcav.SortField{vcav.Asc("vmName")}}
	for replication, err := range client.VMReplications.List(context.Background(), query) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(replication.VMName, replication.OverallHealth)
	}
	// Output:
	// app-1 GREEN
	// db-1 GREEN
	// web-1 GREEN
}

func ExampleVMReplications_Failover() {
	client, server, stop := startExample()
	defer stop()
	ctx := context.Background()
	id := vcavtest.ReplicationID("db-1")
	server.Inject(vcavtest.Fault{Operation: "VMReplications.Failover", Drop: true, Times: 1}) // before it has run

	_, err := client.VMReplications.Failover(ctx, id, vcav.CloudFailover{PowerOn: true})
	var failed *drkit.TaskError
	var answer *drkit.Error
	switch {
	case errors.Is(err, drkit.ErrOutcomeUnknown):
		fmt.Println("sent, no answer, and no trace of it: drkit.Recover looks again")
	case errors.Is(err, drkit.ErrConflict):
		fmt.Println("busy, in test, or failed over already")
	case errors.As(err, &failed):
		fmt.Println("accepted, and then failed:", failed.Code)
	case errors.As(err, &answer):
		fmt.Println("refused:", answer.Status, answer.Code, answer.OperationID)
	}
	fmt.Println("failovers that ran:", server.Ran("VMReplications.Failover", id))
	// Output:
	// sent, no answer, and no trace of it: drkit.Recover looks again
	// failovers that ran: 0
}

// The failover runs, and its answer is lost: it is found by its task.
func ExampleVMReplications_Failover_answerLost() {
	client, server, stop := startExample()
	defer stop()
	ctx := context.Background()
	id := vcavtest.ReplicationID("db-1")
	server.Inject(vcavtest.Fault{Operation: "VMReplications.Failover", After: true, Drop: true, Times: 1})

	poller, err := client.VMReplications.Failover(ctx, id, vcav.CloudFailover{PowerOn: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("found after its answer was lost:", poller.Adopted())
	done, err := poller.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(done.VMName, "is", done.DestinationState.RecoveryInfo.RecoveryState)
	fmt.Println("failovers that ran:", server.Ran("VMReplications.Failover", id))
	// Output:
	// found after its answer was lost: true
	// db-1 is COMPLETE
	// failovers that ran: 1
}

// The request never arrives. The client remembers that it cannot know, until somebody who does says so.
func ExampleVMReplications_Failover_requestLost() {
	client, server, stop := startExample()
	defer stop()
	ctx := context.Background()
	id := vcavtest.ReplicationID("db-1")
	server.Inject(vcavtest.Fault{Operation: "VMReplications.Failover", Drop: true, Times: 1})

	poller, err := client.VMReplications.Failover(ctx, id, vcav.CloudFailover{PowerOn: true})
	var unknown *drkit.OutcomeUnknownError
	if errors.As(err, &unknown) {
		poller, err = drkit.Recover[vcav.VMReplication](ctx, err) // looks again, and sends nothing
	}
	if errors.As(err, &unknown) && unknown.Untouched {
		drkit.Discard(err) // nothing came of it, somebody has made sure: it may be sent again
	}
	fmt.Println(poller == nil, server.Ran("VMReplications.Failover", id))

	poller, err = client.VMReplications.Failover(ctx, id, vcav.CloudFailover{PowerOn: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(poller.Adopted(), server.Ran("VMReplications.Failover", id))
	// Output:
	// true 0
	// false 1
}

func ExampleVMReplications_TestFailover() {
	client, _, stop := startExample()
	defer stop()
	ctx := context.Background()
	id := vcavtest.ReplicationID("app-1")

	poller, err := client.VMReplications.TestFailover(ctx, id, vcav.CloudFailoverTest{PowerOn: true, Sync: true})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := poller.Wait(ctx); err != nil {
		log.Fatal(err)
	}
	poller, err = client.VMReplications.CleanUpTestFailover(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	after, err := poller.Wait(ctx)
	fmt.Println(after.DestinationState.RecoveryInfo.RecoveryState, err)
	// Output: NOT_STARTED <nil>
}

func ExampleTasks_List() {
	client, _, stop := startExample()
	defer stop()
	ctx := context.Background()
	poller, err := client.VMReplications.Sync(ctx, vcavtest.ReplicationID("web-1"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := poller.Wait(ctx); err != nil {
		log.Fatal(err)
	}
	last, err := drkit.First(client.Tasks.List(ctx, vcav.TaskQuery{State: vcav.TaskStateSucceeded}), nil)
	fmt.Println(last.WorkflowInfo.Type, last.WorkflowInfo.ResourceName, err)
	// Output: sync web-1 <nil>
}

func ExampleDiagnostics_About() {
	client, _, stop := startExample()
	defer stop()
	about, err := client.Diagnostics.About(context.Background())
	fmt.Println(about.ServiceType, err)
	// Output: CLOUD <nil>
}

// A wait can be watched, and several can be waited for at once.
func Example_waiting() {
	client, _, stop := startExample()
	defer stop()
	ctx := context.Background()

	var pollers []*drkit.Poller[vcav.VMReplication]
	for replication, err := range client.VMReplications.List(ctx, vcav.VMReplicationQuery{}) {
		if err != nil {
			log.Fatal(err)
		}
		poller, err := client.VMReplications.Sync(ctx, replication.ID)
		if err != nil {
			log.Fatal(err)
		}
		pollers = append(pollers, poller)
	}
	outcomes, err := drkit.WaitAll(ctx, pollers, drkit.OnProgress(func(p drkit.Progress) {
		log.Printf("%s %s %d %%", p.ID, p.State, p.Percent)
	}))
	for _, outcome := range outcomes {
		log.Println(outcome.ID, outcome.Result.VMName, outcome.Err)
	}
	fmt.Println(len(outcomes), err)
	// Output: 3 <nil>
}

// How often a repeatable request is sent, and how a wait looks, are options of the client.
func Example_policies() {
	client, server, stop := startExample(
		drkit.WithRetry(drkit.RetryPolicy{Attempts: 6, MaxWait: 10 * time.Second}),
		drkit.WithTimeout(20*time.Second), // one attempt; the context limits the call
		drkit.WithPolling(drkit.PollPolicy{MaxInterval: 5 * time.Second, MaxUnreachable: time.Hour}),
	)
	defer stop()
	server.Inject(vcavtest.Fault{Operation: "Diagnostics.About", Status: 503, Times: 2})
	_, err := client.Diagnostics.About(context.Background())
	fmt.Println(server.Count("Diagnostics.About"), err)
	// Output: 3 <nil>
}

// Every request of a call carries its operation ID, and so do its errors and log records.
func Example_tracing() {
	client, server, stop := startExample()
	defer stop()

	ctx := drkit.WithOperationID(context.Background(), "change-4711/db-1")
	ctx = drkit.OnResponse(ctx, func(r drkit.Response) { log.Printf("%s %d %s", r.Operation, r.Status, r.Body) })
	_, err := client.VMReplications.Get(ctx, "C4-unknown")
	fmt.Println(errors.Is(err, drkit.ErrNotFound))

	requests := server.Requests()
	fmt.Println(requests[len(requests)-1].OperationID)
	// Output:
	// true
	// change-4711/db-1
}

func TestRunbook(t *testing.T) {
	server := vcavtest.NewServer(t, vcavtest.Protect(vcavtest.Replication{ID: "C4-1", VMName: "db-1"}))
	client, err := vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), server.Options()...)
	require.NoError(t, err)

	// The failover runs, then its answer is lost.
	server.Inject(vcavtest.Fault{Operation: "VMReplications.Failover", After: true, Drop: true, Times: 1})
	poller, err := client.VMReplications.Failover(t.Context(), "C4-1", vcav.CloudFailover{PowerOn: true})

	require.NoError(t, err)
	assert.True(t, poller.Adopted())                                  // it was found
	assert.Equal(t, 1, server.Ran("VMReplications.Failover", "C4-1")) // nothing ran twice
}

func ExampleSessions_Extend() {
	server, err := vcavtest.Start(vcavtest.RemoteUser("site1", "ann@org1", "ann's password"))
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client, err := vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	ctx, password := context.Background(), drkit.NewSecret("ann's password")

	_, err = client.Sessions.Extend(ctx, vcav.WithVCDCredentials("site1", "ann@org1", password))
	if err != nil {
		log.Fatal(err)
	}
	server.ExpireSessions() // the next call signs in anew, and the site comes back with the session
	_, err = client.Site("site1").VMReplications.Get(ctx, vcavtest.ReplicationID("db-1"))
	fmt.Println(err)
	// Output: <nil>
}

// Get, change and update: members that this version of drkit does not know go back as they came.
func ExamplePolicies_Update() {
	client, _, stop := startExample()
	defer stop()
	ctx := context.Background()

	policy, err := client.Policies.Get(ctx, vcav.DefaultPolicy)
	if err != nil {
		log.Fatal(err)
	}
	policy.MaxIncoming = 100
	policy, err = client.Policies.Update(ctx, policy.ID, policy.PolicySettings)
	fmt.Println(policy.MaxIncoming, err)
	// Output: 100 <nil>
}

func ExampleVMReplications_Start() {
	server, err := vcavtest.Start(vcavtest.Machines(vcavtest.Machine{Name: "new-1"}), vcavtest.AuthenticatedAt("site1"),
		vcavtest.TaskDuration(0, 5*time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	client, err := vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	poller, err := client.VMReplications.Start(ctx, vcav.ReplicationStart{
		Source:      vcav.VMSource{Site: "site1", VMID: vcavtest.MachineID("new-1")},
		Destination: vcav.CloudDestination{Site: "site2", VDC: vcavtest.VDCID("site2", "org2")},
		RPO:         drkit.Some(60),           // minutes
		Quiesced:    drkit.Some(false),        // the default is true
		Description: drkit.Some("the new VM"), // what is left out is the service's default
	})
	if err != nil {
		log.Fatal(err)
	}
	replication, err := poller.Wait(ctx)
	fmt.Println(replication.VMName, replication.Settings.RPO, err)
	// Output: new-1 60 <nil>
}

func ExampleTasks_Poll() {
	client, _, stop := startExample()
	defer stop()
	ctx := context.Background()
	poller, err := client.VMReplications.Sync(ctx, vcavtest.ReplicationID("web-1"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := poller.Wait(ctx); err != nil {
		log.Fatal(err)
	}
	tasks, err := client.Tasks.Poll(ctx, []string{poller.ID()})
	if err != nil {
		log.Fatal(err)
	}
	replication, err := vcav.ResultOf[vcav.VMReplication](tasks[0])
	fmt.Println(replication.VMName, err)
	// Output: web-1 <nil>
}

// What one process has started another waits for: the token goes into a file, a database or the status of a
// Kubernetes resource. It holds no secret.
func ExampleResume() {
	before, server, stop := startExample()
	defer stop()
	ctx := context.Background()
	poller, err := before.VMReplications.Failover(ctx, vcavtest.ReplicationID("db-1"), vcav.CloudFailover{PowerOn: true})
	if err != nil {
		log.Fatal(err)
	}
	token, err := poller.ResumeToken(ctx)
	if err != nil {
		log.Fatal(err)
	}
	_ = before.Close(ctx) // the process ends, and another begins

	client, err := vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = client.Close(ctx) }()
	resumed, err := vcav.Resume[vcav.VMReplication](client, token)
	if err != nil {
		log.Fatal(err)
	}
	done, err := resumed.Wait(ctx)
	fmt.Println(done.VMName, "runs at", done.Destination.Site, err)

	_, err = vcav.Resume[vcav.NoResult](client, token)
	fmt.Println(errors.Is(err, drkit.ErrToken), err)
	// Output:
	// db-1 runs at site2 <nil>
	// true vcav.Resume: resume token refused: VMReplications.Failover has a result of type vcav.VMReplication and not vcav.NoResult
}
