package vcav_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
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

// A step that has ended is replayed with the result that it had, and one whose task was accepted is waited for,
// each by another process.
func TestOnceOfEveryOperation(t *testing.T) {
	t.Parallel()
	for _, step := range runbookSteps() {
		t.Run(step.operation, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, step)
				_, first, err := s.run(t, 0, false)
				require.NoError(t, err)
				looks := s.server.Count("")
				for range 2 {
					_, again, err := s.run(t, 0, false)
					require.NoError(t, err)
					assert.Equal(t, first, again)
				}
				assert.Equal(t, looks, s.server.Count(""), "nothing is asked for")
				found := s.inspect(t)
				assert.Equal(t, "vcav."+step.operation, found.Operation)
				assert.Equal(t, drkit.StepSucceeded, found.State)
				assert.Contains(t, found.Appliance, s.server.InstanceID())
				assert.NotContains(t, string(found.Result)+found.Token, s.server.Password)
			})
		})
	}
}

// Results come back from a journal as the service's answers were read.
func TestResultsOfTasksComeBackFromJSON(t *testing.T) {
	t.Parallel()
	comesBack := func(t *testing.T, value, again any) {
		t.Helper()
		data, err := json.Marshal(value)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, again))
		assert.Equal(t, value, again)
	}
	comesBack(t, &vcav.VMReplication{}, &vcav.VMReplication{})
	comesBack(t, &vcav.SupportBundle{}, &vcav.SupportBundle{})
	comesBack(t, &vcav.CloudHealth{}, &vcav.CloudHealth{})
	comesBack(t, &vcav.NoResult{}, &vcav.NoResult{})
	replications, bundles, health := 0, 0, 0
	for _, name := range sampleNames(t) {
		data := []byte(testdata(t, name))
		switch {
		case strings.HasPrefix(name, "vm_replications_get."):
			var read vcav.VMReplication
			require.NoError(t, json.Unmarshal(data, &read), name)
			comesBack(t, &read, &vcav.VMReplication{})
			replications++
		case strings.HasPrefix(name, "support_bundles_list."):
			var read []vcav.SupportBundle
			require.NoError(t, json.Unmarshal(data, &read), name)
			comesBack(t, &read, &[]vcav.SupportBundle{})
			bundles++
		case strings.HasPrefix(name, "diagnostics_health.well"):
			var read vcav.CloudHealth
			require.NoError(t, json.Unmarshal(data, &read), name)
			comesBack(t, &read, &vcav.CloudHealth{})
			health++
		}
	}
	assert.Positive(t, replications*bundles*health)
}

// Whatever becomes of an answer, the step runs once, in this process or a later one.
func TestOnceUnderFaults(t *testing.T) {
	t.Parallel()
	const failover = "VMReplications.Failover"
	for name, fault := range map[string]vcavtest.Fault{
		"lost before":   {Drop: true},
		"lost after":    {Drop: true, After: true},
		"reset":         {Reset: true, After: true},
		"half":          {Truncate: true, After: true},
		"proxy before":  {Status: 502, Body: "<html>"},
		"proxy after":   {Status: 502, Body: "<html>", After: true},
		"late":          {Delay: time.Hour, After: true},
		"late before":   {Delay: time.Hour},
		"throttled":     {Status: 429},
		"session ended": {Status: 401},
		"unauthorized":  {Status: 401, Body: "<html>", After: true},
		"server error":  {Status: 500, After: true},
		"redirect":      {Redirect: "https://elsewhere.example.com", After: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, later := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					s := newScene(t, runbookSteps()[0])
					fault.Operation, fault.Times = failover, 1
					s.server.Inject(fault)
					_, result, err := s.run(t, 0, false)
					s.inspect(t)
					for range 2 {
						if !errors.Is(err, drkit.ErrOutcomeUnknown) {
							break
						}
						if later {
							<-time.After(24 * time.Hour) // of the bubble
						}
						_, result, err = s.run(t, 0, false)
						s.inspect(t)
					}
					require.NoError(t, err)
					replication, ok := result.(vcav.VMReplication)
					require.True(t, ok)
					assert.Equal(t, s.step.resource, replication.ID)
					assert.Equal(t, 1, s.server.Ran(failover, s.step.resource))
				})
			}
		})
	}
}

