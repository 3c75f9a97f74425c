package vcav_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/vcav"
)

// What becomes of calls that find the session lost at their site, while it lives elsewhere.

// One extension serves all who find that the session has ended at a site, and each read is sent again.
func TestSiteIsRegainedOnceForAll(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const callers = 20
		r := newReach(t)
		client := r.signedIn([]string{"north", "branch"})
		r.lose("north")
		var all sync.WaitGroup
		for range callers {
			all.Go(func() { assert.NoError(t, read(t, client, "north")) })
			all.Go(func() { assert.NoError(t, read(t, client, "branch")) })
		}
		all.Wait()
		assert.Equal(t, []string{"north"}, r.extendedTo())
		assert.NotContains(t, r.lines(), signInLine, "the session lives")
		assert.Len(t, r.lines(), callers+1+callers+callers)
		assert.Equal(t, []string{"token-1"}, slices.Compact(r.tokens()))
	})
}

// What may repeat is sent again where the session has ended at its site, and nothing else.
func TestCallsAtARegainedSite(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases(t) {
		if !takesSite(tc.operation) {
			continue
		}
		t.Run(tc.name(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newReach(t)
				client := r.signedIn([]string{"north"})
				r.onAny(untilExtended(t, answer(t, tc.status, tc.answer)))
				got, err := tc.run(drkit.WithOperationID(wire(t), "op-1"), there(client.Site("north")))
				line := tc.line("north")
				if tc.class() == api.Once {
					// Nobody documents this answer as proof that nothing ran.
					require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
					require.ErrorIs(t, err, drkit.ErrUnauthorized)
					assert.Equal(t, []string{line, extendLine}, r.lines())
					got, err = tc.run(wire(t), there(client.Site("north")))
					require.NoError(t, err, "the site is there for the next")
					assert.Equal(t, tc.want, got)
					assert.Equal(t, []string{line, extendLine, line}, r.lines())
					return
				}
				require.NoError(t, err)
				assert.Equal(t, tc.want, tidy(got))
				require.Equal(t, []string{line, extendLine, line}, r.lines())
				assert.Equal(t, r.all()[0], r.all()[2])
				assert.NotEqual(t, "op-1", r.all()[1].header.Get("operationID"), "it serves others, too")
			})
		})
	}
}

// untilExtended says that the session has ended at the site, until it is extended again.
func untilExtended(t *testing.T, next httpmock.Responder) httpmock.Responder {
	t.Helper()
	lost, extended := answer(t, 401, "error_remote_authentication_failure"), false
	return func(r *http.Request) (*http.Response, error) {
		switch {
		case r.URL.Path == "/sessions/extend":
			extended = true
			return answer(t, 200, "sessions_extend.answer")(r)
		case r.URL.Path == "/sessions":
			return httpmock.NewStringResponse(204, ""), nil
		case extended:
			return next(r)
		default:
			return lost(r)
		}
	}
}

// A site that is lost again at once is not asked for without end.
func TestSiteThatStaysLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north"})
		r.lose("north")
		r.refuse("north", answer(t, 200, "sessions_extend.answer")) // it says so, and does nothing
		err := read(t, client, "north")
		require.ErrorIs(t, err, drkit.ErrUnauthorized)
		assert.Equal(t, vcav.CodeRemoteAuthenticationFailure, answerOf(t, err).Code)
		get := getLine + "?site=north"
		assert.Equal(t, []string{get, extendLine, get}, r.lines())
	})
}

// Only what this client has extended comes back: neither a site that it never was at, nor the local one.
func TestSiteThatTheSessionNeverReached(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north"})
		err := read(t, client, "branch")
		require.ErrorIs(t, err, drkit.ErrUnauthorized)
		assert.Equal(t, vcav.CodeRemoteAuthenticationFailure, answerOf(t, err).Code)
		_, err = client.Site("branch").VMReplications.Sync(wire(t), ordersID)
		require.ErrorIs(t, err, drkit.ErrUnauthorized)
		assert.Equal(t, []string{getLine + "?site=branch", syncLine + "?site=branch"}, r.lines())

		s := newService(t)
		s.onAny(answer(t, 401, "error_remote_authentication_failure"))
		err = read(t, s.client(), "")
		require.ErrorIs(t, err, drkit.ErrUnauthorized)
		assert.Len(t, s.lines(), 1, "a call that names no site has none to regain")
	})
}

// Who finds that the session had ended at a site, but only before it was extended again, extends it no
// further.
func TestLateNewsOfALostSite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north"})
		r.lose("north")
		lost := answer(t, 401, "error_remote_authentication_failure")
		slow := time.Second
		for i := range 3 {
			path := fmt.Sprintf("/vm-replications/slow-%d", i)
			slow += time.Second
			r.on("GET", path, func(wait time.Duration) httpmock.Responder {
				return func(request *http.Request) (*http.Response, error) {
					<-time.After(wait)
					return lost(request)
				}
			}(slow), answer(t, 200, "vm_replications_get.answer"))
		}
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				_, err := client.Site("north").VMReplications.Get(wire(t), fmt.Sprintf("slow-%d", i))
				assert.NoError(t, err)
			})
		}
		require.NoError(t, read(t, client, "north"))
		all.Wait()
		assert.Equal(t, []string{"north"}, r.extendedTo())
	})
}

// Credentials that a site has refused are not sent with each call: accounts get locked.
func TestRefusedExtension(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north"})
		r.refuse("north", answer(t, 401, "error_remote_authentication_failure"))
		r.expire()
		for range 10 {
			require.ErrorIs(t, read(t, client, "north"), drkit.ErrUnauthorized)
		}
		assert.LessOrEqual(t, len(r.extendedTo()), 2)
		r.refuse("north", nil)
		_, err := client.Sessions.Extend(wire(t), extensionTo("north"))
		require.NoError(t, err, "unless that is asked for")
		require.NoError(t, read(t, client, "north"))
	})
}

// Why a site was not regained is what its caller needs to know.
func TestReasonOfALostSite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north"})
		r.lose("north")
		r.refuse("north", httpmock.NewStringResponder(403, `{"code":"AccountLocked","msg":"Too many attempts."}`))
		err := read(t, client, "north")
		require.ErrorIs(t, err, drkit.ErrUnauthorized)
		assert.Contains(t, err.Error(), "AccountLocked")
	})
}
