package cloudreplica_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/api"
)

// changed is how a change has ended, as far as the client knows.
type changed struct {
	adopted bool
	err     error
}

// aChange is an operation that makes, changes or removes something, on what furnish has laid out.
type aChange struct {
	operation string
	shown     bool // whether what it leaves tells of it once the task is gone
	do        func(ctx context.Context, client *cloudreplica.Client, in *estate) changed
}

// estate is what changes work on.
type estate struct {
	quota, subscription, dataCenter, subtenant string
	organization                               string
}

// follows waits for a change that was begun.
func follows[T any](ctx context.Context, poller *drkit.Poller[T], err error) changed {
	if err != nil {
		return changed{err: err}
	}
	_, err = poller.Wait(ctx)
	return changed{poller.Adopted(), err}
}

func (s *site) furnish(client *cloudreplica.Client) *estate {
	s.t.Helper()
	ctx := context.Background()
	var in estate
	quota, err := client.TenantResources.Create(ctx, acme, cloudreplica.BackupResourceSpec{Name: "Main", RepositoryUID: repository, QuotaMB: 4096})
	in.quota = done(s.t, quota, err).ID
	user, err := client.Subtenants.Create(ctx, acme, pilot(&in, "mate"))
	done(s.t, user, err)
	users, err := client.Subtenants.List(ctx, acme)
	require.NoError(s.t, err)
	in.subtenant = users[0].ID
	subscriptions, err := client.TenantComputeResources.List(ctx, acme)
	require.NoError(s.t, err)
	in.subscription = subscriptions[0].ID
	organization, err := client.Tenants.Create(ctx, cloudreplica.CreateCloudTenantSpec{
		Name: "northwind", BackupServerUID: firstServer, TenantType: drkit.Some(cloudreplica.TenantKindCloudDirector),
		OrganizationRef:        drkit.Some("urn:vCloud:Org:" + nobody),
		VCloudComputeResources: []cloudreplica.VCloudComputeResourceSpec{{VirtualDataCenterRef: "urn:vCloud:VDC:north"}},
	})
	made := done(s.t, organization, err)
	in.organization, in.dataCenter = made.ID(), made.VCloudComputeResources[0].ID
	return &in
}

func pilot(in *estate, name string) cloudreplica.CloudSubtenantCreateSpec {
	return cloudreplica.CloudSubtenantCreateSpec{
		Name: name, Password: drkit.NewSecret("starboard"), TenantResourceID: in.quota, QuotaMB: drkit.Some(1024),
	}
}

