package vcav_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// deed is an operation that must not repeat, on a simulated appliance.
type deed struct {
	operation string
	prepare   func(t *testing.T, client *vcav.Client)
	begin     func(ctx context.Context, client *vcav.Client) (follower, error)
	// done checks what has come of it: the result of the poller, and the appliance.
	done func(t *testing.T, server *vcavtest.Server, result any)
	// proved tells whether the resource alone can prove that it ran, and compared whether it can be compared.
	proved, compared bool
}

var orders1 = vcavtest.ReplicationID("db-1")

// recovery makes a check of a replication as a result.
func recovery(want vcav.RecoveryState) func(t *testing.T, server *vcavtest.Server, result any) {
	return func(t *testing.T, server *vcavtest.Server, result any) {
		t.Helper()
		assert.Equal(t, want, replicationOf(t, result).DestinationState.RecoveryInfo.RecoveryState)
		assert.Equal(t, string(want), server.Replication(orders1).Recovery)
	}
}

func replicationOf(t *testing.T, result any) vcav.VMReplication {
	t.Helper()
	replication, is := result.(vcav.VMReplication)
	require.Truef(t, is, "%T", result)
	return replication
}

// after runs an operation to its end before the one in question.
func after[T any](begin func(ctx context.Context, client *vcav.Client) (*drkit.Poller[T], error)) func(t *testing.T, client *vcav.Client) {
	return func(t *testing.T, client *vcav.Client) {
		t.Helper()
		poller, err := begin(t.Context(), client)
		require.NoError(t, err)
		_, err = poller.Wait(t.Context())
		require.NoError(t, err)
	}
}

