package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// What the processes of a campaign are told by their parent.
const (
	roleVariable       = "DRKIT_RUNBOOK_ROLE"
	seedVariable       = "DRKIT_RUNBOOK_SEED"
	faultsVariable     = "DRKIT_RUNBOOK_FAULTS"
	boundariesVariable = "DRKIT_RUNBOOK_BOUNDARIES"

	roleSimulator = "simulator"
	roleRunbook   = "runbook" // as it is built, but for its patience
	roleVictim    = "victim"  // a runbook that kills itself at boundaries
	rolePrey      = "prey"    // a runbook that stops at boundaries and is killed from outside

	faultsLost = "answers are lost"
	faultsLate = "failovers are late"
)

// child is one process of a campaign. It returns its exit status.
func child(role string) int {
	var err error
	switch role {
	case roleSimulator:
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
	say := json.NewEncoder(os.Stdout)
	err = say.Encode(hello{server.URL, server.User, server.Password, server.Thumbprint()})
	for lines := bufio.NewScanner(os.Stdin); err == nil && lines.Scan(); {
		err = say.Encode(auditOf(server))
	}
	return err
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
	seed, _ := strconv.ParseUint(os.Getenv(seedVariable), 10, 64) // 0 is as good as any
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
	if role != roleRunbook {
		b, err := openBoundaries(os.Getenv(boundariesVariable), role == roleVictim)
		if err != nil {
			return err
		}
		p.options = append(p.options, drkit.WithMiddleware(b.requests))
		p.open = b.open
	}
	return p.run(context.Background(), os.Args[1:], os.Stdout)
}

// boundaries stop a process where none was stopped before: before and after each write of the journal, and each
// request. A goroutine that comes to a new one stays there until the process is killed.
type boundaries struct {
	suicidal bool

	mu    sync.Mutex
	file  *os.File // a line for whatever begins and ends, and for each boundary that stops
	known map[string]bool
}

// What the lines of the file begin with.
const (
	markBefore = "before " // stopped
	markAfter  = "after "  // stopped
	markBegin  = "begin "
	markEnd    = "end "
)

func openBoundaries(path string, suicidal bool) (*boundaries, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	b := &boundaries{suicidal: suicidal, known: map[string]bool{}}
	for line := range strings.Lines(string(text)) {
		b.known[strings.TrimSpace(line)] = true
	}
	b.file, err = os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	return b, err
}

// around does something that has a boundary before and one after it.
func (b *boundaries) around(name string, do func()) {
	b.at(markBefore + name)
	b.mark(markBegin + name)
	do()
	b.mark(markEnd + name)
	b.at(markAfter + name)
}

func (b *boundaries) mark(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintln(b.file, line)
}

// at comes to a boundary. The process goes on for a moment, so that other goroutines come to theirs.
func (b *boundaries) at(name string) {
	b.mu.Lock()
	if b.known[name] {
		b.mu.Unlock()
		return
	}
	b.known[name] = true
	fmt.Fprintln(b.file, name)
	b.mu.Unlock()
	if b.suicidal {
		<-time.After(rand.N(30 * time.Millisecond))
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Kill()
		}
	}
	<-time.After(time.Minute)
	fmt.Fprintln(os.Stderr, "nobody has killed this process")
	os.Exit(3)
}

// requests is a middleware.
func (b *boundaries) requests(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(request *http.Request) (response *http.Response, err error) {
		b.around(request.Method+" "+request.URL.Path, func() { response, err = next.RoundTrip(request) })
		return response, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func (b *boundaries) open(path string) (journal, error) {
	opened, err := drkit.OpenFileJournal(path)
	return &boundedJournal{opened, b}, err
}

// boundedJournal is a file journal whose writes are boundaries.
type boundedJournal struct {
	*drkit.FileJournal
	boundaries *boundaries
}

func (j *boundedJournal) Save(ctx context.Context, s drkit.Step) (err error) {
	j.boundaries.around(saveOf(s.Key, s.State), func() { err = j.FileJournal.Save(ctx, s) })
	return err
}

func saveOf(key string, state drkit.StepState) string {
	return fmt.Sprintf("save of %s %s", key, cmp.Or(state, "ready"))
}