func everyChange() []aChange {
	type client = cloudreplica.Client
	silver := cloudreplica.UID("urn:veeam:CloudHardwarePlan:" + cloudreplicatest.HardwarePlanID("silver"))
	return []aChange{
		{"Tenants.Create", true, func(ctx context.Context, c *client, _ *estate) changed {
			p, err := c.Tenants.Create(ctx, newTenant("hooli"))
			return follows(ctx, p, err)
		}},
		{"Tenants.Update", false, func(ctx context.Context, c *client, _ *estate) changed {
			p, err := c.Tenants.Update(ctx, acme, cloudreplica.CloudTenantEdit{TenantType: standalone("acme"), Description: drkit.Some("x")})
			return follows(ctx, p, err)
		}},
		{"Tenants.Delete", true, func(ctx context.Context, c *client, _ *estate) changed {
			p, err := c.Tenants.Delete(ctx, acme)
			return follows(ctx, p, err)
		}},
		{"TenantResources.Create", true, func(ctx context.Context, c *client, _ *estate) changed {
			p, err := c.TenantResources.Create(ctx, acme, cloudreplica.BackupResourceSpec{Name: "More", RepositoryUID: repository, QuotaMB: 2048})
			return follows(ctx, p, err)
		}},
		{"TenantResources.Delete", true, func(ctx context.Context, c *client, in *estate) changed {
			p, err := c.TenantResources.Delete(ctx, acme, in.quota)
			return follows(ctx, p, err)
		}},
		{"TenantComputeResources.Create", true, func(ctx context.Context, c *client, _ *estate) changed {
			p, err := c.TenantComputeResources.Create(ctx, acme, cloudreplica.ComputeResourceSpec{CloudHardwarePlanUID: silver, PlatformType: cloudreplica.PlatformVMware})
			return follows(ctx, p, err)
		}},
		{"TenantComputeResources.Delete", true, func(ctx context.Context, c *client, in *estate) changed {
			p, err := c.TenantComputeResources.Delete(ctx, acme, in.subscription)
			return follows(ctx, p, err)
		}},
		{"TenantVCloudComputeResources.Create", true, func(ctx context.Context, c *client, in *estate) changed {
			p, err := c.TenantVCloudComputeResources.Create(ctx, in.organization, cloudreplica.VCloudComputeResourceSpec{VirtualDataCenterRef: "urn:vCloud:VDC:south"})
			return follows(ctx, p, err)
		}},
		{"TenantVCloudComputeResources.Delete", true, func(ctx context.Context, c *client, in *estate) changed {
			p, err := c.TenantVCloudComputeResources.Delete(ctx, in.organization, in.dataCenter)
			return follows(ctx, p, err)
		}},
		{"Subtenants.Create", true, func(ctx context.Context, c *client, in *estate) changed {
			p, err := c.Subtenants.Create(ctx, acme, pilot(in, "pilot"))
			return follows(ctx, p, err)
		}},
		{"Subtenants.Update", false, func(ctx context.Context, c *client, in *estate) changed {
			p, err := c.Subtenants.Update(ctx, acme, in.subtenant, cloudreplica.CloudSubtenantEdit{Enabled: drkit.Some(false)})
			return follows(ctx, p, err)
		}},
		{"Subtenants.Delete", true, func(ctx context.Context, c *client, in *estate) changed {
			p, err := c.Subtenants.Delete(ctx, acme, in.subtenant)
			return follows(ctx, p, err)
		}},
		{"FailoverPlans.Update", true, func(ctx context.Context, c *client, _ *estate) changed {
			p, err := c.FailoverPlans.Update(ctx, acmePlan, cloudreplica.CloudFailoverPlanEdit{
				CloudFailoverPlanOptions: cloudreplica.CloudFailoverPlanScripts{PostFailoverPlanCommand: "post.cmd"},
			})
			return follows(ctx, p, err)
		}},
		{"FailoverPlans.Delete", true, func(ctx context.Context, c *client, _ *estate) changed {
			p, err := c.FailoverPlans.Delete(ctx, acmePlan)
			return follows(ctx, p, err)
		}},
	}
}

// eachChange runs a test for every change, in a bubble of its own, where all is laid out.
func eachChange(t *testing.T, test func(s *site, client *cloudreplica.Client, in *estate, c aChange)) {
	t.Helper()
	for _, c := range everyChange() {
		t.Run(c.operation, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				client := s.client()
				in := s.furnish(client)
				test(s, client, in, c)
				require.NoError(s.t, client.Close(context.Background()))
			}, grounds()...)
		})
	}
}

// grounds are one of everything, and a hardware plan that nobody has.
func grounds() []cloudreplicatest.Option {
	return []cloudreplicatest.Option{
		cloudreplicatest.WithHardwarePlans(cloudreplicatest.HardwarePlan{Name: "gold"}, cloudreplicatest.HardwarePlan{Name: "silver"}),
		cloudreplicatest.WithGateways(cloudreplicatest.Gateway{Name: "gate01", Pool: "gates"}),
		cloudreplicatest.WithGatewayPools(cloudreplicatest.GatewayPool{Name: "gates"}),
		cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: "acme", HardwarePlans: []string{"gold"}}),
		cloudreplicatest.WithReplicas(cloudreplicatest.Replica{Name: "acme servers", Tenant: "acme", VMs: []cloudreplicatest.VM{{Name: "db-1"}}}),
		cloudreplicatest.WithPlans(cloudreplicatest.Plan{Name: "acme all", Tenant: "acme", VMs: []string{"db-1"}}),
	}
}

