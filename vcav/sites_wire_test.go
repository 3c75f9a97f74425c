package vcav_test

import (
	"context"
	"errors"
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

// hangs never answers.
func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// With a new session come the sites of the one before, in the order of their extension, before any other
// call goes out.
func TestSitesComeBackWithTheSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north", "branch"})
		r.expire()
		var all sync.WaitGroup
		for _, site := range []string{"", "north", "branch", "", "north", "branch"} {
			all.Go(func() { assert.NoError(t, read(t, client, site)) })
		}
		all.Wait()
		lines := r.lines()
		require.Len(t, lines, 6+3+6)
		assert.NotContains(t, lines[:6], signInLine)
		assert.Equal(t, []string{signInLine, extendLine, extendLine}, lines[6:9])
		assert.Equal(t, []string{"north", "branch"}, r.extendedTo())
		assert.ElementsMatch(t, lines[:6], lines[9:])
		old, renewed := slices.Repeat([]string{"token-1"}, 6), slices.Repeat([]string{"token-2"}, 8)
		assert.Equal(t, slices.Concat(old, []string{""}, renewed), r.tokens())

		session, err := client.Sessions.SignIn(t.Context())
		require.NoError(t, err)
		assert.Len(t, session.AuthenticatedSites, 3, "the session is shown as it was extended")
		require.NoError(t, client.Close(t.Context()))
	})
}

// So it is after a session that was ended by hand.
func TestSitesComeBackAfterEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north"})
		require.NoError(t, client.Sessions.End(t.Context()))
		require.NoError(t, read(t, client, "north"))
		assert.Equal(t, []string{"DELETE /sessions", signInLine, extendLine, getLine + "?site=north"}, r.lines())
		require.NoError(t, client.Close(t.Context()))
		assert.Len(t, r.lines(), 5, "nothing comes back when the client closes")
		_, err := client.Sessions.Extend(t.Context(), extensionTo("branch"))
		require.ErrorIs(t, err, drkit.ErrClosed)
		_, err = client.Sessions.Shrink(t.Context(), "north")
		require.ErrorIs(t, err, drkit.ErrClosed)
	})
}

// A site that does not come back keeps the session from working nowhere else, and is tried again by the
// first call that needs it.
func TestSiteThatDoesNotComeBackAtOnce(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]httpmock.Responder{
		"refused":   answer(t, 401, "error_remote_authentication_failure"),
		"forbidden": answer(t, 403, "error_forbidden"),
		"failure":   answer(t, 500, "error"),
		"gateway":   page(502),
		"not JSON":  page(200),
		"no answer": httpmock.NewErrorResponder(errors.New("connection reset by peer")),
		"hangs":     hangs,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newReach(t)
				client := r.signedIn([]string{"north", "branch"}, drkit.WithTimeout(10*time.Second))
				r.refuse("north", trouble)
				r.expire()
				require.NoError(t, read(t, client, ""))
				require.NoError(t, read(t, client, "branch"))
				assert.Equal(t, []string{getLine, signInLine, extendLine, extendLine, getLine, getLine + "?site=branch"}, r.lines())

				r.forget()
				err := read(t, client, "north")
				require.ErrorIs(t, err, drkit.ErrUnauthorized)
				assert.Equal(t, vcav.CodeRemoteAuthenticationFailure, answerOf(t, err).Code)
				assert.Equal(t, "vcav.VMReplications.Get", answerOf(t, err).Operation)
				assert.Equal(t, []string{getLine + "?site=north", extendLine}, r.lines(), "it was tried")

				r.forget()
				r.refuse("north", nil)
				if name == "refused" || name == "forbidden" {
					return // whether refused credentials are tried again is a matter of TestOpenRefusedExtension
				}
				require.NoError(t, read(t, client, "north"))
				assert.Equal(t, []string{getLine + "?site=north", extendLine, getLine + "?site=north"}, r.lines())
				require.NoError(t, read(t, client, "north"))
				assert.Len(t, r.lines(), 4, "it is there now")
			})
		})
	}
}

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
				got, err := tc.run(drkit.WithOperationID(t.Context(), "op-1"), there(client.Site("north")))
				line := tc.line("north")
				if tc.class() == api.Once {
					// Nobody documents this answer as proof that nothing ran.
					require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
					require.ErrorIs(t, err, drkit.ErrUnauthorized)
					assert.Equal(t, []string{line, extendLine}, r.lines())
					got, err = tc.run(t.Context(), there(client.Site("north")))
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
		_, err = client.Site("branch").VMReplications.Sync(t.Context(), ordersID)
		require.ErrorIs(t, err, drkit.ErrUnauthorized)
		assert.Equal(t, []string{getLine + "?site=branch", syncLine + "?site=branch"}, r.lines())

		s := newService(t)
		s.onAny(answer(t, 401, "error_remote_authentication_failure"))
		err = read(t, s.client(), "")
		require.ErrorIs(t, err, drkit.ErrUnauthorized)
		assert.Len(t, s.lines(), 1, "a call that names no site has none to regain")
	})
}

// Shrinking forgets the site, also for the sessions that follow.
func TestShrinkForgets(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north", "branch"})
		session, err := client.Sessions.Shrink(t.Context(), "north")
		require.NoError(t, err)
		assert.Equal(t, []vcav.AuthenticatedSite{{Site: "south", Org: "acme-dr"}, {Site: "branch", Org: "acme"}}, session.AuthenticatedSites)
		shown, err := client.Sessions.SignIn(t.Context())
		require.NoError(t, err)
		assert.Equal(t, session, shown)
		require.Error(t, read(t, client, "north"))
		r.expire()
		require.NoError(t, read(t, client, ""))
		require.Error(t, read(t, client, "north"))
		assert.Equal(t, []string{"branch"}, r.extendedTo())
		assert.Equal(t, "DELETE /sessions/north", r.lines()[0])
	})
}

