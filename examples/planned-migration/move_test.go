package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
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
	syncs      = "VMReplications.Sync"
	migrations = "VMReplications.Migrate"
	reversals  = "VMReplications.Reverse"
)

// rehearse runs a test against an appliance in memory, where hours pass at once.
func rehearse(t *testing.T, test func(t *testing.T, server *vcavtest.Server, client *vcav.Client), options ...vcavtest.Option) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := vcavtest.NewServer(t, append(options, vcavtest.InMemory(), vcavtest.TaskDuration(time.Second, time.Minute))...)
		client := connectTo(t, server)
		test(t, server, client)
		require.NoError(t, signOut(t.Context(), client))
		server.Close()
	})
}

func connectTo(t *testing.T, server *vcavtest.Server) *vcav.Client {
	t.Helper()
	client, err := vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), server.Options()...)
	require.NoError(t, err)
	return client
}

// start runs the program but for the client, which is the test's.
func start(ctx context.Context, client *vcav.Client, out io.Writer, args ...string) error {
	chosen, err := parse(args, out)
	if err != nil {
		return err
	}
	if err := chosen.complete(true); err != nil {
		return err
	}
	return newRunbook(client, chosen, out).run(ctx)
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

func row(t *testing.T, out fmt.Stringer, machine string) string {
	t.Helper()
	_, table, found := strings.Cut(out.String(), "in the end:")
	require.True(t, found, out.String())
	for line := range strings.Lines(table) {
		if strings.Contains(line, " "+machine+" ") {
			return strings.Join(strings.Fields(line), " ")
		}
	}
	require.Fail(t, "no row for "+machine, table)
	return ""
}

func TestWavesFollowEachOther(t *testing.T) {
	rehearse(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		var out bytes.Buffer
		require.NoError(t, start(t.Context(), client, &out, "-wave", "web-1", "-org", "org1", "-all", "-parallel", "1", "-reverse"))
		var order []string
		for _, task := range server.Tasks() {
			order = append(order, server.Replication(task.Resource).VMName+" "+task.Type)
			assert.Equal(t, "SUCCEEDED", task.State)
		}
		assert.Equal(t, []string{
			"web-1 sync", "web-1 migrate", "web-1 reverse", "app-1 sync", "app-1 migrate", "app-1 reverse",
			"db-1 sync", "db-1 migrate", "db-1 reverse",
		}, order)
		assert.Regexp(t, `^2 db-1 org1@site1 → org2@site2 1m\d+s 1m\d+s ok 1m\d+s 3m\d+s moved$`, row(t, &out, "db-1"))
		recovered := server.Replication(vcavtest.ReplicationID("db-1"))
		assert.True(t, recovered.Reversed)
		assert.False(t, server.Machine("site2", recovered.VMID).PoweredOff)
	})
}

// A second run finds machines that have moved, also those that were reversed since, and leaves them alone:
// migrating these would take them back.
func TestNothingMovesTwice(t *testing.T) {
	rehearse(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		var out bytes.Buffer
		require.NoError(t, start(t.Context(), client, io.Discard, "-wave", "db-1,app-1"))
		require.NoError(t, start(t.Context(), client, &out))
		assert.Equal(t, "1 db-1 org1@site1 → org2@site2 – – – – migrated already", row(t, &out, "db-1"))
		assert.Equal(t, "2 app-1 org1@site1 → org2@site2 – – – – migrated already", row(t, &out, "app-1"))
		assert.Contains(t, row(t, &out, "web-1"), "moved")
		assert.Contains(t, out.String(), "wave 1 of 2: nothing to do")

		out.Reset()
		require.NoError(t, start(t.Context(), client, &out, "-reverse"), "what is left of an earlier run")
		assert.Contains(t, out.String(), "to reverse: migrated already")
		assert.Regexp(t, `– – ok 1m\d+s 1m\d+s moved$`, row(t, &out, "db-1"))

		out.Reset()
		require.NoError(t, start(t.Context(), client, &out, "-reverse"))
		assert.Contains(t, row(t, &out, "db-1"), "org2@site2 → org1@site1 – – – – – runs at site2 already")
		assert.Equal(t, 3, server.Count(migrations))
		assert.Equal(t, 3, server.Count(reversals))
	})
}

