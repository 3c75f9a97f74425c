package vcav_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// resumable is a token of root at the board.
func resumable(change ...func(*step.Token)) string {
	token := step.Token{
		Service: "vcav", Appliance: "d04e7a19-6c82-4f3b-95b1-a8f2c63e70d5", Operation: "VMReplications.Stop",
		OperationID: "op-1", Task: taskID, User: "root",
	}
	for _, f := range change {
		f(&token)
	}
	return token.String()
}

// resumeAs are the types that tasks come to.
var resumeAs = map[reflect.Type]func(client *vcav.Client, token string) error{
	reflect.TypeFor[*drkit.Poller[vcav.NoResult]]():      resumeTo[vcav.NoResult],
	reflect.TypeFor[*drkit.Poller[vcav.VMReplication]](): resumeTo[vcav.VMReplication],
	reflect.TypeFor[*drkit.Poller[vcav.CloudHealth]]():   resumeTo[vcav.CloudHealth],
	reflect.TypeFor[*drkit.Poller[vcav.SupportBundle]](): resumeTo[vcav.SupportBundle],
	reflect.TypeFor[*drkit.Poller[json.RawMessage]]():    resumeTo[json.RawMessage],
}

func resumeTo[T any](client *vcav.Client, token string) error {
	_, err := vcav.Resume[T](client, token)
	return err
}

// Each operation that starts a task is resumed to what its method returns, or to json.RawMessage, and to no
// other type; what starts no task is not resumed at all.
func TestResumeOfEveryOperation(t *testing.T) {
	t.Parallel()
	client := newBoard(nil).client(t)
	raw, started := reflect.TypeFor[*drkit.Poller[json.RawMessage]](), 0
	for _, operation := range contract.Table.Operations {
		method, has := methodOf(operation.Name)
		require.Truef(t, has, "there is no client.%s", operation.Name)
		returns := reflect.Type(nil)
		if method.Type.NumOut() == 2 && resumeAs[method.Type.Out(0)] != nil {
			returns = method.Type.Out(0)
			started++
		}
		token := resumable(func(t *step.Token) { t.Operation = operation.Name })
		for as, resume := range resumeAs {
			err := resume(client, token)
			if returns != nil && (as == returns || as == raw) {
				require.NoErrorf(t, err, "%s as %s", operation.Name, as)
				continue
			}
			require.ErrorIsf(t, err, drkit.ErrToken, "%s as %s", operation.Name, as)
			if returns == nil {
				require.ErrorContains(t, err, operation.Name+" is not an operation that starts a task")
			} else {
				require.ErrorContains(t, err, operation.Name+" has a result of type ")
			}
		}
	}
	assert.Greater(t, started, 14)
}

// What is wrong with a token is said before anything is sent.
func TestResumeOfTokensThatAreWrong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ token, want string }{
		"none":            {"", "not a resume token of drkit"},
		"a task":          {taskID, "not a resume token of drkit"},
		"cut":             {resumable()[:60], "a damaged resume token"},
		"another version": {strings.Replace(resumable(), ".1.", ".7.", 1), "a resume token of another version of drkit"},
		"another service": {
			resumable(func(t *step.Token) { t.Service = "checkpoints" }), "it belongs to package checkpoints",
		},
		"another type": {
			resumable(func(t *step.Token) { t.Operation = "VMReplications.Failover" }),
			"VMReplications.Failover has a result of type vcav.VMReplication and not vcav.NoResult",
		},
		"an operation of tomorrow": {
			resumable(func(t *step.Token) { t.Operation = "VMReplications.\nTeleport" }),
			`"VMReplications.\nTeleport" is not an operation that starts a task`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			poller, err := vcav.Resume[vcav.NoResult](newService(t).client(), tc.token)
			require.ErrorIs(t, err, drkit.ErrToken)
			require.ErrorContains(t, err, "vcav.Resume: resume token refused: "+tc.want)
			assert.NotContains(t, err.Error(), "\n")
			assert.Nil(t, poller)
		})
	}
}

