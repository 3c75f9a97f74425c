package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

const (
	syncs     = "VMReplications.Sync"
	pauses    = "VMReplications.Pause"
	failovers = "VMReplications.Failover"
)

// desk is where runs are rehearsed, one after the other, on one appliance and with one journal.
type desk struct {
	*vcavtest.Server
	t       *testing.T
	program program
	file    string
}

// rehearse runs a test against an appliance in memory, where hours pass at once. Its machines are db-1, app-1 and
// web-1 unless options say otherwise.
func rehearse(t *testing.T, test func(t *testing.T, d *desk), options ...vcavtest.Option) {
	t.Helper()
	t.Parallel()
	file := filepath.Join(t.TempDir(), "journal")
	synctest.Test(t, func(t *testing.T) {
		server := vcavtest.NewServer(t, append(options, vcavtest.InMemory(), vcavtest.TaskDuration(time.Second, time.Minute))...)
		test(t, &desk{Server: server, t: t, program: program{open: openJournal}, file: file})
		server.Close()
	})
}

// run is one run, with a client of its own.
func (d *desk) run(args ...string) (out string, err error) {
	d.t.Helper()
	var text bytes.Buffer
	err = d.runTo(d.t.Context(), &text, args...)
	return text.String(), err
}

func (d *desk) runTo(ctx context.Context, out io.Writer, args ...string) error {
	d.t.Helper()
	chosen, err := parse(append([]string{"-journal", d.file}, args...), out)
	require.NoError(d.t, err)
	client, err := vcav.NewClient(d.URL, vcav.LocalUser(d.User, drkit.NewSecret(d.Password)), d.Options()...)
	require.NoError(d.t, err)
	err = d.program.work(ctx, client, chosen, out)
	require.NoError(d.t, signOut(ctx, client))
	return err
}

func (d *desk) status() string {
	d.t.Helper()
	var text bytes.Buffer
	require.NoError(d.t, printStatus(d.file, &text))
	return text.String()
}

// recovered are the names of the machines that are.
func (d *desk) recovered() []string {
	var names []string
	for _, r := range d.Replications() {
		if r.Recovery == vcavtest.RecoveryComplete {
			names = append(names, r.VMName)
		}
	}
	slices.Sort(names)
	return names
}

// row returns the last line of a table about a machine, with single spaces.
func row(text, machine string) string {
	found := ""
	for line := range strings.Lines(text) {
		if cells := strings.Fields(line); len(cells) > 2 && len(cells[0]) == 1 && cells[1] == machine {
			found = strings.Join(cells, " ")
		}
	}
	return found
}

// line returns the last line that has this in it, with single spaces.
func line(text, part string) string {
	found := ""
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			found = strings.Join(strings.Fields(line), " ")
		}
	}
	return found
}

func TestWavesFollowEachOther(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		out, err := d.run("-site", "site1", "-wave", "web-1", "-wave", vcavtest.ReplicationID("db-1"), "-parallel", "1")
		require.NoError(t, err)
		var order []string
		for _, task := range d.Tasks() {
			order = append(order, d.Replication(task.Resource).VMName+" "+task.Type)
			assert.Equal(t, "SUCCEEDED", task.State)
		}
		assert.Equal(t, []string{
			"web-1 sync", "web-1 pause", "web-1 failover", "db-1 sync", "db-1 pause", "db-1 failover",
			"app-1 sync", "app-1 pause", "app-1 failover",
		}, order)
		recovered := d.Replication(vcavtest.ReplicationID("app-1"))
		assert.True(t, recovered.PoweredOn)
		assert.Regexp(t, `^3 app-1 org1@site1 → org2@site2 ok ok ok ok 3m\d+s `+recovered.RecoveredVM+` recovered$`, row(out, "app-1"))

		tasks := len(d.Tasks())
		again, err := d.run()
		require.NoError(t, err)
		assert.Len(t, d.Tasks(), tasks, "nothing is done twice")
		assert.Regexp(t, `^3 app-1 org1@site1 → org2@site2 – – ok ok 3m\d+s `+recovered.RecoveredVM+` recovered$`, row(again, "app-1"))
	})
}

