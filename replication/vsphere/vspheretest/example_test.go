package vspheretest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// caller is a program that talks to one server.
type caller struct {
	server *vspheretest.Server
	token  string
}

// call sends one request, with the user's name and password where there are some, and decodes the answer.
func (c *caller) call(method, path, body string, credentials ...string) (status int, answer map[string]any) {
	request, err := http.NewRequestWithContext(context.Background(), method, c.server.URL+"/api/rest/vr/v2"+path, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if len(credentials) == 2 {
		request.SetBasicAuth(credentials[0], credentials[1])
	}
	if c.token != "" {
		request.Header.Set("x-dr-session", c.token)
	}
	response, err := (&http.Client{Transport: c.server.Transport()}).Do(request)
	if err != nil {
		return 0, nil
	}
	defer response.Body.Close()
	_ = json.NewDecoder(response.Body).Decode(&answer) // some answers are empty
	return response.StatusCode, answer
}

// signIn signs in at the server, and through it at the remote site.
func (c *caller) signIn() {
	_, session := c.call("POST", "/session", "", c.server.User, c.server.Password)
	c.token = fmt.Sprint(session["session_id"])
	peer := c.server.Peer()
	c.call("POST", "/pairings/"+c.server.PairingID()+"/remote-session", "", peer.User, peer.Password)
}

// A program talks to a site as to a real one: it signs in, pauses db-1 and looks after the task.
func Example() {
	clock := vspheretest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	pair, err := vspheretest.Start(vspheretest.UseClock(clock), vspheretest.TaskDuration(0, time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	defer pair.Close()

	c := &caller{server: pair.Recovery}
	c.signIn()
	replication := "/pairings/" + pair.Recovery.PairingID() + "/replications/" + vspheretest.ReplicationID("db-1")
	status, task := c.call("POST", replication+"/actions/pause", "")
	fmt.Println(status, task["status"])
	clock.Advance(30 * time.Second)
	_, task = c.call("GET", fmt.Sprint("/tasks/", task["id"]), "")
	fmt.Println(task["status"], task["progress"])
	clock.Advance(30 * time.Second)
	_, task = c.call("GET", fmt.Sprint("/tasks/", task["id"]), "")
	fmt.Println(task["status"], pair.Replication(vspheretest.ReplicationID("db-1")).Status)
	// Output:
	// 202 RUNNING
	// RUNNING 50
	// SUCCESS PAUSED
}

// The test runs, but nobody hears of it: the audit knows, and so does the active image.
func ExampleServer_Inject() {
	clock := vspheretest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	pair, err := vspheretest.Start(vspheretest.UseClock(clock), vspheretest.TaskDuration(0, time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	defer pair.Close()
	pair.Recovery.Inject(vspheretest.Fault{Operation: "Replications.Test", After: true, Drop: true, Times: 1})

	c := &caller{server: pair.Recovery}
	c.signIn()
	db1 := vspheretest.ReplicationID("db-1")
	points := pair.Replication(db1).Points
	status, _ := c.call("POST", "/pairings/"+pair.Recovery.PairingID()+"/replications/"+db1+"/actions/test", fmt.Sprintf(
		`{"instance_id":%q,"folder_id":%q,"compute_resource_id":%q,"power_on":true}`,
		points[0].ID, vspheretest.FolderID(vspheretest.RecoverySite), vspheretest.ResourcePoolID(vspheretest.RecoverySite)))
	fmt.Println("answered:", status)
	clock.Advance(time.Minute)
	fmt.Println("tested:", pair.Audit().Replication(db1).Tested)
	fmt.Println("left behind:", pair.Recovery.TestMachines()[0].Name)
	// Output:
	// answered: 0
	// tested: 1
	// left behind: db-1-test-vm
}

// Transfers that do not come through violate the RPO after a while.
func ExamplePair_Stall() {
	clock := vspheretest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	pair, err := vspheretest.Start(vspheretest.UseClock(clock), vspheretest.Protect(vspheretest.Replication{VMName: "db-1", RPO: 15}))
	if err != nil {
		log.Fatal(err)
	}
	defer pair.Close()

	db1 := vspheretest.ReplicationID("db-1")
	pair.Stall(db1, true)
	fmt.Println(pair.Replication(db1).Status)
	clock.Advance(20 * time.Minute)
	fmt.Println(pair.Replication(db1).Status)
	pair.Stall(db1, false)
	clock.Advance(time.Minute)
	fmt.Println(pair.Replication(db1).Status)
	// Output:
	// OK
	// RPO_VIOLATION
	// OK
}

// Somebody else works at the same site, in its user interface.
func ExampleServer_Operator() {
	clock := vspheretest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	pair, err := vspheretest.Start(vspheretest.UseClock(clock), vspheretest.TaskDuration(0, time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	defer pair.Close()

	db1 := vspheretest.ReplicationID("db-1")
	olga := pair.Recovery.Operator("olga")
	if _, err := olga.Do("Replications.Pause", db1, ""); err != nil {
		log.Fatal(err)
	}
	clock.Advance(time.Minute)
	fmt.Println(pair.Replication(db1).Paused)
	_, err = olga.Do("Replications.ActiveImage", db1, "")
	fmt.Println(err)
	// Output:
	// true
	// vspheretest: olga: Replications.ActiveImage: 404 Not Found
}