// A connection that never came about is proof that nothing was sent: the request goes out anew, with an intent of
// its own.
func TestOnceWithoutAConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, runbookSteps()[0])
		client, journal := signedIn(t, s.server), &drkit.MemoryJournal{}
		_, err := drkit.Once(t.Context(), refusing{journal, s.server}, "step", func(ctx context.Context) (*drkit.Poller[vcav.VMReplication], error) {
			return client.VMReplications.Failover(ctx, s.step.resource, vcav.CloudFailover{})
		})
		require.NoError(t, err)
		found, err := journal.Load(t.Context(), "step")
		require.NoError(t, err)
		assert.Equal(t, 2, found.Sent)
		assert.Equal(t, 1, s.server.Count(s.step.operation))
	})
}

// refusing is a journal of a server that is out of reach just after the first intent.
type refusing struct {
	*drkit.MemoryJournal
	server *vcavtest.Server
}

func (r refusing) Save(ctx context.Context, s drkit.Step) error {
	if s.State == drkit.StepIntended && s.Sent == 1 {
		r.server.CloseConnections()
		r.server.RefuseConnections(1)
		synctest.Wait() // until the client has noticed
	}
	return r.MemoryJournal.Save(ctx, s)
}

func TestOnceOfATaskThatFails(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		ctx, id := t.Context(), vcavtest.ReplicationID("db-1")
		path := filepath.Join(t.TempDir(), "journal")
		server.FailTask("VMReplications.Failover", id, vcavtest.CodeMachineNotFound, "the machine\nhas gone")
		run := func(client *vcav.Client) error {
			journal, err := drkit.OpenFileJournal(path)
			require.NoError(t, err)
			defer journal.Close()
			_, err = runbookSteps()[0].run(ctx, client, journal)
			return err
		}
		first := run(client)
		var failed, again *drkit.TaskError
		require.ErrorAs(t, first, &failed)
		require.ErrorIs(t, first, drkit.ErrNotFound)
		for range 2 {
			err := run(signedIn(t, server))
			require.ErrorAs(t, err, &again)
			require.ErrorIs(t, err, drkit.ErrNotFound)
			assert.Equal(t, first.Error(), err.Error())
			want := *failed
			want.Stack = ""
			assert.Equal(t, &want, again)
		}
		assert.Equal(t, 1, server.Ran("VMReplications.Failover", id), "a failed task stays failed")

		journal, err := drkit.OpenFileJournal(path)
		require.NoError(t, err)
		require.NoError(t, drkit.Retry(ctx, journal, "step"))
		require.NoError(t, journal.Close())
		require.NoError(t, run(client))
		assert.Equal(t, 2, server.Ran("VMReplications.Failover", id))
	})
}