// tally counts the requests for an operation, and how many of them the service has taken on.
func (s *site) tally(operation string) [2]int {
	return [2]int{s.Count(operation), s.Ran(operation, "")}
}

func unknownOf(t testing.TB, err error) *drkit.OutcomeUnknownError {
	t.Helper()
	var unknown *drkit.OutcomeUnknownError
	require.ErrorAs(t, err, &unknown)
	return unknown
}

// No operation of class once is left out: what is none of these is followed to its end, and has tests of its own.
func TestEveryChangeIsTraced(t *testing.T) {
	t.Parallel()
	names := []string{"FailoverPlans.Start", "FailoverPlans.Test", "FailoverPlans.Undo", "BackupServers.Collect"}
	for _, c := range everyChange() {
		names = append(names, c.operation)
	}
	var want []string
	for _, operation := range contract.Table.Operations {
		if operation.Class == api.Once && !operation.Anonymous {
			want = append(want, operation.Name)
			assert.NotEmpty(t, operation.TaskOperation, operation.Name)
		}
	}
	assert.ElementsMatch(t, want, names)
}

// A change whose answer is lost is found by its task, and never sent again.
func TestChangesOfLostAnswers(t *testing.T) {
	t.Parallel()
	eachChange(t, func(s *site, client *cloudreplica.Client, in *estate, c aChange) {
		before := s.tally(c.operation)
		s.Inject(cloudreplicatest.Fault{Operation: c.operation, Drop: true, Times: 1})
		got := c.do(context.Background(), client, in)
		assert.True(s.t, unknownOf(s.t, got.err).Untouched, got.err)
		assert.Equal(s.t, [2]int{before[0] + 1, before[1]}, s.tally(c.operation))
		require.True(s.t, drkit.Discard(got.err))

		s.Inject(cloudreplicatest.Fault{Operation: c.operation, After: true, Drop: true, Times: 1})
		got = c.do(context.Background(), client, in)
		require.NoError(s.t, got.err)
		assert.True(s.t, got.adopted)
		assert.Equal(s.t, [2]int{before[0] + 2, before[1] + 1}, s.tally(c.operation))
	})
}

// A change whose answer is lost together with the logon session, and so with its task, is found by what it leaves, and
// unknown where that does not tell.
func TestChangesOfLostSessions(t *testing.T) {
	t.Parallel()
	eachChange(t, func(s *site, client *cloudreplica.Client, in *estate, c aChange) {
		before := s.tally(c.operation)
		s.Inject(cloudreplicatest.Fault{Operation: c.operation, After: true, Drop: true, Times: 1, Do: s.ExpireSessions})
		got := c.do(context.Background(), client, in)
		if c.shown {
			require.NoError(s.t, got.err)
			assert.True(s.t, got.adopted)
		} else {
			assert.False(s.t, unknownOf(s.t, got.err).Untouched, got.err)
		}
		assert.Equal(s.t, [2]int{before[0] + 1, before[1] + 1}, s.tally(c.operation))
	})
}

// The tasks of a session that was given may be anybody's: what the change leaves is all that tells.
func TestChangesOfGivenSessions(t *testing.T) {
	t.Parallel()
	eachChange(t, func(s *site, _ *cloudreplica.Client, in *estate, c aChange) {
		client := s.clientOf(cloudreplica.Token(drkit.NewSecret(s.Token())))
		s.Inject(cloudreplicatest.Fault{Operation: c.operation, Drop: true, Times: 1})
		got := c.do(context.Background(), client, in)
		assert.False(s.t, unknownOf(s.t, got.err).Untouched, got.err)
		require.True(s.t, drkit.Discard(got.err))
		s.Inject(cloudreplicatest.Fault{Operation: c.operation, After: true, Drop: true, Times: 1})
		got = c.do(context.Background(), client, in)
		if c.shown {
			require.NoError(s.t, got.err)
			assert.True(s.t, got.adopted)
		} else {
			assert.False(s.t, unknownOf(s.t, got.err).Untouched, got.err)
		}
		require.NoError(s.t, client.Close(context.Background()))
	})
}

