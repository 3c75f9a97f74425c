package vcav

import (
	"context"
	"slices"

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
	const (
		none     = string(RecoveryStateNotStarted)
		test     = string(RecoveryStateTest)
		complete = string(RecoveryStateComplete)
	)
	switch call.Operation {
	case &contract.VMReplicationsFailover:
		return p.onReplication(call, "failover", proof{ran: becomes("recovery", complete), steady: "recovery"}, "migrate")
	case &contract.VMReplicationsMigrate:
		return p.onReplication(call, "migrate", proof{ran: becomes("recovery", complete), steady: "recovery"}, "failover")
	case &contract.VMReplicationsTestFailover:
		return p.onReplication(call, "failoverTest", proof{ran: transport.Turns("recovery", none, test), steady: "recovery"})
	case &contract.VMReplicationsCleanUpTestFailover:
		return p.onReplication(call, "failoverTestCleanup", proof{ran: transport.Turns("recovery", test, none), steady: "recovery"})
	case &contract.VMReplicationsReverse:
		return p.onReplication(call, "reverse", proof{ran: flips("reversed"), steady: "reversed"})
	case &contract.VMReplicationsResume:
		return p.onReplication(call, "resume", proof{ran: transport.Turns("paused", "true", "false"), steady: "paused"})
	case &contract.VMReplicationsStop:
		return p.onReplication(call, "stop", proof{ran: transport.Turns("exists", "true", "false"), steady: "exists"})
	case &contract.VMReplicationsSync:
		return p.onReplication(call, "sync", proof{steady: "instance"}) // the appliance makes instances by itself, too
	case &contract.VMReplicationsReconfigure, &contract.VMReplicationsReconfigureDisks:
		return p.onReplication(call, "reconfigure", proof{ran: transport.Turns("asked", "false", "true"), steady: "settings"})
	case &contract.VMReplicationsStart:
		return p.ofStart(call)
	case &contract.PoliciesSynchronize:
		return p.ofSynchronization()
	case &contract.SupportBundlesGenerate:
		return p.ofNewBundle()
	case &contract.SupportBundlesGenerateWithID:
		return p.ofBundle(call.Path, "generate", proof{ran: transport.Turns("exists", "false", "true"), steady: "exists"})
	case &contract.SupportBundlesDelete:
		return p.ofBundle(call.Path, "delete", proof{ran: transport.Turns("exists", "true", "false"), steady: "exists"})
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

// names returns what this client may be called in the tasks of this place: by its session, by its extension to the
// site, and as the tasks have it that the service has begun for it.
func (p place) names(ctx context.Context) ([]string, error) {
	user := p.client.signedIn().User
	if user == "" {
		who, err := p.client.identity.Owner(ctx)
		if err != nil {
			return nil, err
		}
		user = who.User
	}
	names := []string{user, p.client.extensions.user(p.site)}
	p.client.mu.Lock()
	defer p.client.mu.Unlock()
	return append(names, p.client.names[p.site]...), nil
}

// called takes note of the name in which the service has begun a task for this client.
func (p place) called(user string) {
	p.client.mu.Lock()
	defer p.client.mu.Unlock()
	if user == "" || slices.Contains(p.client.names[p.site], user) {
		return
	}
	if p.client.names == nil {
		p.client.names = map[string][]string{}
	}
	p.client.names[p.site] = append(p.client.names[p.site], user)
}

// jobs returns the tasks that query finds and know knows. The filters of a query are the service's business:
// know looks again. The oldest come first, so that the list does not move under the walk when others begin.
func (p place) jobs(ctx context.Context, query TaskQuery, know func(Task) (transport.Job, bool)) ([]transport.Job, error) {
	names, err := p.names(ctx)
	if err != nil {
		return nil, err
	}
	query.Sort = []SortField{Asc("startTime")}
	var jobs []transport.Job
	for task, err := range (&Tasks{p}).List(ctx, query) {
		if err != nil {
			return nil, err
		}
		job, relevant := know(task)
		if !relevant {
			continue
		}
		job.ID, job.Started, job.End = task.ID, task.StartTime.Time, task.EndTime.Time
		job.Ended = task.Ended() || !job.End.IsZero() // a state that is not known may be an end, too
		switch {
		case job.Veto != "":
		case task.User == "":
			job.Veto = "nobody is named who started it"
		case !slices.Contains(names, task.User):
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

// adopt returns the poller of an operation whose answer was lost, and that was found.
func adopt[T any](at place, call transport.Call, operationID string, work *work, found transport.Found, alone func(context.Context) error) *drkit.Poller[T] {
	if found.Job != "" {
		return drkit.NewPoller(&taskSource[T]{
			at: at, accepted: Task{ID: found.Job}, operation: call.Operation.Name, operationID: operationID, alone: alone,
		}, at.client.transport.Polling())
	}
	return transport.NewSettled(at.client.transport, work.Resource, func(ctx context.Context) (T, error) {
		var result T
		if _, void := any(result).(NoResult); void || work.result == nil {
			return result, nil
		}
		shown, err := work.result(ctx, found)
		result, _ = shown.(T)
		return result, err
	})
}
