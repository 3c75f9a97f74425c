package unitrends_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
)

func accept(ctx context.Context, client *unitrends.Client) (*drkit.Poller[unitrends.System], error) {
	return client.Sources.Accept(ctx, "41", unitrends.Acceptance{})
}

// failures are what comes instead of a usable answer.
var failures = map[string]func() (int, string){
	"lost":             lost,
	"a refusal":        answers(500, `{"result":[{"message":"There is no such request."}]}`),
	"a page":           answers(500, "<html>"),
	"a gateway":        answers(502, ""),
	"an expiry":        answers(401, `{"result":[{"message":"Sign in."}]}`),
	"half":             answers(201, `{"result":`),
	"throttled":        answers(429, `{"result":[{"message":"Slowly."}]}`),
	"another document": answers(201, "<html>"),
}

// Whatever comes instead of an answer: an operation that ran is found, and never sent again.
func TestLostAnswersOfWhatRan(t *testing.T) {
	t.Parallel()
	for name, failure := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				y := newYard(t)
				asks(y.lists)
				y.on(decide, func(row) { accepts(y.lists) }, failure)
				y.later(time.Minute, configured)
				poller, err := accept(t.Context(), y.client("ops"))
				require.NoError(t, err)
				assert.True(t, poller.Adopted())
				source, err := poller.Wait(day(t))
				require.NoError(t, err)
				assert.Equal(t, unitrends.ID("9"), source.ID)
				assert.Equal(t, []string{decide}, y.requests())
			})
		})
	}
}

// Of what did not run nothing is to be seen. An answer in the service's own words then stands; anything else stays
// unknown, and is remembered.
func TestLostAnswersOfWhatDidNotRun(t *testing.T) {
	t.Parallel()
	stands := map[string]int{"a refusal": 500, "an expiry": 401, "throttled": 429}
	for name, failure := range failures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				y := newYard(t)
				asks(y.lists)
				y.on(decide, nil, inTurn(failure, answers(201, "")))
				client := y.client("ops")
				began := time.Now()
				_, err := accept(t.Context(), client)
				assert.GreaterOrEqual(t, time.Since(began), 30*time.Second, "the grace")
				if status := stands[name]; status != 0 {
					assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
					assert.Equal(t, status, answerOf(t, err).Status)
					_, err = accept(t.Context(), client)
					require.NoError(t, err, "the next try is sent")
					assert.Equal(t, []string{decide, decide}, y.requests())
					return
				}
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				assert.True(t, unknown.Untouched)
				assert.Equal(t, "replication request 41", unknown.Resource)
				_, again := accept(t.Context(), client)
				require.ErrorIs(t, again, drkit.ErrOutcomeUnknown, "the next try only looks")
				assert.Equal(t, []string{decide}, y.requests())
				require.True(t, drkit.Discard(err))
				_, err = accept(t.Context(), client)
				require.NoError(t, err)
			})
		})
	}
}

// A refusal that the look could not confirm, because the caller had enough, is confirmed by the next try.
func TestRefusalIsConfirmedLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		y.on(decide, nil, inTurn(failures["a refusal"], answers(201, "")))
		client := y.client("ops")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := accept(ctx, client)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		for range 2 {
			_, refusal := drkit.Recover[unitrends.System](t.Context(), err)
			require.NotErrorIs(t, refusal, drkit.ErrOutcomeUnknown)
			assert.Equal(t, 500, answerOf(t, refusal).Status)
		}
		_, err = accept(t.Context(), client)
		require.NoError(t, err)
		assert.Equal(t, []string{decide, decide}, y.requests())
	})
}

// Where somebody has decided otherwise meanwhile, nobody can tell what became of the request.
func TestLostAmongDecisionsOfOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		y.on(decide, func(row) { rejects(y.lists) }, lost)
		_, err := accept(t.Context(), y.client("ops"))
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.False(t, unknown.Untouched)
		assert.Equal(t, []string{"the request, rejected (somebody has rejected it)"}, unknown.Candidates)
	})
}

// Two new systems may both be it where the name of the source was never seen.
func TestLostWithTwoCandidates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		set(y.lists, "replication/pending", "request_id", row{"request_id": 41})
		y.on(decide, func(row) {
			drop(y.lists, "replication/pending", "request_id", 41)
			configured(y.lists)
			set(y.lists, "systems", "id", row{"id": 30, "is_pending": false, "name": "barge", "role": "Replication Source"})
		}, lost)
		_, err := accept(t.Context(), y.client("ops"))
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.ElementsMatch(t, []string{"system 9", "system 30"}, unknown.Candidates)
	})
}