func TestStatus(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		id := vcavtest.ReplicationID
		d.FailTask(failovers, id("db-1"), "DiskFull", "No space\nleft.")
		d.Inject(vcavtest.Fault{Operation: failovers, Resource: id("app-1"), Drop: true, Times: 1})
		_, err := d.run("-site", "site1", "-stop", "-wave", "db-1,app-1")
		require.EqualError(t, err, "wave 1 failed")
		status := d.status()
		assert.Contains(t, status, "failover of site1\n")
		assert.Regexp(t, `^1 db-1 sync \S+ succeeded 1 \S+ \S+ \S+ –$`, line(status, "sync "+id("db-1")))
		assert.Regexp(t, `^1 db-1 failover \S+ failed 1 .* DiskFull: No space left\. `, line(status, "failover "+id("db-1")))
		lost := d.Requests()[slices.IndexFunc(d.Requests(), func(r vcavtest.Request) bool {
			return r.Operation == failovers && r.Resource == id("app-1")
		})]
		assert.Regexp(t, `^1 app-1 failover \S+ intended 1 \S+ \S+ – the next run looks for it: operation ID `+lost.OperationID+`$`,
			line(status, "failover "+id("app-1")))
		assert.Equal(t, "2 web-1 failover "+id("web-1")+" ready 0 – – –", row(status, "web-1"))

		d.file += " of nobody"
		require.ErrorIs(t, printStatus(d.file, io.Discard), drkit.ErrJournal)
		empty, err := drkit.OpenFileJournal(d.file)
		require.NoError(t, err)
		defer empty.Close()
		assert.Equal(t, "nothing is planned yet\n", d.status())
	})
}

// Another run has the journal, and may be asked how far it is.
func TestOneRunAtATime(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		asked := false
		_, err := d.run("-site", "site1")
		require.NoError(t, err)
		out := &trigger{on: "wave 1", do: func() {
			asked = true
			assert.Contains(t, d.status(), " succeeded ")
			_, err := d.run()
			require.ErrorIs(t, err, drkit.ErrJournal)
			require.ErrorContains(t, err, "another")
		}}
		require.NoError(t, d.runTo(t.Context(), out))
		assert.True(t, asked)
	})
}

// trigger does something once the output has a line with some text.
type trigger struct {
	bytes.Buffer
	on string
	do func()
}

func (w *trigger) Write(line []byte) (int, error) {
	if do := w.do; do != nil && bytes.Contains(line, []byte(w.on)) {
		w.do = nil
		do()
	}
	return w.Buffer.Write(line)
}

func TestDeadSite(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		d.KillSite("site1")
		out, err := d.run("-site", "site1", "-sync", "must")
		require.EqualError(t, err, "3 of 3 machines are not recovered")
		assert.Regexp(t, `^1 db-1 \S+ → \S+ – – – – – – not synchronized: site site1 does not answer$`, row(out, "db-1"))
		assert.Empty(t, d.recovered())

		out, err = d.run()
		require.NoError(t, err)
		assert.Zero(t, d.Count(syncs))
		assert.Equal(t, 3, d.Ran(pauses, ""))
		assert.Regexp(t, `^1 db-1 \S+ → \S+ – ok ok ok \S+ \S+ recovered; not synchronized: site site1 does not answer$`,
			row(out, "db-1"))
	})
}

func TestSyncThatFails(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		d.FailTask(syncs, vcavtest.ReplicationID("db-1"), "Busy", "No.")
		out, err := d.run("-site", "site1")
		require.NoError(t, err)
		assert.Regexp(t, `failed ok ok ok .* recovered; not synchronized: .*Busy: No\.`, row(out, "db-1"))
		assert.Equal(t, 3, d.Ran(failovers, ""))
	})
}

func TestWithoutSync(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		out, err := d.run("-site", "site1", "-sync", "no")
		require.NoError(t, err)
		assert.Zero(t, d.Count(syncs))
		assert.Regexp(t, `^1 db-1 \S+ → \S+ – ok ok ok \S+ \S+ recovered$`, row(out, "db-1"))
	})
}

// What was paused before stays as it is.
func TestPausedReplication(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		out, err := d.run("-site", "site1")
		require.NoError(t, err)
		assert.Zero(t, d.Count(syncs)+d.Count(pauses))
		assert.Contains(t, row(out, "db-1"), "recovered; not synchronized: it was paused before")
	}, vcavtest.Protect(vcavtest.Replication{VMName: "db-1", Paused: true}))
}

func TestPauseThatFails(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		d.FailTask(pauses, vcavtest.ReplicationID("db-1"), "Busy", "No.")
		out, err := d.run("-site", "site1")
		require.NoError(t, err)
		assert.Regexp(t, `ok failed ok ok .* recovered; not paused: .*Busy: No\.`, row(out, "db-1"))
	})
}

