package vsphere_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
)

func ExampleNewClient() {
	password := drkit.NewSecret("the password")
	client, err := vsphere.NewClient("https://vr-east.example.com", vsphere.Login("administrator@vsphere.local", password),
		drkit.WithThumbprint("SHA-256:3A:6F:41:7C:0B:59:E2:D8:10:94:77:AC:5E:21:F3:88:6D:02:B4:CF:19:EA:50:73:96:3D:88:0C:47:BE:15:A2"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(context.Background())
}

// While the other site is down, the list is what this site knows, and says what it lacks.
func ExampleReplications_List() {
	ctx := context.Background()
	client, err := vsphere.NewClient("https://vr-east.example.com", vsphere.Login("ops@east.local", drkit.NewSecret("kelp")),
		drkit.WithTransport(halfAPair{}))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	query := vsphere.ReplicationQuery{ExtendedInfo: drkit.Some(true)}
	for r, err := range client.Pairing("7c19e0b5").Replications.List(ctx, query) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s, RPO %d minutes\n", r.Name, r.Status.Status, r.RPO)
		for _, missing := range r.Meta.Errors {
			fmt.Println("  not known:", missing)
		}
	}
	// Output:
	// ledger-db: OK, RPO 15 minutes
	// till-03: , RPO 60 minutes
	//   not known: REMOTE_UNREACHABLE vr-west does not answer (at $.list[1].status)
}

// halfAPair is an appliance whose other site is down.
type halfAPair struct{}

func (halfAPair) RoundTrip(r *http.Request) (*http.Response, error) {
	body := `{"session_id":"c51d0e7a"}`
	if strings.HasSuffix(r.URL.Path, "/replications") {
		body = `{"list":[
			{"id":"GID-1","name":"ledger-db","rpo":15,"status":{"status":"OK"},"last_sync_time":1763715000789},
			{"id":"GID-2","name":"till-03","rpo":60,"last_sync_time":1763711000123}],
			"_meta":{"total":2,"links":{"next":null},"errors":[
				{"code":"REMOTE_UNREACHABLE","message":"vr-west does not answer","field":"$.list[1].status"}]}}`
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewBufferString(body)), Header: http.Header{}, Request: r}, nil
}

// What concerns both sites takes a session at the other one. It comes back with every new session.
func ExampleRemoteSession_SignIn() {
	ctx := context.Background()
	client, err := vsphere.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)
	there, err := vsphere.RemoteFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	for pairing, err := range client.Pairings.List(ctx, vsphere.ListQuery{}) {
		if err != nil {
			log.Fatal(err)
		}
		if err := client.Pairing(pairing.PairingID).RemoteSession.SignIn(ctx, there); err != nil {
			log.Fatal(err)
		}
	}
}

// At the site that recovers: the latest instance is tested, and the test is cleaned up.
func ExampleReplications_Test() {
	ctx := context.Background()
	client, err := vsphere.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)
	replications := client.Pairing("7c19e0b5-83a4-4d62-b7f8-2e3d4c5b0055").Replications

	const id = "GID-20b7c0aa-0001"
	instances, err := drkit.Collect(replications.Instances(ctx, id, vsphere.ListQuery{}))
	if err != nil || len(instances) == 0 {
		log.Fatal("nothing to recover: ", err)
	}
	latest := slices.MaxFunc(instances, func(a, b vsphere.PointInTimeInstance) int {
		return a.TransferStartTime.Compare(b.TransferStartTime.Time)
	})
	test, err := replications.Test(ctx, id, vsphere.RunTestRecovery{
		InstanceID: latest.ID, FolderID: "Folder:group-v3:9a4b1c77",
		ComputeResourceID: "ClusterComputeResource:domain-c8:9a4b1c77", PowerOn: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := test.Wait(ctx); err != nil {
		log.Fatal(err)
	}
	image, err := replications.ActiveImage(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("test bubble", image.ID, "since", image.CreatedTime)

	cleanUp, err := replications.CleanUp(ctx, id, image.ID)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := cleanUp.Wait(ctx); err != nil {
		log.Fatal(err)
	}
}

// Many machines are configured in one request, and each is waited for.
func ExampleReplications_ConfigureAll() {
	ctx := context.Background()
	client, err := vsphere.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	var machines []vsphere.ConfigureReplication // with the disks of VMs.Disks
	pollers, err := client.Pairing("7c19e0b5-83a4-4d62-b7f8-2e3d4c5b0055").Replications.ConfigureAll(ctx, machines)
	if err != nil {
		log.Fatal(err)
	}
	outcomes, err := drkit.WaitAll(ctx, pollers)
	for i, outcome := range outcomes {
		fmt.Println(machines[i].VMID, outcome.Err)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// Three clients of one appliance, within what it lets pass for one address.
func ExampleAddressLimit() {
	limit := vsphere.AddressLimit()
	for _, user := range []string{"reports@east.local", "rehearsals@east.local", "watch@east.local"} {
		client, err := vsphere.NewClient("https://vr-east.example.com", vsphere.Login(user, drkit.NewSecret("the password")), limit)
		if err != nil {
			log.Fatal(err)
		}
		defer client.Close(context.Background())
	}
}

// A pause is waited for by another process.
func ExampleResume() {
	ctx := context.Background()
	client, err := vsphere.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	pause, err := client.Pairing("7c19e0b5-83a4-4d62-b7f8-2e3d4c5b0055").Replications.Pause(ctx, "GID-20b7c0aa-0001")
	if err != nil {
		log.Fatal(err)
	}
	token, err := pause.ResumeToken(ctx)
	if err != nil {
		log.Fatal(err)
	}

	resumed, err := vsphere.Resume[vsphere.Task](client, token)
	if err != nil {
		log.Fatal(err)
	}
	task, err := resumed.Wait(ctx)
	fmt.Println(task.Status, err)
}
