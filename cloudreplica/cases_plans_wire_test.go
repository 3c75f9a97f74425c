package cloudreplica_test

import (
	"context"
	"testing"
	"time"

	"github.com/drkit-go/drkit/cloudreplica"
)

const (
	planID   = "9157d793-1a1d-5895-b359-d248348f865a"
	planVMID = "df5bc2ec-822f-593a-989c-4f25fdfd52e8"
	planPath = "/api/cloud/cloudFailoverPlans/" + planID
	serverID = "0f83dcf0-ac98-552b-9b4a-7a5b70e0b107"
)

// accepted is what the cases of operations that begin a task have in common.
func accepted(operation, request, body, answer string, refused refusal, call func(ctx context.Context, c *cloudreplica.Client) (any, error)) wireCase {
	return wireCase{
		operation: operation, request: request, body: body, status: 202, answer: answer, want: watched("task-7"),
		refusal: refused, call: call,
	}
}

func planCases(t testing.TB) []wireCase {
	t.Helper()
	before := accepted("FailoverPlans.Start", "POST "+planPath+"?action=start", "failover_plans_start.before.request", "failover_plans_start.answer", failed,
		func(ctx context.Context, c *cloudreplica.Client) (any, error) {
			zone := time.FixedZone("", 2*60*60)
			return begun(c.FailoverPlans.Start(ctx, planID, cloudreplica.FailoverStart{Before: time.Date(2031, 5, 2, 8, 30, 0, 250e6, zone)}))
		})
	before.kind = "before a time"
	return []wireCase{
		accepted("FailoverPlans.Start", "POST "+planPath+"?action=start", "failover_plans_start.request", "failover_plans_start.answer", notFound,
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.FailoverPlans.Start(ctx, planID, cloudreplica.FailoverStart{}))
			}),
		before,
		accepted("FailoverPlans.Test", "POST "+planPath+"?action=test", "", "failover_plans_test.answer", forbidden,
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.FailoverPlans.Test(ctx, planID))
			}),
		accepted("FailoverPlans.Undo", "POST "+planPath+"?action=undo", "", "failover_plans_undo.answer", failed,
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.FailoverPlans.Undo(ctx, planID))
			}),
		accepted("FailoverPlans.Update", "PUT "+planPath, "failover_plans_update.request", "failover_plans_update.answer", badRequest,
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.FailoverPlans.Update(ctx, planID, cloudreplica.CloudFailoverPlanEdit{
					CloudFailoverPlanOptions: cloudreplica.CloudFailoverPlanScripts{
						PostFailoverPlanCommandEnabled: true, PostFailoverPlanCommand: `C:\hooks\after <all>.cmd`,
					},
				}))
			}),
		accepted("FailoverPlans.Delete", "DELETE "+planPath, "", "failover_plans_delete.answer", notFound,
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.FailoverPlans.Delete(ctx, planID))
			}),
		accepted("BackupServers.Collect", "POST /api/backupServers/"+serverID+"?action=collect", "", "backup_servers_collect.answer", notFound,
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.BackupServers.Collect(ctx, serverID))
			}),
		{
			operation: "FailoverPlans.VMs", request: "GET " + planPath + "/includes", status: 200,
			call: func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return c.FailoverPlans.VMs(ctx, planID)
			},
			answer: "failover_plans_vms.answer", refusal: notFound,
			want: valueOf[[]cloudreplica.CloudFailoveredVM](t, "failover_plans_vms.answer"),
		},
		{
			operation: "FailoverPlans.VM", request: "GET " + planPath + "/includes/" + planVMID, status: 200,
			call: func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return c.FailoverPlans.VM(ctx, planID, planVMID)
			},
			answer: "failover_plans_vm.answer", refusal: notFound,
			want: valueOf[cloudreplica.CloudFailoveredVM](t, "failover_plans_vm.answer"),
		},
	}
}
