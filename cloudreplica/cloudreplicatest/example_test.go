package cloudreplicatest_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// A program talks to the service as to a real one: it signs in, starts a failover plan and follows the task.
func Example() {
	clock := cloudreplicatest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	srv, err := cloudreplicatest.Start(cloudreplicatest.UseClock(clock))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	client := &http.Client{Transport: srv.Transport()}
	token := ""
	call := func(method, path, body string, into any) {
		request, err := http.NewRequestWithContext(context.Background(), method, srv.URL+"/api"+path, strings.NewReader(body))
		if err != nil {
			log.Fatal(err)
		}
		request.Header.Set("Accept", "application/xml")
		if token == "" {
			request.SetBasicAuth(srv.User, srv.Password)
		} else {
			request.Header.Set("X-RestSvcSessionId", token)
		}
		if body != "" {
			request.Header.Set("Content-Type", "application/xml")
		}
		response, err := client.Do(request)
		if err != nil {
			log.Fatal(err)
		}
		defer response.Body.Close()
		if issued := response.Header.Get("X-RestSvcSessionId"); issued != "" {
			token = issued
		}
		answer, err := io.ReadAll(response.Body)
		if err != nil {
			log.Fatal(err)
		}
		if err := xml.Unmarshal(answer, into); err != nil {
			log.Fatal(err)
		}
	}

	var session struct{ UserName string }
	call("POST", "/sessionMngr/?v=latest", "", &session)
	fmt.Println(session.UserName)

	var task struct {
		TaskID string `xml:"TaskId"`
		State  string
		Links  []struct {
			Rel, Type, Href string `xml:",attr"`
		} `xml:"Links>Link"`
	}
	call("POST", "/cloud/cloudFailoverPlans/"+cloudreplicatest.PlanID("acme all")+"?action=start",
		`<CloudFailoverPlanManagementSpec xmlns="http://www.veeam.com/ent/v1.0"><StartNow>true</StartNow></CloudFailoverPlanManagementSpec>`, &task)
	fmt.Println(task.TaskID, task.State)
	clock.Advance(time.Second)
	call("GET", "/tasks/"+task.TaskID, "", &task)
	fmt.Println(task.TaskID, task.State, srv.Audit().Plan(cloudreplicatest.PlanID("acme all")).Succeeded)
	// Output:
	// EM01\administrator
	// task-1 Running
	// task-1 Finished 1
}

// The answer to a start is lost: the failover goes on all the same, and its session can be found.
func ExampleServer_Inject() {
	clock := cloudreplicatest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	srv, err := cloudreplicatest.Start(cloudreplicatest.UseClock(clock))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	plan := cloudreplicatest.PlanID("acme all")
	srv.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Start", Resource: plan, After: true, Drop: true, Times: 1})

	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost,
		srv.URL+"/api/cloud/cloudFailoverPlans/"+plan+"?action=start", strings.NewReader(`{"StartNow":true}`))
	if err != nil {
		log.Fatal(err)
	}
	for name, value := range map[string]string{"Accept": "application/json", "Content-Type": "application/json", "X-RestSvcSessionId": srv.Token()} {
		request.Header.Set(name, value)
	}
	response, err := (&http.Client{Transport: srv.Transport()}).Do(request)
	if err == nil {
		_ = response.Body.Close()
	}
	fmt.Println("answered:", err == nil)
	clock.Advance(time.Minute)
	fmt.Println("failed over:", srv.Audit().Plan(plan).Started)
	// Output:
	// answered: false
	// failed over: 1
}

// Somebody else undoes a failover, as in the console.
func ExampleOperator_Do() {
	clock := cloudreplicatest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	srv, err := cloudreplicatest.Start(cloudreplicatest.UseClock(clock))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	plan, olga := cloudreplicatest.PlanID("globex all"), srv.Operator("olga")
	for _, order := range []struct{ operation, body string }{{"FailoverPlans.Start", `{"StartNow":true}`}, {"FailoverPlans.Undo", ""}} {
		answer, err := olga.Do(order.operation, plan, order.body)
		if err != nil {
			log.Fatal(err)
		}
		var task struct{ TaskID, State string }
		if err := json.Unmarshal(answer, &task); err != nil {
			log.Fatal(err)
		}
		fmt.Println(task.TaskID, task.State)
		clock.Advance(time.Minute)
		fmt.Println(srv.Points("app-1")[0].State)
	}
	// Output:
	// task-1 Running
	// Failover
	// task-2 Running
	// Ready
}

// A job makes a new point, which answers show once data have been collected.
func ExampleServer_Replicate() {
	clock := cloudreplicatest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	srv, err := cloudreplicatest.Start(cloudreplicatest.UseClock(clock))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	srv.Replicate("db-1")
	points := srv.Points("db-1")
	newest := points[len(points)-1]
	look := func() {
		_, err := srv.Operator("olga").Do("VMReplicaPoints.Get", newest.ID, "")
		fmt.Println(newest.Created.Format(time.TimeOnly), "is shown:", err == nil)
	}
	look()
	clock.Advance(16 * time.Minute)
	look()
	// Output:
	// 12:00:00 is shown: false
	// 12:00:00 is shown: true
}
