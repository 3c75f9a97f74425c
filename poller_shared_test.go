package drkit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/settings"
	"github.com/drkit-go/drkit/internal/taskwait"
	"github.com/drkit-go/drkit/internal/watch"
)

// site is a service whose tasks are looked at together, as those of drkit's own clients are.
type site struct {
	look   func(id string) (drkit.Look[string], error)
	closed chan struct{}
	batch  *taskwait.Batch[named]

	mu       sync.Mutex
	requests []int // tasks in each
}

// named is what the site shows of a task.
type named struct {
	id   string
	look drkit.Look[string]
}

// newSite returns a site that shows its tasks by look. ErrNotFound leaves a task out of an answer for several;
// any other error fails the request.
func newSite(look func(id string) (drkit.Look[string], error)) *site {
	s := &site{look: look, closed: make(chan struct{})}
	s.batch = taskwait.New(taskwait.Config[named]{
		Many: s.many,
		One: func(ctx context.Context, item taskwait.Item) (named, error) {
			rows, err := s.many(ctx, []taskwait.Item{item})
			if err == nil && len(rows) == 0 {
				return named{}, answer(404)
			}
			return append(rows, named{})[0], err
		},
		ID: func(task named) string { return task.id },
		Polling: settings.Polling{
			MinInterval: time.Second, MaxInterval: 10 * time.Second, Grace: 30 * time.Second, BatchSize: 100,
		},
	})
	return s
}

func (s *site) many(_ context.Context, items []taskwait.Item) (rows []named, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, len(items))
	for _, item := range items {
		seen, err := s.look(item.ID)
		switch {
		case err == nil:
			rows = append(rows, named{item.ID, seen})
		case !errors.Is(err, errMissing):
			return nil, err
		}
	}
	return rows, nil
}

var errMissing = drkit.ErrNotFound

// asked returns how many tasks the requests so far have asked for.
func (s *site) asked() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.requests...)
}

// poller follows a task of the site.
func (s *site) poller(id string) *drkit.Poller[string] {
	return drkit.NewPoller[string](&task{site: s, id: id}, patience)
}

// task is a Source whose looks are shared.
type task struct {
	site *site
	id   string
}

func (t *task) ID() string { return t.id }

func (t *task) Closed() <-chan struct{} { return t.site.closed }

func (t *task) Look(context.Context) (drkit.Look[string], error) {
	t.site.mu.Lock()
	defer t.site.mu.Unlock()
	return t.site.look(t.id)
}

func (t *task) Watch(born time.Time) watch.Watch[drkit.Look[string]] {
	changed, last, stop := t.site.batch.Watch(taskwait.Item{ID: t.id}, born)
	return watch.Watch[drkit.Look[string]]{Changed: changed, Stop: stop, Last: func(context.Context) (drkit.Look[string], error) {
		seen, err := last()
		return seen.look, err
	}}
}

// until shows first before that time has passed, and then second.
func until(d time.Duration, first, second sight) func(string) (drkit.Look[string], error) {
	start := time.Now()
	return func(string) (drkit.Look[string], error) {
		if time.Since(start) < d {
			return first()
		}
		return second()
	}
}

func TestWaitsShareTheirLooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(until(time.Minute, running(50), succeeded("vm")))
		pollers := make([]*drkit.Poller[string], 100)
		for i := range pollers {
			pollers[i] = s.poller(fmt.Sprint("task-", i))
		}
		outcomes, err := drkit.WaitAll(t.Context(), pollers)
		require.NoError(t, err)
		for i, outcome := range outcomes {
			assert.Equal(t, drkit.Outcome[string]{ID: fmt.Sprint("task-", i), Result: "vm"}, outcome)
		}
		asked := s.asked()
		assert.Less(t, len(asked), 15)
		for _, tasks := range asked {
			assert.Equal(t, 100, tasks)
		}
		<-time.After(time.Hour)
		assert.Len(t, s.asked(), len(asked), "nothing is asked once nobody waits")
	})
}

