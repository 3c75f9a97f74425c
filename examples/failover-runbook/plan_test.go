package main

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

func TestWhatComesAndGoes(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		id := vcavtest.ReplicationID
		out := &trigger{on: "db-1: failover done", do: func() {
			require.NoError(t, d.Protect(vcavtest.Replication{VMName: "new-1"}))
			require.True(t, d.RemoveReplication(id("web-1")))
		}}
		require.EqualError(t, d.runTo(t.Context(), out, "-site", "site1", "-wave", "db-1", "-wave", "app-1"), "1 of 3 machines are not recovered")
		assert.Contains(t, row(out.String(), "web-1"), "ReplicationNotFound")

		again, err := d.run()
		require.EqualError(t, err, "1 of 3 machines are not recovered")
		assert.Contains(t, again, "web-1 ("+id("web-1")+") is no longer replicated from site1\n")
		assert.Contains(t, again, "new-1 ("+id("new-1")+") has come after the plan was made, and is not failed over: ")
		assert.Equal(t, []string{"app-1", "db-1"}, d.recovered())

		d.file += "-2"
		out = &trigger{}
		require.NoError(t, d.runTo(t.Context(), out, "-site", "site1"))
		assert.Contains(t, row(out.String(), "db-1"), "– – – ok – "+d.Replication(id("db-1")).RecoveredVM+" recovered; by somebody else, or before")
		assert.Equal(t, []string{"app-1", "db-1", "new-1"}, d.recovered())
		assert.Equal(t, 3, d.Ran(failovers, ""))
	})
}

func TestOnlyNewcomersAreLeft(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		_, err := d.run("-site", "site1")
		require.NoError(t, err)
		require.NoError(t, d.Protect(vcavtest.Replication{VMName: "new-1"}))
		_, err = d.run()
		require.EqualError(t, err, "not in the plan: new-1")
	})
}

func TestReversedSince(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		_, err := d.run("-site", "site1")
		require.NoError(t, err)
		id := vcavtest.ReplicationID("db-1")
		recovered := d.Replication(id).RecoveredVM
		client, err := vcav.NewClient(d.URL, vcav.LocalUser(d.User, drkit.NewSecret(d.Password)), d.Options()...)
		require.NoError(t, err)
		task, err := client.VMReplications.Reverse(t.Context(), id)
		require.NoError(t, err)
		_, err = task.Wait(t.Context())
		require.NoError(t, err)
		require.NoError(t, signOut(t.Context(), client))

		out, err := d.run()
		require.NoError(t, err)
		assert.Contains(t, row(out, "db-1"), recovered+" recovered; protected in the other direction since")
		assert.Contains(t, out, "db-1 ("+id+") is no longer replicated from site1\n")
	})
}

// A failover of what somebody has recovered and reversed would take the machine back to where it comes from.
func TestReversedBeforeItsTurn(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		id := vcavtest.ReplicationID("web-1")
		client, err := vcav.NewClient(d.URL, vcav.LocalUser(d.User, drkit.NewSecret(d.Password)), d.Options()...)
		require.NoError(t, err)
		defer func() { require.NoError(t, signOut(t.Context(), client)) }()
		out := &trigger{on: "wave 1", do: func() {
			task, err := client.VMReplications.Failover(t.Context(), id, vcav.CloudFailover{})
			require.NoError(t, err)
			_, err = task.Wait(t.Context())
			require.NoError(t, err)
			task, err = client.VMReplications.Reverse(t.Context(), id)
			require.NoError(t, err)
			_, err = task.Wait(t.Context())
			require.NoError(t, err)
		}}
		require.EqualError(t, d.runTo(t.Context(), out, "-site", "site1"), "1 of 3 machines are not recovered")
		assert.Regexp(t, `^1 web-1 .* – – – – – – it is replicated from site2 now$`, row(out.String(), "web-1"))
		assert.Equal(t, 2, d.Count(syncs), "of the others")
		assert.Equal(t, 1, d.Ran(failovers, id))
		assert.Equal(t, 1, d.Ran(syncs, vcavtest.ReplicationID("db-1")))
	})
}

func TestWhatIsNotVerified(t *testing.T) {
	t.Parallel()
	for want, recovery := range map[string]string{
		"its recovery is NOT_STARTED":          `null`,
		"its recovery is TEST":                 `{"recoveryState": "TEST", "vcdVmId": "1"}`,
		"no recovered machine is known":        `{"recoveryState": "COMPLETE"}`,
		"it was recovered as %s, and is 1 now": `{"recoveryState": "COMPLETE", "vcdVmId": "1"}`,
	} {
		t.Run(want, func(t *testing.T) {
			rehearse(t, func(t *testing.T, d *desk) {
				_, err := d.run("-site", "site1")
				require.NoError(t, err)
				d.Inject(vcavtest.Fault{
					Operation: "VMReplications.Get", Status: 200, ContentType: "application/json",
					Body: `{"id": "C4-1", "source": {"site": "site1"}, "destinationState": {"recoveryInfo": ` + recovery + `}}`,
				})
				out, err := d.run()
				require.EqualError(t, err, "1 of 1 machines are not recovered")
				want := strings.ReplaceAll(want, "%s", d.Replication("C4-1").RecoveredVM)
				assert.Contains(t, row(out, "db-1"), "– – ok failed")
				assert.Contains(t, row(out, "db-1"), " – not verified: "+want)
			}, vcavtest.Protect(vcavtest.Replication{ID: "C4-1", VMName: "db-1"}))
		})
	}
}

