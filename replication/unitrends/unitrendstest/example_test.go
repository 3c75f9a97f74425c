package unitrendstest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

// A program talks to both appliances as to real ones: the source asks, the target accepts, and once that has
// settled the target lists the source as a system that replicates.
func Example() {
	clock := unitrendstest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	pair, err := unitrendstest.StartPair(unitrendstest.UseClock(clock), unitrendstest.Settling(time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	defer pair.Close()

	tokens := map[*unitrendstest.Server]string{}
	call := func(server *unitrendstest.Server, method, path, body string) map[string]any {
		request, err := http.NewRequestWithContext(context.Background(), method, server.URL+path, strings.NewReader(body))
		if err != nil {
			log.Fatal(err)
		}
		request.Header.Set("Accept", "application/json")
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("AuthToken", tokens[server])
		response, err := (&http.Client{Transport: server.Transport()}).Do(request)
		if err != nil {
			log.Fatal(err)
		}
		defer response.Body.Close()
		var answer map[string]any
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil && err != io.EOF {
			log.Fatal(err)
		}
		return answer
	}
	for _, server := range []*unitrendstest.Server{pair.Source, pair.Target} {
		answer := call(server, "POST", "/api/login", `{"username":"root","password":"`+server.Password+`"}`)
		tokens[server] = fmt.Sprint(answer["auth_token"])
	}

	call(pair.Source, "POST", "/api/replication/target", `{"host":"`+pair.Target.Host+`"}`)
	fmt.Println(call(pair.Target, "GET", "/api/replication/pending", "")["pending"])
	call(pair.Target, "POST", "/api/replication/source", `{"request_id":1,"accept":true,"storage_id":2}`)
	clock.Advance(time.Minute)
	systems, _ := call(pair.Target, "GET", "/api/systems/?include_pending=1", "")["appliance"].([]any)
	source, _ := systems[1].(map[string]any)
	fmt.Println(source["name"], source["role"], source["is_pending"])
	// Output:
	// [map[asset_tag:TAG-branch created:06/01/2030 12:00:00 pm name:branch request_id:1]]
	// branch Non-Managed Replication Source false
}

// The decision is made, then its answer is lost: what a client makes of that is what the test is about.
func ExampleServer_Inject() {
	srv, err := unitrendstest.Start(unitrendstest.Pending("branch"))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	client := &http.Client{Transport: srv.Transport()}
	signIn := `{"username":"root","password":"` + srv.Password + `"}`
	srv.Inject(unitrendstest.Fault{Operation: "Sessions.SignIn", After: true, Drop: true, Times: 1})

	for range 2 {
		response, err := client.Post(srv.URL+"/api/login", "application/json", strings.NewReader(signIn))
		if err != nil {
			fmt.Println("no answer, but", srv.Sessions(), "session is open")
			continue
		}
		_ = response.Body.Close()
		fmt.Println(response.StatusCode, "and there are", srv.Sessions())
	}
	// Output:
	// no answer, but 1 session is open
	// 201 and there are 2
}

// The person at the target decides, and the audit tells what has happened.
func ExampleServer_Operator() {
	pair, err := unitrendstest.StartPair()
	if err != nil {
		log.Fatal(err)
	}
	defer pair.Close()
	if err := pair.Source.Operator("olga").RequestTarget("vault"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(pair.Target.Operator("oscar").Reject(1, ""))
	if err := pair.Target.Operator("oscar").Reject(1, "not on the list"); err != nil {
		log.Fatal(err)
	}
	for _, request := range pair.Target.Audit().Incoming {
		fmt.Println(request.Source, request.State, request.Message)
	}
	// Output:
	// unitrendstest: oscar: Sources.Decide: 500: A message is required when a request is rejected.
	// branch rejected not on the list
}

// A queue that stays as it is, and then goes on.
func ExampleServer_HoldCopies() {
	pair, err := unitrendstest.StartPair(unitrendstest.AtSource(
		unitrendstest.Protects(unitrendstest.Asset{Name: "erp", Backups: 3})))
	if err != nil {
		log.Fatal(err)
	}
	defer pair.Close()
	_, target := pair.Connect()
	pair.Source.HoldCopies(true)
	order := fmt.Sprintf(`{"name":"nightly","type":"Replication","instances":[%d],"target_id":%d}`, pair.Source.AssetID("erp"), target)
	if _, err := pair.Source.Operator("olga").Do("JobOrders.Create", "", order); err != nil {
		log.Fatal(err)
	}
	fmt.Println(pair.Source.QueueLength())
	pair.Source.HoldCopies(false)
	fmt.Println(pair.Source.QueueLength())
	pair.Source.FinishCopies()
	fmt.Println(pair.Source.QueueLength())
	fmt.Println(len(pair.Target.BackupIDs("erp")), "copies")
	// Output:
	// 0 3
	// 2 1
	// 1 0
	// 2 copies
}

// An appliance with history: it takes in the copies of one source, another one has asked, and its own machines are
// copied to the cloud every night.
func ExampleOrders() {
	clock := unitrendstest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	srv, err := unitrendstest.Start(unitrendstest.UseClock(clock), unitrendstest.Copying(time.Hour),
		unitrendstest.TakesIn("quay-07"), unitrendstest.Pending("barge"), unitrendstest.CopiesTo("cloud-1"),
		unitrendstest.Orders(unitrendstest.Order{Name: "nightly", Assets: []string{"db-1"}}))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	fmt.Println(srv.QueueLength())
	clock.Advance(2 * time.Hour)
	fmt.Println(srv.QueueLength())
	for _, order := range srv.Orders() {
		fmt.Println(order.Name, order.Assets, order.Target, order.Last)
	}
	// Output:
	// 1 0
	// 0 0
	// nightly [db-1] cloud-1 Success
}

// Whatever the client was told, the request was decided once.
func ExampleServer_Audit() {
	srv, err := unitrendstest.Start(unitrendstest.Pending("branch"))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	operator := srv.Operator("oscar")
	for range 2 { // as a client does that sends again what it should not
		fmt.Println(operator.Accept(1, srv.StorageID("copies")))
	}
	fmt.Println(srv.Audit())
	// Output:
	// <nil>
	// unitrendstest: oscar: Sources.Decide: 500: There is no pending request with the id 1.
	// 1 Sources.Decide: 2 requests (2 by operators), ran 1 (oscar 1), refused 1
	// request 1 of branch to vault: accepted, decided 1 times
	// request 1 of vault to cloud-1: done, decided 1 times
}
