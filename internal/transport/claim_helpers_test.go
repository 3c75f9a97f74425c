package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/internal/transport"
)

var (
	// recoverThing may be sent again where nothing was touched; syncThing may not.
	recoverThing = api.Operation{
		Name: "Things.Recover", Method: http.MethodPost, Path: "/things/{thingId}/recover",
		Class: api.Once, Refusals: []string{"SessionOver", "Busy"}, Resend: "untouched",
	}
	syncThing = api.Operation{Name: "Things.Sync", Method: http.MethodPost, Path: "/things/{thingId}/sync", Class: api.Once}
	// pauseThing answers a task as well, but may be repeated.
	pauseThing = api.Operation{Name: "Things.Pause", Method: http.MethodPost, Path: "/things/{thingId}/pause", Class: api.Replaceable}
)

var errCut = errors.New("the process was cut off")

// house is a service whose operations leave tasks, and what happens to it in the order in which it does.
type house struct {
	mu       sync.Mutex
	jobs     []transport.Job
	state    transport.State
	identity string
	unseen   error // of what a look asks for
	events   []string
	answers  []func(*http.Request) (*http.Response, error) // to the operations to come; then all are accepted
}

func newHouse() *house {
	return &house{identity: "a6f1 as ops", state: transport.State{"recovered": "false"}}
}

func (h *house) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, fmt.Sprintf(format, args...))
}

// happened returns the events since the last call, in one line.
func (h *house) happened() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := strings.Join(h.events, ", ")
	h.events = nil
	return all
}

func (h *house) answer(answers ...func(*http.Request) (*http.Response, error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answers = append(h.answers, answers...)
}

// begin adds a task, as an operation does that runs.
func (h *house) begin(job transport.Job) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.jobs = append(h.jobs, job)
}

func (h *house) change(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

// accepts runs the operation and answers its task; what only reads has none.
func (h *house) accepts(req *http.Request) (*http.Response, error) {
	h.mu.Lock()
	id := fmt.Sprintf("task-%d", len(h.jobs)+1)
	h.mu.Unlock()
	if req.Method == http.MethodPost {
		h.begin(transport.Job{ID: id, Started: time.Now()})
	}
	return answers(http.StatusOK, `{"id":"`+id+`"}`)(req)
}

// loses runs the operation, and its answer is lost.
func (h *house) loses(req *http.Request) (*http.Response, error) {
	_, _ = h.accepts(req)
	return nil, errReset
}

func (h *house) RoundTrip(req *http.Request) (*http.Response, error) {
	h.note("%s %s", req.Method, req.URL.Path)
	h.mu.Lock()
	next := h.accepts
	if len(h.answers) > 0 {
		next, h.answers = h.answers[0], h.answers[1:]
	}
	h.mu.Unlock()
	return next(req)
}

func (h *house) client(t testing.TB, options ...drkit.Option) *transport.Client {
	t.Helper()
	options = append(options, drkit.WithTransport(h), drkit.WithPolling(drkit.PollPolicy{Grace: 30 * time.Second}))
	return newClient(t, "https://things.example.com", options...)
}

func (h *house) work(resource string) *transport.Work {
	return &transport.Work{
		Resource: resource,
		Jobs: func(context.Context) ([]transport.Job, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			return slices.Clone(h.jobs), h.unseen
		},
		State: func(context.Context) (transport.State, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.state, h.unseen
		},
		Settle: func(before, after transport.State) transport.Verdict {
			switch {
			case after["recovered"] == "unclear":
				return transport.Unclear
			case before["recovered"] == after["recovered"]:
				return transport.Untouched
			default:
				return transport.Ran
			}
		},
		Poller: func(found transport.Found, _ func(context.Context) error) any {
			return drkit.NewPoller(&houseTask{house: h, id: found.Job, adopted: true})
		},
		Resume: func(token string) (any, error) {
			parsed, err := step.ParseToken(token)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", drkit.ErrToken, err)
			}
			return drkit.NewPoller(&houseTask{house: h, id: parsed.Task}), nil
		},
		Identity: func(context.Context) (string, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.identity, h.unseen
		},
	}
}