func TestRefusals(t *testing.T) {
	closed, noWayOut := vcavtest.ClosedPolicy(), vcavtest.OpenPolicy()
	noWayOut.AllowOutgoingProtections = false
	for name, tc := range map[string]struct {
		options []vcavtest.Option
		prepare func(t *testing.T, server *vcavtest.Server, client *vcav.Client)
		args    []string
		want    string
	}{
		"paused":  {options: protect(vcavtest.Replication{VMName: "db-1", Paused: true}), want: "no: it is paused"},
		"no copy": {options: protect(vcavtest.Replication{VMName: "db-1", Unsynced: true}), want: "no: it has no instance yet"},
		"in test": {
			prepare: func(t *testing.T, _ *vcavtest.Server, client *vcav.Client) {
				task, err := client.VMReplications.TestFailover(t.Context(), vcavtest.ReplicationID("db-1"), vcav.CloudFailoverTest{})
				require.NoError(t, err)
				_, err = task.Wait(t.Context())
				require.NoError(t, err)
			},
			want: "no: it is in test",
		},
		"at work": {
			prepare: func(t *testing.T, _ *vcavtest.Server, client *vcav.Client) {
				_, err := client.VMReplications.Sync(t.Context(), vcavtest.ReplicationID("db-1"))
				require.NoError(t, err)
			},
			want: "no: its sync is under way: task ",
		},
		"source down": {
			prepare: func(_ *testing.T, server *vcavtest.Server, _ *vcav.Client) { server.KillSite("site1") },
			want:    "no: it does not replicate",
		},
		"policy": {
			options: []vcavtest.Option{vcavtest.Policies(closed)}, want: "no: policy Default Policy of org2 lets no protections in",
		},
		"policy of the way back": {
			options: []vcavtest.Option{vcavtest.Policies(noWayOut)}, args: []string{"-reverse"}, want: "lets no protections out, as -reverse needs",
		},
	} {
		t.Run(name, func(t *testing.T) {
			rehearse(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
				if tc.prepare != nil {
					tc.prepare(t, server, client)
				}
				tasks := len(server.Tasks())
				var out bytes.Buffer
				err := start(t.Context(), client, &out, append(tc.args, "-wave", "web-1", "-wave", "db-1")...)
				require.ErrorContains(t, err, "nothing was changed")
				assert.Contains(t, out.String(), tc.want)
				assert.Len(t, server.Tasks(), tasks, "also not for the machine that was ready")
			}, tc.options...)
		})
	}
}

// protect adds the machine that every list here begins with.
func protect(others ...vcavtest.Replication) []vcavtest.Option {
	return []vcavtest.Option{vcavtest.Protect(append(others, vcavtest.Replication{VMName: "web-1"})...)}
}

func TestNameOfTwoMachines(t *testing.T) {
	rehearse(t, func(t *testing.T, _ *vcavtest.Server, client *vcav.Client) {
		err := start(t.Context(), client, io.Discard, "-wave", "db-1")
		require.Error(t, err)
		assert.Regexp(t, `^"db-1" may be C4-[12] or C4-[12]: name it by its id$`, err.Error())
		require.NoError(t, start(t.Context(), client, io.Discard, "-wave", "C4-2"))
	}, protect(vcavtest.Replication{ID: "C4-1", VMName: "db-1", VMID: "one"}, vcavtest.Replication{ID: "C4-2", VMName: "db-1", VMID: "two"})...)
}

func TestWaveThatFailsIsTheLast(t *testing.T) {
	for operation, want := range map[string]string{
		syncs:      "1 app-1 org1@site1 → org2@site2 failed – – 1m",
		migrations: "1 app-1 org1@site1 → org2@site2 1m",
	} {
		t.Run(operation, func(t *testing.T) {
			rehearse(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
				args := []string{"-wave", "app-1,web-1", "-wave", "db-1"}
				server.FailTask(operation, vcavtest.ReplicationID("app-1"), "NoSpace", "the datastore is full")
				var out bytes.Buffer
				require.EqualError(t, start(t.Context(), client, &out, args...), "wave 1 failed")
				assert.Contains(t, row(t, &out, "app-1"), want)
				assert.Contains(t, row(t, &out, "app-1"), "NoSpace: the datastore is full")
				assert.Contains(t, row(t, &out, "web-1"), "moved", "the others of its wave go on")
				assert.Equal(t, "2 db-1 org1@site1 → org2@site2 – – – – not begun: wave 1 failed", row(t, &out, "db-1"))
				assert.Contains(t, out.String(), "wave 2 of 2 is not begun: db-1")
				assert.Zero(t, server.Ran("", vcavtest.ReplicationID("db-1")))

				require.NoError(t, start(t.Context(), client, io.Discard, args...), "the next run does the rest")
				assert.Equal(t, 1, server.Ran(migrations, vcavtest.ReplicationID("web-1")))
			})
		})
	}
}

