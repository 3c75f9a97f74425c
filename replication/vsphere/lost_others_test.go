package vsphere_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/replication/vsphere"
)

// Before an operation that starts a task is sent, the recent tasks are read.
func TestNoteOverTheWire(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases(t) {
		if operationOf(tc.operation).Class != api.Once {
			continue
		}
		t.Run(tc.name(), func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.OnAny(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodGet {
					return says(200, `{"list":[],"id":"x","instance_id":"x"}`)(r)
				}
				return answer(t, tc.status, tc.answer)(r)
			})
			got, err := tc.call(t.Context(), s.client(fast))
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
			lines := s.lines()
			assert.Contains(t, lines, "GET /tasks?limit=200")
			assert.Equal(t, tc.line(), lines[len(lines)-1])
			for _, line := range lines[:len(lines)-1] {
				assert.True(t, strings.HasPrefix(line, "GET "), line)
			}
		})
	}
}

// lists is a service of lists that are not replications, which an operation changes.
type lists struct {
	rows  map[string]string // rows of a list, by the last element of its path
	tasks string
	act   func(l *lists) // what any request does that is no read; its answer is lost
	sent  []string
	// Answers that are not lost, one by one, and their status: 0 for 202.
	answers []string
	status  int
}

func (l *lists) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		l.sent = append(l.sent, r.Method+" "+strings.TrimPrefix(r.URL.Path, base))
		l.act(l)
		if len(l.answers) > 0 {
			said := l.answers[0]
			l.answers = l.answers[1:]
			return reply(r, cmp.Or(l.status, 202), said), nil
		}
		return nil, io.ErrUnexpectedEOF
	}
	last := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	if last == "tasks" {
		return reply(r, 200, `{"list":[`+l.tasks+`]}`), nil
	}
	return reply(r, 200, `{"list":[`+l.rows[last]+`]}`), nil
}

// A replication that does not say of which machine it is may be the one that was asked for: it proves nothing.
func TestConfigurationBehindHalves(t *testing.T) {
	t.Parallel()
	for name, halves := range map[string]bool{"rows by halves": true, "whole rows": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.takes, y.halves = time.Second, halves
				y.onlyOn(operations(t)["Configure"], instead(true, 500, ownError))
				y.breaks("tasks", again(200, nothingThere)...)
				poller, err := replicationsOf(y.client(fast)).Configure(t.Context(), machines(t, 1)[0])
				if !halves {
					require.NoError(t, err)
					assert.True(t, poller.Adopted())
					return
				}
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				assert.False(t, unknown.Untouched)
			})
		})
	}
}

// What was queued before the newest task that was there is not of the operation, however late it shows or starts.
func TestTasksFromBefore(t *testing.T) {
	t.Parallel()
	for times, older := range map[string]bool{
		`"queued_time":1763715000000`: true, `"start_time":1763715000000`: true,
		`"queued_time":1763715000000,"start_time":1763717000000`: true, `"queued_time":1763717000000`: false, `"start_time":1763717000000`: false,
	} {
		t.Run(times, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				task := func(id, times string) string {
					return `{"id":"` + id + `","status":"SUCCESS","entity":"` + ledger + `",` + times + `}`
				}
				noted := task("task-0", `"queued_time":1763716000000`)
				y.breaks("tasks", instead(false, 200, `{"list":[`+noted+`]}`))
				y.breaks("tasks", again(50, instead(false, 200, `{"list":[`+noted+","+task("task-1", times)+`]}`))...)
				y.breaks("sync", requestLost)
				poller, err := replicationsOf(y.client()).Sync(t.Context(), ledger)
				if !older {
					require.NoError(t, err)
					assert.Equal(t, "task-1", poller.ID())
					return
				}
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				assert.Equal(t, []string{"task-1 (started before the operation was sent)"}, unknown.Candidates)
			})
		})
	}
}

// A task of the right kind that names nothing may be about something else: to be adopted is not enough for it, either.
func TestAdoptedTaskThatNamesNothing(t *testing.T) {
	t.Parallel()
	for name, ran := range map[string]bool{"it is it": true, "it is another's": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.naming = "none"
				y.add("GID-2", "vm-2", "till-03")
				replications := replicationsOf(y.client())
				finished(t, must(replications.Pause(t.Context(), "GID-2")), nil) // which tells what tasks call it
				y.breaks("pause", func(_ *http.Request, do func() (*http.Response, error)) (*http.Response, error) {
					if ran {
						_, _ = do()
					} else {
						y.change(func() { y.begin("pause", "GID-3", "vm-3", "till-04", nil) })
					}
					return nil, http.ErrHandlerTimeout
				})
				poller, err := replications.Pause(t.Context(), ledger)
				if ran {
					assert.Equal(t, "task-2", finished(t, poller, err).ID)
					return
				}
				require.NoError(t, err)
				_, err = poller.Wait(t.Context())
				require.ErrorIs(t, err, drkit.ErrConflict)
				require.ErrorContains(t, err, "nothing of replication "+ledger+" has changed")
			})
		})
	}
}

