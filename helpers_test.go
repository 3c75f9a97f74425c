package drkit_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit"
)

// Tests in a synctest bubble cannot leave a goroutine behind; this holds the others to the same.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

// source is a drkit.Source that answers by function and notes when it was asked.
type source struct {
	id   string
	look func(ctx context.Context, n int) (drkit.Look[string], error) // n counts from 1

	mu sync.Mutex
	at []time.Time
}

func (s *source) ID() string { return s.id }

func (s *source) Look(ctx context.Context) (drkit.Look[string], error) {
	s.mu.Lock()
	s.at = append(s.at, time.Now())
	n := len(s.at)
	s.mu.Unlock()
	return s.look(ctx, n)
}

// looks returns how often the source was asked.
func (s *source) looks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.at)
}

// gaps returns the time from each look to the next.
func (s *source) gaps() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var gaps []time.Duration
	for i := 1; i < len(s.at); i++ {
		gaps = append(gaps, s.at[i].Sub(s.at[i-1]))
	}
	return gaps
}

// A sight is what one look returns.
type sight func() (drkit.Look[string], error)

// play returns a source that shows one sight after the other; the last one stays.
func play(id string, sights ...sight) *source {
	return &source{id: id, look: func(_ context.Context, n int) (drkit.Look[string], error) {
		return sights[min(n, len(sights))-1]()
	}}
}

// during returns a source that shows first until that time has passed since it was made, and then second.
func during(d time.Duration, first, second sight) *source {
	start := time.Now()
	return &source{id: "task-1", look: func(context.Context, int) (drkit.Look[string], error) {
		if time.Since(start) < d {
			return first()
		}
		return second()
	}}
}

func running(percent int) sight {
	return func() (drkit.Look[string], error) {
		return drkit.Look[string]{Progress: drkit.Progress{State: drkit.StateRunning, Percent: percent}}, nil
	}
}

func succeeded(result string) sight {
	return func() (drkit.Look[string], error) {
		return drkit.Look[string]{
			Progress: drkit.Progress{State: drkit.StateSucceeded, Percent: 100}, Done: true, Result: result,
		}, nil
	}
}

func failed(err error) sight {
	return func() (drkit.Look[string], error) {
		return drkit.Look[string]{Progress: drkit.Progress{State: drkit.StateFailed}, Done: true, Err: err}, nil
	}
}

// unseen is a look that fails.
func unseen(err error) sight {
	return func() (drkit.Look[string], error) { return drkit.Look[string]{}, err }
}

func times(n int, s sight) []sight {
	all := make([]sight, n)
	for i := range all {
		all[i] = s
	}
	return all
}

// kinds are the sentinels of the statuses that the tests use.
var kinds = map[int]error{
	401: drkit.ErrUnauthorized, 403: drkit.ErrForbidden, 404: drkit.ErrNotFound, 409: drkit.ErrConflict,
	410: drkit.ErrNotFound, 429: drkit.ErrThrottled,
	502: drkit.ErrUnavailable, 503: drkit.ErrUnavailable, 504: drkit.ErrUnavailable,
}

// answer is an error answer as the transport makes it.
func answer(status int) *drkit.Error {
	return &drkit.Error{
		Operation: "vcav.Tasks.Get", Method: http.MethodGet, Path: "/tasks/task-1", Status: status,
		Message: http.StatusText(status), Kind: kinds[status],
	}
}

// assertPause checks that got is the pause want, shortened by a tenth at most.
func assertPause(t *testing.T, want, got time.Duration) {
	t.Helper()
	assert.LessOrEqual(t, got, want)
	assert.GreaterOrEqual(t, got, want-want/10)
}

// assertOneLine checks that a message cannot break a log line.
func assertOneLine(t *testing.T, message string) {
	t.Helper()
	assert.Empty(t, breaksLine(message), message)
}

// breaksLine returns what in a message can break a log line, or nothing.
func breaksLine(message string) string {
	for _, r := range message {
		if r != ' ' && (unicode.IsSpace(r) || unicode.IsControl(r)) {
			return fmt.Sprintf("%U", r)
		}
	}
	return ""
}
