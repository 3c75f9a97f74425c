package unitrends_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

const decides = "Sources.Decide"

// inVault runs a test at a target alone, which branch-1 and branch-2 have asked, as requests 1 and 2.
func inVault(t *testing.T, test func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client), options ...unitrendstest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := unitrendstest.NewServer(t, append([]unitrendstest.Option{
			unitrendstest.InMemory(), unitrendstest.Pending("branch-1", "branch-2"), unitrendstest.Settling(time.Minute),
			unitrendstest.User("ann", "ann's"),
		}, options...)...)
		test(t, server, signIn(t, server, server.User, server.Password))
	})
}

// once holds that each request was decided once, if at all.
func once(t *testing.T, server *unitrendstest.Server, states ...string) {
	t.Helper()
	var seen []string
	for _, request := range server.Audit().Incoming {
		seen = append(seen, request.State)
		assert.LessOrEqual(t, request.Decisions, 1, server.Audit())
	}
	assert.Equal(t, states, seen)
}

// A rejection shows at the source with its message, whoever made it.
func TestFlowOfARejection(t *testing.T) {
	t.Parallel()
	inFlow(t, func(t *testing.T, f flow) {
		_, request := f.ask()
		rejected, err := f.target.Sources.Reject(t.Context(), request, "ask the backup team first")
		entry := ended(t, rejected, err)
		assert.Equal(t, request, entry.RequestID)
		assert.Equal(t, "rejected", entry.Status)
		assert.Equal(t, "ask the backup team first", entry.Message)

		<-time.After(2 * time.Minute) // of the bubble: the source looks for itself
		targets, err := f.source.Targets.List(t.Context())
		require.NoError(t, err)
		require.Len(t, targets, 1)
		assert.JSONEq(t, `"ask the backup team first"`, string(targets[0].Extra["message"]))
		connected, err := f.source.Targets.Connected(t.Context())
		require.NoError(t, err)
		assert.Empty(t, connected)
		once(t, f.pair.Target, "rejected")
	})
}

// Each decision of several at the same time stands for itself: one that is refused says so, also while the sources of
// others become systems.
func TestRefusalWhileOthersSettle(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]unitrendstest.Fault{
		"refused": {Status: http.StatusInternalServerError, Message: "The storage is full."},
		"lost":    {Drop: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVault(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
				broken.Operation, broken.Resource, broken.Times = decides, "2", 1
				server.Inject(broken)
				var both sync.WaitGroup
				both.Go(func() {
					accepted, err := client.Sources.Accept(t.Context(), "1", unitrends.Acceptance{})
					if assert.NoError(t, err) {
						_, err = accepted.Wait(t.Context())
						assert.NoError(t, err)
					}
				})
				_, err := client.Sources.Accept(t.Context(), "2", unitrends.Acceptance{})
				both.Wait()
				once(t, server, "done", "pending")
				if name == "refused" {
					require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
					require.ErrorContains(t, err, "The storage is full.")
					return
				}
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				assert.True(t, unknown.Untouched)
				assert.Empty(t, unknown.Candidates)
			}, unitrendstest.Settling(5*time.Second))
		})
	}
}
