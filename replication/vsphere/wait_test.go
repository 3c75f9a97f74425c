package vsphere_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
)

// bubble runs a test where hours pass at once.
func bubble(t *testing.T, test func(t *testing.T, y *yard)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(t, newYard(t)) })
}

// A task is followed to its end, whatever that is.
func TestWait(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fails string
		state drkit.State
		is    error
		want  string
	}{
		"well":      {"", drkit.StateSucceeded, nil, ""},
		"badly":     {"The replica is gone.", drkit.StateFailed, nil, "vsphere.Replications.Pause: task on ledger-db failed: The replica is gone. (task task-1, operation ID op-7)"},
		"cancelled": {"cancelled", "CANCELLED", drkit.ErrCancelled, "vsphere.Replications.Pause: task on ledger-db failed: it was cancelled (task task-1"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				ctx := drkit.WithOperationID(t.Context(), "op-7")
				poller, err := replicationsOf(y.client()).Pause(ctx, ledger)
				require.NoError(t, err)
				assert.Equal(t, "task-1", poller.ID())
				assert.False(t, poller.Adopted())
				y.change(func() { y.tasks[0].fails = tc.fails })
				began := time.Now()
				var states []drkit.State
				task, err := poller.Wait(t.Context(), drkit.OnProgress(func(p drkit.Progress) { states = append(states, p.State) }))
				assert.Less(t, time.Since(began), 20*time.Second)
				assert.Equal(t, drkit.StateRunning, states[0])
				assert.Equal(t, tc.state, states[len(states)-1])
				if tc.want == "" {
					require.NoError(t, err)
					assert.JSONEq(t, `{"of":"task-1"}`, string(task.Result))
					assert.Equal(t, vsphere.TaskStatusSuccess, task.Status)
					return
				}
				var failed *drkit.TaskError
				require.ErrorAs(t, err, &failed)
				assert.Contains(t, err.Error(), tc.want)
				assert.Equal(t, "pause", failed.Type)
				assert.Equal(t, ledger, failed.ResourceID)
				assert.Equal(t, tc.is != nil, errors.Is(err, drkit.ErrCancelled))
			})
		})
	}
}

// A task that has ended when its answer comes is not asked for.
func TestTaskThatHasEndedAtOnce(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]error{"SUCCESS": nil, "CANCELLED": drkit.ErrCancelled} {
		s := newService(t)
		s.on("POST", onLedger+"/actions/pause", says(202, `{"id":"task-1","status":"`+status+`"}`))
		client := s.client()
		polled, err := replicationsOf(client).Pause(wire(t), ledger)
		require.NoError(t, err)
		_, err = polled.Poll(t.Context())
		require.NoError(t, err)
		assert.True(t, polled.Done())
		waited, err := replicationsOf(client).Pause(wire(t), ledger)
		require.NoError(t, err)
		_, err = waited.Wait(t.Context())
		require.ErrorIs(t, err, want)
		assert.Len(t, s.Lines(), 2)
	}
}

// Each machine has a poller, in the order in which they were asked for.
func TestConfigureAll(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		machines := machines(t, 5)
		pollers, err := replicationsOf(y.client()).ConfigureAll(t.Context(), machines)
		require.NoError(t, err)
		require.Len(t, pollers, 5)
		outcomes, err := drkit.WaitAll(t.Context(), pollers)
		require.NoError(t, err)
		for i, outcome := range outcomes {
			assert.Equal(t, machines[i].VMID, outcome.Result.Entity)
		}
		assert.Equal(t, []string{"POST replications"}, y.sent())
	})
}

// machines are so many machines to replicate.
func machines(t *testing.T, count int) []vsphere.ConfigureReplication {
	t.Helper()
	all := make([]vsphere.ConfigureReplication, count)
	for i := range all {
		all[i] = one[[]vsphere.ConfigureReplication](t, "replications_configure.request")[0]
		all[i].VMID = fmt.Sprintf("VirtualMachine:vm-%d:%s", 200+i, west)
	}
	return all
}

