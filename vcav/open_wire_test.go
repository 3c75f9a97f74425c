package vcav_test

import (
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// open marks a test of what the client does not do yet: DRKIT_OPEN=1 go test -run TestOpen ./vcav runs
// them. Whoever closes one takes the mark away and moves the test to its kind.
func open(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("DRKIT_OPEN") == "" {
		t.Skip("open: " + what)
	}
}

// openToOtherKinds are the operations that take any JSON object for their answer.
var openToOtherKinds = map[string]bool{
	"Sessions.Extend": true, "VMReplications.VirtualHardware": true, "Tasks.Poll": true,
}

// A JSON object that is not what was asked for is no answer: TestObjectOfAnotherKind for these, too.
func TestOpenObjectOfAnotherKind(t *testing.T) {
	t.Parallel()
	open(t, "Sessions.Extend, VirtualHardware and Tasks.Poll take {\"status\":\"ok\"} for their answer")
	for _, tc := range wireCases(t) {
		if !openToOtherKinds[tc.operation] {
			continue
		}
		t.Run(tc.name(), func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.onAny(httpmock.NewStringResponder(200, `{"status":"ok"}`))
			_, err := tc.run(t.Context(), here(s.client()))
			require.ErrorContains(t, err, "the answer cannot be used")
		})
	}
}

// A result whose type says that it is something else is not handed out: a bundle has an id, too.
func TestOpenResultOfAnotherType(t *testing.T) {
	t.Parallel()
	open(t, "ResultOf does not look at Task.ResultType")
	_, err := vcav.ResultOf[vcav.VMReplication](allTasks(t)[3])
	require.ErrorContains(t, err, "SupportBundleInfo")
}

// What refuses administrators by default looks like a wrong password: the error says so.
func TestOpenRefusedSignInNamesAnotherReason(t *testing.T) {
	t.Parallel()
	open(t, "session.signIn unwraps what signIn has added to the error of a refused sign-in")
	const hint = "administrators from public networks"
	for name, tc := range signInCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.on("POST", "/sessions", answer(t, 401, "error_not_authenticated"))
			client := s.clientOf(tc.credentials)
			_, err := client.Sessions.SignIn(t.Context())
			require.ErrorContains(t, err, hint)
			require.ErrorContains(t, err, "401 NotAuthenticated")
			_, err = client.VMReplications.Sync(t.Context(), ordersID)
			require.ErrorContains(t, err, hint)
			require.ErrorIs(t, err, drkit.ErrUnauthorized)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

// Sites that do not answer take no more from the others than the time that it takes to find out.
func TestOpenDeadSitesAndTheSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		open(t, "extensions to two dead sites outlast the sign-in that restores them, so that it fails")
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

// Who finds that the session had ended at a site, but only before it was extended again, extends it no
// further.
func TestOpenLateNewsOfALostSite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		open(t, "sessions at sites have no generations: each late 401 extends once more")
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
				_, err := client.Site("north").VMReplications.Get(t.Context(), fmt.Sprintf("slow-%d", i))
				assert.NoError(t, err)
			})
		}
		require.NoError(t, read(t, client, "north"))
		all.Wait()
		assert.Equal(t, []string{"north"}, r.extendedTo())
	})
}

// Credentials that a site has refused are not sent with each call: accounts get locked.
func TestOpenRefusedExtension(t *testing.T) {
	bubble(t, func(t *testing.T) {
		open(t, "each call at a site that has refused the extension sends its password once more")
		r := newReach(t)
		client := r.signedIn([]string{"north"})
		r.refuse("north", answer(t, 401, "error_remote_authentication_failure"))
		r.expire()
		for range 10 {
			require.ErrorIs(t, read(t, client, "north"), drkit.ErrUnauthorized)
		}
		assert.LessOrEqual(t, len(r.extendedTo()), 2)
		r.refuse("north", nil)
		_, err := client.Sessions.Extend(t.Context(), extensionTo("north"))
		require.NoError(t, err, "unless that is asked for")
		require.NoError(t, read(t, client, "north"))
	})
}

// Why a site was not regained is what its caller needs to know.
func TestOpenReasonOfALostSite(t *testing.T) {
	bubble(t, func(t *testing.T) {
		open(t, "what regaining a site has come to is not in the error")
		r := newReach(t)
		client := r.signedIn([]string{"north"})
		r.lose("north")
		r.refuse("north", httpmock.NewStringResponder(403, `{"code":"AccountLocked","msg":"Too many attempts."}`))
		err := read(t, client, "north")
		require.ErrorIs(t, err, drkit.ErrUnauthorized)
		assert.Contains(t, err.Error(), "AccountLocked")
	})
}

// Only the service's answer to the extension is a reason for its other spelling.
func TestOpenSignInBeforeAnExtension(t *testing.T) {
	t.Parallel()
	open(t, "a 400 to the sign-in is taken for one to the extension, and the credentials are sent again")
	s := newService(t)
	s.on("POST", "/sessions", answer(t, 400, "error_bad_request"))
	client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")))
	_, err := client.Sessions.Extend(t.Context(), extensionCases()["access token"].extension)
	require.Error(t, err)
	assert.Equal(t, []string{signInLine}, s.lines())
}

// A page that a proxy answers says nothing of the spelling, and whether the first was taken is unknown.
func TestOpenProxyBeforeAnExtension(t *testing.T) {
	t.Parallel()
	open(t, "any 400 leads to the other spelling, also where it is not the service's own")
	s := newService(t)
	s.on("POST", "/sessions/extend", page(400))
	_, err := s.client().Sessions.Extend(t.Context(), extensionCases()["access token"].extension)
	require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
	assert.Len(t, s.lines(), 1)
}

// A site that was shrunk away by an attempt whose answer was lost is not all that the session was.
func TestOpenSessionAfterARepeatedShrink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		open(t, "Shrink returns, and SignIn then shows, an empty session where the second attempt finds nothing")
		r := newReach(t)
		client := r.signedIn([]string{"north"})
		r.on("DELETE", "/sessions/north", page(502), answer(t, 404, "error_not_found"))
		session, err := client.Sessions.Shrink(t.Context(), "north")
		require.NoError(t, err)
		assert.Equal(t, signedInSession(), session)
		shown, err := client.Sessions.SignIn(t.Context())
		require.NoError(t, err)
		assert.Equal(t, signedInSession(), shown)
	})
}