// What cannot be noted is not sent.
func TestNothingIsSentWithoutANote(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	asks(y.lists)
	y.reads["systems"] = answers(403, `{"result":[{"message":"No."}]}`)
	_, err := accept(t.Context(), y.client("ops"))
	require.ErrorIs(t, err, drkit.ErrForbidden)
	assert.Empty(t, y.requests())
	_, err = accept(drkit.WithoutNote(t.Context()), y.client("ops"))
	require.NoError(t, err)
	assert.Equal(t, []string{decide}, y.requests())
}

// The other operations that must not repeat, lost and found.
func TestOthersAreFoundAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		request string
		before  func(lists map[string][]row)
		act     func(lists map[string][]row)
		call    func(ctx context.Context, client *unitrends.Client) (follower, error)
	}{
		"reject": {
			decide, asks, rejects,
			func(ctx context.Context, c *unitrends.Client) (follower, error) {
				return following(c.Sources.Reject(ctx, "41", "no"))
			},
		},
		"delete": {
			"DELETE replication/source/4", nil, func(lists map[string][]row) { drop(lists, "systems", "id", 4) },
			func(ctx context.Context, c *unitrends.Client) (follower, error) {
				return following(c.Sources.Delete(ctx, "4"))
			},
		},
		"request a target": {
			"POST replication/target", nil,
			func(lists map[string][]row) {
				set(lists, "replication/targets", "name", row{"name": "harbor"})
				set(lists, "backup-copy/connected_targets", "name", row{"name": "harbor", "target_id": 2})
			},
			func(ctx context.Context, c *unitrends.Client) (follower, error) {
				return following(c.Targets.Request(ctx, unitrends.TargetRequest{"target": "harbor"}))
			},
		},
		"create": {
			"POST joborders", nil, func(lists map[string][]row) { set(lists, "joborders", "id", row{"id": 19, "name": "copy the tills"}) },
			func(ctx context.Context, c *unitrends.Client) (follower, error) {
				return following(c.JobOrders.Create(ctx, tillOrder()))
			},
		},
		"run": {
			"PUT joborders/run/17", order17,
			func(lists map[string][]row) {
				set(lists, "jobs/active", "id", row{"id": 913, "name": "copy the ledgers", "status": "Active"})
			},
			func(ctx context.Context, c *unitrends.Client) (follower, error) {
				return following(c.JobOrders.Run(ctx, "17"))
			},
		},
		"a run that was over at once": {
			"PUT joborders/run/17", order17, func(lists map[string][]row) {
				for _, day := range []string{"today", "now"} { // of two instances
					set(lists, "jobs/history", "start_date", row{"name": "copy the ledgers", "status": "Success", "start_date": day})
				}
			},
			func(ctx context.Context, c *unitrends.Client) (follower, error) {
				return following(c.JobOrders.Run(ctx, "17"))
			},
		},
		"cancel": {
			"DELETE jobs/913", func(lists map[string][]row) { set(lists, "jobs/active", "id", row{"id": 913, "name": "a"}) },
			func(lists map[string][]row) { drop(lists, "jobs/active", "id", 913) },
			func(ctx context.Context, c *unitrends.Client) (follower, error) {
				return following(c.Jobs.Cancel(ctx, "913"))
			},
		},
		"instant recovery": {
			"POST restore/instant", nil,
			func(lists map[string][]row) {
				set(lists, "virtual_clients", "virtual_id", row{"virtual_id": "5.vm_ir", "vm_name": "ledger-db-audit"})
			},
			func(ctx context.Context, c *unitrends.Client) (follower, error) {
				return following(c.InstantRecoveries.Start(ctx, ledgerAudit()))
			},
		},
		"its end": {
			"DELETE virtual_clients/5.vm_ir",
			func(lists map[string][]row) {
				set(lists, "virtual_clients", "virtual_id", row{"virtual_id": "5.vm_ir"})
			},
			func(lists map[string][]row) { drop(lists, "virtual_clients", "virtual_id", "5.vm_ir") },
			func(ctx context.Context, c *unitrends.Client) (follower, error) {
				return following(c.InstantRecoveries.End(ctx, "5.vm_ir", unitrends.RecoveryKindVMware))
			},
		},
	} {
		for kind, failure := range map[string]func() (int, string){"lost": lost, "500": failures["a refusal"]} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					y := newYard(t)
					if tc.before != nil {
						tc.before(y.lists)
					}
					y.on(tc.request, func(row) { tc.act(y.lists) }, failure)
					y.later(time.Minute, func(lists map[string][]row) { // a run ends
						if len(lists["jobs/active"]) > 0 {
							lists["jobs/active"] = nil
							set(lists, "jobs/history", "start_date", row{"name": "copy the ledgers", "status": "Success", "start_date": "today"})
						}
					})
					found, err := tc.call(t.Context(), y.client("ops"))
					require.NoError(t, err)
					assert.True(t, found.Adopted())
					require.NoError(t, found.wait(day(t)))
					assert.Equal(t, []string{tc.request}, y.requests())
				})
			})
			t.Run(name+"/"+kind+", and did not run", func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					y := newYard(t)
					if tc.before != nil {
						tc.before(y.lists)
					}
					y.on(tc.request, nil, failure)
					_, err := tc.call(t.Context(), y.client("ops"))
					var unknown *drkit.OutcomeUnknownError
					if kind == "500" {
						require.Error(t, err)
						assert.NotErrorAs(t, err, &unknown)
					} else {
						require.ErrorAs(t, err, &unknown)
						assert.True(t, unknown.Untouched)
					}
					assert.Equal(t, []string{tc.request}, y.requests())
				})
			})
		}
	}
}