// All ways to the end at once: each learns of it, and of the same result.
func TestPollAndWaitAtOnceWithSharedLooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(until(time.Minute, running(50), succeeded("vm")))
		poller := s.poller("task-1")
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				result, err := poller.Wait(t.Context())
				assert.NoError(t, err)
				assert.Equal(t, "vm", result)
			})
			all.Go(func() {
				outcomes, err := drkit.WaitAll(t.Context(), []*drkit.Poller[string]{poller, poller})
				assert.NoError(t, err)
				assert.Len(t, outcomes, 2)
			})
			all.Go(func() {
				for !poller.Done() {
					_, err := poller.Poll(t.Context())
					assert.NoError(t, err)
					<-time.After(time.Duration(i+1) * time.Second)
				}
			})
		}
		all.Wait()
		assert.Less(t, len(s.asked()), 15, "of the waits")
	})
}

// What another goroutine's Poll has seen ends the wait at once, and the looks for it.
func TestSharedWaitLearnsOfTheEndFromOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := newSite(until(time.Minute, running(50), succeeded("vm")))
		ended, other := s.poller("ended"), s.poller("other")
		var all sync.WaitGroup
		all.Go(func() {
			var last drkit.Progress
			_, err := ended.Wait(t.Context(), drkit.OnProgress(func(p drkit.Progress) { last = p }))
			assert.NoError(t, err)
			assert.Equal(t, drkit.StateSucceeded, last.State)
			assert.Equal(t, time.Minute, time.Since(start))
		})
		ctx, cancel := context.WithCancel(t.Context())
		all.Go(func() {
			_, err := other.Wait(ctx)
			assert.ErrorIs(t, err, context.Canceled)
		})
		<-time.After(time.Minute)
		_, err := ended.Poll(t.Context())
		require.NoError(t, err)
		synctest.Wait()
		s.mu.Lock()
		s.look = func(string) (drkit.Look[string], error) { return running(60)() }
		s.mu.Unlock()
		before := len(s.asked())
		<-time.After(time.Minute)
		for _, tasks := range s.asked()[before:] {
			assert.Equal(t, 1, tasks)
		}
		cancel()
		all.Wait()
	})
}

func TestSharedWaitThatIsEndedFromOutside(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end  func(s *site, cancel context.CancelFunc)
		want error
	}{
		"by its context":         {func(_ *site, cancel context.CancelFunc) { cancel() }, context.Canceled},
		"with the client closed": {func(s *site, _ context.CancelFunc) { close(s.closed) }, drkit.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSite(func(string) (drkit.Look[string], error) { return running(50)() })
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ended := make(chan error)
				for i := range 10 {
					go func() { _, err := s.poller(fmt.Sprint("task-", i)).Wait(ctx); ended <- err }()
				}
				<-time.After(time.Minute)
				tc.end(s, cancel)
				at := time.Now()
				for range 10 {
					err := <-ended
					require.ErrorIs(t, err, tc.want)
					require.ErrorContains(t, err, "(RUNNING)")
				}
				assert.Zero(t, time.Since(at))
				asked := len(s.asked())
				<-time.After(time.Hour)
				assert.Len(t, s.asked(), asked)
			})
		})
	}
}

// One that leaves takes nothing away from the others.
func TestSharedWaitsHaveContextsOfTheirOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(until(time.Minute, running(50), succeeded("vm")))
		var all sync.WaitGroup
		for i := range 40 {
			poller := s.poller("task-1") // the first to wait among them
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Second)
				defer cancel()
				_, err := poller.Wait(ctx)
				assert.ErrorIs(t, err, context.DeadlineExceeded)
			})
			all.Go(func() {
				_, err := poller.Wait(t.Context())
				assert.NoError(t, err)
			})
		}
		all.Wait()
	})
}

