package vcav

import (
	"context"
	"fmt"
	"strings"

	"github.com/drkit-go/drkit/internal/transport"
)

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
			return transport.NewSettled(p.client.transport, found.Job, get)
		},
	}
}

// ofBundle finds what became of a support bundle whose id is known.
func (p place) ofBundle(path []string, kind string, proof proof) *work {
	id := path[0]
	return &work{
		Work: transport.Work{
			Resource: "support bundle " + plain(id),
			Jobs: func(ctx context.Context) ([]transport.Job, error) {
				return p.jobs(ctx, TaskQuery{}, func(task Task) (transport.Job, bool) {
					if task.is(kind, kindSupportBundle) {
						return transport.Job{}, task.WorkflowInfo.ResourceID == id
					}
					return transport.Job{Unsure: true, Other: true}, unnamed(task)
				})
			},
			State: func(ctx context.Context) (transport.State, error) {
				bundle, there, err := p.bundle(ctx, id)
				return transport.State{"exists": fmt.Sprint(there), "sha": bundle.SHA, "owner": bundle.Owner}, err
			},
			Settle: proof.settle,
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
					// One that says what it generates may still be that of a caller who has chosen the id.
					return transport.Job{Unsure: true, Other: true}, unlisted(task, "generate", kindSupportBundle) || unnamed(task)
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
			Settle: transport.Appears(1),
		},
		result: func(ctx context.Context, found transport.Found) (any, error) {
			bundle, _, err := p.bundle(ctx, strings.Join(transport.NewKeys(found.Before, found.After), ","))
			return bundle, err
		},
	}
}

// unnamed reports whether a task does not say what it does, as those of support bundles do not.
func unnamed(task Task) bool { return unlisted(task, kindUnknown, kindUnknown) }

// unlisted reports whether a task does some kind of work whose end, if it was a good one, does not show in the
// list of bundles yet.
func unlisted(task Task, kind, resource string) bool {
	return task.State != TaskStateSucceeded && task.is(kind, resource)
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