// Where the service has tasks for some machines only, those can be waited for, and the error says what it says of the
// others. What a task does not name a machine of is not guessed.
func TestConfigureAllInPart(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		client, wanted := y.client(fast), machines(t, 4)
		y.breaks("replications", onceFor(y, "POST", "replications", func(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
			var shown []string
			y.change(func() {
				for _, machine := range []int{2, 0} {
					shown = append(shown, y.show(y.begin("configure", wanted[machine].VMID, wanted[machine].VMID, "", nil)))
				}
			})
			twice := `{"id":"task-x","status":"QUEUED","entity":"` + wanted[3].VMID + `"}`
			shown = append(shown, `{"id":"task-y","status":"QUEUED"}`, twice, twice)
			return reply(r, 202, `{"list":[`+strings.Join(shown, ",")+`],"_meta":{"errors":[{"code":"FULL","message":"No space.","field":"$[1]"}]}}`), nil
		}))
		pollers, err := replicationsOf(client).ConfigureAll(t.Context(), wanted)
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		require.ErrorContains(t, err, "5 tasks for 4 machines: answer is partial: FULL No space. (at $[1])")
		require.ErrorContains(t, err, "there are 2 of its 4 tasks")
		assert.ElementsMatch(t, []string{"task-1", "task-2"}, unknown.Candidates)
		require.Len(t, pollers, 4)
		assert.Nil(t, pollers[1])
		assert.Nil(t, pollers[3])
		assert.Equal(t, wanted[0].VMID, finished(t, pollers[0], nil).Entity)
		assert.Equal(t, wanted[2].VMID, finished(t, pollers[2], nil).Entity)
		assert.Equal(t, []string{"POST replications"}, y.sent())

		pollers, err = replicationsOf(client).ConfigureAll(t.Context(), wanted)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown, "it is not sent again")
		assert.Nil(t, pollers)
		assert.Equal(t, []string{"POST replications"}, y.sent())
	})
}

// A task that names no machine is that of the next machine that none names, and what the answer says of it stays with it.
func TestConfigureAllNamesFewMachines(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		named map[int]int // machines by tasks
		want  []string
	}{
		"none":           {nil, []string{"task-0", "task-1", "task-2"}},
		"one":            {map[int]int{1: 0}, []string{"task-1", "task-0", "task-2"}},
		"all, otherwise": {map[int]int{0: 2, 1: 0, 2: 1}, []string{"task-1", "task-2", "task-0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, wanted := newService(t), machines(t, 3)
			var log bytes.Buffer
			var shown []string
			for i := range 3 {
				entity := ""
				if machine, named := tc.named[i]; named {
					entity = wanted[machine].VMID
				}
				shown = append(shown, fmt.Sprintf(`{"id":"task-%d","status":"SUCCESS","entity":%q}`, i, entity))
			}
			s.on("POST", "/pairings/"+pairing+"/replications", says(202, `{"list":[`+strings.Join(shown, ",")+
				`],"_meta":{"errors":[{"code":"SLOW","message":"Not yet.","field":"$.list[1].progress"}]}}`))
			client := s.client(drkit.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))))
			pollers, err := replicationsOf(client).ConfigureAll(wire(t), wanted)
			require.NoError(t, err)
			for i, poller := range pollers {
				task := finished(t, poller, nil)
				assert.Equal(t, tc.want[i], task.ID)
				assert.Equal(t, task.ID == "task-1", task.Meta.Err() != nil)
			}
			assert.Contains(t, log.String(), "SLOW Not yet.")
		})
	}
}

// An answer with two tasks of one machine has none of another: nobody is given the task of another machine for its own.
func TestConfigureAllNamesAMachineTwice(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		wanted := machines(t, 2)
		y.onConfigure(func(r *http.Request, do func() (*http.Response, error)) (*http.Response, error) {
			_, _ = do()
			task := `{"id":"%s","status":"QUEUED","entity":"` + wanted[0].VMID + `"}`
			return reply(r, 202, `{"list":[`+fmt.Sprintf(task+","+task, "task-1", "task-x")+`]}`), nil
		})
		pollers, err := replicationsOf(y.client(fast)).ConfigureAll(t.Context(), wanted)
		require.NoError(t, err, "the look finds them")
		for i, poller := range pollers {
			assert.True(t, poller.Adopted())
			assert.Equal(t, wanted[i].VMID, finished(t, poller, nil).Entity)
		}
	})
}

// A list of recent tasks that is not to be had keeps nobody from seeing the end of a task.
func TestWaitsWithoutTheList(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		client := y.client()
		pollers := tasksOf(t, y, client, 3)
		y.breaks("tasks", again(50, instead(false, 200, `{"list":[],"_meta":{"errors":[{"code":"GONE","field":"$.list"}]}}`))...)
		_, err := drkit.WaitAll(t.Context(), pollers)
		require.NoError(t, err)
	})
}