// A task that is left out is gone only after the grace and several misses, and may come back.
func TestSharedWaitForTaskThatIsNotShown(t *testing.T) {
	t.Parallel()
	for _, company := range []bool{false, true} {
		t.Run(fmt.Sprint("in company ", company), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				missing := unseen(errMissing)
				start := time.Now()
				s := newSite(func(id string) (drkit.Look[string], error) {
					if hour := time.Since(start) >= time.Hour; id == "gone" && !hour {
						return missing()
					} else if hour {
						return succeeded("vm")()
					}
					return running(10)()
				})
				var others sync.WaitGroup
				if company {
					for i := range 2 {
						others.Go(func() { _, err := s.poller(fmt.Sprint("task-", i)).Wait(t.Context()); assert.NoError(t, err) })
					}
				}
				poller := s.poller("gone")
				_, err := poller.Wait(t.Context())
				require.ErrorIs(t, err, drkit.ErrTaskGone)
				require.ErrorIs(t, err, drkit.ErrNotFound)
				assert.GreaterOrEqual(t, time.Since(start), 30*time.Second)
				assert.Less(t, time.Since(start), 75*time.Second)
				assert.False(t, poller.Done())

				again := time.Now()
				_, err = poller.Wait(t.Context())
				require.ErrorIs(t, err, drkit.ErrTaskGone)
				assert.Greater(t, time.Since(again), time.Second, "three misses")

				<-time.After(time.Hour)
				result, err := poller.Wait(t.Context())
				require.NoError(t, err, "it was only hidden")
				assert.Equal(t, "vm", result)
				others.Wait()
			})
		})
	}
}

// A service that stays away ends every wait in the end, and each may wait again.
func TestSharedWaitWhenTheServiceStaysAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(until(5*time.Minute, unseen(answer(503)), succeeded("vm")))
		pollers := []*drkit.Poller[string]{s.poller("task-1"), s.poller("task-2"), s.poller("task-3")}
		for range 2 { // the second wait has patience of its own
			start := time.Now()
			outcomes, err := drkit.WaitAll(t.Context(), pollers)
			require.ErrorIs(t, err, drkit.ErrUnavailable)
			for _, outcome := range outcomes {
				require.ErrorIs(t, outcome.Err, drkit.ErrUnavailable)
				require.ErrorContains(t, outcome.Err, outcome.ID)
			}
			assert.GreaterOrEqual(t, time.Since(start), 2*time.Minute)
			assert.LessOrEqual(t, time.Since(start), 2*time.Minute+20*time.Second)
		}
		<-time.After(time.Minute)
		_, err := drkit.WaitAll(t.Context(), pollers)
		require.NoError(t, err)
	})
}

// A callback that takes its time holds up neither the looks nor the other waits.
func TestSlowReportsWithSharedLooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := newSite(until(time.Minute, running(50), succeeded("vm")))
		slow := s.poller("slow")
		var all sync.WaitGroup
		all.Go(func() {
			recorder := &recorder{t: t, slow: time.Hour}
			_, err := slow.Wait(t.Context(), drkit.OnProgress(recorder.report))
			assert.NoError(t, err)
			assert.Equal(t, []int{50, 100}, recorder.percents())
		})
		for i := range 10 {
			all.Go(func() {
				_, err := s.poller(fmt.Sprint("task-", i)).Wait(t.Context())
				assert.NoError(t, err)
				assert.Less(t, time.Since(start), 71*time.Second)
			})
		}
		<-time.After(71 * time.Second)
		assert.True(t, slow.Done(), "the look has been taken, although the report of the first has not ended")
		all.Wait()
	})
}

// A look of Poll that is newer than the shared one stays what the poller shows.
func TestSharedLookDoesNotMoveProgressBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		percent := 0
		s := newSite(func(string) (drkit.Look[string], error) {
			if percent += 2; percent >= 100 {
				return succeeded("vm")()
			}
			return running(percent)()
		})
		poller := s.poller("task-1")
		var all sync.WaitGroup
		all.Go(func() {
			recorder := &recorder{t: t}
			_, err := poller.Wait(t.Context(), drkit.OnProgress(recorder.report))
			assert.NoError(t, err)
			assert.IsNonDecreasing(t, recorder.percents())
		})
		last := 0
		for !poller.Done() {
			progress, err := poller.Poll(t.Context())
			require.NoError(t, err)
			assert.GreaterOrEqual(t, progress.Percent, last)
			last = progress.Percent
			<-time.After(1700 * time.Millisecond)
		}
		all.Wait()
	})
}