// What was adopted stays so when the same is done once more before anybody has waited for it.
func TestChangeAfterAnAdoptedOne(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		edit := cloudreplica.CloudTenantEdit{TenantType: standalone("acme"), Description: drkit.Some("x")}
		s.Inject(cloudreplicatest.Fault{Operation: "Tenants.Update", After: true, Drop: true, Times: 1})
		first, err := client.Tenants.Update(ctx, acme, edit)
		require.NoError(s.t, err)
		assert.True(s.t, first.Adopted())
		<-time.After(time.Second)
		second, err := client.Tenants.Update(ctx, acme, edit)
		done(s.t, second, err)
		done(s.t, first, nil)
		require.NoError(s.t, client.Close(ctx))
	})
}

// In another logon session nothing proves that nothing ran.
func TestChangesThatNeverArrived(t *testing.T) {
	t.Parallel()
	eachChange(t, func(s *site, client *cloudreplica.Client, in *estate, c aChange) {
		s.Inject(cloudreplicatest.Fault{Operation: c.operation, Drop: true, Times: 1, Do: s.ExpireSessions})
		got := c.do(context.Background(), client, in)
		assert.False(s.t, unknownOf(s.t, got.err).Untouched, got.err)
		assert.Empty(s.t, unknownOf(s.t, got.err).Candidates)
	})
}

// A wait whose task is gone turns to what the change leaves.
func TestChangesWhoseTasksAreGone(t *testing.T) {
	t.Parallel()
	eachChange(t, func(s *site, client *cloudreplica.Client, in *estate, c aChange) {
		s.SlowTask(c.operation, "", time.Minute)
		time.AfterFunc(2*time.Second, s.ExpireSessions)
		got := c.do(context.Background(), client, in)
		if c.shown {
			require.NoError(s.t, got.err)
		} else {
			require.ErrorIs(s.t, got.err, drkit.ErrTaskGone)
		}
		assert.False(s.t, got.adopted)
	})
}

// What somebody else makes in the meantime is not taken for one's own while the tasks of the session can tell.
func TestSomebodyElsesTenant(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		client := s.client()
		s.Inject(cloudreplicatest.Fault{Operation: "Tenants.Create", Drop: true, Times: 1, Do: func() {
			_, err := s.Operator("ann").Do("Tenants.Create", "", `{"Name":"hooli","BackupServerUid":"`+string(firstServer)+`"}`)
			assert.NoError(s.t, err)
		}})
		_, err := client.Tenants.Create(context.Background(), newTenant("hooli"))
		assert.True(s.t, unknownOf(s.t, err).Untouched, err)
		assert.Equal(s.t, 1, s.Audit().TenantsNamed("hooli"))
		require.NoError(s.t, client.Close(context.Background()))
	})
}

// Where two have come of one name, neither is taken for one's own.
func TestTwoOfOneName(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		s.Inject(cloudreplicatest.Fault{Operation: "TenantResources.Create", After: true, Drop: true, Times: 1, Do: func() {
			s.ExpireSessions()
			_, err := s.Operator("ann").Do("TenantResources.Create", acme, `{"Name":"More","RepositoryUid":"`+string(repository)+`","QuotaMb":1024}`)
			assert.NoError(s.t, err)
		}})
		_, err := client.TenantResources.Create(ctx, acme, cloudreplica.BackupResourceSpec{Name: "More", RepositoryUID: repository, QuotaMB: 2048})
		assert.False(s.t, unknownOf(s.t, err).Untouched, err)
		quotas, err := client.TenantResources.List(ctx, acme)
		require.NoError(s.t, err)
		assert.Len(s.t, quotas, 2)
		require.NoError(s.t, client.Close(ctx))
	})
}

