package vcav_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// losing loses every answer to a POST of replications, whatever it says.
func losing() drkit.Option {
	return drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			response, err := next.RoundTrip(request)
			if err != nil || request.Method != http.MethodPost || request.URL.Path == "/sessions" {
				return response, err
			}
			response.Body.Close()
			return nil, errors.New("connection reset by peer")
		})
	})
}

// Two clients start replications of two machines at once, and lose their answers: each finds its own.
func TestStartsOfTwoMachinesAtOnce(t *testing.T) {
	appliance2(t, func(t *testing.T, server *vcavtest.Server) {
		var all sync.WaitGroup
		for _, machine := range []string{"new-1", "new-2"} {
			client := operator(t, server, losing())
			all.Go(func() {
				poller, err := client.VMReplications.Start(t.Context(), startOf(machine))
				if !assert.NoError(t, err) {
					return
				}
				assert.True(t, poller.Adopted())
				done, err := poller.Wait(t.Context())
				assert.NoError(t, err)
				assert.Equal(t, machine, done.VMName)
			})
		}
		all.Wait()
		assert.Equal(t, 2, server.Ran("VMReplications.Start", ""))
	}, vcavtest.TaskDuration(time.Minute, 10*time.Minute)) // longer than the grace: only the end says whose it was
}

// Of the starts of many machines one is lost: those of the others do not stand for it, nor in its way.
func TestOneLostStartAmongMany(t *testing.T) {
	appliance2(t, func(t *testing.T, server *vcavtest.Server) {
		client := operator(t, server)
		first, err := client.VMReplications.Start(t.Context(), startOf("new-1"))
		require.NoError(t, err)
		server.Inject(vcavtest.Fault{Operation: "VMReplications.Start", Drop: true, Times: 1})
		_, err = client.VMReplications.Start(t.Context(), startOf("new-2"))
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.True(t, unknown.Untouched)
		assert.Contains(t, unknown.Resource, vcavtest.MachineID("new-2"))
		end(t, first, nil)

		_, err = client.VMReplications.Start(t.Context(), startOf("new-1"))
		require.ErrorIs(t, err, drkit.ErrConflict, "the appliance's word: another machine is not held up")
		assert.Equal(t, 3, server.Count("VMReplications.Start"))
	})
}

// A policy whose answer was lost is there, and returned as it is.
func TestLostPolicy(t *testing.T) {
	appliance2(t, func(t *testing.T, server *vcavtest.Server) {
		client := operator(t, server)
		settings := vcav.PolicySettings{DisplayName: "Gold", MaxIncoming: 7, MinRPO: 15, MaxInstances: 4}
		server.Inject(vcavtest.Fault{Operation: "Policies.Create", After: true, Drop: true, Times: 1})
		policy, err := client.Policies.Create(t.Context(), settings)
		require.NoError(t, err)
		assert.Equal(t, "Gold", policy.DisplayName)
		assert.Equal(t, 7, policy.MaxIncoming)

		server.Inject(vcavtest.Fault{Operation: "Policies.Create", Drop: true, Times: 1})
		settings.DisplayName = "Silver"
		_, err = client.Policies.Create(t.Context(), settings)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		_, again := client.Policies.Create(t.Context(), settings)
		require.ErrorIs(t, again, drkit.ErrOutcomeUnknown)
		assert.Equal(t, 2, server.Count("Policies.Create"))
		settings.DisplayName = "Bronze"
		_, other := client.Policies.Create(t.Context(), settings)
		require.NoError(t, other, "another name")

		_, err = drkit.Recover[vcav.Policy](t.Context(), err)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		drkit.Discard(err)
		settings.DisplayName = "Silver"
		policy, err = client.Policies.Create(t.Context(), settings)
		require.NoError(t, err)
		recovered, err := drkit.Recover[vcav.Policy](t.Context(), again)
		require.ErrorContains(t, err, "it was discarded")
		assert.Nil(t, recovered)
		assert.Equal(t, "Silver", policy.DisplayName)
	})
}

