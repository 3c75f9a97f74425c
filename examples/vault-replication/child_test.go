package main

import (
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
	"text/tabwriter"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
	"github.com/drkit-go/drkit/internal/crashtest"
)

// What the simulator of a campaign is told besides.
const (
	faultsVariable  = "DRKIT_RUNBOOK_FAULTS"
	flavourVariable = "DRKIT_RUNBOOK_FLAVOUR"

	faultsLost = "answers are lost"
	faultsLate = "replications are late"
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
type hello struct{ AuthURL, User, Password, Domain, Project, Region string }

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
		loseSignIns(here)
	case faultsLate:
		delayReplications(here)
	}
	return crashtest.Serve(hello{here.AuthURL, here.User, here.Password, here.Domain, here.Project, here.Region},
		func() any { return auditOf(here, there) })
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

// loseAnswers loses one answer in ten once the work is done, in one of several ways.
func loseAnswers(server *checkpointstest.Server, stream uint64) {
	random := rand.New(rand.NewPCG(seedOf(), stream))
	ways := []checkpointstest.Fault{
		{Drop: true}, {Reset: true}, {Truncate: true}, {Status: http.StatusGatewayTimeout, Body: "<html>Gateway Timeout</html>"},
	}
	for request := range 20_000 {
		if random.IntN(10) == 0 {
			fault := ways[random.IntN(len(ways))]
			fault.After, fault.Skip, fault.Times = true, request, 1
			server.Inject(fault)
		}
	}
}

// loseSignIns does the same with one sign-in in twenty, which ends a run: it is not repeated.
func loseSignIns(server *checkpointstest.Server) {
	random := rand.New(rand.NewPCG(seedOf(), 3))
	for request := range 1_000 {
		if random.IntN(20) == 0 {
			server.Inject(checkpointstest.Fault{Operation: "Identity.CreateToken", After: true, Drop: true, Skip: request, Times: 1})
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
