package watch

import "context"

// Watch follows one piece of work among others that are looked at together.
type Watch[T any] struct {
	// Changed gets a value after each look.
	Changed <-chan struct{}
	// Last returns what the newest look has shown, or why it failed.
	Last func(ctx context.Context) (T, error)
	// Stop ends the watch.
	Stop func()
}