func TestPlanStays(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		_, err := d.run()
		require.ErrorContains(t, err, "with -site")
		_, err = d.run("-site", "site7")
		require.EqualError(t, err, "nothing is replicated from site7")
		for want, waves := range map[string]string{
			`there is no replication of "db-9" from site1`: "db-9",
			`"db-1" is named twice`:                        "db-1," + vcavtest.ReplicationID("db-1"),
		} {
			_, err = d.run("-site", "site1", "-wave", waves)
			require.EqualError(t, err, want)
		}
		assert.Empty(t, d.Tasks())
		_, err = d.run("-site", "site1", "-wave", "web-1")
		require.NoError(t, err)

		_, err = d.run("-site", "site7")
		require.EqualError(t, err, "the journal is about site site1, and not about site7")
		_, err = d.run("-wave", "db-1")
		require.ErrorContains(t, err, "the journal has other waves, [[web-1]]")
		_, err = d.run("-site", "site1", "-wave", "web-1")
		require.NoError(t, err)
		other := vcavtest.NewServer(t, vcavtest.InMemory())
		defer other.Close()
		d.Server = other
		_, err = d.run()
		require.ErrorContains(t, err, "the journal is about appliance ")
		assert.Zero(t, other.Count(failovers))
	})
}

func TestMachinesOfOneName(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		_, err := d.run("-site", "site1", "-wave", "db-1")
		require.ErrorContains(t, err, `"db-1" may be C4-`)
		require.ErrorContains(t, err, ": name it by its id")
		_, err = d.run("-site", "site1", "-wave", "C4-2")
		require.NoError(t, err)
		assert.Regexp(t, `^1 db-1 failover C4-2 `, line(d.status(), "failover C4-2"))
		assert.Regexp(t, `^2 db-1 failover C4-1 `, line(d.status(), "failover C4-1"))
	}, vcavtest.Protect(
		vcavtest.Replication{ID: "C4-1", VMName: "db-1", VMID: "1"}, vcavtest.Replication{ID: "C4-2", VMName: "db-1", VMID: "2"},
	))
}

// A row that is missing would be a machine that nobody recovers.
func TestListThatMoves(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		// A client walks four times before it gives up. Skip does not count what an earlier fault has hit.
		move := func() {
			for walk := range 4 {
				d.Inject(vcavtest.Fault{
					Operation: "VMReplications.List", Skip: walk + 1, Times: 1, Status: 200, ContentType: "application/json",
					Body: `{"items": [{"id": "C4-9", "vmName": "x"}], "total": 3, "offset": 1, "limit": 2}`,
				})
			}
		}
		move()
		out, err := d.run("-site", "site1")
		require.NoError(t, err)
		assert.Contains(t, out, "list moved while it was read (read 4 times): reading it again\n")
		assert.Len(t, d.recovered(), 3)

		move()
		ctx, cancel := context.WithCancel(t.Context())
		require.ErrorIs(t, d.runTo(ctx, &trigger{on: "reading it again", do: cancel}), context.Canceled)
	}, vcavtest.PageLimit(2))
}

func TestToOnPremises(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		out, err := d.run("-site", "site2")
		require.NoError(t, err)
		assert.Contains(t, row(out, "db-1"), "org2@site2 → plant")
		assert.Len(t, d.recovered(), 1)
	}, vcavtest.RemoteSite("site1", "org1"), vcavtest.OnPremisesSite("plant"), vcavtest.Protect(vcavtest.Replication{
		VMName: "db-1", SourceSite: "site2", SourceOrg: "org2", DestinationSite: "plant",
	}))
}

func TestPlanThatCannotBeRead(t *testing.T) {
	t.Parallel()
	_, there, err := readPlan([]drkit.Step{{Key: planKey, Result: []byte("1")}})
	assert.True(t, there)
	require.ErrorContains(t, err, "the plan in the journal cannot be read")
}

func TestBadArguments(t *testing.T) {
	t.Parallel()
	for want, args := range map[string]string{
		"not defined: -no-such-flag":        "-no-such-flag",
		`"db-1" is not understood`:          "-site site1 db-1",
		"nothing can be failed over":        "-parallel 0",
		"a name is empty":                   "-wave db-1,,web-1",
		`try, must or no, and not "always"`: "-sync always",
		"name the journal":                  "-status",
		"with -journal":                     "-retry x",
		"no such file":                      "-status -journal of/nobody",
	} {
		var out strings.Builder
		require.ErrorContains(t, program{open: openJournal}.run(t.Context(), strings.Fields(args), &out), want)
		assert.NotContains(t, out.String(), "wave 1")
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, program{}.run(t.Context(), []string{"-h"}, &out))
	for _, part := range []string{"usage: failover-runbook -site SITE", "-parallel N", "(default 4)", "VCAV_THUMBPRINT"} {
		assert.Contains(t, out.String(), part)
	}
}

// On a real appliance nothing is failed over that was not named.
func TestApplianceOfTheEnvironment(t *testing.T) {
	server := vcavtest.NewServer(t, vcavtest.TaskDuration(0, 0))
	t.Setenv("VCAV_URL", server.URL)
	t.Setenv("VCAV_USER", server.User)
	t.Setenv("VCAV_PASSWORD", server.Password)
	t.Setenv("VCAV_THUMBPRINT", server.Thumbprint())
	var out strings.Builder
	run := func(args ...string) error { return program{open: openJournal}.run(t.Context(), args, &out) }
	require.ErrorContains(t, run("-site", "site1"), "with -journal")
	assert.Zero(t, server.Count(""), "not even a sign-in")
	file := t.TempDir() + "/journal"
	require.ErrorContains(t, run("-journal", file), "with -site")
	assert.Zero(t, server.Count("VMReplications.List"))
	require.NoError(t, run("-journal", file, "-site", "site1"))
	assert.Equal(t, 3, server.Ran(failovers, ""))
	assert.Zero(t, server.Sessions(), "signed out")
}