// A token is made by one client and used by another, which reaches the appliance under another name.
func TestResumeByAnotherClient(t *testing.T) {
	t.Parallel()
	for _, site := range []string{"", siteName} {
		t.Run("at "+site, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newService(t)
				s.signsIn("Zmlyc3Q=")
				s.on("POST", failoverPath, answer(t, 202, "vm_replications_failover.answer"))
				s.on("GET", "/diagnostics/about", answer(t, 200, "diagnostics_about.answer"))
				first := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")))
				at, query := &first.VMReplications.SiteVMReplications, ""
				if site != "" {
					at, query = first.Site(site).VMReplications, "?site="+escapedSite
				}
				started, err := at.Failover(drkit.WithOperationID(wire(t), "op-1"), ordersID, cloudFailover())
				require.NoError(t, err)
				token, err := started.ResumeToken(wire(t))
				require.NoError(t, err)
				require.NoError(t, first.Close(wire(t)))
				before := len(s.lines())

				moved := roundTripper(func(r *http.Request) (*http.Response, error) {
					assert.Equal(t, "recovered.example.org:8443", r.URL.Host)
					moved := r.Clone(r.Context())
					moved.URL.Host, moved.Host = "vcda.example.com", "vcda.example.com"
					return s.mock.RoundTrip(moved)
				})
				client, err := vcav.NewClient("https://recovered.example.org:8443", vcav.LocalUser("root", drkit.NewSecret("changed since")),
					drkit.WithTransport(moved), drkit.WithPolling(polling), drkit.WithReadOnly())
				require.NoError(t, err)
				resumed, err := vcav.Resume[vcav.VMReplication](client, token)
				require.NoError(t, err)
				assert.Equal(t, taskID, resumed.ID())
				assert.Len(t, s.lines(), before, "nothing is sent before it is looked at")
				again, err := resumed.ResumeToken(wire(t))
				require.NoError(t, err)
				assert.Equal(t, token, again)
				s.on("GET", "/tasks/"+taskID, taskAt("RUNNING", 40), answer(t, 200, "tasks_get.answer"))
				progress, err := resumed.Poll(wire(t))
				require.NoError(t, err)
				assert.Equal(t, drkit.Progress{ID: taskID, State: drkit.StateRunning, Percent: 40}, progress)
				done, err := resumed.Wait(wire(t))
				require.NoError(t, err)
				assert.Equal(t, recovered(), done)
				get := "GET /tasks/" + taskID + query
				assert.Equal(t, []string{"POST /sessions", "GET /diagnostics/about", get, get}, s.lines()[before:])
				assert.Equal(t, "op-1", s.all()[before+3].header.Get("operationID"), "of what has started the task")
				require.NoError(t, client.Close(wire(t)))
			})
		})
	}
}

// The failure of a resumed task names what has started it.
func TestResumedTaskThatFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBoard(func(string, string) (string, bool) { return "FAILED", true })
		client := b.client(t)
		poller, err := vcav.Resume[json.RawMessage](client, resumable())
		require.NoError(t, err)
		_, err = poller.Wait(wire(t))
		var failed *drkit.TaskError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "vcav.VMReplications.Stop", failed.Operation)
		assert.Equal(t, "op-1", failed.OperationID)
		assert.Equal(t, "NoSpace", failed.Code)
		require.NoError(t, client.Close(wire(t)))
	})
}

// Any result can be had as the service has written it, also that of a task that has none.
func TestResumeToRawResult(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ result, want string }{
		"an object": {`{"id":"C4-1","unheardOf":[1]}`, `{"id":"C4-1","unheardOf":[1]}`},
		"null":      {`null`, `null`},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newService(t)
				s.on("GET", "/diagnostics/about", answer(t, 200, "diagnostics_about.answer"))
				s.on("GET", "/sessions", answer(t, 200, "sessions_get.answer"))
				s.on("GET", "/tasks/"+taskID, taskAt("SUCCEEDED", 100, with("result", json.RawMessage(tc.result))))
				user := func(t *step.Token) { t.User = "backup-admin@acme-dr" }
				poller, err := vcav.Resume[json.RawMessage](s.client(), resumable(user))
				require.NoError(t, err)
				raw, err := poller.Wait(wire(t))
				require.NoError(t, err)
				assert.Equal(t, tc.want, string(raw))
				assert.Equal(t, []string{"GET /tasks/" + taskID, "GET /diagnostics/about", "GET /sessions"}, s.lines(),
					"a given session is asked for its user")
			})
		})
	}
}

