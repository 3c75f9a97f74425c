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

// caller returns what sends plain requests as the administrator. A status of zero is no answer.
func caller(srv *vcavtest.Server) func(method, path, body string, answer any) (status int) {
	client, token := &http.Client{Transport: srv.Transport()}, ""
	call := func(method, path, body string, answer any) int {
		request, err := http.NewRequestWithContext(context.Background(), method, srv.URL+path, strings.NewReader(body))
		if err != nil {
			log.Fatal(err)
		}
		request.Header.Set("Accept", "application/vnd.vmware.h4-v4.1+json;charset=UTF-8")
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-VCAV-Auth", token)
		response, err := client.Do(request)
		if err != nil {
			return 0
		}
		defer response.Body.Close()
		if given := response.Header.Get("X-VCAV-Auth"); given != "" {
			token = given
		}
		if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
			log.Fatal(err)
		}
		return response.StatusCode
	}
	call("POST", "/sessions", `{"type":"localUser","localUser":"root","localPassword":"`+srv.Password+`"}`, &struct{}{})
	return call
}

// A proxy takes the request, answers nothing and passes it on when its client has given up.
func ExampleFault_late() {
	clock := vcavtest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	srv, err := vcavtest.Start(vcavtest.UseClock(clock))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	call, db1 := caller(srv), vcavtest.ReplicationID("db-1")
	srv.Inject(vcavtest.Fault{Operation: "VMReplications.Failover", Drop: true, Late: 20 * time.Second, Times: 1})

	status := call("POST", "/vm-replications/"+db1+"/failover", `{"type":"vcloud","powerOn":true}`, nil)
	fmt.Println(status, srv.Ran("VMReplications.Failover", db1), srv.Replication(db1).Recovery)
	clock.Advance(time.Minute)
	fmt.Println(srv.Ran("VMReplications.Failover", db1), srv.Replication(db1).Recovery)
	// Output:
	// 0 0 NOT_STARTED
	// 1 COMPLETE
}

// Another administrator fails db-1 over, just before the appliance gets to the client's failover.
func ExampleServer_Operator() {
	srv, err := vcavtest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	call, db1 := caller(srv), vcavtest.ReplicationID("db-1")
	srv.Inject(vcavtest.Fault{Operation: "VMReplications.Failover", Times: 1, Do: func() {
		if _, err := srv.Operator("olga@System").Do("VMReplications.Failover", db1, `{"type":"vcloud","powerOn":true}`); err != nil {
			log.Fatal(err)
		}
	}})

	var refused struct{ Code string }
	fmt.Println(call("POST", "/vm-replications/"+db1+"/failover", `{"type":"vcloud","powerOn":true}`, &refused), refused.Code)
	for _, task := range srv.Tasks() {
		fmt.Println(task.Type, "by", task.User)
	}
	// Output:
	// 409 OperationInProgress
	// failover by olga@System
}

// Whatever the client was told, db-1 must have been recovered once.
func ExampleServer_Audit() {
	clock := vcavtest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	srv, err := vcavtest.Start(vcavtest.UseClock(clock), vcavtest.Protect(vcavtest.Replication{ID: "C4-1", VMName: "db-1"}))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	call := caller(srv)
	srv.Inject(vcavtest.Fault{Operation: "VMReplications.Failover", After: true, Drop: true, Times: 1})
	for range 2 { // as a client does that sends again what it should not
		call("POST", "/vm-replications/C4-1/failover", `{"type":"vcloud","powerOn":true}`, &struct{}{})
	}
	clock.Advance(time.Minute)

	audit := srv.Audit()
	fmt.Println(audit)
	fmt.Println(audit.Recovery("C4-1").Recovered == 1)
	// Output:
	// Sessions.SignIn: 1 request, ran 1 (root 1)
	// C4-1 VMReplications.Failover: 2 requests, ran 1 (root 1), refused 1; tasks: 1 succeeded
	// C4-1 db-1: recovered 1
	// true
}

// The database is gone, and the health says so.
func ExampleServer_BreakComponent() {
	srv, err := vcavtest.Start(vcavtest.HealthAs(vcavtest.HealthObject))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	call := caller(srv)
	srv.BreakComponent(vcavtest.Database, "", "")

	var health struct {
		DBError *struct{ Code, Msg string }
		LSError *struct{ Code, Msg string }
	}
	call("GET", "/diagnostics/health", "", &health)
	fmt.Println(health.DBError.Code, health.LSError)
	// Output: ConnectionRefused <nil>
}

// A download of this bundle breaks off ten times, each time a megabyte further on.
func ExampleSupportBundles() {
	srv, err := vcavtest.Start(vcavtest.SupportBundles(vcavtest.SupportBundle{ID: "night", Size: 1 << 30}))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	srv.Inject(vcavtest.Fault{Operation: "SupportBundles.Download", After: true, AfterBytes: 1 << 20, Drop: true, Times: 10})
	// … the code under test …
	for _, bundle := range srv.SupportBundles() {
		fmt.Println(bundle.ID, bundle.Owner, bundle.Size)
	}
	// Output: night System@site2 1073741824
}

// Sessions are gone after a restart; tasks go on.
func ExampleServer_Restart() {
	clock := vcavtest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	srv, err := vcavtest.Start(vcavtest.UseClock(clock))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	call := caller(srv)
	call("POST", "/vm-replications/"+vcavtest.ReplicationID("db-1")+"/sync", "", &struct{}{})
	srv.Restart(5 * time.Minute)

	fmt.Println(call("POST", "/tasks/poll", "[]", nil))
	clock.Advance(5 * time.Minute)
	var refused struct{ Code string }
	fmt.Println(call("POST", "/tasks/poll", "[]", &refused), refused.Code)
	fmt.Println(srv.Tasks()[0].State)
	// Output:
	// 0
	// 401 NotAuthenticated
	// SUCCEEDED
}