// In a disaster one machine does not keep the others down.
func TestFailureAndRetry(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		id := vcavtest.ReplicationID("db-1")
		d.FailTask(failovers, id, "DiskFull", "No space left.")
		out, err := d.run("-site", "site1", "-wave", "db-1")
		require.EqualError(t, err, "1 of 3 machines are not recovered")
		assert.Equal(t, []string{"app-1", "web-1"}, d.recovered())
		assert.Regexp(t, `^1 db-1 .* ok ok failed – \S+ – .*DiskFull: No space left`, row(out, "db-1"))

		_, err = d.run()
		require.Error(t, err, "a failure stays one")
		assert.Equal(t, 1, d.Ran(failovers, id))
		_, err = d.run("-retry", "failover of db-1")
		require.ErrorIs(t, err, drkit.ErrNotFound)
		_, err = d.run("-retry", "failover "+id)
		require.NoError(t, err)
		assert.Equal(t, 2, d.Ran(failovers, id))
		assert.Equal(t, 1, d.Ran(syncs, id))
	})
}

func TestStopAtAFailure(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		d.FailTask(failovers, vcavtest.ReplicationID("db-1"), "DiskFull", "No space left.")
		out, err := d.run("-site", "site1", "-stop", "-wave", "db-1,app-1")
		require.EqualError(t, err, "wave 1 failed")
		assert.Equal(t, []string{"app-1"}, d.recovered())
		assert.Regexp(t, `^2 web-1 .* – – – – – – not begun: wave 1 failed$`, row(out, "web-1"))
	})
}

func TestInterrupt(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		for _, at := range []struct {
			moment string
			tasks  []string // begun by then
		}{
			{"wave 1", nil},
			{"sync is task", []string{"sync"}},
			{"sync done", []string{"sync"}},
			{"failover is task", []string{"sync", "pause", "failover"}},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			out := &trigger{on: at.moment, do: cancel}
			require.ErrorIs(t, d.runTo(ctx, out, "-site", "site1", "-wave", "db-1"), context.Canceled, at.moment)
			assert.Contains(t, out.String(), "interrupted: nothing new is begun", at.moment)
			assert.Contains(t, row(out.String(), "web-1"), "– – – – – – not begun: interrupted", at.moment)
			var begun []string
			for _, task := range d.Tasks() {
				begun = append(begun, task.Type)
			}
			assert.Equal(t, at.tasks, begun, at.moment)
		}
		_, err := d.run()
		require.NoError(t, err)
		for _, r := range d.Replications() {
			assert.Equal(t, 1, d.Ran(failovers, r.ID))
			assert.Equal(t, 1, d.Ran(syncs, r.ID))
		}
	})
}

func TestLostAnswers(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		id := vcavtest.ReplicationID
		d.Inject(vcavtest.Fault{Operation: syncs, Resource: id("app-1"), Drop: true, Times: 1})
		d.Inject(vcavtest.Fault{Operation: failovers, Resource: id("db-1"), Drop: true, Times: 1})
		d.Inject(vcavtest.Fault{Operation: failovers, Resource: id("web-1"), After: true, Drop: true, Times: 1})
		out, err := d.run("-site", "site1")
		require.EqualError(t, err, "1 of 3 machines are not recovered")
		assert.Equal(t, 2, d.Count(syncs)-d.Ran(syncs, id("db-1"))-d.Ran(syncs, id("web-1")), "one more harms nobody")
		assert.Regexp(t, `ok ok unknown – – – vcav\.VMReplications\.Failover: sent, but the outcome is unknown for replication .*operation ID `, row(out, "db-1"))

		_, err = d.run()
		require.NoError(t, err)
		for _, r := range d.Replications() {
			assert.Equal(t, 1, d.Ran(failovers, r.ID))
			assert.Equal(t, 1, d.Ran(syncs, r.ID))
		}
	})
}

// forgetful is a journal that cannot keep one kind of change.
type forgetful struct {
	journal
	state drkit.StepState
}

func (j forgetful) Save(ctx context.Context, s drkit.Step) error {
	if s.State == j.state && s.Key != planKey {
		return errors.New("the disk is full")
	}
	return j.journal.Save(ctx, s)
}

func TestJournalThatIsFull(t *testing.T) {
	for state, ran := range map[drkit.StepState]int{drkit.StepIntended: 0, drkit.StepAccepted: 1, drkit.StepSucceeded: 1} {
		t.Run(string(state), func(t *testing.T) {
			rehearse(t, func(t *testing.T, d *desk) {
				d.program.open = func(path string) (journal, error) {
					opened, err := openJournal(path)
					return forgetful{opened, state}, err
				}
				out, err := d.run("-site", "site1", "-sync", "no")
				require.EqualError(t, err, "3 of 3 machines are not recovered")
				assert.Contains(t, row(out, "db-1"), "the disk is full")
				assert.Equal(t, 3*ran, d.Ran(failovers, ""))
				d.program.open = openJournal
				_, err = d.run()
				require.NoError(t, err)
				assert.Equal(t, 3, d.Ran(failovers, ""))
			})
		})
	}
}
