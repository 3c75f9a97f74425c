package vcav_test

import (
	"context"
	"strings"
	"testing"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// The wire cases of sessions, tasks and policies.

func sessionCases() []wireCase {
	cases := []wireCase{
		{
			operation: "Sessions.Get", request: "GET /sessions",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Sessions.Get(ctx) },
			status: 200, answer: "sessions_get.answer", want: extendedSession(), refusal: notAuthenticated,
		},
		{
			operation: "Sessions.End", request: "DELETE /sessions", signsIn: true,
			call:   func(ctx context.Context, r resources) (any, error) { return nil, r.Sessions.End(ctx) },
			status: 204, refusal: serverFailure,
		},
		{
			operation: "Sessions.Shrink", request: "DELETE /sessions/north",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Sessions.Shrink(ctx, "north") },
			status: 200, answer: "sessions_shrink.answer", want: signedInSession(), refusal: forbidden,
		},
	}
	for kind, extension := range extensionCases() {
		cases = append(cases, wireCase{
			operation: "Sessions.Extend", kind: kind, request: "POST /sessions/extend", body: extension.samples[0],
			call: func(ctx context.Context, r resources) (any, error) {
				return r.Sessions.Extend(ctx, extension.extension)
			},
			status: 200, answer: "sessions_extend.answer", want: extendedSession(), refusal: extension.refusal,
		})
	}
	return cases
}

func taskCases(t testing.TB) []wireCase {
	return []wireCase{
		{
			operation: "Tasks.Get", request: "GET /tasks/" + taskID,
			call:   func(ctx context.Context, r resources) (any, error) { return r.Tasks.Get(ctx, taskID) },
			status: 200, answer: "tasks_get.answer", want: succeededTask(t), refusal: notFound,
		},
		{
			operation: "Tasks.Get", kind: "running", request: "GET /tasks/" + taskID,
			call:   func(ctx context.Context, r resources) (any, error) { return r.Tasks.Get(ctx, taskID) },
			status: 200, answer: "tasks_get.running", want: runningTask(), refusal: forbidden,
		},
		{
			operation: "Tasks.Get", kind: "failed", request: "GET /tasks/e29c4a70-8b6d-4135-9fe2-70d1b38a5c94",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Tasks.Get(ctx, failedTask().ID) },
			status: 200, answer: "tasks_get.failed", want: failedTask(), refusal: notFound,
		},
		{
			operation: "Tasks.List", request: "GET /tasks",
			call: func(ctx context.Context, r resources) (any, error) {
				return drkit.Collect(r.Tasks.List(ctx, vcav.TaskQuery{}))
			},
			status: 200, answer: "tasks_list.answer", want: allTasks(t), refusal: serverFailure,
		},
		{
			operation: "Tasks.List", kind: "every parameter", request: "GET /tasks", query: taskParameters,
			call: func(ctx context.Context, r resources) (any, error) {
				return drkit.Collect(r.Tasks.List(ctx, everyTaskParameter()))
			},
			status: 200, answer: "tasks_list.answer", want: allTasks(t), refusal: forbidden,
		},
		{
			operation: "Tasks.Poll", request: "POST /tasks/poll", body: "tasks_poll.request",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Tasks.Poll(ctx, polledIDs()) },
			status: 200, answer: "tasks_poll.answer", want: polledTasks(t), refusal: forbidden,
		},
		{
			operation: "Tasks.Poll", kind: "none is to be seen", request: "POST /tasks/poll", body: "tasks_poll.request",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Tasks.Poll(ctx, polledIDs()) },
			status: 200, answer: "tasks_poll.none", want: []vcav.Task{}, refusal: serverFailure,
		},
	}
}

func policyCases() []wireCase {
	cases := []wireCase{
		{
			operation: "Policies.List", request: "GET /policies",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Policies.List(ctx) },
			status: 200, answer: "policies_list.answer", want: []vcav.Policy{defaultPolicy(), silver()}, refusal: forbidden,
		},
		{
			operation: "Policies.Get", request: "GET /policies/" + silverID,
			call:   func(ctx context.Context, r resources) (any, error) { return r.Policies.Get(ctx, silverID) },
			status: 200, answer: "policies_get.answer", want: silver(), refusal: policyNotFound,
		},
		{
			operation: "Policies.Get", kind: "default", request: "GET /policies/default",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Policies.Get(ctx, vcav.DefaultPolicy) },
			status: 200, answer: "policies_get.default", want: defaultPolicy(), refusal: forbidden,
		},
		{
			operation: "Policies.Get", kind: "of a later service", request: "GET /policies/" + silverID,
			call:   func(ctx context.Context, r resources) (any, error) { return r.Policies.Get(ctx, silverID) },
			status: 200, answer: "policies_get.later", want: laterSilver(), refusal: notAuthenticated,
		},
		{
			operation: "Policies.Status", request: "GET /policies/" + silverID + "/status",
			call:   func(ctx context.Context, r resources) (any, error) { return r.LocalPolicies.Status(ctx, silverID) },
			status: 200, answer: "policies_status.answer", want: policyStatuses(), refusal: policyNotFound,
		},
		{
			operation: "Policies.Create", request: "POST /policies", body: "policies_create.request",
			call: func(ctx context.Context, r resources) (any, error) {
				return r.LocalPolicies.Create(ctx, policySettings())
			},
			status: 201, answer: "policies_create.answer", want: newSilver(), refusal: badRequest,
		},
		{
			operation: "Policies.Delete", request: "DELETE /policies/" + silverID,
			call:   func(ctx context.Context, r resources) (any, error) { return nil, r.LocalPolicies.Delete(ctx, silverID) },
			status: 204, refusal: policyNotFound,
		},
		{
			operation: "Policies.Assign", request: "PATCH /policies/" + silverID + "/orgs/acme-dr",
			call: func(ctx context.Context, r resources) (any, error) {
				return nil, r.LocalPolicies.Assign(ctx, silverID, "acme-dr")
			},
			status: 202, refusal: policyNotFound,
		},
		{
			operation: "Policies.Synchronize", request: "POST /policies/sync",
			begin: func(ctx context.Context, r resources) (follower, error) {
				return begun(r.LocalPolicies.Synchronize(ctx))
			},
			status: 202, answer: "policies_synchronize.answer",
			want: taskOf("b83e5f09-64d1-4c7a-a2f5-1d90c8e7b346"), refusal: forbidden,
		},
	}
	for kind, settings := range policyUpdates() {
		cases = append(cases, wireCase{
			operation: "Policies.Update", kind: kind, request: "PUT /policies/" + silverID,
			call: func(ctx context.Context, r resources) (any, error) {
				return r.LocalPolicies.Update(ctx, silverID, settings)
			},
			body:   requestSample("policies_update", kind),
			status: 200, answer: "policies_update.answer", want: changedSilver(), refusal: policyNotFound,
		})
	}
	return cases
}

// requestSample names the sample of a kind of body.
func requestSample(operation, kind string) string {
	return strings.TrimSuffix(operation+"."+kind, ".") + ".request"
}