func order17(lists map[string][]row) {
	set(lists, "joborders", "id", row{"id": 17, "name": "copy the ledgers"})
	set(lists, "jobs/history", "start_date", row{"name": "copy the ledgers", "status": "Failed", "start_date": "yesterday"})
}

// follower is a poller, whatever its result.
type follower interface {
	ID() string
	Adopted() bool
	ResumeToken(ctx context.Context) (string, error)
	wait(ctx context.Context) error
}

type waiting[T any] struct{ *drkit.Poller[T] }

func (w waiting[T]) wait(ctx context.Context) error {
	_, err := w.Wait(ctx)
	return err
}

func following[T any](poller *drkit.Poller[T], err error) (follower, error) {
	if err != nil {
		return nil, err
	}
	return waiting[T]{poller}, nil
}

// An accepting runbook that was cut off at any moment accepts once.
func TestAcceptIsAStepOfARunbook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		y.on(decide, func(row) { accepts(y.lists) }, lost)
		journal := new(drkit.MemoryJournal)
		run := func(ctx context.Context) (*drkit.Poller[unitrends.System], error) {
			client := y.client("ops") // a process of its own
			return drkit.Once(ctx, journal, "accept 41", func(ctx context.Context) (*drkit.Poller[unitrends.System], error) {
				return accept(ctx, client)
			})
		}
		ctx, cancel := context.WithCancel(t.Context())
		y.after[decide] = func() (int, string) { cancel(); return lost() }
		_, err := run(ctx)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		y.later(time.Minute, configured)
		for range 3 {
			poller, err := run(t.Context())
			require.NoError(t, err)
			source, err := poller.Wait(day(t))
			require.NoError(t, err)
			assert.Equal(t, "quay-12", source.Name)
		}
		assert.Equal(t, []string{decide}, y.requests())
	})
}

// A run that was cut off before its request arrived is made good by the next one, where a second request cannot do
// harm; a new job order, of which there may be two, stays unknown.
func TestStepIsSentAnewByTheNextRun(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		request string
		step    func(ctx context.Context, journal drkit.Journal, client *unitrends.Client) error
		anew    bool
	}{
		"accept": {decide, asStep(accept), true},
		"reject": {decide, asStep(func(ctx context.Context, c *unitrends.Client) (*drkit.Poller[unitrends.System], error) {
			return c.Sources.Reject(ctx, "41", "no berth")
		}), true},
		"delete": {"DELETE replication/source/4", asStep(func(ctx context.Context, c *unitrends.Client) (*drkit.Poller[unitrends.System], error) {
			return c.Sources.Delete(ctx, "4")
		}), true},
		"create": {"POST joborders", asStep(func(ctx context.Context, c *unitrends.Client) (*drkit.Poller[unitrends.JobOrder], error) {
			return c.JobOrders.Create(ctx, tillOrder())
		}), false},
		"request a target": {"POST replication/target", asStep(func(ctx context.Context, c *unitrends.Client) (*drkit.Poller[unitrends.Target], error) {
			return c.Targets.Request(ctx, unitrends.TargetRequest{"target": "harbor"})
		}), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				y := newYard(t)
				asks(y.lists)
				y.on(tc.request, nil, inTurn(lost, answers(201, "")))
				journal := new(drkit.MemoryJournal)
				require.ErrorIs(t, tc.step(t.Context(), journal, y.client("ops")), drkit.ErrOutcomeUnknown)
				err := tc.step(t.Context(), journal, y.client("ops")) // another process
				if tc.anew {
					require.NoError(t, err)
					assert.Equal(t, []string{tc.request, tc.request}, y.requests())
					return
				}
				require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
				assert.Equal(t, []string{tc.request}, y.requests())
			})
		})
	}
}

// asStep makes a call a step of a runbook.
func asStep[T any](call func(context.Context, *unitrends.Client) (*drkit.Poller[T], error)) func(context.Context, drkit.Journal, *unitrends.Client) error {
	return func(ctx context.Context, journal drkit.Journal, client *unitrends.Client) error {
		_, err := drkit.Once(ctx, journal, "the step", func(ctx context.Context) (*drkit.Poller[T], error) { return call(ctx, client) })
		return err
	}
}
