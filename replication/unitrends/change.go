package unitrends

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// The service has no tasks: what an operation has done shows in lists. A change says of one operation which lists
// those are, and what in them is its own. The note before it is sent, the look for a lost answer, the poller and
// the resume token all come from that. The changes themselves are in the files called change_….

// change is an operation that must not repeat, as it shows.
type change[T any] struct {
	at       place
	method   string // as in "Sources.Accept": it names the change in errors and resume tokens
	resource string // what the operation works on: one is sent at a time
	subject  subject
	see      func(ctx context.Context) (sight[T], error)
	// calm is for what counts as settled when two looks in a row have shown the same.
	calm bool
	// blind is for what no list shows, neither before nor after.
	blind bool
	// several is for what leaves several traces.
	several bool
	// named is for traces that can only be of this operation, or are what it asks for: once the service has
	// accepted it, they count also where they were there before.
	named bool
}

// sight is what one look has shown.
type sight[T any] struct {
	facts  []string // what stays as long as the operation has not run
	marks  []string // what may change with the operation, and without it: where it does, nothing is proven
	traces []trace[T]
	// open is where it is no reason to worry that there is no trace yet. While a fact stays there is none either.
	open bool
}

// waits reports whether what was seen is a reason to wait, as long as it takes.
func (s sight[T]) waits() bool { return s.open || len(s.facts) > 0 }

// trace is something that an operation leaves behind.
type trace[T any] struct {
	id      string
	state   drkit.State // in the service's words
	percent int
	ended   bool   // it has settled
	failed  string // why it has settled badly
	foreign string // why it cannot be of this operation; unless it has failed, it is none of its business
	busy    string // why the operation must not be sent while it is there; empty if it may be
	quiet   bool   // one of several, none of which tells whose it is before all are there
	// named is what can only be of the operation, or is what it asks for: see change.
	named bool
	thing T
}

// own reports whether a trace says something of the operation.
func (t trace[T]) own() bool { return t.foreign == "" || t.failed != "" }

// What an entry of a state is.
const (
	asFact    = "fact"
	asTrace   = "trace"
	asOpen    = "open trace" // that has not ended
	asQuiet   = "quiet trace"
	asForeign = "foreign"
)

// state returns what there is, to be compared with what there is at another time.
func (s sight[T]) state() transport.State {
	state := make(transport.State, len(s.facts)+len(s.marks)+len(s.traces))
	for _, fact := range s.facts {
		state[fact] = asFact
	}
	for _, mark := range s.marks {
		state[mark] = asForeign
	}
	for _, one := range s.traces {
		switch {
		case one.foreign != "":
			state[one.id] = asForeign
		case one.quiet:
			state[one.id] = asQuiet
		case !one.ended:
			state[one.id] = asOpen
		default:
			state[one.id] = asTrace
		}
	}
	return state
}

// jobs returns the traces that may be of the operation.
func (s sight[T]) jobs() []transport.Job {
	var jobs []transport.Job
	for _, one := range s.traces {
		if !one.quiet {
			jobs = append(jobs, transport.Job{ID: one.id, Ended: one.busy == "", Why: one.busy, Veto: one.foreign})
		}
	}
	return jobs
}

// place names what the operation works on, and at which system.
func (c *change[T]) place() string {
	return c.resource + atSystem(c.at.system)
}

// atSystem says where something is, if that is known.
func atSystem(id ID) string {
	if id == "" {
		return ""
	}
	return " at system " + quoted(id)
}

// work is how the transport notes a change and finds it again.
func (c *change[T]) work() *transport.Work {
	work := &transport.Work{
		Resource: c.place(),
		Jobs: func(ctx context.Context) ([]transport.Job, error) {
			now, err := c.see(ctx)
			return now.jobs(), err
		},
		State: func(ctx context.Context) (transport.State, error) {
			now, err := c.see(ctx)
			return now.state(), err
		},
		Settle:  settle,
		Believe: true, // refusals come as a 500
	}
	if c.blind {
		work.State, work.Settle = nil, nil
	}
	return work
}

// settle says what the lists prove: while a fact stays, the operation has not run, and a new trace is of the
// operation, as is one that has ended since.
func settle(before, after transport.State) transport.Verdict {
	for id, what := range before {
		if what == asFact && after[id] == asFact {
			return transport.NotRun
		}
	}
	ran := false
	for id, what := range after {
		was, old := before[id]
		switch {
		case old:
			ran = ran || was == asOpen && what == asTrace
		case what != asFact && what != asForeign: // which the look names as what may be it
			ran = true
		}
	}
	if ran {
		return transport.Ran
	}
	for id := range before {
		if _, still := after[id]; !still {
			return transport.Unclear
		}
	}
	return transport.Untouched
}

// before returns what was there before an operation was sent. The two lists of a note are read one after the other:
// what has come between them was not there.
func before(note transport.Note) transport.State {
	state := maps.Clone(note.State)
	maps.DeleteFunc(state, func(id, what string) bool {
		return (what == asTrace || what == asOpen) && !slices.Contains(note.Jobs, id)
	})
	return state
}

// begin sends a call, and returns the poller of the change that it makes.
func begin[T any](ctx context.Context, c *change[T], call transport.Call) (*drkit.Poller[T], error) {
	return transport.Begin(ctx, c.at.client.transport, transport.Beginning[T]{
		Call: call,
		Send: func(ctx context.Context, call transport.Call) (transport.Answer, error) {
			var answer changed
			call.Bare = true
			said, err := c.at.send(ctx, call, &answer)
			c.warn(ctx, answer.Result)
			return said, err
		},
		Follow: func(operationID string, said transport.Answer) *drkit.Poller[T] {
			f := &follower[T]{operationID: operationID}
			if said.Note != nil {
				f.before = before(*said.Note)
			}
			return c.poller(f)
		},
		Work: c.work(),
		Adopt: func(operationID string, found transport.Found, alone func(context.Context) error) *drkit.Poller[T] {
			return c.poller(&follower[T]{operationID: operationID, before: before(found.Note), alone: alone})
		},
		Resume:   func(token string) (*drkit.Poller[T], error) { return Resume[T](c.at.client, token) },
		Identity: c.at.client.identity,
	})
}

// warn logs what the service says of a change that it has accepted: a poller has no place for it.
func (c *change[T]) warn(ctx context.Context, said Result) {
	for _, detail := range said {
		if detail.Message != "" {
			c.at.client.transport.Logger().LogAttrs(ctx, slog.LevelWarn, "the service says",
				slog.String("operation", service+"."+c.method), slog.String("resource", c.place()),
				slog.String("message", detail.String()))
		}
	}
}

// poller returns the poller of a follower.
func (c *change[T]) poller(f *follower[T]) *drkit.Poller[T] {
	f.change = c
	return drkit.NewPoller[T](f, c.at.client.transport.Polling())
}

// kept is the last value that somebody has seen of something.
type kept[T any] struct {
	mu    sync.Mutex
	value T
}

func (k *kept[T]) get() T {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.value
}

func (k *kept[T]) set(value T) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.value = value
}
