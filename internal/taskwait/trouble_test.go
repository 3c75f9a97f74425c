package taskwait_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/settings"
)

// A failure is handed to all whose tasks were in the request, and to nobody else.
func TestFailureOfAChunk(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{
		"no answer":     errNoAnswer,
		"throttled":     answered(429, drkit.ErrThrottled),
		"unavailable":   answered(503, drkit.ErrUnavailable),
		"unauthorized":  answered(401, drkit.ErrUnauthorized),
		"not sent":      errors.New("vcav.Tasks.Poll: signing in: no route to host"),
		"sign-in fails": fmt.Errorf("vcav.Tasks.Poll: signing in: %w", answered(500, nil)),
		"closed":        fmt.Errorf("vcav.Tasks.Poll: %w", drkit.ErrClosed),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake()
				f.many = func(_ context.Context, ids []string) ([]row, error) {
					if slices.Contains(ids, "task-150") {
						return nil, failure
					}
					return f.rows(ids), nil
				}
				b := f.batch(polling)
				watchers := make([]watcher, 300)
				for i := range watchers {
					watchers[i] = watch(b, fmt.Sprint("task-", i))
					defer watchers[i].stop()
				}
				for range 3 {
					for i, w := range watchers {
						got, err := w.next()
						if i/100 == 1 {
							require.ErrorIs(t, err, failure)
							assert.Empty(t, got)
						} else {
							require.NoError(t, err)
						}
					}
				}
				assert.Len(t, f.all(), 9, "one request for each chunk, and none for a single task")
				assert.Empty(t, f.logged())
			})
		})
	}
}

// A service that cannot answer for several at once is asked for each for a minute, says the log, and is then
// tried with several again.
func TestServiceThatDoesNotAnswerForSeveral(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{
		"not found":     answered(404, drkit.ErrNotFound),
		"forbidden":     answered(403, drkit.ErrForbidden),
		"bad request":   answered(400, nil),
		"too large":     answered(413, nil),
		"failure":       answered(500, nil),
		"not decodable": &drkit.Error{Status: 200, Message: "the answer cannot be used"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake()
				f.many = func(context.Context, []string) ([]row, error) { return nil, failure }
				b := f.batch(steady)
				watchers := []watcher{watch(b, "a"), watch(b, "b"), watch(b, "c")}
				for _, w := range watchers {
					defer w.stop()
				}
				pass(2*time.Minute + 30*time.Second)
				several := func(r request) bool { return !r.alone }
				ticks := f.ticks()
				require.Len(t, ticks[0], 4)
				assert.True(t, several(ticks[0][0]))
				var tries []time.Duration
				for _, tick := range ticks {
					single := slices.DeleteFunc(slices.Clone(tick), several)
					require.Len(t, single, 3, "whatever comes of it, each is looked at at each tick")
					if len(tick) > 3 {
						tries = append(tries, tick[0].at)
					}
				}
				require.Len(t, tries, 3)
				for i := range tries[1:] {
					assert.GreaterOrEqual(t, tries[i+1]-tries[i], time.Minute)
					assert.Less(t, tries[i+1]-tries[i], time.Minute+8*time.Second)
				}
				for _, w := range watchers {
					_, err := w.next()
					require.NoError(t, err)
				}
				records := strings.Split(strings.TrimSpace(f.logged()), "\n")
				require.Len(t, records, 3)
				assert.Equal(t, `level=WARN msg="asking for each task by itself" site=south for=1m0s error=`,
					records[0][:strings.Index(records[0], "error=")+len("error=")])
				assert.Contains(t, records[0], failure.Error())
			})
		})
	}
}

// Once one chunk has shown that the service does not answer for several, the others do not try.
func TestOtherChunksLearnFromOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		f.many = func(ctx context.Context, _ []string) ([]row, error) {
			sleep(ctx, 10*time.Millisecond)
			return nil, answered(500, nil)
		}
		b := f.batch(polling)
		for i := range 1000 {
			defer watch(b, fmt.Sprint("task-", i)).stop()
		}
		pass(900 * time.Millisecond)
		several := slices.DeleteFunc(f.all(), func(r request) bool { return r.alone })
		assert.Len(t, several, 4, "those that were under way already")
		assert.Len(t, f.all(), 4+1000)
		assert.Equal(t, 1, strings.Count(f.logged(), "\n"))
	})
}

// A task that an answer leaves out is not visible yet within the grace, and nobody asks for it by itself.
func TestTaskThatIsNotVisibleYet(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		f.many = func(_ context.Context, ids []string) ([]row, error) {
			if time.Since(f.start) < 20*time.Second {
				ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == "new" })
			}
			return f.rows(ids), nil
		}
		b := f.batch(polling)
		old, w := watch(b, "old"), watch(b, "new")
		defer old.stop()
		defer w.stop()
		for {
			got, err := w.next()
			if err == nil {
				assert.Equal(t, "new", got.ID)
				break
			}
			require.ErrorIs(t, err, drkit.ErrNotFound)
			require.ErrorContains(t, err, `task "new" is not visible yet`)
			assert.Less(t, time.Since(f.start), 20*time.Second)
		}
		assert.Less(t, time.Since(f.start), 20*time.Second+polling.MaxInterval)
		for _, r := range f.all() {
			assert.False(t, r.alone)
		}
		_, err := old.next()
		require.NoError(t, err)
		assert.Empty(t, f.logged())
	})
}

