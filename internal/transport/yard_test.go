package transport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
)

var (
	shakeThing = api.Operation{
		Name: "Things.Shake", Method: http.MethodPost, Path: "/things/{thingId}/shake",
		Class: api.Once, Refusals: []string{"SessionOver", "Busy"},
	}
	listJobs = api.Operation{Name: "Jobs.List", Method: http.MethodGet, Path: "/jobs", Class: api.Read}
)

// yard is a service where moving a thing takes a job, as a round tripper: it works inside synctest.
type yard struct {
	takes  time.Duration // a job, from its start to its end
	hidden time.Duration // from the start of a job until the list shows it
	blind  atomic.Bool   // clients cannot tell a turn from a move

	mu     sync.Mutex
	jobs   []job
	places map[string]string
	faults map[string][]fault // by the last element of the path; used up one by one
	seen   []string           // "GET jobs op-1"
}

// job is a task of the yard, as its list shows it.
type job struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Thing   string    `json:"thing"` // empty as long as it is not known
	User    string    `json:"user"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"` // as planned; the list hides it before
	Why     string    `json:"why"`   // nothing is sent while it is there
}

// fault is what becomes of a request; do is what the yard would do by itself.
type fault func(req *http.Request, do func() (*http.Response, error)) (*http.Response, error)

func newYard() *yard {
	return &yard{takes: time.Second, places: map[string]string{}, faults: map[string][]fault{}}
}

// bubble runs a test where hours pass at once.
func bubble(t *testing.T, test func(t *testing.T, y *yard)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { test(t, newYard()) })
}

// breaks plans what becomes of the next requests for moves, shakes, jobs, or the thing of that id.
func (y *yard) breaks(what string, faults ...fault) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.faults[what] = append(y.faults[what], faults...)
}

// add puts a job into the list that nobody here has started.
func (y *yard) add(j job) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.jobs = append(y.jobs, j)
}

// forget takes all jobs out of the list.
func (y *yard) forget() {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.settle()
	y.jobs = nil
}

// requests returns what was sent so far, and how much of it was of some kind.
func (y *yard) requests() []string {
	y.mu.Lock()
	defer y.mu.Unlock()
	return slices.Clone(y.seen)
}

func (y *yard) count(what string) int {
	count := 0
	for _, line := range y.requests() {
		if strings.Contains(line, what) {
			count++
		}
	}
	return count
}

func (y *yard) RoundTrip(req *http.Request) (*http.Response, error) {
	what := req.URL.Path[strings.LastIndex(req.URL.Path, "/")+1:]
	y.mu.Lock()
	y.seen = append(y.seen, req.Method+" "+what+" "+req.Header.Get("operationID"))
	var broken fault
	if planned := y.faults[what]; len(planned) > 0 {
		broken, y.faults[what] = planned[0], planned[1:]
	}
	y.mu.Unlock()
	do := func() (*http.Response, error) { return y.do(req, what) }
	if broken != nil {
		return broken(req, do)
	}
	return do()
}

func (y *yard) do(req *http.Request, what string) (*http.Response, error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.settle()
	switch what {
	case "move", "shake":
		j := job{
			ID: fmt.Sprintf("job-%d", len(y.jobs)+1), Kind: what, Thing: strings.Split(req.URL.Path, "/")[2], User: "ops",
			Started: time.Now(), Ended: time.Now().Add(y.takes),
		}
		y.jobs = append(y.jobs, j)
		return answers(202, fmt.Sprintf(`{"id":%q}`, j.ID))(req)
	case "jobs":
		return y.list(req)
	default:
		return answers(200, fmt.Sprintf(`{"id":%q,"place":%q}`, what, y.places[what]))(req)
	}
}

// settle does the work of the jobs whose time has come.
func (y *yard) settle() {
	for _, j := range y.jobs {
		if j.Kind == "move" && !j.Ended.After(time.Now()) {
			y.places[j.Thing] = "there"
		}
	}
}

func (y *yard) list(req *http.Request) (*http.Response, error) {
	shown := []job{}
	for _, j := range y.jobs {
		if y.hidden > 0 && time.Since(j.Started) < y.hidden {
			continue
		}
		if j.Ended.After(time.Now()) {
			j.Ended = time.Time{}
		}
		shown = append(shown, j)
	}
	data, err := json.Marshal(shown)
	if err != nil {
		return nil, err
	}
	resp, err := answers(200, "")(req)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	return resp, err
}