func TestStepThatTheApplianceRefuses(t *testing.T) {
	rehearse(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		server.Inject(vcavtest.Fault{Operation: migrations, Status: 409, Code: "SourceBusy", Message: "a backup is under way"})
		var out bytes.Buffer
		require.EqualError(t, start(t.Context(), client, &out, "-wave", "db-1"), "wave 1 failed")
		assert.Regexp(t, "1m.* not begun – 1m.*SourceBusy: a backup is under way", row(t, &out, "db-1"))
	})
}

func TestLostAnswerIsFound(t *testing.T) {
	for name, fault := range map[string]vcavtest.Fault{
		"dropped":   {After: true, Drop: true},
		"truncated": {After: true, Truncate: true},
		"hanging":   {After: true, Hang: true},
		"proxy":     {After: true, Status: 502, Body: "<html>"},
		"late":      {Drop: true, Late: 20 * time.Second},
	} {
		for _, operation := range []string{syncs, migrations, reversals} {
			t.Run(name+" "+operation, func(t *testing.T) {
				rehearse(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
					lose := fault
					lose.Operation, lose.Times = operation, 1
					server.Inject(lose)
					var out bytes.Buffer
					require.NoError(t, start(t.Context(), client, &out, "-wave", "db-1", "-reverse"))
					assert.Contains(t, row(t, &out, "db-1"), "moved")
					for _, operation := range []string{syncs, migrations, reversals} {
						assert.Equal(t, 1, server.Ran(operation, vcavtest.ReplicationID("db-1")), operation)
					}
				})
			})
		}
	}
}

// A request that is lost and leaves no trace ends its wave. The next run sends it, unless it has arrived since.
func TestOutcomeUnknownIsLeftToTheNextRun(t *testing.T) {
	for _, late := range []time.Duration{0, 5 * time.Minute} {
		t.Run(late.String(), func(t *testing.T) {
			rehearse(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
				server.Inject(vcavtest.Fault{Operation: migrations, Drop: true, Late: late, Times: 1})
				var out bytes.Buffer
				require.EqualError(t, start(t.Context(), client, &out), "wave 1 failed")
				var sent string
				for _, request := range server.Requests() {
					if request.Operation == migrations {
						sent = request.OperationID
					}
				}
				assert.Regexp(t, "unknown – .* the outcome is unknown .*no task came of it so far, and nothing there has changed.*"+sent+
					".*; the next run looks again before it sends anything$", row(t, &out, "db-1"))
				assert.Equal(t, 1, server.Count(migrations))

				if late > 0 { // it is met at work at first, and then what it has left
					<-time.After(late) // of the bubble
					out.Reset()
					require.ErrorContains(t, runAgain(t, server, &out), "nothing was changed")
					assert.Contains(t, out.String(), "its migrate is under way: task ")
					<-time.After(time.Hour)
				}
				require.NoError(t, runAgain(t, server, io.Discard))
				assert.Equal(t, 1, server.Ran(migrations, vcavtest.ReplicationID("db-1")))
				assert.Equal(t, vcavtest.RecoveryComplete, server.Replication(vcavtest.ReplicationID("db-1")).Recovery)
			})
		})
	}
}

// runAgain is the program in another process.
func runAgain(t *testing.T, server *vcavtest.Server, out io.Writer) error {
	t.Helper()
	client := connectTo(t, server)
	err := start(t.Context(), client, out)
	require.NoError(t, signOut(t.Context(), client))
	return err
}

func TestInterrupt(t *testing.T) {
	rehearse(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		out := trigger{on: "migrate is task", do: cancel}
		err := start(ctx, client, &out, "-wave", "db-1,web-1", "-wave", "app-1", "-parallel", "1")
		require.ErrorIs(t, err, context.Canceled)
		tasks := server.Tasks()
		require.Len(t, tasks, 2)
		assert.Contains(t, row(t, &out, "db-1"), "goes on – ")
		assert.Contains(t, row(t, &out, "db-1"), "migrate goes on as task "+tasks[1].ID)
		assert.Contains(t, row(t, &out, "web-1"), "not begun")
		assert.Contains(t, row(t, &out, "app-1"), "not begun: wave 1 was interrupted")
		assert.Contains(t, out.String(), "interrupted: nothing new is started")
		<-time.After(time.Hour) // of the bubble
		assert.Equal(t, vcavtest.RecoveryComplete, server.Replication(vcavtest.ReplicationID("db-1")).Recovery)
		require.NoError(t, start(t.Context(), client, io.Discard))
		assert.Equal(t, 3, server.Count(migrations))
	})
}