// A site that could not be taken out of the session is still in it.
func TestShrinkThatFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north"})
		r.on("DELETE", "/sessions/north", answer(t, 403, "error_forbidden"))
		session, err := client.Sessions.Shrink(t.Context(), "north")
		require.ErrorIs(t, err, drkit.ErrForbidden)
		assert.Empty(t, session)
		r.lose("north")
		require.NoError(t, read(t, client, "north"))
	})
}

// The latest extension to a site is the one that comes back.
func TestExtendingAgainReplaces(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north", "branch"})
		_, err := client.Sessions.Extend(t.Context(), vcav.WithMultisite("north", "acme"))
		require.NoError(t, err)
		r.refuse("branch", answer(t, 403, "error_forbidden"))
		_, err = client.Sessions.Extend(t.Context(), vcav.WithMultisite("branch", "acme"))
		require.ErrorIs(t, err, drkit.ErrForbidden)
		r.refuse("branch", nil)
		r.forget()
		r.expire()
		require.NoError(t, read(t, client, ""))
		require.Equal(t, []string{"branch", "north"}, r.extendedTo())
		assert.Contains(t, r.all()[2].body, `"credentials"`, "a refused extension replaces nothing")
		assert.JSONEq(t, `{"type":"multisite","site":"north","org":"acme"}`, r.all()[3].body)
	})
}

// An extension that meets an expired session begins another, and is sent again: the service has said that
// it did nothing.
func TestExtensionOfAnExpiredSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north"})
		r.expire()
		_, err := client.Sessions.Extend(t.Context(), extensionTo("branch"))
		require.NoError(t, err)
		assert.Equal(t, []string{"branch", "north", "branch"}, r.extendedTo())
		assert.Equal(t, []string{"token-1", "", "token-2", "token-2"}, r.tokens())
	})
}

// Where the service takes the later spelling only, so it does in a new session.
func TestLaterSpellingComesBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newService(t)
		s.signsIn("Zmlyc3Q=", "c2Vjb25k")
		bad, good := answer(t, 400, "error_bad_request"), answer(t, 200, "sessions_extend.answer")
		s.on("POST", "/sessions/extend", bad, good, bad, good)
		s.on("GET", "/vm-replications/"+ordersID, answer(t, 401, "error_not_authenticated"), answer(t, 200, "vm_replications_get.answer"))
		client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")))
		tc := extensionCases()["access token"]
		_, err := client.Sessions.Extend(t.Context(), tc.extension)
		require.NoError(t, err)
		require.NoError(t, read(t, client, ""))
		extensions := slices.DeleteFunc(s.all(), func(request sent) bool { return request.line != extendLine })
		require.Len(t, extensions, 4)
		assert.JSONEq(t, testdata(t, tc.samples[1]), extensions[3].body)
		assert.Equal(t, "c2Vjb25k", extensions[3].header.Get("X-VCAV-Auth"))
	})
}

// A given token's session is regained at the sites that this client has extended it to, and is not begun
// anew: nothing is restored.
func TestSitesOfAGivenToken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		r.token, r.sites = givenToken, map[string]bool{"branch": true}
		client := r.extended(r.client(), []string{"north"})
		require.NoError(t, read(t, client, "branch"), "somebody else has extended it")
		r.lose("branch")
		require.ErrorIs(t, read(t, client, "branch"), drkit.ErrUnauthorized)
		r.lose("north")
		require.NoError(t, read(t, client, "north"))
		assert.Equal(t, []string{"north"}, r.extendedTo())

		r.forget()
		r.expire()
		for _, site := range []string{"", "north"} {
			err := read(t, client, site)
			require.ErrorIs(t, err, drkit.ErrUnauthorized)
			assert.Equal(t, vcav.CodeNotAuthenticated, answerOf(t, err).Code)
		}
		assert.Equal(t, []string{getLine, getLine + "?site=north"}, r.lines())
	})
}

// A read-only client may reach other sites, and loses them no more than others do.
func TestSitesOfAReadOnlyClient(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north"}, drkit.WithReadOnly())
		r.lose("north")
		require.NoError(t, read(t, client, "north"))
		r.expire()
		require.NoError(t, read(t, client, "north"))
		_, err := client.Sessions.Shrink(t.Context(), "north")
		require.NoError(t, err)
		_, err = client.Site("north").VMReplications.Sync(t.Context(), ordersID)
		require.ErrorIs(t, err, drkit.ErrReadOnly)
	})
}

// A walk and a wait at a site outlive the session there.
func TestWaitThatOutlivesTheSessionAtASite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north"}, drkit.WithPolling(polling))
		poller, err := client.Site("north").VMReplications.Sync(t.Context(), ordersID)
		require.NoError(t, err)
		go func() {
			for _, strike := range []func(){func() { r.lose("north") }, r.expire, func() { r.lose("north") }} {
				<-time.After(time.Minute)
				strike()
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		_, err = poller.Wait(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded, "nothing else has ended the wait")
		assert.Equal(t, []string{"north", "north", "north"}, r.extendedTo())
		assert.Equal(t, 2, r.signIns)
	})
}