// work is how a client of the yard finds an operation again.
func (y *yard) work(client *transport.Client, operation *api.Operation, id string) *transport.Work {
	kind := strings.ToLower(strings.TrimPrefix(operation.Name, "Things."))
	work := &transport.Work{
		Resource: "thing " + id,
		Jobs: func(ctx context.Context) ([]transport.Job, error) {
			var all []job
			_, err := client.Do(ctx, transport.Call{Operation: &listJobs}, &all)
			var found []transport.Job
			for _, j := range all {
				one := transport.Job{ID: j.ID, Started: j.Started, Ended: !j.Ended.IsZero(), End: j.Ended, Why: j.Why}
				if j.User != "ops" {
					one.Veto = "started by " + j.User
				}
				switch {
				case j.Thing == "":
					one.Unsure = true
				case j.Thing != id:
					continue
				case j.Kind == "carry" && kind == "move":
					one.Other, one.Veto = true, "it carries"
				case j.Kind == "turn" && kind == "move":
					one.Apart = !y.blind.Load()
				case j.Kind != kind:
					continue
				}
				found = append(found, one)
			}
			return found, err
		},
		Poller: func(found transport.Found, alone func(context.Context) error) any {
			return drkit.NewPoller(&jobSource{y: y, id: found.Job, alone: alone}, client.Polling())
		},
	}
	if kind == "move" {
		work.State = func(ctx context.Context) (transport.State, error) {
			var seen struct{ Place string }
			_, err := client.Do(ctx, transport.Call{Operation: &readThing, Path: []string{id}}, &seen)
			return transport.State{"place": seen.Place}, err
		}
		work.Settle = func(before, after transport.State) transport.Verdict {
			switch {
			case before["place"] == after["place"]:
				return transport.Untouched
			case after["place"] == "there":
				return transport.Ran
			default:
				return transport.Unclear
			}
		}
	}
	return work
}

// jobSource follows a job, or says that the place of the thing is proof enough.
type jobSource struct {
	y     *yard
	id    string
	alone func(context.Context) error // nil for a job that the yard has named itself
}

func (s *jobSource) ID() string {
	if s.id == "" {
		return "settled"
	}
	return s.id
}

func (s *jobSource) Adopted() bool { return s.alone != nil }

func (s *jobSource) Look(ctx context.Context) (drkit.Look[string], error) {
	s.y.mu.Lock()
	done := s.id == "" || slices.ContainsFunc(s.y.jobs, func(j job) bool { return j.ID == s.id && !j.Ended.After(time.Now()) })
	s.y.mu.Unlock()
	look := drkit.Look[string]{Done: done, Result: s.ID()}
	if done && s.alone != nil {
		return look, s.alone(ctx)
	}
	return look, nil
}

// start calls an operation on a thing.
func (y *yard) start(ctx context.Context, client *transport.Client, operation *api.Operation, id string, body any) (*drkit.Poller[string], error) {
	var accepted thing
	call := transport.Call{Operation: operation, Path: []string{id}, Body: body, Work: y.work(client, operation, id)}
	call.Check = func() error {
		if accepted.ID == "" {
			return fmt.Errorf("a job without an id")
		}
		return nil
	}
	answer, err := client.Do(drkit.WithOperationID(ctx, "op-"+strings.ToLower(operation.Name)), call, &accepted)
	if found, ok := answer.Poller.(*drkit.Poller[string]); ok {
		return found, err
	}
	if err != nil {
		return nil, err
	}
	return drkit.NewPoller(&jobSource{y: y, id: accepted.ID}, client.Polling()), nil
}

func (y *yard) move(ctx context.Context, client *transport.Client) (*drkit.Poller[string], error) {
	return y.start(ctx, client, &moveThing, "7", nil)
}

// polling is the schedule of these tests.
var polling = drkit.PollPolicy{
	MinInterval: time.Second, MaxInterval: 4 * time.Second, Grace: 30 * time.Second, MaxUnreachable: 15 * time.Minute,
}

func (y *yard) client(t *testing.T, options ...drkit.Option) *transport.Client {
	t.Helper()
	return newClient(t, "https://a.example.com", append([]drkit.Option{drkit.WithTransport(y), drkit.WithPolling(polling)}, options...)...)
}

// What becomes of requests.

// answerLost lets the work be done.
func answerLost(req *http.Request, do func() (*http.Response, error)) (*http.Response, error) {
	if resp, err := do(); err == nil {
		resp.Body.Close()
	}
	return losesConnection(req)
}

func requestLost(req *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
	return losesConnection(req)
}

// requestLate is lost for the client, and carried out so much later.
func requestLate(late time.Duration) fault {
	return func(req *http.Request, do func() (*http.Response, error)) (*http.Response, error) {
		time.AfterFunc(late, func() { _, _ = do() })
		return losesConnection(req)
	}
}

func notConnected(req *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
	return neverConnects(req)
}

// stuck does the work, and answers only when the attempt is ended.
func stuck(req *http.Request, do func() (*http.Response, error)) (*http.Response, error) {
	if resp, err := do(); err == nil {
		resp.Body.Close()
	}
	return stalls(req)
}

func says(status int, body string) fault {
	return func(req *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
		return answers(status, body)(req)
	}
}

// again plans the same for a number of requests.
func again(times int, f fault) []fault { return slices.Repeat([]fault{f}, times) }

func outcomeOf(t *testing.T, err error) *drkit.OutcomeUnknownError {
	t.Helper()
	var unknown *drkit.OutcomeUnknownError
	require.ErrorAs(t, err, &unknown)
	return unknown
}

// Shorter names for what faults are made of.
type (
	request  = http.Request
	response = http.Response
	doer     = func() (*http.Response, error)
)
