package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// Operations of a rehearsal.
const (
	pauses   = "Replications.Pause"
	tests    = "Replications.Test"
	promotes = "Replications.PromoteTestImage"
	cleanUps = "Replications.CleanUp"
	resumes  = "Replications.Resume"
)

// drill is where runs are made, one after the other, on one pair of sites in memory and with one journal, in a bubble.
type drill struct {
	*testing.T
	pair    *vspheretest.Pair
	journal drkit.MemoryJournal
	printed bytes.Buffer // by the latest run

	requests, saves atomic.Int64 // of the latest run, so far
	around          func(n int64, request *http.Request, send sender) (*http.Response, error)
	saving          func(n int64, save func() error) error
	later           time.Duration // until the interrupt, if there is to be one
	dead            atomic.Bool   // nothing leaves the program any more

	ctx, last   context.Context
	interrupt   func()
	again       func()
	interrupted time.Time
	timer       *time.Timer
}

type sender func(*http.Request) (*http.Response, error)

func (f sender) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

var errDead = errors.New("the program is dead")

// inDrill runs a test in a bubble. db-1 and app-1 can be rehearsed, files-1 is paused, lab-1 is in somebody's test, and
// the other machines cannot be rehearsed from here. Tasks take ten seconds.
func inDrill(t *testing.T, test func(t *testing.T, d *drill), options ...vspheretest.Option) {
	t.Helper()
	t.Parallel()
	undisturbed(t, func(d *drill) { test(d.T, d) }, options...)
}

// undisturbed is inDrill for who needs the outcome before it goes on.
func undisturbed(t *testing.T, test func(d *drill), options ...vspheretest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &drill{T: t}
		d.pair = vspheretest.NewPair(t, append([]vspheretest.Option{
			vspheretest.InMemory(), vspheretest.TaskDuration(time.Second, 9*time.Second), vspheretest.Protect(
				vspheretest.Replication{VMName: "db-1"}, vspheretest.Replication{VMName: "app-1"},
				vspheretest.Replication{VMName: "files-1", Paused: true}, vspheretest.Replication{VMName: "lab-1"},
				vspheretest.Replication{VMName: "plan-1", RecoverySolution: "com.vmware.vcDr"},
				vspheretest.Replication{VMName: "back-1", Reversed: true},
			),
		}, options...)...)
		if d.pair.Replication(id("lab-1")).ID != "" {
			d.test("lab-1")
		}
		test(d)
		for _, server := range []*vspheretest.Server{d.pair.Protected, d.pair.Recovery} {
			assert.Zero(t, server.Refused(), "the runbook keeps to the limits")
		}
	})
}

func id(name string) string { return vspheretest.ReplicationID(name) }

// test is somebody else's test of a machine.
func (d *drill) test(name string) {
	d.Helper()
	points := d.pair.Replication(id(name)).Points
	_, err := d.pair.Recovery.Operator("eve").Do(tests, id(name), `{"instance_id":"`+points[len(points)-1].ID+`","folder_id":"`+
		vspheretest.FolderID(d.pair.Recovery.Site)+`","compute_resource_id":"`+vspheretest.ResourcePoolID(d.pair.Recovery.Site)+`","power_on":false}`)
	require.NoError(d, err)
	<-time.After(20 * time.Second)
}

// run is one run with a client of its own, as the program makes it once it is connected.
func (d *drill) run(args ...string) error {
	d.Helper()
	d.printed.Reset()
	d.requests.Store(0)
	d.saves.Store(0)
	d.dead.Store(false)
	d.interrupted = time.Time{}
	last, again := context.WithCancel(d.Context())
	ctx, interrupt := context.WithCancel(last)
	defer again()
	var once sync.Once
	d.ctx, d.last, d.again = ctx, last, again
	d.interrupt = func() {
		once.Do(func() { d.interrupted = time.Now() })
		interrupt()
	}
	if d.later > 0 {
		d.after(d.later, d.interrupt)
	}
	chosen, err := parse(append([]string{"-journal", "in memory", "-folder", "/DC/Recovered VMs", "-compute", "/DC/cluster-1/Recovered", "-parallel", "2"}, args...), &d.printed)
	require.NoError(d, err)
	options := []drkit.Option{patient(2*time.Second, chosen.limit), drkit.WithTransport(sender(d.send))}
	if chosen.dryRun {
		options = append(options, drkit.WithReadOnly())
	}
	found, err := siteOf(d.pair.Recovery, options...)
	require.NoError(d, err)
	p := program{open: func(string) (journal, error) { return &watched{&d.journal, d}, nil }}
	err = p.work(ctx, last, found, chosen, &d.printed)
	if failed := signOut(last, found.client); err == nil && !d.dead.Load() {
		err = failed
	}
	if d.timer != nil {
		d.timer.Stop()
	}
	synctest.Wait() // for what it has begun
	return err
}

