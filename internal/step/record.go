package step

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// The states of a step.
const (
	Ready     = ""          // nothing was sent, or what was sent was refused
	Intended  = "intended"  // the operation is about to be sent, or was sent
	Accepted  = "accepted"  // the service has named the task
	Succeeded = "succeeded" // the task has ended well
	Failed    = "failed"    // the task has failed
)

// Record is a step as a journal holds it. Package drkit has the same struct under the name Step.
type Record struct {
	Version     int             `json:"version"`
	Key         string          `json:"key"`
	State       string          `json:"state"`
	Operation   string          `json:"operation,omitzero"`
	OperationID string          `json:"operationId,omitzero"`
	Resource    string          `json:"resource,omitzero"`
	Site        string          `json:"site,omitzero"`
	Appliance   string          `json:"appliance,omitzero"`
	Request     string          `json:"request,omitzero"`
	Sent        int             `json:"sent,omitzero"`
	Began       time.Time       `json:"began,omitzero"`
	Ended       time.Time       `json:"ended,omitzero"`
	Note        json.RawMessage `json:"note,omitzero"`
	Token       string          `json:"token,omitzero"`
	Result      json.RawMessage `json:"result,omitzero"`
	Failure     json.RawMessage `json:"failure,omitzero"`
}

// Claim is a step that waits for the one operation in it that must not repeat.
type Claim struct {
	Before Record // as an earlier run has left it
	Replay any    // the *drkit.Poller of a step that has ended
	Store  func(ctx context.Context, record Record) error

	mu      sync.Mutex
	taker   string
	started any
	record  Record
}

type claimKey struct{}

// WithClaim returns a context whose one operation works for claim.
func WithClaim(ctx context.Context, claim *Claim) context.Context {
	return context.WithValue(ctx, claimKey{}, claim)
}

// FromContext returns the claim of a context, or nil.
func FromContext(ctx context.Context) *Claim {
	claim, _ := ctx.Value(claimKey{}).(*Claim)
	return claim
}

// WithoutClaim returns a context for the requests that an operation makes on its own behalf.
func WithoutClaim(ctx context.Context) context.Context {
	return context.WithValue(ctx, claimKey{}, (*Claim)(nil))
}

// Take gives the step to an operation. There is one for each step.
func (c *Claim) Take(operation string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taker != "" {
		return fmt.Errorf("step %q is already that of %s: each operation that must not repeat needs a step of its own", c.Before.Key, c.taker)
	}
	c.taker, c.record = operation, c.Before
	return nil
}

// Taken reports whether an operation has the step.
func (c *Claim) Taken() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.taker != ""
}

// Start names the *drkit.Poller of the operation that has the step.
func (c *Claim) Start(poller any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started = poller
}

// Started returns the poller of the operation that has the step, or nil where it has not come to one.
func (c *Claim) Started() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started
}

// Record returns the step as it was stored last.
func (c *Claim) Record() Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.record
}

// Save changes the record of the step, and keeps the change if it could be stored.
func (c *Claim) Save(ctx context.Context, change func(*Record)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := c.record
	change(&next)
	if err := c.Store(ctx, next); err != nil {
		return err
	}
	c.record = next
	return nil
}
