package vsphere_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// watcher takes note of when the answers of an appliance tell of which task.
type watcher struct {
	mu     sync.Mutex
	looks  map[string][]time.Time // by task
	passed []time.Time            // when requests came back
}

func (w *watcher) middleware(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		response.Body = io.NopCloser(bytes.NewReader(body))
		var told struct {
			ID   string                `json:"id"`
			List []struct{ ID string } `json:"list"`
		}
		_ = json.Unmarshal(body, &told) // not all answers are of this kind
		w.mu.Lock()
		defer w.mu.Unlock()
		w.passed = append(w.passed, time.Now())
		w.looks[told.ID] = append(w.looks[told.ID], time.Now())
		for _, task := range told.List {
			w.looks[task.ID] = append(w.looks[task.ID], time.Now())
		}
		return response, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// longest is the longest time between two looks at one task, from a moment to another.
func (w *watcher) longest(tasks []string, from, to time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	var longest time.Duration
	for _, task := range tasks {
		before := from
		for _, look := range append(w.looks[task], to) {
			if look.After(before) {
				longest = max(longest, look.Sub(before))
				before = look
			}
		}
	}
	return longest
}

func (w *watcher) most() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return mostInAMinute(w.passed)
}

// An appliance that counts as the guide says refuses nothing of two hundred waits on one session, whatever is called
// beside them, and no task waits long for its look.
func TestTwoHundredWaitsOnTheSimulator(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		others  int           // tasks of others that are newer than those that are waited for
		every   time.Duration // between calls beside the waits; 0: none
		callers int
		longest time.Duration
	}{
		"waits alone":                       {longest: 16 * time.Second},
		"a call every ten seconds":          {every: 10 * time.Second, callers: 1, longest: 16 * time.Second},
		"callers that never rest":           {every: time.Millisecond, callers: 5, longest: 20 * time.Second},
		"newer tasks of others":             {others: 150, longest: 16 * time.Second},
		"newer tasks of others, and a call": {others: 150, every: 10 * time.Second, callers: 1, longest: 16 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && (tc.others > 0 || tc.callers == 1) {
				t.Skip("the long tests do that, too")
			}
			var protected []vspheretest.Replication
			for i := range 200 + tc.others {
				protected = append(protected, vspheretest.Replication{VMName: fmt.Sprintf("vm-%03d", i)})
			}
			inFlow(t, func(t *testing.T, f flow) {
				server, watcher := f.pair.Recovery, &watcher{looks: map[string][]time.Time{}}
				p := enter(t, server, drkit.WithMiddleware(watcher.middleware))
				tasks, pollers := waitedFor(t, p, protected[:200])
				for _, replication := range protected[200:] {
					begin(t, server, replication)
				}
				calls, began := 0, time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
				defer cancel()
				var all sync.WaitGroup
				for _, poller := range pollers {
					all.Go(func() {
						_, err := poller.Wait(ctx)
						assert.ErrorIs(t, err, context.DeadlineExceeded)
					})
				}
				var mu sync.Mutex
				for range tc.callers {
					all.Go(func() {
						for ctx.Err() == nil {
							_, err := p.Replications.Get(ctx, vspheretest.ReplicationID(protected[0].VMName))
							mu.Lock()
							if err == nil {
								calls++
							}
							mu.Unlock()
							select {
							case <-time.After(tc.every):
							case <-ctx.Done():
							}
						}
					})
				}
				all.Wait()
				longest := watcher.longest(tasks, began, time.Now())
				t.Logf("%d requests in 30 minutes, %d at most in any minute, %d of them calls, %d refused; the longest gap between two looks at one task: %s",
					len(watcher.passed), watcher.most(), calls, server.Refused(), longest.Round(time.Millisecond))
				assert.Zero(t, server.Refused())
				assert.LessOrEqual(t, watcher.most(), 46)
				assert.LessOrEqual(t, longest, tc.longest)
				assert.Equal(t, tc.callers > 0, calls > 60)
			}, vspheretest.Protect(protected...), vspheretest.TaskDuration(0, 12*time.Hour))
		})
	}
}

// Where others at the same address use up what it lets pass, calls wait for the next minute, and none of them fails.
func TestOthersUseUpTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pair := vspheretest.NewPair(t, vspheretest.InMemory())
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var all sync.WaitGroup
		for range 4 { // which AddressLimit is for
			p := enter(t, pair.Recovery)
			all.Go(func() {
				for ctx.Err() == nil {
					_, err := p.Appliance.Info(ctx)
					assert.True(t, err == nil || ctx.Err() != nil, err)
				}
			})
		}
		all.Wait()
		assert.Positive(t, pair.Recovery.Refused())
		assert.Less(t, pair.Recovery.Refused(), 100, "of a thousand")
	})
}

// begin lets somebody else begin a task on a replication.
func begin(t *testing.T, server *vspheretest.Server, replication vspheretest.Replication) string {
	t.Helper()
	task, err := server.Operator("ann").Do("Replications.Sync", vspheretest.ReplicationID(replication.VMName), "")
	require.NoError(t, err)
	return task
}

// waitedFor are tasks on replications, and pollers of them that have sent nothing yet.
func waitedFor(t *testing.T, p party, replications []vspheretest.Replication) (tasks []string, pollers []*drkit.Poller[vsphere.Task]) {
	t.Helper()
	token := ""
	for i, replication := range replications {
		if i == 0 {
			poller, err := p.Replications.Sync(t.Context(), vspheretest.ReplicationID(replication.VMName))
			require.NoError(t, err)
			token, err = poller.ResumeToken(t.Context())
			require.NoError(t, err)
			tasks, pollers = append(tasks, poller.ID()), append(pollers, poller)
			continue
		}
		task := begin(t, p.server, replication)
		poller, err := vsphere.Resume[vsphere.Task](p.Client, tokenOf(t, token, task))
		require.NoError(t, err)
		tasks, pollers = append(tasks, task), append(pollers, poller)
	}
	return tasks, pollers
}