// start is what the methods of a service do.
func (h *house) start(ctx context.Context, client *transport.Client, call transport.Call) (*drkit.Poller[string], error) {
	if call.Work == nil {
		call.Work = h.work("thing " + call.Path[0])
	}
	var answer thing
	said, err := client.Do(ctx, call, &answer)
	if err != nil {
		return nil, err
	}
	poller, found := said.Poller.(*drkit.Poller[string])
	if !found {
		poller = drkit.NewPoller(&houseTask{house: h, id: answer.ID})
	}
	return poller, said.Accepted(ctx, poller)
}

// once runs an operation on t1 as the step of that key.
func (h *house) once(ctx context.Context, client *transport.Client, journal drkit.Journal, operation *api.Operation) (*drkit.Poller[string], error) {
	return drkit.Once(ctx, noted{journal, h}, "k", func(ctx context.Context) (*drkit.Poller[string], error) {
		return h.start(ctx, client, transport.Call{Operation: operation, Path: []string{"t1"}, Body: map[string]int{"a": 1}})
	})
}

// houseTask is a task of the house, or, without an id, what the resource has proved.
type houseTask struct {
	house   *house
	id      string
	adopted bool
}

func (j *houseTask) ID() string    { return j.id }
func (j *houseTask) Adopted() bool { return j.adopted }

func (j *houseTask) Look(context.Context) (drkit.Look[string], error) {
	return drkit.Look[string]{Done: true, Progress: drkit.Progress{State: drkit.StateSucceeded}, Result: "done by " + j.id}, nil
}

func (j *houseTask) Token(context.Context) (step.Token, error) {
	if j.id == "" {
		return step.Token{}, errors.ErrUnsupported
	}
	return step.Token{Service: "fake", Appliance: "a6f1", Operation: "Things.Recover", Task: j.id, User: "ops"}, nil
}

// noted is a journal whose changes are events of the house.
type noted struct {
	drkit.Journal
	house *house
}

func (n noted) Save(ctx context.Context, s drkit.Step) error {
	err := n.Journal.Save(ctx, s)
	word := "save"
	if err != nil {
		word = "save failed"
	}
	n.house.note("%s %s", word, describe(s))
	return err
}

// describe returns the state of a step, and how often it was sent.
func describe(s drkit.Step) string {
	state := string(s.State)
	if state == "" {
		state = "ready"
	}
	return fmt.Sprintf("%s %d", state, s.Sent)
}

// failing is a journal that cannot save some states.
type failing struct {
	drkit.Journal
	states map[drkit.StepState]error
}

func (f failing) Save(ctx context.Context, s drkit.Step) error {
	if err := f.states[s.State]; err != nil {
		return err
	}
	return f.Journal.Save(ctx, s)
}

// begun returns a journal in which an earlier run has begun the step k, and was then cut off: before its request
// was sent, or, where it ran, before the answer came.
func begun(t *testing.T, h *house, operation *api.Operation, ran bool) *drkit.MemoryJournal {
	t.Helper()
	journal, client := &drkit.MemoryJournal{}, h.client(t)
	ctx, cut := context.WithCancel(t.Context())
	h.answer(answersAfter(cut, h, ran))
	_, err := h.once(ctx, client, journal, operation)
	require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
	require.Equal(t, "save intended 1, POST /things/t1/"+operation.Path[len("/things/{thingId}/"):], h.happened())
	return journal
}

func load(t *testing.T, journal drkit.Journal) drkit.Step {
	t.Helper()
	s, err := journal.Load(t.Context(), "k")
	if !errors.Is(err, drkit.ErrNotFound) {
		require.NoError(t, err)
	}
	return s
}