// A controller calls again on every error, within a little time each. One failover runs, and it learns of its end.
func TestControllerThatCallsAgain(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]vcavtest.Fault{
		"answer lost":  {{Operation: failover, After: true, Drop: true, Times: 1}},
		"request lost": {{Operation: failover, Drop: true, Times: 1}},
		"stuck":        {{Operation: failover, After: true, Hang: true, Times: 1}},
		"no tasks":     {{Operation: failover, After: true, Drop: true, Times: 1}, {Operation: "Tasks.List", Skip: 1, Times: 20, Status: 503}},
		"no session":   {{Operation: failover, After: true, Drop: true, Times: 1}, {Operation: "Tasks.List", Skip: 1, Times: 2, Status: 401}},
		"two in a row": {{Operation: failover, Drop: true, Times: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			appliance2(t, func(t *testing.T, server *vcavtest.Server) {
				for _, fault := range faults {
					server.Inject(fault)
				}
				client := operator(t, server)
				var done vcav.VMReplication
				for range 200 {
					<-time.After(5 * time.Second)
					ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
					poller, err := client.VMReplications.Failover(ctx, orders1, vcav.CloudFailover{PowerOn: true})
					if err == nil {
						done, err = poller.Wait(ctx)
					}
					cancel()
					var unknown *drkit.OutcomeUnknownError
					if errors.As(err, &unknown) && unknown.Untouched {
						drkit.Discard(err) // as somebody does who has made sure
					}
					if err == nil {
						break
					}
				}
				require.NotNil(t, done.DestinationState.RecoveryInfo)
				assert.Equal(t, vcav.RecoveryStateComplete, done.DestinationState.RecoveryInfo.RecoveryState)
				assert.Equal(t, 1, server.Ran(failover, ""))
			})
		})
	}
}

// Two clients of one user fail the same machine over at once, and lose all answers: it is done once.
func TestTwoClientsOfOneUser(t *testing.T) {
	appliance2(t, func(t *testing.T, server *vcavtest.Server) {
		var all sync.WaitGroup
		for range 2 {
			client := operator(t, server, losing())
			all.Go(func() {
				poller, err := client.VMReplications.Failover(t.Context(), orders1, vcav.CloudFailover{})
				if errors.Is(err, drkit.ErrConflict) {
					return // it came second, and its note has shown the first
				}
				if !assert.NoError(t, err) {
					return
				}
				done, err := poller.Wait(t.Context())
				assert.NoError(t, err)
				assert.Equal(t, vcav.RecoveryStateComplete, done.DestinationState.RecoveryInfo.RecoveryState)
			})
		}
		all.Wait()
		assert.Equal(t, 1, server.Ran(failover, orders1))
	})
}

// Another user's failover is never taken for one's own.
func TestTwoUsers(t *testing.T) {
	appliance2(t, func(t *testing.T, server *vcavtest.Server) {
		root := operator(t, server)
		ann := operatorAs(t, server, vcav.VCDCredentials("ann@org2", drkit.NewSecret("ann's")))
		_, err := ann.Sessions.SignIn(t.Context())
		require.NoError(t, err)

		// While root's request gets lost, ann fails the machine over.
		server.Inject(vcavtest.Fault{Operation: failover, Delay: 10 * time.Second, Drop: true, Times: 1})
		anns := make(chan *drkit.Poller[vcav.VMReplication], 1)
		time.AfterFunc(time.Second, func() {
			poller, err := ann.VMReplications.Failover(t.Context(), orders1, vcav.CloudFailover{})
			assert.NoError(t, err)
			anns <- poller
		})
		_, err = root.VMReplications.Failover(t.Context(), orders1, vcav.CloudFailover{PowerOn: true})
		poller := <-anns
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.Equal(t, []string{poller.ID() + " (started by ann@org2)"}, unknown.Candidates)
		assert.False(t, unknown.Untouched)
		end(t, poller, nil)
		assert.Equal(t, 1, server.Ran(failover, ""))

		// What another user has under way is a conflict, for who may see it.
		server.SlowTask("VMReplications.Sync", "", time.Hour)
		other := vcavtest.ReplicationID("app-1")
		_, err = ann.VMReplications.Sync(t.Context(), other)
		require.NoError(t, err)
		_, err = root.VMReplications.Sync(t.Context(), other)
		require.ErrorIs(t, err, drkit.ErrConflict)
		require.ErrorContains(t, err, "not sent, because task ")
		assert.Equal(t, 1, server.Count("VMReplications.Sync"))
	}, vcavtest.Tenant("ann@org2", "ann's"), vcavtest.RemoteUser("site1", "ann@org1", "ann's"))
}