// after calls f once that time has passed, unless the run has ended before.
func (d *drill) after(pause time.Duration, f func()) { d.timer = time.AfterFunc(pause, f) }

func (d *drill) send(request *http.Request) (*http.Response, error) {
	n := d.requests.Add(1)
	alive := func(request *http.Request) (*http.Response, error) {
		if d.dead.Load() {
			return nil, errDead
		}
		return d.pair.Recovery.Transport().RoundTrip(request)
	}
	if d.around == nil {
		return alive(request)
	}
	return d.around(n, request, alive)
}

// kill ends the program at once: nothing that it has begun gets out any more.
func (d *drill) kill() {
	d.dead.Store(true)
	d.again()
}

// watched is the journal of a run.
type watched struct {
	*drkit.MemoryJournal
	drill *drill
}

func (w *watched) Save(ctx context.Context, s drkit.Step) error {
	save := func() error {
		if w.drill.dead.Load() {
			return errDead
		}
		return w.MemoryJournal.Save(ctx, s)
	}
	if n := w.drill.saves.Add(1); w.drill.saving != nil {
		return w.drill.saving(n, save)
	}
	return save()
}

func (w *watched) Close() error { return nil }

// assertNothingLeft checks that both sites are as they were, somebody's test included, that nothing has failed, and
// that no run says that something is left.
func (d *drill) assertNothingLeft() {
	d.Helper()
	for _, replication := range d.pair.Replications() {
		name := replication.VMName
		assert.Equal(d, name == "lab-1", replication.Image != nil, name)
		assert.Equal(d, name == "files-1" || name == "quiet-1", replication.Paused, name)
		for _, operation := range []string{pauses, tests, promotes, cleanUps, resumes} {
			assert.Zero(d, d.pair.Audit().Of(operation, replication.ID).Unfinished, name)
		}
	}
	for _, machine := range d.pair.Recovery.TestMachines() {
		assert.Equal(d, "lab-1-test-vm", machine.Name)
	}
	if d.printed.Len() > 0 {
		assert.NotContains(d, d.printed.String(), "left behind")
	}
}

// assertOnce checks that nothing was done twice to a machine, and nothing in vain.
func (d *drill) assertOnce(name string) {
	d.Helper()
	audit := d.pair.Audit()
	done := audit.Replication(id(name))
	assert.LessOrEqual(d, done.Tested, 1, name)
	assert.LessOrEqual(d, done.Paused, 1, name)
	assert.Equal(d, done.Paused, done.Resumed, name)
	assert.Equal(d, done.Tested, done.CleanedUp+done.Promoted, name)
	for _, operation := range []string{pauses, tests, promotes, cleanUps, resumes} {
		assert.Zero(d, audit.Of(operation, id(name)).Failed, "%s of %s", operation, name)
	}
}

// result returns what the report says of a machine; empty: nothing.
func (d *drill) result(machine string) string {
	for _, result := range []string{passed, failed, skipped, interrupted, notBegun} {
		if strings.Contains(d.row(machine), " "+result+" ") {
			return result
		}
	}
	return ""
}

// row returns the words of the line about a machine in the report.
func (d *drill) row(machine string) string {
	_, table, _ := strings.Cut(d.printed.String(), "\nMACHINE ")
	return line(table, machine)
}

// line returns the words of the last line that begins with a machine.
func line(text, machine string) string {
	found := ""
	for one := range strings.Lines(text) {
		if words := strings.Fields(one); len(words) > 0 && words[0] == machine {
			found = strings.Join(words, " ")
		}
	}
	return found
}

// begun returns the operations that were begun on a machine by clients, in their order.
func (d *drill) begun(name string) []string {
	var found []string
	for _, task := range d.pair.Recovery.Tasks() {
		if task.Entity == id(name) && task.User == d.pair.Recovery.User {
			found = append(found, strings.TrimPrefix(task.Operation, "Replications."))
		}
	}
	return slices.Clip(found)
}