// A list of instances that lacks something proves nothing of those that were promoted.
func TestInstancesByHalves(t *testing.T) {
	t.Parallel()
	for name, ran := range map[string]bool{"PromoteTestImage": true, "DemoteTestImage": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				o := operations(t)[name]
				o.prepare(y.replications[ledger])
				y.onlyOn(o, instead(ran, 500, ownError))
				y.breaks("tasks", again(200, nothingThere)...)
				half := instead(false, 200, `{"list":[{"id":"pit-1"}],"_meta":{"errors":[{"code":"GONE","message":"Not all.","field":"$"}]}}`)
				y.breaks("instances", func(_ *http.Request, do func() (*http.Response, error)) (*http.Response, error) { return do() })
				y.breaks("instances", again(200, half)...)
				_, err := o.call(t.Context(), replicationsOf(y.client(fast)))
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				assert.False(t, unknown.Untouched)
			})
		})
	}
}

// What makes something new is found by a task of its kind as well, whatever name the task has for that.
func TestLostRegistrationIsFoundByItsKind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const task = `{"id":"t-%d","status":"SUCCESS","description_id":"register","entity":"server-%[1]d"}`
		first, second := fmt.Sprintf(task, 1), fmt.Sprintf(task, 2)
		l := &lists{rows: map[string]string{}, act: func(*lists) {}, answers: []string{first}}
		servers := newClient(t, l, vsphere.Token(drkit.NewSecret(givenToken)), fast).ReplicationServers
		_, err := servers.Register(t.Context(), "one")
		require.NoError(t, err)
		l.tasks, l.act = first, func(l *lists) { l.tasks = first + "," + second }
		poller, err := servers.Register(t.Context(), "two")
		require.NoError(t, err)
		assert.Equal(t, "t-2", poller.ID())
		assert.True(t, poller.Adopted())
	})
}

// What tasks call a server is learned from one that the service has named.
func TestNamesOfServersInTasksAreLearned(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const task = `{"id":"t-%d","status":"SUCCESS","description_id":"reconnect","entity":"alias of a"}`
		first, second := fmt.Sprintf(task, 1), fmt.Sprintf(task, 2)
		l := &lists{rows: map[string]string{}, act: func(*lists) {}, answers: []string{first}}
		servers := newClient(t, l, vsphere.Token(drkit.NewSecret(givenToken)), fast).ReplicationServers
		_, err := servers.Reconnect(t.Context(), "a")
		require.NoError(t, err)
		l.tasks, l.act = first, func(l *lists) { l.tasks = first + "," + second }
		poller, err := servers.Reconnect(t.Context(), "a")
		require.NoError(t, err)
		assert.Equal(t, "t-2", poller.ID())
	})
}

// What the service refuses with a failure is believed where a list shows that nothing has come of it, and not where
// nothing could show.
func TestFailuresElsewhere(t *testing.T) {
	t.Parallel()
	type poller = *drkit.Poller[vsphere.Task]
	for name, tc := range map[string]struct {
		call   func(ctx context.Context, c *vsphere.Client) (poller, error)
		stands bool
	}{
		"register": {func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return c.ReplicationServers.Register(ctx, "new")
		}, true},
		"unregister": {func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return c.ReplicationServers.Unregister(ctx, "a")
		}, true},
		"reconnect": {func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return c.ReplicationServers.Reconnect(ctx, "a")
		}, false},
		"pair": {func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return c.Pairings.Create(ctx, otherSite(nil))
		}, true},
		"break": {func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return c.Pairings.Break(ctx, "p", vsphere.BreakQuery{})
		}, true},
		"reconnect a pairing": {func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return c.Pairings.Reconnect(ctx, "p", otherSite(nil))
		}, false},
		"reconnect at a site": {func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return c.Pairing(pairing).SiteReplicationServers.Reconnect(ctx, vrWest, "a")
		}, false},
		"map": {func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return c.Pairing(pairing).Mappings.Create(ctx, vrWest, []vsphere.ReplicationMappingPair{{}})
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &lists{
					rows: map[string]string{"replication-servers": `{"id":"a"}`, "pairings": `{"pairing_id":"p"}`},
					act:  func(*lists) {}, answers: []string{ownError}, status: 500,
				}
				_, err := tc.call(t.Context(), newClient(t, l, vsphere.Token(drkit.NewSecret(givenToken)), fast))
				assert.Equal(t, !tc.stands, errors.Is(err, drkit.ErrOutcomeUnknown))
				assert.Equal(t, 500, answerOf(t, err).Status)
			})
		})
	}
}