func deeds() []deed {
	type replication = vcav.VMReplication
	failOver := func(ctx context.Context, c *vcav.Client) (*drkit.Poller[replication], error) {
		return c.VMReplications.Failover(ctx, orders1, vcav.CloudFailover{})
	}
	test := func(ctx context.Context, c *vcav.Client) (*drkit.Poller[replication], error) {
		return c.VMReplications.TestFailover(ctx, orders1, vcav.CloudFailoverTest{Sync: true})
	}
	pause := func(ctx context.Context, c *vcav.Client) (*drkit.Poller[replication], error) {
		return c.VMReplications.Pause(ctx, orders1)
	}
	return []deed{
		{"VMReplications.Failover", nil, begins(failOver), recovery(vcav.RecoveryStateComplete), true, true},
		{"VMReplications.Migrate", nil, begins(func(ctx context.Context, c *vcav.Client) (*drkit.Poller[replication], error) {
			return c.VMReplications.Migrate(ctx, orders1, vcav.CloudMigrate{})
		}), recovery(vcav.RecoveryStateComplete), true, true},
		{"VMReplications.TestFailover", nil, begins(test), recovery(vcav.RecoveryStateTest), true, true},
		{"VMReplications.CleanUpTestFailover", after(test), begins(func(ctx context.Context, c *vcav.Client) (*drkit.Poller[replication], error) {
			return c.VMReplications.CleanUpTestFailover(ctx, orders1)
		}), recovery(vcav.RecoveryStateNotStarted), true, true},
		{"VMReplications.Reverse", after(failOver), begins(func(ctx context.Context, c *vcav.Client) (*drkit.Poller[replication], error) {
			return c.VMReplications.Reverse(ctx, orders1)
		}), func(t *testing.T, server *vcavtest.Server, result any) {
			t.Helper()
			assert.True(t, replicationOf(t, result).IsReversed)
			assert.True(t, server.Replication(orders1).Reversed)
		}, true, true},
		{"VMReplications.Resume", after(pause), begins(func(ctx context.Context, c *vcav.Client) (*drkit.Poller[replication], error) {
			return c.VMReplications.Resume(ctx, orders1)
		}), func(t *testing.T, server *vcavtest.Server, result any) {
			t.Helper()
			assert.False(t, replicationOf(t, result).IsPaused)
			assert.False(t, server.Replication(orders1).Paused)
		}, true, true},
		{"VMReplications.Stop", nil, begins(func(ctx context.Context, c *vcav.Client) (*drkit.Poller[vcav.NoResult], error) {
			return c.VMReplications.Stop(ctx, orders1)
		}), func(t *testing.T, server *vcavtest.Server, result any) {
			t.Helper()
			assert.Equal(t, vcav.NoResult{}, result)
			assert.Len(t, server.Replications(), 2)
		}, true, true},
		{"VMReplications.Sync", nil, begins(func(ctx context.Context, c *vcav.Client) (*drkit.Poller[replication], error) {
			return c.VMReplications.Sync(ctx, orders1)
		}), func(t *testing.T, server *vcavtest.Server, result any) {
			t.Helper()
			assert.Equal(t, server.Replication(orders1).Instances[1], replicationOf(t, result).DestinationState.LatestInstance.Key)
		}, false, true},
		{"VMReplications.Reconfigure", nil, begins(func(ctx context.Context, c *vcav.Client) (*drkit.Poller[replication], error) {
			return c.VMReplications.Reconfigure(ctx, orders1, vcav.Reconfigure{RPO: drkit.Some(25), Description: drkit.Some("on trial")})
		}), func(t *testing.T, server *vcavtest.Server, result any) {
			t.Helper()
			assert.Equal(t, 25, replicationOf(t, result).Settings.RPO)
			assert.Equal(t, "on trial", server.Replication(orders1).Description)
		}, true, true},
		{"VMReplications.ReconfigureDisks", nil, begins(func(ctx context.Context, c *vcav.Client) (*drkit.Poller[replication], error) {
			return c.VMReplications.ReconfigureDisks(ctx, orders1, []int{2000})
		}), func(t *testing.T, server *vcavtest.Server, result any) {
			t.Helper()
			assert.Equal(t, []int{2000}, replicationOf(t, result).Settings.ExcludedDiskKeys)
			assert.Equal(t, []int{2000}, server.Replication(orders1).ExcludedDisks)
		}, true, true},
		{"VMReplications.Start", nil, begins(func(ctx context.Context, c *vcav.Client) (*drkit.Poller[replication], error) {
			return c.VMReplications.Start(ctx, startOf("new-1"))
		}), func(t *testing.T, server *vcavtest.Server, result any) {
			t.Helper()
			assert.Equal(t, "new-1", replicationOf(t, result).VMName)
			assert.Len(t, server.Replications(), 4)
		}, true, true},
		{"Policies.Synchronize", nil, begins(func(ctx context.Context, c *vcav.Client) (*drkit.Poller[vcav.NoResult], error) {
			return c.Policies.Synchronize(ctx)
		}), func(t *testing.T, _ *vcavtest.Server, result any) {
			t.Helper()
			assert.Equal(t, vcav.NoResult{}, result)
		}, false, false},
		{"SupportBundles.Generate", nil, begins(func(ctx context.Context, c *vcav.Client) (*drkit.Poller[vcav.SupportBundle], error) {
			return c.SupportBundles.Generate(ctx)
		}), bundlesAre(2, ""), true, true},
		{"SupportBundles.GenerateWithID", nil, begins(func(ctx context.Context, c *vcav.Client) (*drkit.Poller[vcav.SupportBundle], error) {
			return c.SupportBundles.GenerateWithID(ctx, "bundle-1")
		}), bundlesAre(2, "bundle-1"), true, true},
		{"SupportBundles.Delete", nil, begins(func(ctx context.Context, c *vcav.Client) (*drkit.Poller[vcav.SupportBundle], error) {
			return c.SupportBundles.Delete(ctx, "bundle-0")
		}), bundlesAre(0, "bundle-0"), true, true},
	}
}

func bundlesAre(count int, id string) func(t *testing.T, server *vcavtest.Server, result any) {
	return func(t *testing.T, server *vcavtest.Server, result any) {
		t.Helper()
		bundle, _ := result.(vcav.SupportBundle)
		left := server.SupportBundles()
		assert.Len(t, left, count)
		if id == "" {
			id = left[len(left)-1].ID
		}
		assert.Equal(t, id, bundle.ID)
		assert.NotEmpty(t, bundle.SHA)
		assert.Equal(t, "System@site2", bundle.Owner)
	}
}