// At another site the note and the look run there.
func TestLookAtASite(t *testing.T) {
	appliance2(t, func(t *testing.T, server *vcavtest.Server) {
		client := operator(t, server)
		server.Inject(vcavtest.Fault{Operation: failover, After: true, Status: 401, Code: vcav.CodeRemoteAuthenticationFailure, Times: 1})
		server.Inject(vcavtest.Fault{Operation: "Tasks.List", Skip: 2, Times: 1, Status: 503})
		poller, err := client.Site("site1").VMReplications.Failover(t.Context(), orders1, vcav.CloudFailover{})
		require.NoError(t, err)
		assert.True(t, poller.Adopted())
		end(t, poller, nil)
		for _, request := range server.Requests() {
			if request.Operation != signIn {
				assert.Equal(t, "site1", request.Site, request.Operation)
			}
		}
		assert.Equal(t, 1, server.Ran(failover, ""))
	})
}

// The session ends while the look goes on: it comes back, and the look with it.
func TestLookThatOutlivesTheSession(t *testing.T) {
	appliance2(t, func(t *testing.T, server *vcavtest.Server) {
		client := operator(t, server)
		server.Inject(vcavtest.Fault{Operation: failover, Drop: true, Times: 1})
		time.AfterFunc(10*time.Second, server.ExpireSessions)
		_, err := client.VMReplications.Failover(t.Context(), orders1, vcav.CloudFailover{})
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.True(t, unknown.Untouched)
		assert.Equal(t, 2, server.Count(signIn))
	})
}

// Waiting for the adopted task may be left to another process, as with any other.
func TestAdoptedTaskIsResumed(t *testing.T) {
	appliance2(t, func(t *testing.T, server *vcavtest.Server) {
		server.Inject(vcavtest.Fault{Operation: failover, After: true, Drop: true, Times: 1})
		poller, err := operator(t, server).VMReplications.Failover(t.Context(), orders1, vcav.CloudFailover{})
		require.NoError(t, err)
		token, err := poller.ResumeToken(t.Context())
		require.NoError(t, err)
		resumed, err := vcav.Resume[vcav.VMReplication](operator(t, server), token)
		require.NoError(t, err)
		assert.False(t, resumed.Adopted(), "the other process knows nothing of it")
		end(t, resumed, nil)
	})
}

// What a look costs: one list, until the task shows.
func TestRequestsOfOneFailover(t *testing.T) {
	appliance2(t, func(t *testing.T, server *vcavtest.Server) {
		client := operator(t, server)
		_, err := client.Sessions.SignIn(t.Context())
		require.NoError(t, err)
		before := server.Count("")
		_, err = client.VMReplications.Failover(t.Context(), orders1, vcav.CloudFailover{})
		require.NoError(t, err)
		assert.Equal(t, 3, server.Count("")-before, "the tasks, the replication, the failover")

		before = server.Count("")
		server.Inject(vcavtest.Fault{Operation: failover, After: true, Drop: true, Times: 1})
		_, err = client.VMReplications.Failover(t.Context(), vcavtest.ReplicationID("app-1"), vcav.CloudFailover{})
		require.NoError(t, err)
		assert.Equal(t, 4, server.Count("")-before, "and the tasks again")
	})
}

// A new start goes out while others begin all the time: the note reads the list from its steady end.
func TestNoteWhileOthersBegin(t *testing.T) {
	appliance2(t, func(t *testing.T, server *vcavtest.Server) {
		busy := operator(t, server)
		for range 30 {
			poller, err := busy.VMReplications.Sync(t.Context(), orders1)
			end(t, poller, err)
		}
		client := operator(t, server, drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(request *http.Request) (*http.Response, error) {
				if request.URL.Path == "/tasks" { // somebody syncs between any two pages
					poller, err := busy.VMReplications.Sync(t.Context(), orders1)
					if assert.NoError(t, err) {
						_, err = poller.Wait(t.Context())
						assert.NoError(t, err)
					}
				}
				return next.RoundTrip(request)
			})
		}))
		_, err := client.VMReplications.Sync(t.Context(), orders1)
		require.NoError(t, err)
	}, vcavtest.PageLimit(5))
}