// A token of another appliance or user is refused by the first look, and the error says which. So it is where
// the task is not shown, which would otherwise look as if it were gone.
func TestTokenOfAnother(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*step.Token)
		want   string
	}{
		"appliance": {
			func(t *step.Token) { t.Appliance = "0aa1" },
			"the token belongs to the appliance with instanceId 0aa1, and this is d04e7a19-6c82-4f3b-95b1-a8f2c63e70d5",
		},
		"user": {func(t *step.Token) { t.User = "somebody\n" }, `the token belongs to the user "somebody\n", and this is root`},
	} {
		for _, visible := range []bool{true, false} {
			t.Run(fmt.Sprint(name, ", visible ", visible), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					b := newBoard(func(string, string) (string, bool) { return "SUCCEEDED", visible })
					client := b.client(t, drkit.WithPolling(polling))
					poller, err := vcav.Resume[vcav.NoResult](client, resumable(tc.change))
					require.NoError(t, err)
					began := time.Now()
					_, err = poller.Wait(wire(t))
					require.ErrorIs(t, err, drkit.ErrToken)
					require.ErrorContains(t, err, tc.want)
					assert.NotErrorIs(t, err, drkit.ErrTaskGone)
					assert.Less(t, time.Since(began), time.Second)
					_, err = poller.Poll(wire(t))
					require.ErrorIs(t, err, drkit.ErrToken)
					require.ErrorContains(t, err, tc.want)
					assert.False(t, poller.Done())
					require.NoError(t, client.Close(wire(t)))
				})
			})
		}
	}
}

// A task can be resumed while the appliance is away. Who it is, is asked when it is back, once for all.
func TestResumeWhileTheApplianceIsAway(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBoard(endingAfter(time.Hour))
		back := time.Now().Add(20 * time.Minute)
		b.before = func(*http.Request, []string) int {
			if time.Now().Before(back) {
				return 503
			}
			return 0
		}
		client := b.client(t, drkit.WithPolling(polling))
		pollers := make([]*drkit.Poller[vcav.NoResult], 100)
		for i := range pollers {
			var err error
			pollers[i], err = vcav.Resume[vcav.NoResult](client, resumable(func(t *step.Token) { t.Task = fmt.Sprint("task-", i) }))
			require.NoError(t, err)
		}
		_, err := pollers[0].Poll(wire(t))
		require.ErrorIs(t, err, drkit.ErrUnavailable)
		outcomes, err := drkit.WaitAll(wire(t), pollers)
		require.ErrorIs(t, err, drkit.ErrUnavailable)
		require.Len(t, outcomes, 100)
		assert.Zero(t, b.count("GET /diagnostics/about"), "nobody is asked who it is before there is a task")

		_, err = drkit.WaitAll(wire(t), pollers)
		require.NoError(t, err, "it is back, and waiting again works")
		assert.Equal(t, 1, b.signIns)
		assert.Equal(t, 1, b.count("GET /diagnostics/about"))
		require.NoError(t, client.Close(wire(t)))
	})
}

// Credentials that the appliance refuses are tried once, however many wait: accounts get locked.
func TestResumeWithRefusedCredentials(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBoard(endingAfter(time.Hour))
		client, err := vcav.NewClient(appliance, vcav.LocalUser("root", drkit.NewSecret("wrong")), drkit.WithTransport(b))
		require.NoError(t, err)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				poller, err := vcav.Resume[vcav.NoResult](client, resumable())
				assert.NoError(t, err)
				_, err = poller.Wait(wire(t))
				assert.ErrorIs(t, err, drkit.ErrUnauthorized)
				_, err = poller.Poll(wire(t))
				assert.ErrorIs(t, err, drkit.ErrUnauthorized)
				_, err = poller.Wait(wire(t))
				assert.ErrorIs(t, err, drkit.ErrUnauthorized)
			})
		}
		all.Wait()
		assert.Equal(t, 1, b.count("POST /sessions"))
		require.NoError(t, client.Close(wire(t)))
	})
}