func begins[T any](begin func(ctx context.Context, client *vcav.Client) (*drkit.Poller[T], error)) func(ctx context.Context, client *vcav.Client) (follower, error) {
	return func(ctx context.Context, client *vcav.Client) (follower, error) { return begun(begin(ctx, client)) }
}

func startOf(machine string) vcav.ReplicationStart {
	return vcav.ReplicationStart{
		Source:      vcav.VMSource{Site: "site1", VMID: "urn:vcloud:vm:" + vcavtest.MachineID(machine)},
		Destination: vcav.CloudDestination{Site: "site2", VDC: vcavtest.VDCID("site2", "org2")},
	}
}

// appliance2 runs a test against an appliance in memory, on which all deeds can be done.
func appliance2(t *testing.T, test func(t *testing.T, server *vcavtest.Server), options ...vcavtest.Option) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := vcavtest.NewServer(t, append([]vcavtest.Option{
			vcavtest.InMemory(), vcavtest.AuthenticatedAt("site1"), vcavtest.BundleSize(100),
			vcavtest.Machines(vcavtest.Machine{Name: "new-1"}, vcavtest.Machine{Name: "new-2"}),
			vcavtest.SupportBundles(vcavtest.SupportBundle{ID: "bundle-0"}),
		}, options...)...)
		test(t, server)
		server.Close()
	})
}

// operator is a client of the appliance's root.
func operator(t *testing.T, server *vcavtest.Server, options ...drkit.Option) *vcav.Client {
	t.Helper()
	return operatorAs(t, server, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), options...)
}

func operatorAs(t *testing.T, server *vcavtest.Server, credentials vcav.Credentials, options ...drkit.Option) *vcav.Client {
	t.Helper()
	client, err := vcav.NewClient(server.URL, credentials, append(server.Options(), options...)...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	return client
}

// forgetting loses the answers that start tasks, and lets the appliance forget the tasks.
func forgetting(server *vcavtest.Server) drkit.Option {
	return drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			before := len(server.Tasks())
			response, err := next.RoundTrip(request)
			tasks := server.Tasks()
			if err != nil || len(tasks) == before {
				return response, err
			}
			response.Body.Close()
			server.ForgetTask(tasks[len(tasks)-1].ID)
			return nil, errors.New("connection reset by peer")
		})
	})
}

// forEach runs a test for each deed on an appliance of its own.
func forEachDeed(t *testing.T, test func(t *testing.T, server *vcavtest.Server, d deed)) {
	t.Helper()
	t.Parallel()
	for _, d := range deeds() {
		t.Run(strings.TrimPrefix(d.operation, "VMReplications."), func(t *testing.T) {
			appliance2(t, func(t *testing.T, server *vcavtest.Server) {
				if d.prepare != nil {
					d.prepare(t, operator(t, server))
				}
				test(t, server, d)
			})
		})
	}
}

// The work was done and its answer lost: the task is found, and followed to its end.
func TestAnswerLostAfterTheWork(t *testing.T) {
	forEachDeed(t, func(t *testing.T, server *vcavtest.Server, d deed) {
		client := operator(t, server)
		server.Inject(vcavtest.Fault{Operation: d.operation, After: true, Drop: true, Times: 1})
		poller, err := d.begin(t.Context(), client)
		require.NoError(t, err)
		assert.True(t, poller.Adopted())
		result, err := poller.wait(t.Context())
		require.NoError(t, err)
		d.done(t, server, result)
		assert.Equal(t, 1, server.Ran(d.operation, ""))
		assert.Equal(t, 1, server.Count(d.operation))
	})
}

