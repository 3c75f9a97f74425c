package main

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// Where nobody can tell what became of a start, the report and the journal say what to look at, and how to go on. What
// has begun all the same is found without -retry.
func TestNobodyKnows(t *testing.T) {
	t.Parallel()
	databases := cloudreplicatest.PlanID("databases")
	const advice = `(?m)^databases: nobody knows whether its failover has begun\. Run again without -retry once data have been collected, .*` +
		`a session since \d{4}-\d\d-\d\d \d\d:\d\d UTC, .* start it again with -retry "start `
	for name, tc := range map[string]struct{ begun, retry bool }{
		"it has begun, and is found":    {true, false},
		"it has not, and somebody said": {false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, cloudreplicatest.TaskDuration(0, 2*time.Hour), cloudreplicatest.CollectEvery(0))
			b.Inject(cloudreplicatest.Fault{Operation: starts, After: tc.begun, Drop: true, Times: 1, Do: b.ExpireSessions})
			for range 2 {
				require.EqualError(t, b.run(t.Context(), t, "-plan", "databases"), "1 of 1 plan is not failed over")
				assert.Contains(t, b.out.String(), "\nwhat to do now:\n")
				assert.Regexp(t, advice+databases+`"$`, b.out.String())
			}
			b.out.Reset()
			require.NoError(t, printStatus(b.journal, &b.out))
			assert.Regexp(t, advice+databases+`"$`, b.out.String())

			args := []string{"-plan", "databases"}
			if tc.retry {
				args = append(args, "-retry", "start "+databases)
			}
			collectAgain(t, b)
			require.NoError(t, b.run(t.Context(), t, args...))
			assert.NotContains(t, b.out.String(), "what to do now")
			assert.Equal(t, 1, b.Audit().Plan(databases).Started)
		})
	}
}

// collectAgain lets data be collected from time to time, because tasks do not end.
func collectAgain(t *testing.T, b *bench) {
	t.Helper()
	var job sync.WaitGroup
	job.Go(func() {
		for t.Context().Err() == nil {
			b.Collect()
			select {
			case <-t.Context().Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	t.Cleanup(job.Wait)
}

// Where the tasks of the logon session show that a lost request has begun nothing, the next run starts the plan.
func TestNothingHasBegun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Inject(cloudreplicatest.Fault{Operation: starts, Drop: true, Times: 1})
	require.Error(t, b.run(t.Context(), t, "-plan", "databases"))
	assert.Regexp(t, `(?m)^databases +2 machines .* not begun: .*$`, b.out.String())
	assert.Contains(t, b.out.String(), "databases: it has not begun: run again")
	require.NoError(t, b.run(t.Context(), t))
	assert.Equal(t, 1, b.Audit().Plan(cloudreplicatest.PlanID("databases")).Started)
}

func TestAdvice(t *testing.T) {
	t.Parallel()
	databases := cloudreplicatest.PlanID("databases")
	for want, tc := range map[string]struct {
		happens func(b *bench)
		args    []string
	}{
		"databases: the other machines are failed over.": {func(b *bench) { b.FailVM(databases, "db-2", "no host") }, nil},
		"databases: the test has ended, and not all":     {func(b *bench) { b.FailVM(databases, "db-2", "no host") }, []string{"-test"}},
		`with -retry "start ` + databases + `"`: {func(b *bench) {
			b.FailVM(databases, "", "no host")
			b.FailVM(databases, "", "no host")
		}, nil},
		"databases: nothing was sent, because somebody else is at the plan": {func(b *bench) {
			b.SlowVM(databases, "db-1", time.Hour)
			_, err := b.Operator("ann").Do("FailoverPlans.Test", databases, "")
			assert.NoError(t, err)
			assert.Eventually(t, func() bool { return b.Audit().Plan(databases).Tested == 1 }, 5*time.Second, time.Millisecond)
			b.Collect()
		}, nil},
	} {
		b := newBench(t)
		tc.happens(b)
		require.Error(t, b.run(t.Context(), t, append(tc.args, "-plan", "databases")...))
		assert.Contains(t, b.out.String(), want)
	}
}

// Last week's journal of a test is not taken for that of a failover, which would then seem to be done.
func TestJournalOfATest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.run(t.Context(), t, "-tenant", "acme", "-test"))
	for _, args := range [][]string{{"-tenant", "acme"}, {"-plan", "web"}} {
		require.ErrorContains(t, b.run(t.Context(), t, args...), "the journal is about tests: a failover needs another")
	}
	require.NoError(t, b.run(t.Context(), t))
	require.NoError(t, b.run(t.Context(), t, "-tenant", "acme", "-test"))
	assert.Zero(t, b.Count(starts))
	assert.Equal(t, 2, b.Count("FailoverPlans.Test"))
}