// Many tokens at once ask once who the appliance is; one that cannot be made now can be made later.
func TestResumeTokens(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newService(t)
		s.signsIn(givenToken)
		s.on("POST", failoverPath, answer(t, 202, "vm_replications_failover.answer"))
		s.on("GET", "/diagnostics/about", page(502), answer(t, 200, "diagnostics_about.answer"))
		password := "Tr0ub4dor&3"
		client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret(password)), drkit.WithRetry(drkit.RetryPolicy{Attempts: 1}))
		poller, err := client.Site("south").VMReplications.Failover(drkit.WithOperationID(wire(t), "op-1"), ordersID, cloudFailover())
		require.NoError(t, err)
		_, err = poller.ResumeToken(wire(t))
		require.ErrorIs(t, err, drkit.ErrUnavailable)
		require.ErrorContains(t, err, "resume token of "+taskID+": vcav.Diagnostics.About")

		want := step.Token{
			Service: "vcav", Appliance: "d04e7a19-6c82-4f3b-95b1-a8f2c63e70d5", Site: "south", Operation: "VMReplications.Failover",
			OperationID: "op-1", Task: taskID, User: "backup-admin@acme-dr",
		}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				text, err := poller.ResumeToken(wire(t))
				assert.NoError(t, err)
				got, err := step.ParseToken(text)
				assert.NoError(t, err)
				assert.Equal(t, want, got)
				data, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, "drkit.1."))
				assert.NoError(t, err)
				assertKept(t, string(data), password, givenToken)
			})
		}
		all.Wait()
		assert.Len(t, s.lines(), 4)
		require.NoError(t, client.Close(wire(t)))
		_, err = poller.ResumeToken(wire(t))
		require.NoError(t, err, "the client knows all it needs")
	})
}

// Without the names of the appliance and of the user there are no tokens, rather than some that nobody could use.
func TestResumeTokenWithoutNames(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ about, session, want string }{
		"of the appliance": {`{"productName":"Cloud Service"}`, `{"user":"root"}`, "a product without instanceId"},
		"of the user":      {`{"instanceId":"d04e"}`, `{"roles":[]}`, "the appliance does not say who is signed in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.on("POST", "/sessions", withHeader(httpmock.NewStringResponder(200, tc.session), "X-VCAV-Auth", givenToken))
			s.on("DELETE", "/sessions", httpmock.NewStringResponder(204, ""))
			s.on("GET", "/diagnostics/about", httpmock.NewStringResponder(200, tc.about))
			s.on("POST", failoverPath, answer(t, 202, "vm_replications_failover.answer"))
			client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")))
			poller, err := client.VMReplications.Failover(wire(t), ordersID, cloudFailover())
			require.NoError(t, err)
			_, err = poller.ResumeToken(wire(t))
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// Health that came without a task has nothing to resume.
func TestResumeTokenWithoutATask(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", "/diagnostics/health", httpmock.NewStringResponder(200, `{"instanceId":"d04e","productName":"Cloud Service"}`))
	poller, err := s.client().Diagnostics.Health(wire(t))
	require.NoError(t, err)
	_, err = poller.ResumeToken(wire(t))
	require.ErrorContains(t, err, "knows no task")
	assert.Len(t, s.lines(), 1)
}

// A wait for resumed tasks that is closed while the appliance hangs ends at once.
func TestCloseWhileTheIdentityIsAskedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBoard(endingAfter(time.Hour))
		b.before = func(r *http.Request, _ []string) int {
			if r.URL.Path == "/diagnostics/about" {
				<-r.Context().Done()
			}
			return 0
		}
		client := b.client(t)
		poller, err := vcav.Resume[vcav.NoResult](client, resumable())
		require.NoError(t, err)
		ended := make(chan error)
		go func() { _, err := poller.Wait(wire(t)); ended <- err }()
		<-time.After(time.Second)
		synctest.Wait()
		began := time.Now()
		require.NoError(t, client.Close(wire(t)))
		require.ErrorIs(t, <-ended, drkit.ErrClosed)
		assert.Zero(t, time.Since(began))
	})
}