// Calls beside the one operation of a step leave no trace in it.
func TestOnceOfOtherCalls(t *testing.T) {
	type poller = *drkit.Poller[vcav.VMReplication]
	id := vcavtest.ReplicationID("db-1")
	for name, tc := range map[string]struct {
		do    func(ctx context.Context, c *vcav.Client) (poller, error)
		want  string // in the error
		state drkit.StepState
	}{
		"pause": {
			do:   func(ctx context.Context, c *vcav.Client) (poller, error) { return c.VMReplications.Pause(ctx, id) },
			want: "holds no operation that must not repeat",
		},
		"sync, then pause": {
			do: func(ctx context.Context, c *vcav.Client) (poller, error) {
				p, err := c.VMReplications.Sync(ctx, id)
				if err == nil {
					_, err = p.Wait(ctx)
				}
				if err != nil {
					return nil, err
				}
				return c.VMReplications.Pause(ctx, id)
			},
			want: "returned another poller than that of its operation", state: drkit.StepAccepted,
		},
		"pause, then sync": {
			do: func(ctx context.Context, c *vcav.Client) (poller, error) {
				if _, err := c.VMReplications.Pause(ctx, vcavtest.ReplicationID("web-1")); err != nil {
					return nil, err
				}
				return c.VMReplications.Sync(ctx, id)
			},
			state: drkit.StepAccepted,
		},
		"failover twice": {
			do: func(ctx context.Context, c *vcav.Client) (poller, error) {
				if _, err := c.VMReplications.Failover(ctx, id, vcav.CloudFailover{}); err != nil {
					return nil, err
				}
				return c.VMReplications.Failover(ctx, vcavtest.ReplicationID("web-1"), vcav.CloudFailover{})
			},
			want: "already that of vcav.VMReplications.Failover", state: drkit.StepAccepted,
		},
		"an extended session": {
			do: func(ctx context.Context, c *vcav.Client) (poller, error) {
				_, err := c.Sessions.Extend(ctx, vcav.WithVCDCredentials("site1", "ann@org1", drkit.NewSecret("pw")))
				return nil, err
			},
			want: "holds no operation that must not repeat",
		},
		"a session extended before": {
			do: func(ctx context.Context, c *vcav.Client) (poller, error) {
				if _, err := c.Sessions.Extend(ctx, vcav.WithVCDCredentials("site1", "ann@org1", drkit.NewSecret("pw"))); err != nil {
					return nil, err
				}
				return c.Site("site1").VMReplications.Sync(ctx, id)
			},
			state: drkit.StepAccepted,
		},
		"a policy": {
			do: func(ctx context.Context, c *vcav.Client) (poller, error) {
				_, err := c.Policies.Create(ctx, vcav.PolicySettings{DisplayName: "gold"})
				return nil, err
			},
			want: "leaves nothing behind to look for",
		},
		"a cookie": {
			do: func(ctx context.Context, c *vcav.Client) (poller, error) {
				_, err := c.SupportBundles.CreateCookie(ctx, "bundle-1")
				return nil, err
			},
			want: "leaves nothing behind to look for",
		},
		"without a note": {
			do: func(ctx context.Context, c *vcav.Client) (poller, error) {
				return c.VMReplications.Failover(drkit.WithoutNote(ctx), id, vcav.CloudFailover{})
			},
			want: "WithoutNote forbids to look",
		},
		"another result": {
			do: func(ctx context.Context, c *vcav.Client) (poller, error) {
				p, err := c.VMReplications.Stop(ctx, id)
				if err != nil {
					return nil, err
				}
				_, err = p.Wait(ctx)
				return drkit.NewPoller[vcav.VMReplication](noWork{}), err
			},
			want: "returned another poller", state: drkit.StepAccepted,
		},
	} {
		t.Run(name, func(t *testing.T) {
			flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
				journal := &drkit.MemoryJournal{}
				p, err := drkit.Once(t.Context(), journal, "step", func(ctx context.Context) (poller, error) { return tc.do(ctx, client) })
				found, loadErr := journal.Load(t.Context(), "step")
				assert.Equal(t, tc.state == "", errors.Is(loadErr, drkit.ErrNotFound))
				assert.Equal(t, tc.state, found.State)
				if tc.want != "" {
					require.ErrorIs(t, err, drkit.ErrStep)
					assert.ErrorContains(t, err, tc.want)
					return
				}
				_, err = p.Wait(t.Context())
				require.NoError(t, err)
				resumed, err := vcav.Resume[json.RawMessage](client, found.Token)
				require.NoError(t, err)
				assert.Equal(t, p.ID(), resumed.ID(), "the token is that of the step")
			}, vcavtest.RemoteUser("site1", "ann@org1", "pw"))
		})
	}
}

// noWork is work that is not there.
type noWork struct{}

func (noWork) ID() string { return "nothing" }

func (noWork) Look(context.Context) (drkit.Look[vcav.VMReplication], error) {
	return drkit.Look[vcav.VMReplication]{Done: true, Progress: drkit.Progress{State: drkit.StateSucceeded}}, nil
}

