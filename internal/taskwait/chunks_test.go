package taskwait_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/taskwait"
)

// Each tick asks for the union of all tasks, in the order in which their watches began, with as few requests
// as the chunks allow.
func TestUnionInChunks(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		tasks int
		size  int
		want  []int // ids in each request of a tick
	}{
		{1, 100, []int{1}},
		{2, 100, []int{2}},
		{99, 100, []int{99}},
		{100, 100, []int{100}},
		{101, 100, []int{100, 1}},
		{1000, 100, []int{100, 100, 100, 100, 100, 100, 100, 100, 100, 100}},
		{7, 3, []int{3, 3, 1}},
		{3, 1, []int{1, 1, 1}},
	} {
		t.Run(fmt.Sprint(tc.tasks, " tasks by ", tc.size), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake()
				size := polling
				size.BatchSize = tc.size
				b := f.batch(size)
				ids := make([]string, tc.tasks)
				for i := range ids {
					ids[i] = fmt.Sprint("task-", i)
					defer watch(b, ids[i]).stop()
				}
				pass(time.Minute)
				ticks := f.ticks()
				assert.Greater(t, len(ticks), 10)
				for _, tick := range ticks {
					require.Len(t, tick, len(tc.want))
					var asked []string
					sizes := map[int]int{}
					for _, r := range tick {
						assert.Equal(t, len(r.ids) == 1, r.alone, "one task is asked for by itself")
						asked = append(asked, r.ids...)
						sizes[len(r.ids)]++
					}
					assert.ElementsMatch(t, ids, asked)
					for _, n := range tc.want {
						sizes[n]--
					}
					for n, left := range sizes {
						assert.Zero(t, left, "requests for %d", n)
					}
				}
			})
		})
	}
}

func TestOrderOfIDs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		b := f.batch(polling)
		stopped := watch(b, "c")
		for _, id := range []string{"b", "d", "a"} {
			defer watch(b, id).stop()
		}
		pass(gather)
		stopped.stop()
		defer watch(b, "c").stop()
		pass(3 * time.Second)
		assert.Equal(t, []string{"c", "b", "d", "a"}, f.all()[0].ids)
		last := f.all()[len(f.all())-1]
		assert.Equal(t, []string{"b", "d", "a", "c"}, last.ids)
	})
}

// Several watches of one task share a place in the request, and all get the answer.
func TestWatchesOfOneTask(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		b := f.batch(polling)
		watchers := []watcher{watch(b, "a"), watch(b, "b"), watch(b, "a"), watch(b, "a")}
		for _, w := range watchers {
			defer w.stop()
		}
		for range 3 {
			for i, w := range watchers {
				got, err := w.next()
				require.NoError(t, err)
				assert.Equal(t, []string{"a", "b", "a", "a"}[i], got.ID)
			}
		}
		assert.Len(t, f.all(), 3)
		for _, r := range f.all() {
			assert.Equal(t, []string{"a", "b"}, r.ids)
		}
		for _, w := range watchers[1:] {
			w.stop()
		}
		_, err := watchers[0].next()
		require.NoError(t, err)
		assert.True(t, f.all()[3].alone, "the others have gone")
	})
}

// Rows that were not asked for are nobody's, and of two rows for a task the last one counts.
func TestRowsOfOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		f.many = func(context.Context, []string) ([]row, error) {
			return []row{{ID: "x"}, {"b", 2}, {"a", 1}, {}, {"b", 3}}, nil
		}
		b := f.batch(polling)
		first, second := watch(b, "a"), watch(b, "b")
		defer first.stop()
		defer second.stop()
		got, err := first.next()
		require.NoError(t, err)
		assert.Equal(t, row{"a", 1}, got)
		got, err = second.next()
		require.NoError(t, err)
		assert.Equal(t, row{"b", 3}, got)
	})
}

// No more than four requests are under way at once, whatever makes them necessary.
func TestRequestsAtOnce(t *testing.T) {
	t.Parallel()
	for name, many := range map[string]func(f *fake) func(context.Context, []string) ([]row, error){
		"in chunks": func(f *fake) func(context.Context, []string) ([]row, error) {
			return func(ctx context.Context, ids []string) ([]row, error) {
				sleep(ctx, time.Second)
				return f.rows(ids), nil
			}
		},
		"alone": func(*fake) func(context.Context, []string) ([]row, error) {
			return func(context.Context, []string) ([]row, error) { return nil, answered(500, nil) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake()
				f.many = many(f)
				f.one = func(ctx context.Context, id string) (row, error) { sleep(ctx, time.Second); return row{ID: id}, nil }
				small := polling
				small.BatchSize = 10
				b := f.batch(small)
				for i := range 300 {
					defer watch(b, fmt.Sprint("task-", i)).stop()
					pass(2 * time.Millisecond)
				}
				pass(5 * time.Minute)
				assert.Equal(t, 4, f.most)
			})
		})
	}
}

// The operation ID of what has started a task goes along with its id.
func TestOperationIDs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var asked [][]taskwait.Item
		b := taskwait.New(taskwait.Config[row]{
			Many: func(_ context.Context, items []taskwait.Item) ([]row, error) {
				asked = append(asked, items)
				return []row{{ID: "b"}}, nil
			},
			One: func(_ context.Context, item taskwait.Item) (row, error) {
				asked = append(asked, []taskwait.Item{item})
				return row{ID: item.ID}, nil
			},
			ID: func(r row) string { return r.ID }, Polling: polling,
		})
		first, second := watch(b, "a"), watch(b, "b")
		_, _ = second.next()
		second.stop()
		_, _ = first.next()
		_, _ = first.next()
		first.stop()
		assert.Equal(t, [][]taskwait.Item{{{"a", "op-a"}, {"b", "op-b"}}, {{"a", "op-a"}}}, asked)
	})
}

// A list is read once for all tasks that are due, and what it leaves out is asked for alone, each time.
func TestListOfRecentTasks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		f.list = true
		f.many = func(_ context.Context, ids []string) ([]row, error) {
			return f.rows(slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return strings.HasPrefix(id, "old-") })), nil
		}
		b := f.batch(polling)
		var old []watcher
		for i := range 300 {
			defer watch(b, fmt.Sprint("task-", i)).stop()
		}
		for i := range 3 {
			old = append(old, watch(b, fmt.Sprint("old-", i)))
			defer old[i].stop()
		}
		pass(3 * time.Minute)
		ticks := f.ticks()
		assert.Greater(t, len(ticks), 20)
		for _, tick := range ticks {
			require.Len(t, tick, 4)
			assert.Len(t, tick[0].ids, 303)
			for _, alone := range tick[1:] {
				assert.True(t, alone.alone)
			}
		}
		for _, w := range old {
			_, err := w.next()
			require.NoError(t, err)
		}
		assert.Empty(t, f.logged(), "nothing is held against a list that has recent tasks alone")
	})
}