// What is not about replications is found by what has come to a list, or left it, or by a task that names it.
func TestLostElsewhere(t *testing.T) {
	t.Parallel()
	type poller = *drkit.Poller[vsphere.Task]
	const servers, pairings = "replication-servers", "pairings"
	row := func(member, id string) string { return `{"` + member + `":"` + id + `"}` }
	set := func(list, rows string) func(*lists) { return func(l *lists) { l.rows[list] = rows } }
	task := func(entity string) func(*lists) {
		return func(l *lists) {
			l.tasks = `{"id":"t-1","status":"SUCCESS","description_id":"reconnect","entity":"` + entity + `"},{"id":"t-2","status":"RUNNING","entity":"other"}`
		}
	}
	nothing := func(*lists) {}
	const half = `],"_meta":{"errors":[{"code":"GONE","field":"$"}]},"more":[` // says that the list may not hold all
	here := func(c *vsphere.Client) *vsphere.ReplicationServers { return c.ReplicationServers }
	there := func(c *vsphere.Client) *vsphere.SiteReplicationServers {
		return c.Pairing(pairing).SiteReplicationServers
	}
	for name, tc := range map[string]struct {
		act       func(*lists)
		call      func(ctx context.Context, c *vsphere.Client) (poller, error)
		found     string // id of the poller; empty if it is not found
		untouched bool
	}{
		"registered": {set(servers, row("id", "a")+","+row("id", "b")), func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return here(c).Register(ctx, "new")
		}, "the replication servers", false},
		"not registered": {nothing, func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return here(c).Register(ctx, "new")
		}, "", true},
		"unregistered": {set(servers, row("id", "b")), func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return here(c).Unregister(ctx, "a")
		}, "replication server a", false},
		"not unregistered": {nothing, func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return here(c).Unregister(ctx, "a")
		}, "", true},
		"reconnected": {task("a"), func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return here(c).Reconnect(ctx, "a")
		}, "t-1", false},
		"perhaps reconnected": {nothing, func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return here(c).Reconnect(ctx, "a")
		}, "", false},
		"registered at a site": {set(servers, row("id", "a")+","+row("id", "b")), func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return there(c).Register(ctx, vrWest, "new")
		}, "the replication servers of management server " + vrWest, false},
		"unregistered at a site": {set(servers, row("id", "b")), func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return there(c).Unregister(ctx, vrWest, "a")
		}, "replication server a of " + vrWest, false},
		"reconnected at a site": {task("a"), func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return there(c).Reconnect(ctx, vrWest, "a")
		}, "t-1", false},
		"paired": {set(pairings, row("pairing_id", "p")+","+row("pairing_id", "q")), func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return c.Pairings.Create(ctx, otherSite(nil))
		}, "the pairings", false},
		"broken": {set(pairings, row("pairing_id", "q")), func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return c.Pairings.Break(ctx, "p", vsphere.BreakQuery{})
		}, "pairing p", false},
		"broken, or out of sight": {set(pairings, row("pairing_id", "q")+half), func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return c.Pairings.Break(ctx, "p", vsphere.BreakQuery{})
		}, "", false},
		"paired, or out of sight": {set(pairings, row("pairing_id", "p")+half), func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return c.Pairings.Create(ctx, otherSite(nil))
		}, "", false},
		"not broken": {set(pairings, row("pairing_id", "p")+strings.Replace(half, "$", "$.list[0]", 1)), func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return c.Pairings.Break(ctx, "p", vsphere.BreakQuery{})
		}, "", true},
		"a pairing reconnected": {task("p"), func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return c.Pairings.Reconnect(ctx, "p", otherSite(nil))
		}, "t-1", false},
		"mapped, perhaps": {task("m"), func(ctx context.Context, c *vsphere.Client) (poller, error) {
			return c.Pairing(pairing).Mappings.Create(ctx, vrWest, []vsphere.ReplicationMappingPair{{}})
		}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &lists{act: tc.act, rows: map[string]string{servers: row("id", "a"), pairings: row("pairing_id", "p")}}
				client := newClient(t, l, vsphere.Token(drkit.NewSecret(givenToken)), fast)
				poller, err := tc.call(t.Context(), client)
				assert.Len(t, l.sent, 1)
				if tc.found == "" {
					var unknown *drkit.OutcomeUnknownError
					require.ErrorAs(t, err, &unknown)
					assert.Equal(t, tc.untouched, unknown.Untouched)
					return
				}
				require.NoError(t, err)
				assert.True(t, poller.Adopted())
				assert.Equal(t, tc.found, poller.ID())
			})
		})
	}
}