// The request was lost: that is known after the grace, nothing is sent until it is discarded, and then it works.
func TestRequestLostBeforeTheWork(t *testing.T) {
	forEachDeed(t, func(t *testing.T, server *vcavtest.Server, d deed) {
		client := operator(t, server)
		server.Inject(vcavtest.Fault{Operation: d.operation, Drop: true, Times: 1})
		for range 3 {
			poller, err := d.begin(t.Context(), client)
			assert.Nil(t, poller)
			var unknown *drkit.OutcomeUnknownError
			require.ErrorAs(t, err, &unknown)
			assert.Equal(t, d.compared, unknown.Untouched)
			assert.Empty(t, unknown.Candidates)
			assert.Equal(t, "vcav."+d.operation, unknown.Operation)
		}
		assert.Equal(t, 1, server.Count(d.operation))
		assert.Zero(t, server.Ran(d.operation, ""))

		_, err := d.begin(t.Context(), client)
		require.True(t, drkit.Discard(err))
		poller, err := d.begin(t.Context(), client)
		require.NoError(t, err)
		assert.False(t, poller.Adopted())
		result, err := poller.wait(t.Context())
		require.NoError(t, err)
		d.done(t, server, result)
		assert.Equal(t, 1, server.Ran(d.operation, ""))
	})
}

// The work was done, and no task shows it: the resource does, where it can.
func TestTaskForgottenAfterTheWork(t *testing.T) {
	forEachDeed(t, func(t *testing.T, server *vcavtest.Server, d deed) {
		client := operator(t, server, forgetting(server))
		began := time.Now()
		poller, err := d.begin(t.Context(), client)
		assert.GreaterOrEqual(t, time.Since(began), 30*time.Second, "the grace")
		assert.Equal(t, 1, server.Count(d.operation))
		if !d.proved {
			var unknown *drkit.OutcomeUnknownError
			require.ErrorAs(t, err, &unknown)
			assert.False(t, unknown.Untouched)
			return
		}
		require.NoError(t, err)
		assert.True(t, poller.Adopted())
		result, err := poller.wait(t.Context())
		require.NoError(t, err)
		d.done(t, server, result)
		assert.Equal(t, 1, server.Count(d.operation))
	})
}

// The work is under way, and no task shows it: nothing is proved.
func TestTaskForgottenDuringTheWork(t *testing.T) {
	t.Parallel()
	for _, d := range deeds() {
		if !strings.HasPrefix(d.operation, "VMReplications.") || d.operation == "VMReplications.Start" {
			continue // what is being made shows nowhere
		}
		t.Run(d.operation, func(t *testing.T) {
			appliance2(t, func(t *testing.T, server *vcavtest.Server) {
				if d.prepare != nil {
					d.prepare(t, operator(t, server))
				}
				<-time.After(time.Minute) // since it was protected: when its latest task started says more then
				server.SlowTask(d.operation, "", time.Hour)
				_, err := d.begin(t.Context(), operator(t, server, forgetting(server)))
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				assert.False(t, unknown.Untouched)
				<-time.After(2 * time.Hour)
				poller, err := drkit.Recover[vcav.VMReplication](t.Context(), err)
				switch {
				case !d.proved:
					require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
				case d.operation == "VMReplications.Stop":
					require.ErrorContains(t, err, "leads to a *drkit.Poller[github.com/drkit-go/drkit/vcav.NoResult]")
				default:
					result := end(t, poller, err)
					d.done(t, server, result)
				}
			})
		})
	}
}

// The task that was found failed: that is what the poller says.
func TestAdoptedTaskThatFails(t *testing.T) {
	forEachDeed(t, func(t *testing.T, server *vcavtest.Server, d deed) {
		client := operator(t, server)
		server.FailTask(d.operation, "", "InsufficientSpace", "The datastore is full.")
		server.Inject(vcavtest.Fault{Operation: d.operation, After: true, Drop: true, Times: 1})
		poller, err := d.begin(t.Context(), client)
		if err == nil {
			_, err = poller.wait(t.Context())
			var failed *drkit.TaskError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, "InsufficientSpace", failed.Code)
			assert.Equal(t, "vcav."+d.operation, failed.Operation)
			return
		}
		// A task that has failed does not say what it was about.
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.False(t, unknown.Untouched)
		require.Len(t, unknown.Candidates, 1)
		assert.Contains(t, unknown.Candidates[0], "(whose work it was does not show)")
		assert.Contains(t, []string{"VMReplications.Start", "SupportBundles.Generate", "SupportBundles.Delete"}, d.operation)
	})
}
