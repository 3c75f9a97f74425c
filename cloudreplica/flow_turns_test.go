package cloudreplica_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// A controller has a new poller on each turn, and looks once with it. It sees the end of an undo that only a collection
// of data shows which has begun since.
func TestControllerSeesAnUndoEnd(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(t *testing.T, client *cloudreplica.Client) func(context.Context) *drkit.Poller[cloudreplica.PlanState]{
		"a step": func(t *testing.T, client *cloudreplica.Client) func(context.Context) *drkit.Poller[cloudreplica.PlanState] {
			journal := new(drkit.MemoryJournal)
			return func(ctx context.Context) *drkit.Poller[cloudreplica.PlanState] {
				poller, err := drkit.Once(ctx, journal, "undo", func(ctx context.Context) (*drkit.Poller[cloudreplica.PlanState], error) {
					return client.FailoverPlans.Undo(ctx, acmePlan)
				})
				require.NoError(t, err)
				return poller
			}
		},
		"a token of each turn": func(t *testing.T, client *cloudreplica.Client) func(context.Context) *drkit.Poller[cloudreplica.PlanState] {
			var last *drkit.Poller[cloudreplica.PlanState]
			return func(ctx context.Context) *drkit.Poller[cloudreplica.PlanState] {
				var err error
				if last == nil {
					last, err = client.FailoverPlans.Undo(ctx, acmePlan)
					require.NoError(t, err)
				}
				token, err := last.ResumeToken(ctx)
				require.NoError(t, err)
				last, err = cloudreplica.Resume[cloudreplica.PlanState](client, token)
				require.NoError(t, err)
				return last
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(s *site) {
				ctx, client := context.Background(), s.client()
				s.failedOver(client)
				turn := next(t, client)
				for began := time.Now(); ; {
					poller := turn(ctx)
					_, err := poller.Poll(ctx)
					require.NoError(t, err)
					if poller.Done() {
						break
					}
					<-time.After(time.Minute)
					require.Less(t, time.Since(began), time.Hour)
				}
				require.NoError(t, client.Close(ctx))
			}, cloudreplicatest.CollectDuration(time.Minute))
		})
	}
}