func TestInterruptBetweenTwoSteps(t *testing.T) {
	rehearse(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		out := trigger{on: "runs at site2 as VM", do: cancel}
		require.ErrorIs(t, start(ctx, client, &out, "-reverse"), context.Canceled)
		assert.Contains(t, row(t, &out, "db-1"), "reverse not begun: context canceled")
		assert.Zero(t, server.Count(reversals))
	})
}

// The answer to a request that has left names the task, and so the program waits for it.
func TestInterruptDuringARequest(t *testing.T) {
	rehearse(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		server.Inject(vcavtest.Fault{Operation: syncs, After: true, Delay: 20 * time.Second})
		time.AfterFunc(10*time.Second, cancel)
		var out bytes.Buffer
		require.ErrorIs(t, start(ctx, client, &out), context.Canceled)
		require.Len(t, server.Tasks(), 1)
		assert.Contains(t, row(t, &out, "db-1"), "sync goes on as task "+server.Tasks()[0].ID)
	})
}

func TestApplianceThatIsGone(t *testing.T) {
	rehearse(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		out := trigger{on: "migrate is task", do: func() {
			server.Inject(vcavtest.Fault{Operation: "Tasks.Get", Status: 503})
			server.Inject(vcavtest.Fault{Operation: "Tasks.Poll", Status: 503})
		}}
		require.EqualError(t, start(t.Context(), client, &out), "wave 1 failed")
		tasks := server.Tasks()
		require.Len(t, tasks, 2)
		assert.Regexp(t, "not seen – .*the end of the migrate was not seen: .*"+tasks[1].ID, row(t, &out, "db-1"))
	})
}

func TestMigrationThatIsNotThere(t *testing.T) {
	for want, recovery := range map[string]string{
		"not verified: its recovery is TEST":            `{"recoveryState": "TEST", "vcdVmId": "1"}`,
		"not verified: no recovered machine is known":   `{"recoveryState": "COMPLETE"}`,
		"not verified: its recovery is NOT_STARTED":     `null`,
		"not verified: its recovery is RETURNED_TO_SEA": `{"recoveryState": "RETURNED_TO_SEA"}`,
	} {
		t.Run(want, func(t *testing.T) {
			rehearse(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
				id := vcavtest.ReplicationID("db-1")
				server.Inject(vcavtest.Fault{
					Operation: "VMReplications.Get", Skip: 1, Status: 200, ContentType: "application/json",
					Body: fmt.Sprintf(`{"id": %q, "vmName": "db-1", "destinationState": {"recoveryInfo": %s}}`, id, recovery),
				})
				var out bytes.Buffer
				require.EqualError(t, start(t.Context(), client, &out, "-wave", "db-1", "-reverse"), "wave 1 failed")
				assert.Contains(t, row(t, &out, "db-1"), want)
				assert.Zero(t, server.Count(reversals), "which would remove the original")
			})
		})
	}
}

// Hours may lie between the first look and the last wave.
func TestWhatHasChangedMeanwhile(t *testing.T) {
	rehearse(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		out := trigger{on: "wave 2 of 2", do: func() {
			task, err := client.VMReplications.Pause(t.Context(), vcavtest.ReplicationID("app-1"))
			require.NoError(t, err)
			_, err = task.Wait(t.Context())
			require.NoError(t, err)
			task, err = client.VMReplications.Failover(t.Context(), vcavtest.ReplicationID("web-1"), vcav.CloudFailover{})
			require.NoError(t, err)
			_, err = task.Wait(t.Context())
			require.NoError(t, err)
		}}
		require.EqualError(t, start(t.Context(), client, &out), "wave 2 failed")
		assert.Contains(t, row(t, &out, "app-1"), "no longer ready: it is paused")
		assert.Contains(t, row(t, &out, "web-1"), "migrated already")
		assert.Equal(t, 1, server.Count(migrations))
	})
}

