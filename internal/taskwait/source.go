package taskwait

import (
	"context"
	"errors"
	"time"

	"github.com/drkit-go/drkit"
	shared "github.com/drkit-go/drkit/internal/watch"
)

// Look returns the looks at one task for the Watch of a drkit.Source. Belongs says why the task cannot be looked at,
// which may be why it is not found; see reads what a task shows.
func Look[T, R any](b *Batch[T], item Item, born time.Time, belongs func(context.Context) error, see func(context.Context, T) (drkit.Look[R], error)) shared.Watch[drkit.Look[R]] {
	changed, last, stop := b.Watch(item, born)
	return shared.Watch[drkit.Look[R]]{Changed: changed, Stop: stop, Last: func(ctx context.Context) (drkit.Look[R], error) {
		task, err := last()
		if err == nil || errors.Is(err, drkit.ErrNotFound) { // perhaps because it is another's
			if foreign := belongs(ctx); foreign != nil {
				err = foreign
			}
		}
		if err != nil {
			return drkit.Look[R]{}, err
		}
		return see(ctx, task)
	}}
}

// Ended returns the one look at a task that had ended when it was accepted.
func Ended[R any](look func(context.Context) (drkit.Look[R], error)) shared.Watch[drkit.Look[R]] {
	now := make(chan struct{}, 1)
	now <- struct{}{}
	return shared.Watch[drkit.Look[R]]{Changed: now, Last: look, Stop: func() {}}
}
