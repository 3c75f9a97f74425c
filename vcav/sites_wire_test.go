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
	"github.com/drkit-go/drkit/vcav"
)

// hangs never answers.
func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// With a new session come the sites of the one before, all at once, before any other call goes out.
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
		assert.ElementsMatch(t, []string{"north", "branch"}, r.extendedTo())
		assert.ElementsMatch(t, lines[:6], lines[9:])
		old, renewed := slices.Repeat([]string{"token-1"}, 6), slices.Repeat([]string{"token-2"}, 8)
		assert.Equal(t, slices.Concat(old, []string{""}, renewed), r.tokens())

		session, err := client.Sessions.SignIn(wire(t))
		require.NoError(t, err)
		assert.Len(t, session.AuthenticatedSites, 3, "the session is shown as it was extended")
		require.NoError(t, client.Close(wire(t)))
	})
}

// So it is after a session that was ended by hand.
func TestSitesComeBackAfterEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north"})
		require.NoError(t, client.Sessions.End(wire(t)))
		require.NoError(t, read(t, client, "north"))
		assert.Equal(t, []string{"DELETE /sessions", signInLine, extendLine, getLine + "?site=north"}, r.lines())
		require.NoError(t, client.Close(wire(t)))
		assert.Len(t, r.lines(), 5, "nothing comes back when the client closes")
		_, err := client.Sessions.Extend(wire(t), extensionTo("branch"))
		require.ErrorIs(t, err, drkit.ErrClosed)
		_, err = client.Sessions.Shrink(wire(t), "north")
		require.ErrorIs(t, err, drkit.ErrClosed)
	})
}

// A site that does not come back keeps the session from working nowhere else, and is tried again by the
// first call that needs it.
func TestSiteThatDoesNotComeBackAtOnce(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]httpmock.Responder{
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
				require.NoError(t, read(t, client, "north"))
				assert.Equal(t, []string{getLine + "?site=north", extendLine, getLine + "?site=north"}, r.lines())
				require.NoError(t, read(t, client, "north"))
				assert.Len(t, r.lines(), 4, "it is there now")
			})
		})
	}
}

// Shrinking forgets the site, also for the sessions that follow.
func TestShrinkForgets(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north", "branch"})
		session, err := client.Sessions.Shrink(wire(t), "north")
		require.NoError(t, err)
		assert.Equal(t, []vcav.AuthenticatedSite{{Site: "south", Org: "acme-dr"}, {Site: "branch", Org: "acme"}}, session.AuthenticatedSites)
		shown, err := client.Sessions.SignIn(wire(t))
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
		session, err := client.Sessions.Shrink(wire(t), "north")
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
		_, err := client.Sessions.Extend(wire(t), vcav.WithMultisite("north", "acme"))
		require.NoError(t, err)
		r.refuse("branch", answer(t, 403, "error_forbidden"))
		_, err = client.Sessions.Extend(wire(t), vcav.WithMultisite("branch", "acme"))
		require.ErrorIs(t, err, drkit.ErrForbidden)
		r.refuse("branch", nil)
		r.forget()
		r.expire()
		require.NoError(t, read(t, client, ""))
		require.ElementsMatch(t, []string{"branch", "north"}, r.extendedTo())
		bodies := r.all()[2].body + r.all()[3].body
		assert.Contains(t, bodies, `"vcdUsername":"admin@branch"`, "a refused extension replaces nothing")
		assert.Contains(t, bodies, `{"type":"multisite","site":"north","org":"acme"}`)
	})
}

// An extension that meets an expired session begins another, and is sent again: the service has said that
// it did nothing.
func TestExtensionOfAnExpiredSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north"})
		r.expire()
		_, err := client.Sessions.Extend(wire(t), extensionTo("branch"))
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
		_, err := client.Sessions.Extend(wire(t), tc.extension)
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
		_, err := client.Sessions.Shrink(wire(t), "north")
		require.NoError(t, err)
		_, err = client.Site("north").VMReplications.Sync(wire(t), ordersID)
		require.ErrorIs(t, err, drkit.ErrReadOnly)
	})
}

// A walk and a wait at a site outlive the session there.
func TestWaitThatOutlivesTheSessionAtASite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north"}, drkit.WithPolling(polling))
		poller, err := client.Site("north").VMReplications.Sync(wire(t), ordersID)
		require.NoError(t, err)
		go func() {
			for _, strike := range []func(){func() { r.lose("north") }, r.expire, func() { r.lose("north") }} {
				<-time.After(time.Minute)
				strike()
			}
		}()
		ctx, cancel := context.WithTimeout(wire(t), 5*time.Minute)
		defer cancel()
		_, err = poller.Wait(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded, "nothing else has ended the wait")
		assert.Equal(t, []string{"north", "north", "north"}, r.extendedTo())
		assert.Equal(t, 2, r.signIns)
	})
}

// Sites that do not answer take no more from the others than the time that it takes to find out.
func TestDeadSitesAndTheSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north", "branch", "west"})
		r.refuse("north", hangs)
		r.refuse("branch", hangs)
		r.expire()
		require.NoError(t, read(t, client, ""))
		require.NoError(t, read(t, client, "west"))
		assert.Equal(t, 2, r.signIns)
	})
}

// A site that was shrunk away by an attempt whose answer was lost is not all that the session was.
func TestSessionAfterARepeatedShrink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north"})
		r.on("DELETE", "/sessions/north", page(502), answer(t, 404, "error_not_found"))
		session, err := client.Sessions.Shrink(wire(t), "north")
		require.NoError(t, err)
		assert.Equal(t, signedInSession(), session)
		shown, err := client.Sessions.SignIn(wire(t))
		require.NoError(t, err)
		assert.Equal(t, signedInSession(), shown)
	})
}
