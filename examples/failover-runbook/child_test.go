package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/crashtest"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// What the simulator of a campaign is told besides.
const (
	faultsVariable = "DRKIT_RUNBOOK_FAULTS"

	faultsLost = "answers are lost"
	faultsLate = "failovers are late"
)

// child is one process of a campaign. It returns its exit status.
func child(role string) int {
	var err error
	switch role {
	case crashtest.Simulated:
		err = serve()
	default:
		err = runChild(role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// --- the simulator ---

// hello is what a simulator says of itself.
type hello struct{ URL, User, Password, Thumbprint string }

// audit is what has really happened at the simulator.
type audit struct {
	vcavtest.Audit
	Machines   []vcavtest.Replication
	Late       map[string]string   // operation ID of what was executed late, or is to be, by replication
	History    map[string][]string // requests that must not repeat, by replication
	Violations []vcavtest.Violation
	Requests   int
	Faults     int
}

func auditOf(server *vcavtest.Server) audit {
	a := audit{
		Audit: server.Audit(), Machines: server.Replications(), Late: map[string]string{},
		History: map[string][]string{}, Violations: server.Violations(), Requests: server.Count(""),
	}
	for _, request := range server.Requests() {
		if len(request.Faults) > 0 {
			a.Faults++
		}
		if request.Late > 0 {
			a.Late[request.Resource] = request.OperationID
		}
		if request.Operation == syncs || request.Operation == failovers {
			a.History[request.Resource] = append(a.History[request.Resource], fmt.Sprintf("%s %s %s ran %t %s",
				request.Time.UTC().Format(time.RFC3339Nano), request.Operation, request.OperationID, request.Ran, request.Faults))
		}
	}
	return a
}

// String is a table.
func (a audit) String() string {
	return table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "MACHINE\tSYNCS\tPAUSES\tFAILOVERS\tREQUESTS\tLATE\tREFUSED\tLOST\tRECOVERED\tAS")
		for _, m := range a.Machines {
			f := a.Of(failovers, m.ID)
			fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", m.VMName, a.Of(syncs, m.ID).Ran, a.Of(pauses, m.ID).Ran,
				f.Ran, f.Requests, f.Late+f.Pending, f.Refused, f.Lost, a.Recovery(m.ID).Recovered, cmp.Or(m.RecoveredVM, none))
		}
	})
}

// serve is a simulator that answers each line of its standard input with an audit, and ends with it.
func serve() error {
	server, err := vcavtest.Start(vcavtest.TaskDuration(20*time.Millisecond, 150*time.Millisecond), fleet())
	if err != nil {
		return err
	}
	defer server.Close()
	switch os.Getenv(faultsVariable) {
	case faultsLost:
		loseAnswers(server)
	case faultsLate:
		delayFailovers(server)
	}
	return crashtest.Serve(hello{server.URL, server.User, server.Password, server.Thumbprint()}, func() any { return auditOf(server) })
}

const fleetSize = 20

// fleet are the machines of the site that fails.
func fleet() vcavtest.Option {
	var replications []vcavtest.Replication
	for i := range fleetSize {
		replications = append(replications, vcavtest.Replication{VMName: fmt.Sprintf("vm-%02d", i+1)})
	}
	return vcavtest.Protect(replications...)
}

// loseAnswers drops one answer in ten once the work is done.
func loseAnswers(server *vcavtest.Server) {
	random := rand.New(rand.NewPCG(seedOf(), 1))
	for request := range 20_000 {
		if random.IntN(10) == 0 {
			server.Inject(vcavtest.Fault{After: true, Drop: true, Skip: request, Times: 1})
		}
	}
}

// delayFailovers lets the first failover of every other machine be executed two to five times the grace after it
// came. A proxy has answered long before, and keeps the first run from signing out: a request that comes to a session
// that has ended is refused.
func delayFailovers(server *vcavtest.Server) {
	random := rand.New(rand.NewPCG(seedOf(), 1))
	server.Inject(vcavtest.Fault{Operation: "Sessions.End", Status: http.StatusGatewayTimeout, Times: 4}) // all attempts
	for i, r := range server.Replications() {
		if i%2 == 0 {
			late := 2*grace + time.Duration(random.Int64N(int64(3*grace)))
			server.Inject(vcavtest.Fault{Operation: failovers, Resource: r.ID, Status: http.StatusGatewayTimeout, Body: "<html>Gateway Timeout</html>", Late: late, Times: 1})
		}
	}
}

func seedOf() uint64 {
	seed, _ := strconv.ParseUint(os.Getenv(crashtest.SeedVariable), 10, 64) // 0 is as good as any
	return seed
}

// --- the runbook ---

// The patience of the runbook in a campaign. The simulator executes at once what reaches it, and so never later
// than the grace.
const grace = time.Second

func runChild(role string) error {
	p := program{open: openJournal, options: []drkit.Option{
		drkit.WithPolling(drkit.PollPolicy{
			MinInterval: 30 * time.Millisecond, MaxInterval: 100 * time.Millisecond, Grace: grace, MaxUnreachable: 20 * time.Second,
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

// nameOf is the operation of a request, and what it is about.
func nameOf(request *http.Request) string { return request.Method + " " + request.URL.Path }
