package taskwait_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/settings"
	"github.com/drkit-go/drkit/internal/taskwait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gather is how long a watch waits for its first look.
const gather = 50 * time.Millisecond

// polling has round numbers.
var polling = settings.Polling{
	MinInterval: time.Second, MaxInterval: 8 * time.Second, Grace: 30 * time.Second, BatchSize: 100,
}

// steady looks every 8 s from the beginning.
var steady = settings.Polling{
	MinInterval: 8 * time.Second, MaxInterval: 8 * time.Second, Grace: 30 * time.Second, BatchSize: 100,
}

// row is a task as the fake shows it.
type row struct {
	ID   string
	Seen time.Duration // when, since the test began
}

// request is one that the fake was sent.
type request struct {
	at    time.Duration // since the test began
	ids   []string
	alone bool
}

// fake is a service that shows every task, unless a test says otherwise, and keeps what it is asked for.
type fake struct {
	start time.Time
	many  func(ctx context.Context, ids []string) ([]row, error)
	one   func(ctx context.Context, id string) (row, error)
	list  bool // many reads a list of recent tasks

	mu       sync.Mutex
	requests []request
	underWay int
	most     int // under way at once
	log      bytes.Buffer
}

func newFake() *fake { return &fake{start: time.Now()} }

func (f *fake) batch(polling settings.Polling) *taskwait.Batch[row] {
	return taskwait.New(taskwait.Config[row]{
		List: f.list,
		Many: func(ctx context.Context, items []taskwait.Item) ([]row, error) {
			ids := make([]string, len(items))
			for i, item := range items {
				ids[i] = item.ID
			}
			defer f.asked(request{ids: ids})()
			if f.many != nil {
				return f.many(ctx, ids)
			}
			return f.rows(ids), nil
		},
		One: func(ctx context.Context, item taskwait.Item) (row, error) {
			defer f.asked(request{ids: []string{item.ID}, alone: true})()
			if f.one != nil {
				return f.one(ctx, item.ID)
			}
			return f.rows([]string{item.ID})[0], nil
		},
		ID:      func(r row) string { return r.ID },
		Polling: polling, Place: "south",
		Logger: slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})),
	})
}

// rows shows tasks, as of now.
func (f *fake) rows(ids []string) []row {
	rows := make([]row, len(ids))
	for i, id := range ids {
		rows[i] = row{id, time.Since(f.start)}
	}
	return rows
}

func (f *fake) asked(r request) (answered func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r.at = time.Since(f.start)
	f.requests = append(f.requests, r)
	f.underWay++
	f.most = max(f.most, f.underWay)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.underWay--
	}
}

// all returns the requests so far.
func (f *fake) all() []request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// of returns when a task was asked for.
func (f *fake) of(id string) (at []time.Duration) {
	for _, r := range f.all() {
		if slices.Contains(r.ids, id) {
			at = append(at, r.at)
		}
	}
	return at
}

// ticks groups the requests by the moment at which they came.
func (f *fake) ticks() (ticks [][]request) {
	var last time.Duration = -1
	for _, r := range f.all() {
		if r.at != last {
			ticks = append(ticks, nil)
			last = r.at
		}
		ticks[len(ticks)-1] = append(ticks[len(ticks)-1], r)
	}
	return ticks
}

func (f *fake) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(line)
}

func (f *fake) logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.String()
}

// watcher is one who waits.
type watcher struct {
	changed <-chan struct{}
	last    func() (row, error)
	stop    func()
}

func watch(b *taskwait.Batch[row], id string) watcher {
	changed, last, stop := b.Watch(taskwait.Item{ID: id, OperationID: "op-" + id}, time.Now())
	return watcher{changed, last, stop}
}

// next returns what the next look shows.
func (w watcher) next() (row, error) {
	<-w.changed
	return w.last()
}

// untouched reports whether no look was handed over.
func (w watcher) untouched() bool {
	select {
	case <-w.changed:
		return false
	default:
		return true
	}
}

// bubble runs a test in synctest, where hours take no time.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// sleep stands for the time that a service takes.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// pass lets time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// assertGap checks that got is the interval want, shortened by a tenth at most.
func assertGap(t *testing.T, want, got time.Duration) {
	t.Helper()
	assert.LessOrEqual(t, got, want)
	assert.GreaterOrEqual(t, got, want-want/10)
}

func answered(status int, kind error) *drkit.Error {
	return &drkit.Error{Operation: "vcav.Tasks.Poll", Status: status, Message: http.StatusText(status), Kind: kind}
}

var errNoAnswer = &drkit.Error{Operation: "vcav.Tasks.Poll", Err: errors.New("connection reset by peer"), Kind: drkit.ErrUnavailable}
