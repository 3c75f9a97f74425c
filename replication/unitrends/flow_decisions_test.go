package unitrends_test

import (
	"context"
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
		asked, request := f.ask()
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
		_, err = asked.Wait(day(t))
		require.ErrorIs(t, err, context.DeadlineExceeded, "nobody documents how a list shows a rejection")
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

// Two people accept a request at the same moment. It is decided once. Who comes while the source is being configured
// is told so, and sends nothing; who comes after that, that there is no such request.
func TestTwoAccept(t *testing.T) {
	t.Parallel()
	inVault(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
		ann := signIn(t, server, "ann", "ann's")
		accepted, err := client.Sources.Accept(t.Context(), "1", unitrends.Acceptance{StorageID: drkit.Some(unitrends.ID("1"))})
		require.NoError(t, err)
		_, err = ann.Sources.Accept(t.Context(), "1", unitrends.Acceptance{StorageID: drkit.Some(unitrends.ID("2"))})
		require.ErrorIs(t, err, drkit.ErrConflict)
		require.ErrorContains(t, err, "not sent, because replication request 1 is accepted already, and its source is being configured as system 2 (")
		assert.Equal(t, 1, server.Count(decides))
		settled, err := ann.Sources.Settled("1")
		assert.Equal(t, "branch-1", ended(t, settled, err).Name)

		ended(t, accepted, nil)
		_, err = ann.Sources.Accept(t.Context(), "1", unitrends.Acceptance{})
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.Equal(t, http.StatusInternalServerError, answerOf(t, err).Status)
		require.ErrorContains(t, err, "There is no pending request with the id 1.")
		once(t, server, "done", "pending")
		assert.Equal(t, 1, server.StorageOf("branch-1"))
		assert.Equal(t, map[string]int{"root": 1}, server.Audit().Of(decides, "1").RanBy)
	})
}

// Between the note and the request nobody can tell whose acceptance it is that shows: the service refuses with a
// status that proves nothing, and both have what they wanted, but for the terms, which the second has to put right.
func TestTwoAcceptAtOnce(t *testing.T) {
	t.Parallel()
	inVault(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
		server.Inject(unitrendstest.Fault{Operation: decides, Times: 1, Do: func() {
			assert.NoError(t, server.Operator("ann").Accept(1, 2))
		}})
		accepted, err := client.Sources.Accept(t.Context(), "1", unitrends.Acceptance{})
		source := ended(t, accepted, err)
		assert.Equal(t, "branch-1", source.Name)
		assert.True(t, accepted.Adopted())
		once(t, server, "done", "pending")
		require.Equal(t, 2, server.StorageOf("branch-1"), "as ann has said")
		_, err = client.Sources.Update(t.Context(), source.ID, unitrends.SourceUpdate{StorageID: drkit.Some(unitrends.ID("1"))})
		require.NoError(t, err)
		assert.Equal(t, 1, server.StorageOf("branch-1"))
	})
}

// Somebody decides otherwise at the same moment. The request is decided once, and the error says by whom it may be.
func TestSomebodyDecidesOtherwise(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		other func(ann unitrendstest.Operator) error
		call  func(client *unitrends.Client) error
		state string
		want  string
	}{
		"rejects what is accepted": {
			func(ann unitrendstest.Operator) error { return ann.Reject(1, "no") },
			func(client *unitrends.Client) error {
				_, err := client.Sources.Accept(context.Background(), "1", unitrends.Acceptance{})
				return err
			},
			"rejected", "it may be the request, rejected (somebody has rejected it)",
		},
		"accepts what is rejected": {
			func(ann unitrendstest.Operator) error { return ann.Accept(1, 0) },
			func(client *unitrends.Client) error {
				_, err := client.Sources.Reject(context.Background(), "1", "no")
				return err
			},
			"done", "it may be the request, no longer pending (somebody has accepted it)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVault(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
				server.Inject(unitrendstest.Fault{Operation: decides, Times: 1, Do: func() { assert.NoError(t, tc.other(server.Operator("ann"))) }})
				err := tc.call(client)
				require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
				require.ErrorContains(t, err, tc.want)
				require.ErrorContains(t, err, "There is no pending request with the id 1.")
				<-time.After(time.Hour) // of the bubble
				once(t, server, tc.state, "pending")
			})
		})
	}
}
