package vcav_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

const (
	pollOne  = "Tasks.Get"
	pollMany = "Tasks.Poll"
)

// machines are replications of an appliance.
func machines(n int) vcavtest.Option {
	replications := make([]vcavtest.Replication, n)
	for i := range replications {
		replications[i] = vcavtest.Replication{ID: fmt.Sprintf("C4-%03d", i), VMName: fmt.Sprintf("vm-%03d", i)}
	}
	return vcavtest.Protect(replications...)
}

// synced starts a synchronization of the first replications.
func synced(t *testing.T, at *vcav.SiteVMReplications, n int) []*poller {
	t.Helper()
	pollers := make([]*poller, n)
	for i := range pollers {
		var err error
		pollers[i], err = at.Sync(t.Context(), fmt.Sprintf("C4-%03d", i))
		require.NoError(t, err)
	}
	return pollers
}

// Whatever an appliance makes of polls that the guide leaves open, all tasks are seen to end.
func TestWaitsAtAnAppliance(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options []vcavtest.Option
		most    int // requests for one task
	}{
		"rows as arrays":  {nil, 0},
		"rows as objects": {[]vcavtest.Option{vcavtest.PollObjects()}, 0},
		"a silent limit":  {[]vcavtest.Option{vcavtest.PollCap(20)}, 250 * 8},
	} {
		t.Run(name, func(t *testing.T) {
			flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
				const tasks = 250
				outcomes, err := drkit.WaitAll(t.Context(), synced(t, &client.VMReplications.SiteVMReplications, tasks))
				require.NoError(t, err)
				for i, outcome := range outcomes {
					assert.Equal(t, fmt.Sprintf("vm-%03d", i), outcome.Result.VMName)
				}
				assert.LessOrEqual(t, server.Count(pollOne), tc.most)
				assert.LessOrEqual(t, server.Count(pollMany), 3*13, "three chunks a look")
				t.Logf("%d requests for several, %d for one", server.Count(pollMany), server.Count(pollOne))
			}, append(tc.options, machines(250), vcavtest.TaskDuration(time.Second, 45*time.Second))...)
		})
	}
}

// A task that the appliance has forgotten is gone, and the others are not.
func TestForgottenTaskAmongOthers(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		pollers := synced(t, &client.VMReplications.SiteVMReplications, 10)
		time.AfterFunc(20*time.Second, func() { assert.True(t, server.ForgetTask(pollers[3].ID())) })
		outcomes, err := drkit.WaitAll(t.Context(), pollers)
		require.ErrorIs(t, err, drkit.ErrTaskGone)
		for i, outcome := range outcomes {
			if i == 3 {
				require.ErrorIs(t, outcome.Err, drkit.ErrTaskGone)
				require.ErrorIs(t, outcome.Err, drkit.ErrNotFound)
			} else {
				require.NoError(t, outcome.Err)
			}
		}
	}, machines(10), vcavtest.TaskDuration(0, 5*time.Minute))
}

// A task that polls do not speak of is asked for by itself.
func TestTaskThatPollsLeaveOut(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		pollers := synced(t, &client.VMReplications.SiteVMReplications, 10)
		time.AfterFunc(20*time.Second, func() { server.OmitFromPolls(pollers[3].ID(), 1000) })
		outcomes, err := drkit.WaitAll(t.Context(), pollers)
		require.NoError(t, err)
		require.Len(t, outcomes, 10)
		assert.Positive(t, server.Count(pollOne))
	}, machines(10), vcavtest.TaskDuration(0, 5*time.Minute))
}

