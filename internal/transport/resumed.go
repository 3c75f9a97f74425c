package transport

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
)

// Resumable is the source of work that has a resume token.
type Resumable[R any] interface {
	drkit.Source[R]
	Closed() <-chan struct{}
	Token(ctx context.Context) (step.Token, error)
}

// PollerAs returns the poller of a source if T is the type of its result, or raw JSON.
func PollerAs[T, R any](c *Client, source Resumable[R]) (*drkit.Poller[T], error) {
	if same, ok := source.(drkit.Source[T]); ok {
		return drkit.NewPoller(same, c.Polling()), nil
	}
	if raw, ok := any(rawSource[R]{source}).(drkit.Source[T]); ok {
		return drkit.NewPoller(raw, c.Polling()), nil
	}
	var result R
	var asked T
	return nil, fmt.Errorf("it has a result of type %T and not %T", result, asked)
}

// rawSource is a source whose result is JSON. It does not share its looks.
type rawSource[R any] struct{ source Resumable[R] }

// ID names the work.
func (s rawSource[R]) ID() string { return s.source.ID() }

// Closed is closed with the client.
func (s rawSource[R]) Closed() <-chan struct{} { return s.source.Closed() }

// Token returns the token that the work was resumed by.
func (s rawSource[R]) Token(ctx context.Context) (step.Token, error) { return s.source.Token(ctx) }

// Look looks, and writes the result as JSON.
func (s rawSource[R]) Look(ctx context.Context) (drkit.Look[json.RawMessage], error) {
	look, err := s.source.Look(ctx)
	raw := drkit.Look[json.RawMessage]{Progress: look.Progress, Done: look.Done, Err: look.Err}
	if err == nil && look.Done && look.Err == nil {
		raw.Result, err = json.Marshal(look.Result)
	}
	return raw, err
}
