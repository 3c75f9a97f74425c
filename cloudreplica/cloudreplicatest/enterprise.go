package cloudreplicatest

import (
	"slices"
	"sync"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// enterprise is the state behind a server: what backup servers really have, what the database knows of it, and who is
// signed in. The lock is held for the whole of each request's work.
type enterprise struct {
	config  *config
	clock   Clock
	kit     *simkit.Server
	printer *printer

	mu      sync.Mutex
	now     time.Time // the moment up to which everything has happened that is due
	agenda  simkit.Agenda
	servers []*backupServer
	really  catalogue // what there is
	known   catalogue // what the database knows of it
	version int       // of the database, for what was found in it before
	found   []found
	every   *everyPoint // nil before the first query of them

	failovers []*failover
	live      map[string]*livePlan // by the id of the plan
	system    []*systemSession
	sessions  []*logon
	operators map[string]*logon // by their names
	issued    int               // logon sessions so far
	replicas  int               // replicas so far
	plans     simkit.Plans[*intervention]
	deeds     deeds
}

// settle lets happen what is due by a moment, and takes that for the present.
func (e *enterprise) settle(moment time.Time) { e.agenda.CatchUp(&e.now, moment) }

// changed tells that the database is not what it was.
func (e *enterprise) changed() { e.version++ }

func (e *enterprise) server(id string) *backupServer {
	at := slices.IndexFunc(e.servers, func(b *backupServer) bool { return b.id == id })
	if at < 0 {
		return nil
	}
	return e.servers[at]
}

// collect reads what servers have into the database, and keeps a record of it. It takes its time, and shows what
// there is at its end.
func (e *enterprise) collect(at time.Time, of []*backupServer) {
	started := &systemSession{id: simkit.FreshID(), created: at}
	e.system = append(e.system, started)
	for _, server := range of {
		e.deeds.collect(server).Started++
	}
	failure := ""
	if planned, wanted := e.plans.Take("collect"); wanted {
		failure = planned.message
	}
	e.agenda.Add(at.Add(e.config.collecting), func(ended time.Time) {
		done := *started
		done.ended, done.failure = ended, failure
		e.system[slices.Index(e.system, started)] = &done
		if failure != "" {
			return
		}
		for _, server := range of {
			e.learn(server)
			e.deeds.collect(server).Finished++
		}
	})
}

// learn makes the database know what a server has now, the failover sessions that it has begun among that.
func (e *enterprise) learn(server *backupServer) {
	if e.known.collect(&e.really, server) {
		e.changed()
	}
	for _, run := range e.failovers {
		if run.of.server == server && !run.published {
			run.published = true
			e.changed()
		}
	}
}

// collectOnSchedule begins the collection job, again and again.
func (e *enterprise) collectOnSchedule(at time.Time) {
	e.collect(at, e.servers)
	if kept := len(e.system) - systemSessionsKept; kept > 0 {
		e.system = slices.Clone(e.system[kept:])
	}
	e.agenda.Add(at.Add(e.config.collectEvery), e.collectOnSchedule)
}

// systemSessionsKept is how many sessions of the collection job there are at most, for tests that let years pass.
const systemSessionsKept = 500

// intervention is what a test wants to happen to the next work of some kind: to a task, by its operation, to a
// collection, by "collect", or to a VM, by its plan.
type intervention struct {
	message string
	warning bool
	longer  time.Duration
}