func TestToOnPremises(t *testing.T) {
	rehearse(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		var out bytes.Buffer
		require.NoError(t, start(t.Context(), client, &out, "-to", "plant", "-wave", "db-1"))
		assert.Contains(t, out.String(), "policies are not checked: this is not the appliance of plant")
		assert.Contains(t, row(t, &out, "db-1"), "org2@site2 → plant")
		moved := server.Replication(vcavtest.ReplicationID("db-1"))
		assert.Equal(t, vcavtest.RecoveryComplete, moved.Recovery)
		assert.True(t, moved.PoweredOn)
	}, vcavtest.RemoteSite("site1", "org1"), vcavtest.OnPremisesSite("plant"), vcavtest.Protect(vcavtest.Replication{
		VMName: "db-1", SourceSite: "site2", SourceOrg: "org2", DestinationSite: "plant",
	}))
}

func TestAsTenant(t *testing.T) {
	rehearse(t, func(t *testing.T, server *vcavtest.Server, _ *vcav.Client) {
		client, err := vcav.NewClient(server.URL, vcav.VCDCredentials("ann@org2", drkit.NewSecret("ann's")), server.Options()...)
		require.NoError(t, err)
		var out bytes.Buffer
		require.NoError(t, start(t.Context(), client, &out))
		assert.Contains(t, out.String(), "policies are not checked: only administrators see whose they are")
		require.NoError(t, signOut(t.Context(), client))
	}, vcavtest.Tenant("ann@org2", "ann's"))
}

// The list of states is open: what has an end has ended.
func TestTaskWithAnUnknownEnd(t *testing.T) {
	rehearse(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		server.Inject(vcavtest.Fault{
			Operation: "Tasks.List", Status: 200, ContentType: "application/json",
			Body: `{"items": [{"id": "1", "state": "CANCELLED", "endTime": 1700000000000}], "total": 1, "offset": 0, "limit": 100}`,
		})
		require.NoError(t, start(t.Context(), client, io.Discard, "-wave", "db-1"))
	})
}

func TestPolicyThatLetsNothingInAnyMore(t *testing.T) {
	t.Parallel()
	closed := vcav.Policy{PolicySettings: vcav.PolicySettings{DisplayName: "Closed", AllowOutgoingProtections: true}}
	m := newMachine(vcav.VMReplication{Destination: vcav.VMReplicationDestination{Org: "org2"}})
	m.migrated = true
	m.obey(closed, true)
	assert.Empty(t, m.refusals, "it is in, and may go back")
	m.IsMigration = true
	m.obey(closed, true)
	assert.Equal(t, []string{"policy Closed of org2 lets no migrations out, as -reverse needs"}, m.refusals)
}

func TestWhatIsOnlyNoted(t *testing.T) {
	t.Parallel()
	m := newMachine(vcav.VMReplication{
		VMName: "db-1", OverallHealth: vcav.OverallHealthYellow, Source: vcav.VMReplicationSource{Site: "site1"},
		Destination: vcav.VMReplicationDestination{Site: "site2", Org: "org2"},
		DestinationState: vcav.DestinationState{
			CurrentRPOViolation: 12, LatestInstance: &vcav.Instance{Key: "replica-1", Timestamp: drkit.MillisOf(time.Now().Add(time.Hour))},
			LastError: &vcav.APIError{Code: "Slow", Msg: "the network is slow"},
		},
	})
	m.check("site2")
	assert.Empty(t, m.refusals)
	r := newRunbook(nil, settings{to: "site2"}, io.Discard)
	assert.Equal(t, "yes: not in good health; RPO exceeded by 12 min; last error Slow: the network is slow", r.readiness(m))
	assert.Equal(t, "0s old", m.age(), "their clock is ahead of ours")
}

func TestReplicationsThatLeadElsewhere(t *testing.T) {
	t.Parallel()
	for want, sites := range map[string][2]string{
		"it does not leave site2": {"site2", "site2"}, // whether it has arrived there, nobody could tell
		"it leads to site3":       {"site1", "site3"},
	} {
		m := newMachine(vcav.VMReplication{
			Source:      vcav.VMReplicationSource{Site: sites[0], Org: "org1"},
			Destination: vcav.VMReplicationDestination{Site: sites[1], Org: "org2"},
		})
		m.check("site2")
		assert.Equal(t, []string{want}, m.refusals)
		assert.False(t, m.arrived)
	}
}