// A journal is for one appliance and one user.
func TestOnceElsewhere(t *testing.T) {
	t.Parallel()
	for _, state := range []drkit.StepState{drkit.StepIntended, drkit.StepAccepted} {
		for _, who := range []string{"another appliance", "another user"} {
			t.Run(fmt.Sprintf("%s, %s", who, state), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newScene(t, runbookSteps()[0])
					journal := &drkit.MemoryJournal{}
					client := signedIn(t, s.server)
					if state == drkit.StepIntended {
						s.server.Inject(vcavtest.Fault{Operation: s.step.operation, Drop: true})
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					_, _ = drkit.Once(ctx, journal, "step", func(ctx context.Context) (*drkit.Poller[vcav.VMReplication], error) {
						return client.VMReplications.Failover(ctx, s.step.resource, vcav.CloudFailover{PowerOn: true})
					})
					before, err := journal.Load(t.Context(), "step")
					require.NoError(t, err)
					require.Equal(t, state, before.State)

					other := vcavtest.NewServer(t, vcavtest.InMemory())
					elsewhere := signedIn(t, other)
					if who == "another user" {
						other = s.server
						require.NoError(t, other.AddTenant("ann@org2", "pw"))
						elsewhere, err = vcav.NewClient(other.URL, vcav.VCDCredentials("ann@org2", drkit.NewSecret("pw")), other.Options()...)
						require.NoError(t, err)
						defer elsewhere.Close(t.Context())
					}
					sent := other.Count(s.step.operation)
					_, err = s.step.run(t.Context(), elsewhere, journal)
					if state == drkit.StepIntended {
						require.ErrorIs(t, err, drkit.ErrStep)
					} else {
						require.ErrorIs(t, err, drkit.ErrToken, "a task is looked at by whom it belongs to")
					}
					assert.Equal(t, sent, other.Count(s.step.operation), "nothing is sent")
					after, err := journal.Load(t.Context(), "step")
					require.NoError(t, err)
					assert.Equal(t, before, after)
				})
			})
		}
	}
}

// A task that the appliance has forgotten does not block a step for ever: Retry lets it be looked for.
func TestOnceOfAForgottenTask(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		ctx, journal, step := t.Context(), &drkit.MemoryJournal{}, runbookSteps()[0]
		for _, operation := range []string{"Tasks.Poll", "Tasks.Get"} {
			server.Inject(vcavtest.Fault{Operation: operation, Status: 404, Code: vcavtest.CodeTaskNotFound})
		}
		_, err := step.run(ctx, client, journal)
		require.ErrorIs(t, err, drkit.ErrTaskGone)
		_, err = step.run(ctx, client, journal)
		require.ErrorIs(t, err, drkit.ErrTaskGone)
		server.ClearFaults()
		require.NoError(t, drkit.Retry(ctx, journal, "step"))
		found, err := journal.Load(ctx, "step")
		require.NoError(t, err)
		assert.Equal(t, drkit.StepIntended, found.State, "it is looked for, and not sent")
		_, err = step.run(ctx, client, journal)
		require.NoError(t, err)
		assert.Equal(t, 1, server.Ran(step.operation, step.resource))
	})
}

// Sessions end whenever they like.
func TestOnceWhileSessionsEnd(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"Tasks.List", "VMReplications.Get", "VMReplications.Failover", "Tasks.Get", "Diagnostics.About"} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, runbookSteps()[0])
				s.server.Inject(vcavtest.Fault{Operation: operation, Status: 401, Times: 1})
				_, _, err := s.run(t, 0, false)
				require.NoError(t, err)
				s.inspect(t)
				assert.Equal(t, 2, s.server.Count("Sessions.SignIn"))
				assert.Equal(t, 1, s.server.Ran(s.step.operation, s.step.resource))
			})
		})
	}
}

// One journal serves many steps at once.
func TestOnceOfManyMachines(t *testing.T) {
	var machines []vcavtest.Replication
	var ids []string
	for i := range 30 {
		name := fmt.Sprintf("vm-%d", i)
		machines, ids = append(machines, vcavtest.Replication{VMName: name}), append(ids, vcavtest.ReplicationID(name))
	}
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		path := filepath.Join(t.TempDir(), "journal")
		for run := range 2 {
			journal, err := drkit.OpenFileJournal(path)
			require.NoError(t, err)
			_, err = drkit.ForEach(t.Context(), ids, 10, func(ctx context.Context, id string) (vcav.VMReplication, error) {
				poller, err := drkit.Once(ctx, journal, "failover "+id, func(ctx context.Context) (*drkit.Poller[vcav.VMReplication], error) {
					return client.VMReplications.Failover(ctx, id, vcav.CloudFailover{})
				})
				if err != nil {
					return vcav.VMReplication{}, err
				}
				return poller.Wait(ctx)
			})
			require.NoError(t, err, run)
			require.NoError(t, journal.Close())
			for _, id := range ids {
				assert.Equal(t, 1, server.Ran("VMReplications.Failover", id))
			}
		}
		steps, err := drkit.ReadJournal(path)
		require.NoError(t, err)
		assert.Len(t, steps, len(ids))
	}, vcavtest.Protect(machines...))
}