// Several changes at once, of which one is lost: none is taken for another, and only the same is refused.
func TestChangesAtOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		var other *drkit.Poller[cloudreplica.CloudTenant]
		s.SlowTask("Tenants.Create", "pied piper", time.Minute)
		s.Inject(cloudreplicatest.Fault{Operation: "Tenants.Create", Resource: "hooli", Drop: true, Times: 1, Do: func() {
			var err error
			other, err = client.Tenants.Create(ctx, newTenant("pied piper"))
			assert.NoError(s.t, err)
		}})
		_, err := client.Tenants.Create(ctx, newTenant("hooli"))
		assert.True(s.t, unknownOf(s.t, err).Untouched, err)
		require.NotNil(s.t, other)
		_, err = client.Tenants.Create(ctx, newTenant("pied piper"))
		require.ErrorIs(s.t, err, drkit.ErrConflict)
		assert.NotErrorIs(s.t, err, drkit.ErrOutcomeUnknown)
		made, err := other.Wait(ctx)
		require.NoError(s.t, err)
		assert.Equal(s.t, "pied piper", made.Name)
		assert.Equal(s.t, 2, s.Count("Tenants.Create"))
		require.NoError(s.t, client.Close(ctx))
	})
}

// The service refuses with a 500: its words are believed once no task is to be seen.
func TestChangesThatAreRefused(t *testing.T) {
	t.Parallel()
	eachChange(t, func(s *site, client *cloudreplica.Client, in *estate, c aChange) {
		s.Inject(cloudreplicatest.Fault{Operation: c.operation, Status: 500, Message: "Object reference not set", Times: 1})
		got := c.do(context.Background(), client, in)
		require.ErrorContains(s.t, got.err, "Object reference not set")
		require.NotErrorIs(s.t, got.err, drkit.ErrOutcomeUnknown)
		got = c.do(context.Background(), client, in)
		require.NoError(s.t, got.err, "and it is forgotten")
		assert.False(s.t, got.adopted)
	})
}

// A step that was cut off before or after its answer is found by another process.
func TestTenantsOfARunbook(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]cloudreplicatest.Fault{
		"after the answer": {}, "before the answer": {Operation: "Tenants.Create", After: true, Drop: true, Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				ctx := context.Background()
				journal := new(drkit.MemoryJournal)
				for run := range 3 {
					running, crash := context.WithCancel(ctx)
					client := s.client()
					if run == 0 && fault.Drop {
						fault.Do = crash
						s.Inject(fault)
					}
					poller, err := drkit.Once(running, journal, "tenant", func(ctx context.Context) (*drkit.Poller[cloudreplica.CloudTenant], error) {
						return client.Tenants.Create(ctx, newTenant("hooli"))
					})
					if run > 0 { // the first does not live to see the end
						made := done(s.t, poller, err)
						assert.Equal(s.t, "hooli", made.Name)
					}
					crash()
					require.NoError(s.t, client.Close(ctx))
				}
				assert.Equal(s.t, 1, s.Audit().TenantsNamed("hooli"))
				assert.Equal(s.t, 1, s.Count("Tenants.Create"))
			})
		})
	}
}

// renaming changes a word in answers.
type renaming struct {
	next     http.RoundTripper
	from, to string
}

func (r renaming) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := r.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	changed := strings.ReplaceAll(string(body), r.from, r.to)
	answer.Body, answer.ContentLength = io.NopCloser(strings.NewReader(changed)), int64(len(changed))
	answer.Header.Del("Content-Length")
	return answer, nil
}

// What the service calls its work is known from samples, of which some are slips: a task of a name that nobody knows may
// be of the change, so that nothing is said to be untouched.
func TestTasksOfUnknownNames(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client(drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return renaming{next, "EditCloudTenant", "ModifyCloudTenant"}
		}))
		edit := cloudreplica.CloudTenantEdit{TenantType: standalone("acme"), Description: drkit.Some("x")}
		poller, err := client.Tenants.Update(ctx, acme, edit)
		done(s.t, poller, err)
		s.Inject(cloudreplicatest.Fault{Operation: "Tenants.Update", After: true, Drop: true, Times: 1})
		_, err = client.Tenants.Update(ctx, acme, edit)
		unknown := unknownOf(s.t, err)
		assert.False(s.t, unknown.Untouched, err)
		assert.True(s.t, slices.ContainsFunc(unknown.Candidates, func(one string) bool { return strings.HasPrefix(one, "task-2 ") }), err)
		require.NoError(s.t, client.Close(ctx))
	})
}
