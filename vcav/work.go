package vcav

import (
	"context"
	"fmt"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// An operation that must not repeat can be found again when its answer is lost: by the task that came of it, or
// by what it has changed. What to look for is here, one case for each operation; how to look is the matter of
// the transport.

// work is what an operation leaves behind, and what to return where the resource alone has proved that it ran.
type work struct {
	transport.Work
	result func(ctx context.Context, found transport.Found) (any, error)
}

// work returns nil for an operation that leaves nothing behind to look for.
func (p place) work(call transport.Call) *work {
	switch call.Operation {
	case &contract.VMReplicationsFailover:
		return p.onReplication(call, "failover", becomes("recovery", string(RecoveryStateComplete)), "migrate")
	case &contract.VMReplicationsMigrate:
		return p.onReplication(call, "migrate", becomes("recovery", string(RecoveryStateComplete)), "failover")
	case &contract.VMReplicationsTestFailover:
		return p.onReplication(call, "failoverTest", becomes("recovery", string(RecoveryStateTest)))
	case &contract.VMReplicationsCleanUpTestFailover:
		return p.onReplication(call, "failoverTestCleanup", ceases("recovery", string(RecoveryStateTest)))
	case &contract.VMReplicationsReverse:
		return p.onReplication(call, "reverse", changes("direction"))
	case &contract.VMReplicationsResume:
		return p.onReplication(call, "resume", ceases("paused", "true"))
	case &contract.VMReplicationsStop:
		return p.onReplication(call, "stop", ceases("exists", "true"))
	case &contract.VMReplicationsSync:
		return p.onReplication(call, "sync", mayChange("instance"))
	case &contract.VMReplicationsReconfigure, &contract.VMReplicationsReconfigureDisks:
		return p.onReplication(call, "reconfigure", becomes("asked", "true"))
	case &contract.VMReplicationsStart:
		return p.ofStart(call)
	case &contract.PoliciesSynchronize:
		return p.ofSynchronization()
	case &contract.SupportBundlesGenerate:
		return p.ofNewBundle()
	case &contract.SupportBundlesGenerateWithID:
		return p.ofBundle(call.Path[0], "generate", becomes("exists", "true"))
	case &contract.SupportBundlesDelete:
		return p.ofBundle(call.Path[0], "delete", ceases("exists", "true"))
	default:
		return nil
	}
}

// at names the place of a resource.
func (p place) at(resource string) string {
	if p.site == "" {
		return resource
	}
	return resource + " at " + p.site
}

// user returns who is signed in.
func (p place) user(ctx context.Context) (string, error) {
	if user := p.client.signedIn().User; user != "" {
		return user, nil
	}
	who, err := p.client.identity(ctx)
	return who.user, err
}

// jobs returns the tasks that query finds and sort knows. The filters of a query are the service's business:
// sort looks again.
func (p place) jobs(ctx context.Context, query TaskQuery, sort func(Task) (transport.Job, bool)) ([]transport.Job, error) {
	user, err := p.user(ctx)
	if err != nil {
		return nil, err
	}
	there := p.client.extensions.user(p.site)
	var jobs []transport.Job
	for task, err := range (&Tasks{p}).List(ctx, query) {
		if err != nil {
			return nil, err
		}
		job, relevant := sort(task)
		if !relevant {
			continue
		}
		job.ID, job.Started, job.Ended = task.ID, task.StartTime.Time, task.Ended()
		if job.Veto == "" && task.User != user && task.User != there {
			job.Veto = "started by " + plain(task.User)
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}

// is reports whether a task does some kind of work. A sample of the guide has the two types swapped.
func (t Task) is(kind, resource string) bool {
	info := t.WorkflowInfo
	return info.Type == kind && info.ResourceType == resource || info.Type == resource && info.ResourceType == kind
}

// becomes settles by a member that has a new value afterwards.
func becomes(member, value string) func(before, after transport.State) transport.Verdict {
	return func(before, after transport.State) transport.Verdict {
		switch {
		case before[member] != value && after[member] == value:
			return transport.Ran
		case before[member] != value && before[member] == after[member]:
			return transport.Untouched
		default:
			return transport.Unclear
		}
	}
}

// ceases settles by a member that has lost its value afterwards.
func ceases(member, value string) func(before, after transport.State) transport.Verdict {
	return func(before, after transport.State) transport.Verdict {
		switch {
		case before[member] != value:
			return transport.Unclear
		case after[member] == value:
			return transport.Untouched
		default:
			return transport.Ran
		}
	}
}

// changes settles by a member that nothing else changes.
func changes(member string) func(before, after transport.State) transport.Verdict {
	return func(before, after transport.State) transport.Verdict {
		if before[member] != after[member] {
			return transport.Ran
		}
		return transport.Untouched
	}
}

// mayChange settles by a member that other work changes as well.
func mayChange(member string) func(before, after transport.State) transport.Verdict {
	return func(before, after transport.State) transport.Verdict {
		if before[member] != after[member] {
			return transport.Unclear
		}
		return transport.Untouched
	}
}

// adopt returns the poller of an operation whose answer was lost, and that was found.
func adopt[T any](at place, call transport.Call, operationID string, work *work, found transport.Found, alone func(context.Context) error) *drkit.Poller[T] {
	polling := at.client.transport.Polling()
	if found.Job != "" {
		return drkit.NewPoller(&taskSource[T]{
			at: at, accepted: Task{ID: found.Job}, operation: call.Operation.Name, operationID: operationID, alone: alone,
		}, polling)
	}
	return drkit.NewPoller(&settled[T]{id: work.Resource, result: func(ctx context.Context) (T, error) {
		var result T
		if _, void := any(result).(NoResult); void || work.result == nil {
			return result, nil
		}
		shown, err := work.result(ctx, found)
		result, _ = shown.(T)
		return result, err
	}}, polling)
}

// settled is the source of an operation that is known to have run, without a task that would say so.
type settled[T any] struct {
	id     string
	result func(context.Context) (T, error)
}

// ID returns what the operation worked on.
func (s *settled[T]) ID() string { return s.id }

// Adopted reports that the answer was lost.
func (s *settled[T]) Adopted() bool { return true }

// Look gets what came of the operation.
func (s *settled[T]) Look(ctx context.Context) (drkit.Look[T], error) {
	result, err := s.result(ctx)
	return drkit.Look[T]{
		Progress: drkit.Progress{ID: s.id, State: drkit.StateSucceeded, Percent: 100}, Done: err == nil, Result: result,
	}, err
}

// kinds of resources, as tasks name them.
const (
	kindVMReplication = "vmReplication"
	kindPolicies      = "policies"
	kindSupportBundle = "supportBundle"
	kindUnknown       = "unknown"
)

// ofSynchronization finds the synchronization of policies, which works on no resource of its own.
func (p place) ofSynchronization() *work {
	return &work{Work: transport.Work{
		Resource: p.at("the policies"),
		Jobs: func(ctx context.Context) ([]transport.Job, error) {
			return p.jobs(ctx, TaskQuery{ResourceType: kindPolicies}, func(task Task) (transport.Job, bool) {
				return transport.Job{}, task.is("sync", kindPolicies)
			})
		},
	}}
}

// ofPolicy finds a policy that was created, by its name.
func (p place) ofPolicy(name string) *transport.Work {
	return &transport.Work{
		Resource: "the policy of the name " + plain(name),
		Jobs: func(ctx context.Context) ([]transport.Job, error) {
			policies, err := (&SitePolicies{p}).List(ctx)
			var jobs []transport.Job
			for _, policy := range policies {
				if policy.DisplayName == name {
					jobs = append(jobs, transport.Job{ID: policy.ID, Ended: true})
				}
			}
			return jobs, err
		},
		Poller: func(found transport.Found, _ func(context.Context) error) any {
			get := func(ctx context.Context) (Policy, error) { return (&SitePolicies{p}).Get(ctx, found.Job) }
			return drkit.NewPoller(&settled[Policy]{id: found.Job, result: get}, p.client.transport.Polling())
		},
	}
}

// ofBundle finds what became of a support bundle whose id is known.
func (p place) ofBundle(id, kind string, settle func(before, after transport.State) transport.Verdict) *work {
	return &work{
		Work: transport.Work{
			Resource: "support bundle " + plain(id),
			Jobs: func(ctx context.Context) ([]transport.Job, error) {
				return p.jobs(ctx, TaskQuery{}, func(task Task) (transport.Job, bool) {
					if task.is(kind, kindSupportBundle) {
						return transport.Job{}, task.WorkflowInfo.ResourceID == id
					}
					return transport.Job{Unsure: true}, unnamed(task)
				})
			},
			State: func(ctx context.Context) (transport.State, error) {
				bundle, there, err := p.bundle(ctx, id)
				return transport.State{"exists": fmt.Sprint(there), "sha": bundle.SHA, "owner": bundle.Owner}, err
			},
			Settle: settle,
		},
		result: func(ctx context.Context, found transport.Found) (any, error) {
			bundle, there, err := p.bundle(ctx, id)
			if !there {
				bundle = SupportBundle{ID: id, SHA: found.Before["sha"], Owner: found.Before["owner"]}
			}
			return bundle, err
		},
	}
}

// ofNewBundle finds a support bundle whose id the appliance chooses.
func (p place) ofNewBundle() *work {
	return &work{
		Work: transport.Work{
			Resource: "the support bundles",
			Jobs: func(ctx context.Context) ([]transport.Job, error) {
				return p.jobs(ctx, TaskQuery{}, func(task Task) (transport.Job, bool) {
					return transport.Job{Unsure: true}, unnamed(task)
				})
			},
			State: func(ctx context.Context) (transport.State, error) {
				bundles, err := (&SupportBundles{p}).List(ctx)
				there := transport.State{}
				for _, bundle := range bundles {
					there[bundle.ID] = bundle.SHA
				}
				return there, err
			},
			Settle: func(before, after transport.State) transport.Verdict {
				switch added := newKeys(before, after); len(added) {
				case 0:
					return transport.Untouched
				case 1:
					return transport.Ran
				default:
					return transport.Unclear
				}
			},
		},
		result: func(ctx context.Context, found transport.Found) (any, error) {
			bundle, _, err := p.bundle(ctx, strings.Join(newKeys(found.Before, found.After), ","))
			return bundle, err
		},
	}
}

// unnamed reports whether a task is under way that does not say what it does, as those of support bundles do
// not. Its end shows in the list of bundles.
func unnamed(task Task) bool { return !task.Ended() && task.is(kindUnknown, kindUnknown) }

func newKeys(before, after transport.State) []string {
	var added []string
	for key := range after {
		if _, old := before[key]; !old {
			added = append(added, key)
		}
	}
	return added
}

// bundle returns a support bundle, if it is there.
func (p place) bundle(ctx context.Context, id string) (bundle SupportBundle, there bool, err error) {
	bundles, err := (&SupportBundles{p}).List(ctx)
	for _, bundle := range bundles {
		if bundle.ID == id {
			return bundle, true, err
		}
	}
	return SupportBundle{}, false, err
}
