package checkpoints_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
)

// A controller has a new poller on each turn, and looks once with it: the end of a replication that was adopted, which
// takes two looks, is seen all the same.
func TestControllerSeesAdoptedCopiesEnd(t *testing.T) {
	everyCloud(t, func(t *testing.T, y *yard) {
		y.here.AddBackups(production, 2)
		y.loses("Checkpoints.Replicate")
		journal, turns := new(drkit.MemoryJournal), 0
		for done := false; !done; turns++ {
			require.Less(t, turns, 100)
			poller, err := drkit.Once(t.Context(), journal, "x", func(ctx context.Context) (*drkit.Poller[checkpoints.ReplicationResult], error) {
				return y.client.Checkpoints.Replicate(ctx, y.elsewhere())
			})
			require.NoError(t, err)
			_, err = poller.Poll(t.Context())
			require.NoError(t, err)
			if done = poller.Done(); done {
				result, err := poller.Result()
				require.NoError(t, err)
				assert.Len(t, result.Copies, 4, "of two backups each of two machines")
			}
			pass(time.Minute)
		}
		assert.Greater(t, turns, 1, "one turn would show nothing of the others")
	})
}
