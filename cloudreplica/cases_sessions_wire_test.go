package cloudreplica_test

import (
	"context"
	"testing"

	"github.com/drkit-go/drkit/cloudreplica"
)

const (
	logonID   = "a4b71cfb-7832-52b2-b163-1e219b68ca46"
	replicaID = "140def9b-c9b0-5d6d-918c-99e189c18030"
)

func sessionCases(t testing.TB) []wireCase {
	t.Helper()
	manager := valueOf[struct {
		SupportedVersions []cloudreplica.SupportedVersion
	}](t, "sessions_versions.answer")
	return []wireCase{
		{
			operation: "Sessions.Versions", request: "GET /api/", status: 200,
			call:   func(ctx context.Context, c *cloudreplica.Client) (any, error) { return c.Sessions.Versions(ctx) },
			answer: "sessions_versions.answer", want: manager.SupportedVersions, refusal: failed,
		},
		{
			operation: "Sessions.List", request: "GET /api/logonSessions", status: 200,
			call:   func(ctx context.Context, c *cloudreplica.Client) (any, error) { return c.Sessions.List(ctx) },
			answer: "sessions_list.answer", want: valueOf[[]cloudreplica.LogonSession](t, "sessions_list.answer"), refusal: forbidden,
		},
		{
			operation: "Sessions.Get", request: "GET /api/logonSessions/" + logonID, status: 200,
			call:   func(ctx context.Context, c *cloudreplica.Client) (any, error) { return c.Sessions.Get(ctx, logonID) },
			answer: "sessions_get.answer", want: valueOf[cloudreplica.LogonSession](t, "sessions_get.answer"), refusal: notFound,
		},
		{
			operation: "Cloud.Links", request: "GET /api/cloud", status: 200,
			call:   func(ctx context.Context, c *cloudreplica.Client) (any, error) { return c.Cloud.Links(ctx) },
			answer: "cloud_links.answer", want: valueOf[cloudreplica.Resource](t, "cloud_links.answer").Links, refusal: forbidden,
		},
		{
			operation: "Replicas.PointRefs", request: "GET /api/cloud/replicas/" + replicaID + "/vmReplicaPoints", status: 200,
			call: func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return c.Replicas.PointRefs(ctx, replicaID)
			},
			answer: "replicas_point_refs.answer", want: valueOf[[]cloudreplica.EntityRef](t, "replicas_point_refs.answer"), refusal: notFound,
		},
		{
			operation: "Tasks.List", request: "GET /api/tasks", status: 200,
			call:   func(ctx context.Context, c *cloudreplica.Client) (any, error) { return c.Tasks.List(ctx) },
			answer: "tasks_list.answer", want: valueOf[[]cloudreplica.Task](t, "tasks_list.answer"), refusal: failed,
		},
		{
			operation: "Tasks.Get", request: "GET /api/tasks/task-7", status: 200,
			call:   func(ctx context.Context, c *cloudreplica.Client) (any, error) { return c.Tasks.Get(ctx, "task-7") },
			answer: "tasks_get.answer", want: valueOf[cloudreplica.Task](t, "tasks_get.answer"), refusal: taskGone,
		},
		{
			operation: "Tasks.Get", kind: "failed", request: "GET /api/tasks/task-8", status: 200,
			call:   func(ctx context.Context, c *cloudreplica.Client) (any, error) { return c.Tasks.Get(ctx, "task-8") },
			answer: "tasks_get.failed.answer", want: valueOf[cloudreplica.Task](t, "tasks_get.failed.answer"), refusal: failed,
		},
		{
			operation: "Tasks.Delete", request: "DELETE /api/tasks/task-7", status: 204,
			call: func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return nil, c.Tasks.Delete(ctx, "task-7")
			},
			refusal: taskGone,
		},
	}
}
