package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// What the processes of a campaign are told by their parent.
const (
	roleVariable       = "DRKIT_RUNBOOK_ROLE"
	seedVariable       = "DRKIT_RUNBOOK_SEED"
	faultsVariable     = "DRKIT_RUNBOOK_FAULTS"
	flavourVariable    = "DRKIT_RUNBOOK_FLAVOUR"
	boundariesVariable = "DRKIT_RUNBOOK_BOUNDARIES"

	roleSimulator = "simulator"
	roleRunbook   = "runbook" // as it is built, but for its patience
	roleVictim    = "victim"  // a runbook that kills itself at boundaries
	rolePrey      = "prey"    // a runbook that stops at boundaries and is killed from outside

	faultsLost = "answers are lost"
	faultsLate = "replications are late"
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
type hello struct{ AuthURL, User, Password, Domain, Project, Region, To string }

// audit is what has really happened in both regions.
type audit struct {
	checkpointstest.Audit
	Vaults     []checkpointstest.Vault  // to be replicated
	Sources    []checkpointstest.Backup // their backups
	Copies     []checkpointstest.Backup // in the other region
	Late       map[string]bool          // vaults whose replication was executed late, or is to be
	Violations []checkpointstest.Violation
	Requests   int
	Faults     int
}

func auditOf(here, there *checkpointstest.Server) audit {
	a := audit{
		Audit: here.Audit(), Late: map[string]bool{}, Violations: append(here.Violations(), there.Violations()...),
		Copies: there.Backups(""), Sources: here.Backups(""), Vaults: here.Vaults(),
	}
	for _, request := range append(here.Requests(), there.Requests()...) {
		a.Requests++
		if len(request.Faults) > 0 {
			a.Faults++
		}
		if request.Late > 0 {
			a.Late[request.Resource] = true
		}
	}
	return a
}

// backups are those of one vault.
func (a audit) backups(vault string) []checkpointstest.Backup {
	var found []checkpointstest.Backup
	for _, b := range a.Sources {
		if b.Vault == vault {
			found = append(found, b)
		}
	}
	return found
}

// String is a table.
func (a audit) String() string {
	return table(func(table *tabwriter.Writer) {
		fmt.Fprintln(table, "VAULT\tREQUESTS\tRAN\tLATE\tREFUSED\tLOST\tBACKUPS\tCOPIES BEGUN\tCOPIED")
		for _, vault := range a.Vaults {
			o := a.Operation(replicates, vault.ID)
			begun, copied := 0, 0
			for _, b := range a.backups(vault.ID) {
				r := a.Replication(b.ID, destinationRegion)
				begun, copied = begun+r.Started, copied+r.Succeeded
			}
			fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", vault.Name, o.Requests, o.Ran, o.Late+o.Pending, o.Refused, o.Lost, vault.Backups, begun, copied)
		}
	})
}

const (
	replicates        = "Checkpoints.Replicate"
	sourceRegion      = "eu-de"
	destinationRegion = "eu-nl"
)

// serve is a simulator that answers each line of its standard input with an audit, and ends with it.
func serve() error {
	here, err := checkpointstest.Start(append(fleet(), checkpointstest.InRegion(sourceRegion),
		checkpointstest.TaskDuration(20*time.Millisecond, 150*time.Millisecond),
		checkpointstest.Play(checkpointstest.Flavour(os.Getenv(flavourVariable))))...)
	if err != nil {
		return err
	}
	defer here.Close()
	there, err := checkpointstest.Start(checkpointstest.LinkedTo(here), checkpointstest.InRegion(destinationRegion))
	if err != nil {
		return err
	}
	defer there.Close()
	for _, vault := range here.Vaults() {
		here.AddBackups(vault.ID, backupsEach)
	}
	switch os.Getenv(faultsVariable) {
	case faultsLost:
		loseAnswers(here, 1)
		loseAnswers(there, 2)
	case faultsLate:
		delayReplications(here)
	}
	say := json.NewEncoder(os.Stdout)
	err = say.Encode(hello{here.AuthURL, here.User, here.Password, here.Domain, here.Project, here.Region, there.Region})
	for lines := bufio.NewScanner(os.Stdin); err == nil && lines.Scan(); {
		err = say.Encode(auditOf(here, there))
	}
	return err
}

// The fleet of a campaign: vaults of one server each, with so many backups.
const (
	fleetSize   = 20
	backupsEach = 3
)

func fleet() []checkpointstest.Option {
	var servers []checkpointstest.Resource
	var vaults []checkpointstest.Vault
	for i := range fleetSize {
		name := fmt.Sprintf("vm-%02d", i+1)
		servers = append(servers, checkpointstest.VM(name, 40))
		vaults = append(vaults, vaultOf(fmt.Sprintf("vault-%02d", i+1), name))
	}
	return []checkpointstest.Option{checkpointstest.Resources(servers...), checkpointstest.Vaults(vaults...)}
}

// loseAnswers drops one answer in ten once the work is done.
func loseAnswers(server *checkpointstest.Server, stream uint64) {
	random := rand.New(rand.NewPCG(seedOf(), stream))
	for request := range 20_000 {
		if random.IntN(10) == 0 {
			server.Inject(checkpointstest.Fault{After: true, Drop: true, Skip: request, Times: 1})
		}
	}
}

// delayReplications lets the first replication of every other vault be executed two to five times the grace after it
// came. A proxy has answered long before.
func delayReplications(server *checkpointstest.Server) {
	random := rand.New(rand.NewPCG(seedOf(), 1))
	for i, vault := range server.Vaults() {
		if i%2 == 0 {
			late := 2*grace + time.Duration(random.Int64N(int64(3*grace)))
			server.Inject(checkpointstest.Fault{
				Operation: replicates, Resource: vault.ID, Status: http.StatusGatewayTimeout,
				Body: "<html>Gateway Timeout</html>", Late: late, Times: 1,
			})
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
		b.around(nameOf(request), func() { response, err = next.RoundTrip(request) })
		return response, err
	})
}

// nameOf is the operation of a request, and what it is about: a replication names its vault in its body alone, and
// lists say it in their query.
func nameOf(request *http.Request) string {
	path := strings.TrimPrefix(request.URL.Path, "/v3/")
	if project, rest, inside := strings.Cut(path, "/"); inside && isProjectID(project) {
		path = rest
	}
	var body struct {
		Replicate struct {
			VaultID string `json:"vault_id"`
		} `json:"replicate"`
	}
	if request.GetBody != nil && strings.HasSuffix(path, "/replicate") {
		if copied, err := request.GetBody(); err == nil {
			text, _ := io.ReadAll(copied)
			_ = json.Unmarshal(text, &body)
		}
	}
	about := cmp.Or(body.Replicate.VaultID, request.URL.Query().Get("vault_id"))
	return strings.TrimSpace(request.Method + " " + path + " " + about)
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