// An answer that has not a task for each machine cannot be used.
func TestConfigureWithoutATask(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"list":[]}`, `{"list":[{"id":""}]}`, `{"list":[{"id":"a"},{"id":"b"}]}`, `{"id":"a","status":"QUEUED"}`} {
		s := newService(t)
		s.on("POST", "/pairings/"+pairing+"/replications", says(202, body))
		_, err := replicationsOf(s.client()).Configure(wire(t), machines(t, 1)[0])
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown, body)
		assert.ErrorContains(t, err, "cannot be used")
	}
}

// Two hundred waits on one session stay within what an appliance lets pass, with calls beside them, and no task waits
// long for its look.
func TestTwoHundredWaits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		recent  int // tasks in the list
		longest time.Duration
	}{
		"all in the list of recent tasks": {0, 25 * time.Second},
		"a dozen of them not any more":    {188, 80 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.takes, y.recent = time.Hour, 0
				client := y.client()
				pollers := tasksOf(t, y, client, 200)
				y.change(func() { y.recent, y.counted = tc.recent, nil; clear(y.looked) })

				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
				defer cancel()
				var waits sync.WaitGroup
				for _, poller := range pollers {
					waits.Go(func() {
						_, err := poller.Wait(ctx)
						assert.ErrorIs(t, err, context.DeadlineExceeded)
					})
				}
				calls := 0
				for ctx.Err() == nil { // a call every ten seconds beside the waits
					if _, err := client.Appliance.Info(ctx); err == nil {
						calls++
					}
					select {
					case <-time.After(10 * time.Second):
					case <-ctx.Done():
					}
				}
				waits.Wait()
				longest := y.longestGap(pollers)
				t.Logf("%d requests in 20 minutes, %d at most in any minute, %d calls; the longest gap between two looks at one task: %s",
					len(y.counted), y.most(), calls, longest)
				assert.LessOrEqual(t, y.most(), 46)
				assert.LessOrEqual(t, longest, tc.longest)
				assert.Greater(t, calls, 60)
			})
		})
	}
}

// tasksOf are pollers of tasks that take as long as the yard says, without what was sent to begin them.
func tasksOf(t *testing.T, y *yard, client *vsphere.Client, count int) []*drkit.Poller[vsphere.Task] {
	t.Helper()
	pollers := make([]*drkit.Poller[vsphere.Task], count)
	template, err := replicationsOf(client).Sync(t.Context(), ledger)
	require.NoError(t, err)
	token, err := template.ResumeToken(t.Context())
	require.NoError(t, err)
	for i := range pollers {
		y.change(func() { y.begin("sync", fmt.Sprint("GID-", i), "", "", nil) })
		pollers[i], err = vsphere.Resume[vsphere.Task](client, tokenOf(t, token, fmt.Sprint("task-", i+2)))
		require.NoError(t, err)
	}
	return pollers
}

// longestGap is the longest time between two looks at one task.
func (y *yard) longestGap(pollers []*drkit.Poller[vsphere.Task]) time.Duration {
	y.mu.Lock()
	defer y.mu.Unlock()
	var longest time.Duration
	for _, poller := range pollers {
		looks := y.looked[poller.ID()]
		for i := range looks[1:] {
			longest = max(longest, looks[i+1].Sub(looks[i]))
		}
	}
	return longest
}

// A wait among tasks of others, most of which are in the list, asks for its own task alone.
func TestOneWaitAsksForOneTask(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.takes = time.Minute
		client := y.client()
		poller, err := replicationsOf(client).Pause(t.Context(), ledger)
		require.NoError(t, err)
		y.change(func() { y.seen = nil })
		finished(t, poller, nil)
		for _, line := range y.seen {
			assert.Equal(t, "GET task-1", line)
		}
	})
}

// Where few are missing from the first page, and many pages are left, those are asked for one by one.
func TestWaitsReadNoFurtherThanTheyMust(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.takes = time.Hour
		client := y.client(fast)
		pollers := tasksOf(t, y, client, 2)
		y.change(func() {
			for range 1000 {
				y.begin("sync", "GID-x", "", "", nil)
			}
			y.seen = nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _ = drkit.WaitAll(ctx, pollers)
		assert.ElementsMatch(t, []string{"GET tasks", "GET task-2", "GET task-3"}, y.seen)
	})
}

// A limit that clients share goes with that of each.
func TestAddressLimit(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		limit := vsphere.AddressLimit()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var all sync.WaitGroup
		for range 4 {
			client := y.client(limit)
			for range 5 {
				all.Go(func() {
					for ctx.Err() == nil {
						_, _ = client.Appliance.Info(ctx)
					}
				})
			}
		}
		all.Wait()
		assert.LessOrEqual(t, y.most(), 92)
		assert.Greater(t, len(y.counted), 700)
	})
}
