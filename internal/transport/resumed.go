package transport

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
)

// Resume returns the poller that a resume token stands for. It is made once the token is known to be one of the
// client's service; whether the work is this client's shows when the poller looks at it ([Identity.Check]).
func Resume[T any](c *Client, text string, poller func(step.Token) (*drkit.Poller[T], error)) (*drkit.Poller[T], error) {
	token, err := step.ParseToken(text)
	if err == nil && token.Service != c.config.Service {
		err = fmt.Errorf("it belongs to package %s", Plain(token.Service))
	}
	var resumed *drkit.Poller[T]
	if err == nil {
		resumed, err = poller(token)
	}
	if err != nil {
		return nil, fmt.Errorf("%s.Resume: %w: %w", c.config.Service, drkit.ErrToken, err)
	}
	return resumed, nil
}

// Resumable is the source of work that has a resume token.
type Resumable[R any] interface {
	drkit.Source[R]
	Closed() <-chan struct{}
	Token(ctx context.Context) (step.Token, error)
}

// PollerAs returns the poller of a source if T is the type of its result, or raw JSON.
func PollerAs[T, R any](source Resumable[R], polling drkit.PollingOption) (*drkit.Poller[T], error) {
	if same, ok := source.(drkit.Source[T]); ok {
		return drkit.NewPoller(same, polling), nil
	}
	if raw, ok := any(rawSource[R]{source}).(drkit.Source[T]); ok {
		return drkit.NewPoller(raw, polling), nil
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
