package vcavtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// A program talks to the appliance as to a real one: it signs in, fails db-1 over and looks after the task.
func Example() {
	clock := vcavtest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	srv, err := vcavtest.Start(vcavtest.UseClock(clock), vcavtest.TaskDuration(0, 5*time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	client := &http.Client{Transport: srv.Transport()}
	token := ""
	call := func(method, path, body string) (status int, answer map[string]any) {
		request, err := http.NewRequestWithContext(context.Background(), method, srv.URL+path, strings.NewReader(body))
		if err != nil {
			log.Fatal(err)
		}
		request.Header.Set("Accept", "application/vnd.vmware.h4-v4.1+json;charset=UTF-8")
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-VCAV-Auth", token)
		response, err := client.Do(request)
		if err != nil {
			log.Fatal(err)
		}
		defer response.Body.Close()
		if given := response.Header.Get("X-VCAV-Auth"); given != "" {
			token = given
		}
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			log.Fatal(err)
		}
		return response.StatusCode, answer
	}

	call("POST", "/sessions", `{"type":"localUser","localUser":"root","localPassword":"`+srv.Password+`"}`)
	path := "/vm-replications/" + vcavtest.ReplicationID("db-1") + "/failover"
	status, task := call("POST", path, `{"type":"vcloud","powerOn":true}`)
	fmt.Println(status, task["state"])
	clock.Advance(2 * time.Minute)
	_, task = call("GET", fmt.Sprintf("/tasks/%s", task["id"]), "")
	fmt.Println(task["state"], task["progress"])
	clock.Advance(3 * time.Minute)
	_, task = call("GET", fmt.Sprintf("/tasks/%s", task["id"]), "")
	fmt.Println(task["state"], srv.Replication(vcavtest.ReplicationID("db-1")).Recovery)
	// Output:
	// 202 RUNNING
	// RUNNING 40
	// SUCCEEDED COMPLETE
}

// The failover runs, then its answer is lost: what a client makes of that is what the test is about.
func ExampleServer_Inject() {
	srv, err := vcavtest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	srv.Inject(vcavtest.Fault{Operation: "VMReplications.Failover", After: true, Drop: true, Times: 1})
	// … the code under test …
	fmt.Println(srv.Ran("VMReplications.Failover", vcavtest.ReplicationID("db-1")))
	// Output: 0
}

// Options replace the parts of the default picture that they name.
func ExampleProtect() {
	srv, err := vcavtest.Start(
		vcavtest.LocalSite("munich", "acme-dr"),
		vcavtest.RemoteSite("berlin", "acme"),
		vcavtest.Protect(
			vcavtest.Replication{VMName: "erp-1", VApp: "erp"},
			vcavtest.Replication{VMName: "erp-2", VApp: "erp", Unsynced: true},
		),
		vcavtest.Tenant("ann@acme-dr", "secret"),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	for _, r := range srv.Replications() {
		fmt.Println(r.VMName, r.Owner, r.SourceSite, "to", r.DestinationSite, len(r.Instances))
	}
	// Output:
	// erp-1 acme@berlin berlin to munich 1
	// erp-2 acme@berlin berlin to munich 0
}

// Policies are enforced when replications start or change.
func ExamplePolicies() {
	strict := vcavtest.OpenPolicy()
	strict.ID, strict.DisplayName = "", "Strict"
	strict.MinRPO, strict.AllowCustomSLASettings = 60, false
	strict.Orgs = []string{"org2"}
	srv, err := vcavtest.Start(vcavtest.Policies(strict), vcavtest.Machines(vcavtest.Machine{Name: "new-1"}))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	fmt.Println(srv.PolicyOf("site2", "org2").DisplayName, srv.PolicyOf("site1", "org1").DisplayName)
	for _, machine := range srv.Machines() {
		fmt.Println(machine.Name, machine.Replication == "")
	}
	// Output:
	// Strict Default Policy
	// new-1 true
	// db-1 false
	// app-1 false
	// web-1 false
}
