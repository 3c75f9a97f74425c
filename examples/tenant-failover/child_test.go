package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
	"github.com/drkit-go/drkit/internal/crashtest"
)

// child is one process of a campaign. It returns its exit status.
func child(role string) int {
	work := runChild
	if role == crashtest.Simulated {
		work = func(string) error { return serve() }
	}
	if err := work(role); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// hello is what a simulator says of itself.
type hello struct{ URL, User, Password, Thumbprint string }

// audit is what has really happened.
type audit struct {
	cloudreplicatest.Audit
	Violations []cloudreplicatest.Violation
	Requests   int
	Faults     int
}

// The fleet of a campaign: plans of a tenant with so many machines each.
const (
	fleetTenant = "acme"
	fleetPlans  = 3
	fleetSize   = 2
)

func planName(i int) string { return fmt.Sprintf("plan-%02d", i+1) }

func fleet() []cloudreplicatest.Option {
	options := []cloudreplicatest.Option{
		cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: fleetTenant}),
		cloudreplicatest.TaskDuration(20*time.Millisecond, 20*time.Millisecond),
		cloudreplicatest.FailoverDuration(20*time.Millisecond, 80*time.Millisecond),
	}
	for i := range fleetPlans {
		made := cloudreplicatest.Plan{Name: planName(i), Tenant: fleetTenant}
		for j := range fleetSize {
			vm := fmt.Sprintf("vm-%02d-%d", i+1, j+1)
			made.VMs = append(made.VMs, vm)
			options = append(options, cloudreplicatest.WithReplicas(cloudreplicatest.Replica{Name: vm, Tenant: fleetTenant}))
		}
		options = append(options, cloudreplicatest.WithPlans(made))
	}
	return options
}

// serve is a simulator that loses one answer in ten once the work is done, answers each line of its standard input with
// an audit, and ends with it.
func serve() error {
	server, err := cloudreplicatest.Start(fleet()...)
	if err != nil {
		return err
	}
	defer server.Close()
	seed, _ := strconv.ParseUint(os.Getenv(crashtest.SeedVariable), 10, 64) // 0 is as good as any
	random := rand.New(rand.NewPCG(seed, 1))
	for request := range 20_000 {
		if random.IntN(10) == 0 {
			server.Inject(cloudreplicatest.Fault{After: true, Drop: true, Skip: request, Times: 1})
		}
	}
	return crashtest.Serve(hello{server.URL, server.User, server.Password, server.Thumbprint()}, func() any {
		a := audit{Audit: server.Audit(), Violations: server.Violations()}
		for _, request := range server.Requests() {
			a.Requests++
			if len(request.Faults) > 0 {
				a.Faults++
			}
		}
		return a
	})
}

func runChild(role string) error {
	p := program{open: openJournal, options: []drkit.Option{
		drkit.WithPolling(drkit.PollPolicy{
			MinInterval: 20 * time.Millisecond, MaxInterval: 50 * time.Millisecond, Grace: 300 * time.Millisecond, MaxUnreachable: 20 * time.Second,
		}),
		drkit.WithRetry(drkit.RetryPolicy{MinWait: 10 * time.Millisecond, MaxWait: 50 * time.Millisecond}),
		drkit.WithTimeout(20 * time.Second),
	}}
	if role != crashtest.Runbook {
		b, err := crashtest.OpenBoundaries(os.Getenv(crashtest.BoundariesVariable), role, nameOf)
		if err != nil {
			return err
		}
		p.options = append(p.options, drkit.WithMiddleware(b.Requests))
		p.open = func(path string) (journal, error) { return b.Journal(path) }
	}
	return p.run(context.Background(), os.Args[1:], os.Stdout)
}

var idFormat = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|/task-[0-9]+`)

// nameOf is the operation of a request, and the plan that it is about. Other ids differ from run to run.
func nameOf(request *http.Request) string {
	path := strings.ToLower(strings.TrimPrefix(request.URL.Path, "/api/"))
	if !strings.HasPrefix(path, "cloud/cloudfailoverplans/") {
		path = idFormat.ReplaceAllString(path, "*")
	}
	return strings.TrimSpace(request.Method + " " + path + " " + request.URL.Query().Get("action"))
}