// A remote site that is dead does not delay the tasks here, and its own waits go on when it is back.
func TestDeadSiteOfAnAppliance(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]func(*vcavtest.Server, string){
		"down": (*vcavtest.Server).KillSite, "silent": (*vcavtest.Server).SilenceSite,
	} {
		t.Run(name, func(t *testing.T) {
			flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
				there := synced(t, client.Site("site1").VMReplications, 5)
				var far sync.WaitGroup
				far.Go(func() {
					outcomes, _ := drkit.WaitAll(t.Context(), there)
					for _, outcome := range outcomes {
						assert.ErrorAs(t, outcome.Err, new(*drkit.TaskError), "its end was seen: the site was down when it came")
					}
				})
				<-time.After(time.Second)
				kill(server, "site1")
				var here []*poller
				for i := 5; i < 10; i++ {
					poller, err := client.VMReplications.Pause(t.Context(), fmt.Sprintf("C4-%03d", i))
					require.NoError(t, err)
					here = append(here, poller)
				}
				began := time.Now()
				_, err := drkit.WaitAll(t.Context(), here)
				require.NoError(t, err)
				assert.Less(t, time.Since(began), 2*time.Minute+15*time.Second, "a look after the end, at the latest")
				server.ReviveSite("site1")
				far.Wait()
			}, machines(10), vcavtest.AuthenticatedAt("site1"), vcavtest.TaskDuration(0, 2*time.Minute))
		})
	}
}

// Who may not see a task of another does not wait for it as if it were gone.
func TestResumeAsAnotherUser(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		started, err := client.VMReplications.Sync(t.Context(), "C4-001")
		require.NoError(t, err)
		token, err := started.ResumeToken(t.Context())
		require.NoError(t, err)
		ann, err := vcav.NewClient(server.URL, vcav.VCDCredentials("ann@org2", drkit.NewSecret("password of ann")), server.Options()...)
		require.NoError(t, err)
		resumed, err := vcav.Resume[vcav.VMReplication](ann, token)
		require.NoError(t, err)
		_, err = resumed.Wait(t.Context())
		require.ErrorIs(t, err, drkit.ErrToken)
		require.ErrorContains(t, err, "the token belongs to the user root, and this is ann@org2")
		require.NoError(t, ann.Close(t.Context()))
	}, machines(2), vcavtest.Tenant("ann@org2", "password of ann"))
}

// Close ends waits at once, signs out, and leaves neither connections nor goroutines behind.
func TestCloseWithWaitsUnderWay(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	func() {
		server := vcavtest.NewServer(t, machines(150), vcavtest.TaskDuration(0, time.Hour))
		defer server.Close()
		client := connect(t, server)
		pollers := synced(t, &client.VMReplications.SiteVMReplications, 150)
		looked := make(chan struct{})
		var once sync.Once
		var waits sync.WaitGroup
		for _, poller := range pollers {
			waits.Go(func() {
				_, err := poller.Wait(context.Background(), drkit.OnProgress(func(drkit.Progress) { once.Do(func() { close(looked) }) }))
				assert.ErrorIs(t, err, drkit.ErrClosed)
			})
		}
		<-looked
		server.Inject(vcavtest.Fault{Operation: pollMany, Hang: true})
		began := time.Now()
		require.NoError(t, client.Close(context.Background()))
		waits.Wait()
		t.Logf("closed after %s", time.Since(began))
		assert.Zero(t, server.Sessions(), "signed out")
		assert.Equal(t, 1, server.Count("Sessions.End"))
	}()
	goleak.VerifyNone(t, ignore)
}

// An appliance that dies under waits without a time limit ends them with ErrUnavailable, and they go on when
// they are begun again.
func TestApplianceThatDiesUnderWaits(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		pollers := synced(t, &client.VMReplications.SiteVMReplications, 20)
		time.AfterFunc(time.Minute, func() {
			server.CloseConnections()
			server.RefuseConnections(1 << 30)
		})
		_, err := drkit.WaitAll(context.Background(), pollers)
		require.ErrorIs(t, err, drkit.ErrUnavailable)
		server.RefuseConnections(0)
		synctest.Wait()
		_, err = drkit.WaitAll(context.Background(), pollers)
		require.NoError(t, err)
	}, machines(20), vcavtest.TaskDuration(0, time.Hour), vcavtest.SessionLife(2*time.Hour, 24*time.Hour))
}