// A task that was seen, or whose grace is over, is asked for by itself when an answer leaves it out.
func TestTaskThatIsLeftOut(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		from time.Duration // the time when answers begin to leave it out
		at   time.Duration // the time from which it is asked for by itself
	}{
		"that was never seen": {0, 30 * time.Second},
		"that was seen":       {2 * time.Second, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake()
				gone := answered(404, drkit.ErrNotFound)
				f.many = func(_ context.Context, ids []string) ([]row, error) {
					if time.Since(f.start) >= tc.from {
						ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == "gone" })
					}
					return f.rows(ids), nil
				}
				f.one = func(context.Context, string) (row, error) { return row{}, gone }
				b := f.batch(polling)
				first, w, last := watch(b, "first"), watch(b, "gone"), watch(b, "last")
				for _, w := range []watcher{first, w, last} {
					defer w.stop()
				}
				pass(time.Minute)
				_, err := w.next()
				require.ErrorIs(t, err, gone, "what the service says of it")
				for _, w := range []watcher{first, last} {
					_, err := w.next()
					require.NoError(t, err)
				}
				for _, tick := range f.ticks() {
					if tick[0].at < tc.at {
						require.Len(t, tick, 1)
						continue
					}
					require.Len(t, tick, 2)
					assert.Equal(t, request{tick[0].at, []string{"gone"}, true}, tick[1])
				}
				assert.Empty(t, f.logged(), "it was right to leave it out")
			})
		})
	}
}

// A service that answers for the first so many tasks only, and does not say so, is found out: what it leaves
// out is there.
func TestSilentLimit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		f.many = func(_ context.Context, ids []string) ([]row, error) { return f.rows(ids[:min(len(ids), 2)]), nil }
		b := f.batch(polling)
		var watchers []watcher
		for _, id := range []string{"a", "b", "c", "d", "e"} {
			w := watch(b, id)
			defer w.stop()
			watchers = append(watchers, w)
		}
		pass(50 * time.Second)
		for _, w := range watchers {
			_, err := w.next()
			require.NoError(t, err)
		}
		last := f.ticks()[len(f.ticks())-1]
		assert.Len(t, last, 5, "each is asked for by itself")
		assert.Equal(t, `level=WARN msg="asking for each task by itself" site=south for=1m0s `+
			`error="3 of 3 tasks that the answer for several has left out are there, among them \"c\""`+"\n", f.logged())
	})
}

// A request that gets no answer delays those who wait for it, and nobody else.
func TestRequestThatHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		hang := make(chan struct{})
		defer close(hang)
		f.many = func(_ context.Context, ids []string) ([]row, error) {
			if slices.Contains(ids, "task-150") {
				<-hang
			}
			return f.rows(ids), nil
		}
		b := f.batch(polling)
		watchers := make([]watcher, 300)
		for i := range watchers {
			watchers[i] = watch(b, fmt.Sprint("task-", i))
			defer watchers[i].stop()
		}
		pass(10 * time.Second)
		assert.Len(t, f.of("task-150"), 1, "a task is asked for once at a time")
		assert.Len(t, f.of("task-10"), 5)
		assert.Equal(t, f.of("task-10"), f.of("task-290"))
		for i, w := range watchers {
			assert.Equal(t, i/100 == 1, w.untouched())
		}
		newcomer := watch(b, "newcomer")
		defer newcomer.stop()
		came := time.Now()
		_, err := newcomer.next()
		require.NoError(t, err)
		assert.Equal(t, gather, time.Since(came))
	})
}

// The same where each task is asked for by itself.
func TestSingleRequestThatHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		hang := make(chan struct{})
		defer close(hang)
		f.many = func(context.Context, []string) ([]row, error) { return nil, answered(500, nil) }
		f.one = func(_ context.Context, id string) (row, error) {
			if id == "task-7" {
				<-hang
			}
			return row{ID: id}, nil
		}
		b := f.batch(polling)
		for i := range 20 {
			defer watch(b, fmt.Sprint("task-", i)).stop()
		}
		pass(10 * time.Second)
		for i := range 20 {
			if id := fmt.Sprint("task-", i); i == 7 {
				assert.Len(t, f.of(id), 1+1)
			} else {
				assert.Len(t, f.of(id), 1+5, id)
			}
		}
	})
}

// Where each of many tasks is asked for by itself, and that takes longer than the interval, all take turns: one
// that is not due when a round begins is asked for in the next.
func TestTurnsWhereEachIsAskedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		f.many = func(context.Context, []string) ([]row, error) { return nil, answered(500, nil) }
		f.one = func(ctx context.Context, id string) (row, error) {
			sleep(ctx, 100*time.Millisecond)
			return row{ID: id}, nil
		}
		fast := settings.Polling{MinInterval: time.Second, MaxInterval: time.Second, Grace: 30 * time.Second, BatchSize: 100}
		b := f.batch(fast)
		const tasks, round = 400, 10 * time.Second // at four requests in 100 ms
		for i := range tasks {
			defer watch(b, fmt.Sprint("task-", i)).stop()
		}
		pass(10 * round)
		asked := map[string][]time.Duration{}
		for _, r := range f.all() {
			if r.alone {
				asked[r.ids[0]] = append(asked[r.ids[0]], r.at)
			}
		}
		assert.Len(t, asked, tasks)
		for _, at := range asked {
			require.GreaterOrEqual(t, len(at), 5)
			for j := range at[1:] {
				assert.Less(t, at[j+1]-at[j], 2*round+time.Second)
			}
		}
	})
}
