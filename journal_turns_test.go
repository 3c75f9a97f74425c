package drkit

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// One at a time has the turn at a key, and what nobody uses is forgotten.
func TestTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var all turns
		var at [3]int // runs at a key
		var runs sync.WaitGroup
		for i := range 300 {
			runs.Go(func() {
				key := i % len(at)
				leave, err := all.take(t.Context(), fmt.Sprint(key))
				if !assert.NoError(t, err) {
					return
				}
				at[key]++ // the race detector looks on
				assert.Equal(t, 1, at[key])
				at[key]--
				leave()
			})
		}
		runs.Wait()
		assert.Empty(t, all.busy)

		leave, err := all.take(t.Context(), "a")
		require.NoError(t, err)
		ctx, end := context.WithCancel(t.Context())
		end()
		_, err = all.take(ctx, "a")
		require.ErrorIs(t, err, context.Canceled)
		leave()
		assert.Empty(t, all.busy, "also after one that has given up")
	})
}
