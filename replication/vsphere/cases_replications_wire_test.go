package vsphere_test

import (
	"context"
	"strings"
	"testing"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
)

// The wire cases of replications, and of tests and images.

var onLedger = "/pairings/" + pairing + "/replications/" + ledger

func everyReplicationParameter() vsphere.ReplicationQuery {
	return vsphere.ReplicationQuery{
		FilterProperty: "name", Filter: []string{"a&b", "c,d"}, SortBy: "status.rpo", OrderBy: vsphere.OrderDesc, Offset: 3, Limit: 7,
		SourceVCGUID: west, ExtendedInfo: drkit.Some(true),
	}
}

func everyIssueParameter() vsphere.IssueQuery {
	return vsphere.IssueQuery{
		FilterProperty: "name", Filter: []string{"a&b", "c,d"}, SortBy: "status.rpo", OrderBy: vsphere.OrderDesc, Offset: 3, Limit: 7,
		SourceVCGUID: west,
	}
}

// replicationsOf are the replications of the pairing.
func replicationsOf(c *vsphere.Client) *vsphere.Replications { return c.Pairing(pairing).Replications }

func replicationCases(t *testing.T) []wireCase {
	t.Helper()
	list := "GET /pairings/" + pairing + "/replications"
	return []wireCase{
		{
			operation: "Replications.List", request: list,
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(replicationsOf(c).List(ctx, vsphere.ReplicationQuery{}))
			},
			status: 200, answer: "replications_list.answer", want: rows[vsphere.ReplicationInfo](t, "replications_list.answer"), refusal: missing,
		},
		{
			operation: "Replications.List", kind: "every parameter", request: list,
			query: strings.Replace(everyInList, "filter=", "extended_info=true&filter=", 1) + "&source_vc_guid=" + west,
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(replicationsOf(c).List(ctx, everyReplicationParameter()))
			},
			status: 200, answer: "replications_list.answer", want: rows[vsphere.ReplicationInfo](t, "replications_list.answer"), refusal: refused,
		},
		{
			operation: "Replications.Configure", request: "POST /pairings/" + pairing + "/replications", body: "replications_configure.request",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(replicationsOf(c).Configure(ctx, one[[]vsphere.ConfigureReplication](t, "replications_configure.request")[0]))
			},
			status: 202, answer: "replications_configure.answer", want: begun("HmsTask-71c4:" + vrWest), refusal: refused,
		},
		{
			operation: "Replications.Configure", kind: "all", request: "POST /pairings/" + pairing + "/replications",
			body: "replications_configure.all.request",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				machines := one[[]vsphere.ConfigureReplication](t, "replications_configure.all.request")
				pollers, err := replicationsOf(c).ConfigureAll(ctx, machines)
				var ids []string
				for _, poller := range pollers {
					ids = append(ids, poller.ID())
				}
				return begun(strings.Join(ids, " ")), err
			},
			// In the order of the machines, and not of the answer.
			status: 202, answer: "replications_configure.all.answer", want: begun("HmsTask-71c4:" + vrWest + " HmsTask-71c9:" + vrWest),
			refusal: forbidden,
		},
		{
			operation: "Replications.Count", request: list + "/count",
			call:   func(ctx context.Context, c *vsphere.Client) (any, error) { return replicationsOf(c).Count(ctx) },
			status: 200, answer: "replications_count.answer", want: int64(12), refusal: missing,
		},
		{
			operation: "Replications.Issues", kind: "every parameter", request: list + "/issues", query: everyInList + "&source_vc_guid=" + west,
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(replicationsOf(c).Issues(ctx, everyIssueParameter()))
			},
			status: 200, answer: "replications_issues.answer", want: rows[vsphere.IssueInfo](t, "replications_issues.answer"), refusal: missing,
		},
		{
			operation: "Replications.Get", request: "GET " + onLedger,
			call:   func(ctx context.Context, c *vsphere.Client) (any, error) { return replicationsOf(c).Get(ctx, ledger) },
			status: 200, answer: "replications_get.answer", want: one[vsphere.ReplicationInfo](t, "replications_get.answer"), refusal: missing,
		},
		{
			operation: "Replications.Disks", request: "GET " + onLedger + "/disks",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(replicationsOf(c).Disks(ctx, ledger, vsphere.ListQuery{}))
			},
			status: 200, answer: "replications_disks.answer", want: rows[vsphere.ReplicatedVMDisk](t, "replications_disks.answer"), refusal: missing,
		},
		{
			operation: "Replications.Capabilities", kind: "every parameter", request: "GET /pairings/" + pairing + "/replication-capabilities",
			query: "vm_id=" + escaped(ledgerVM),
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return replicationsOf(c).Capabilities(ctx, vsphere.CapabilityQuery{VMID: ledgerVM})
			},
			status: 200, answer: "replications_capabilities.answer",
			want: one[vsphere.ReplicationCapabilities](t, "replications_capabilities.answer"), refusal: missing,
		},
	}
}

func actionCases(t *testing.T) []wireCase {
	t.Helper()
	keep := vsphere.RemoveQuery{RetainReplicaDisks: drkit.Some(true)}
	return []wireCase{
		{
			operation: "Replications.Delete", kind: "every parameter", request: "DELETE " + onLedger, query: "retain_replica_disks=true",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(replicationsOf(c).Delete(ctx, ledger, keep))
			},
			status: 202, answer: "replications_delete.answer", want: accepted("replications_delete"), refusal: missing,
		},
		{
			operation: "Replications.Unconfigure", kind: "every parameter", request: "POST " + onLedger + "/actions/unconfigure",
			query: "retain_replica_disks=true",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(replicationsOf(c).Unconfigure(ctx, ledger, keep))
			},
			status: 202, answer: "replications_unconfigure.answer", want: accepted("replications_unconfigure"), refusal: forbidden,
		},
		{
			operation: "Replications.Pause", request: "POST " + onLedger + "/actions/pause",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(replicationsOf(c).Pause(ctx, ledger))
			},
			status: 202, answer: "replications_pause.answer", want: accepted("replications_pause"), refusal: missing,
		},
		{
			operation: "Replications.Resume", request: "POST " + onLedger + "/actions/resume",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(replicationsOf(c).Resume(ctx, ledger))
			},
			status: 202, answer: "replications_resume.answer", want: accepted("replications_resume"), refusal: forbidden,
		},
		{
			operation: "Replications.Sync", request: "POST " + onLedger + "/actions/sync",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(replicationsOf(c).Sync(ctx, ledger))
			},
			status: 202, answer: "replications_sync.answer", want: accepted("replications_sync"), refusal: refused,
		},
		{
			operation: "Replications.Reconfigure", request: "POST " + onLedger + "/actions/reconfigure", body: "replications_reconfigure.request",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(replicationsOf(c).Reconfigure(ctx, ledger, one[vsphere.ReconfigureReplication](t, "replications_reconfigure.request")))
			},
			status: 202, answer: "replications_reconfigure.answer", want: accepted("replications_reconfigure"), refusal: refused,
		},
		{
			operation: "Replications.ActiveImage", request: "GET " + onLedger + "/active-image",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return replicationsOf(c).ActiveImage(ctx, ledger)
			},
			status: 200, answer: "replications_active_image.answer",
			want: one[vsphere.ReplicationImage](t, "replications_active_image.answer"), refusal: forbidden,
		},
		{
			operation: "Replications.Test", request: "POST " + onLedger + "/actions/test", body: "replications_test.request",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(replicationsOf(c).Test(ctx, ledger, one[vsphere.RunTestRecovery](t, "replications_test.request")))
			},
			status: 202, answer: "replications_test.answer", want: accepted("replications_test"), refusal: missing,
		},
		{
			operation: "Replications.CleanUp", request: "POST " + onLedger + "/actions/cleanup", body: "replications_clean_up.request",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(replicationsOf(c).CleanUp(ctx, ledger, "img-7"))
			},
			status: 202, answer: "replications_clean_up.answer", want: accepted("replications_clean_up"), refusal: missing,
		},
		{
			operation: "Replications.CleanUp", kind: "of whatever image", request: "POST " + onLedger + "/actions/cleanup",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(replicationsOf(c).CleanUp(ctx, ledger, ""))
			},
			status: 202, answer: "replications_clean_up.answer", want: accepted("replications_clean_up"), refusal: refused,
		},
		{
			operation: "Replications.PromoteTestImage", request: "POST " + onLedger + "/actions/promote-test-image",
			body: "replications_promote_test_image.request",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(replicationsOf(c).PromoteTestImage(ctx, ledger, "img-7"))
			},
			status: 202, answer: "replications_promote_test_image.answer", want: accepted("replications_promote_test_image"), refusal: refused,
		},
		{
			operation: "Replications.DemoteTestImage", request: "POST " + onLedger + "/actions/demote-test-image",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(replicationsOf(c).DemoteTestImage(ctx, ledger))
			},
			status: 202, answer: "replications_demote_test_image.answer", want: accepted("replications_demote_test_image"), refusal: missing,
		},
		{
			operation: "Replications.Instances", request: "GET " + onLedger + "/instances",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(replicationsOf(c).Instances(ctx, ledger, vsphere.ListQuery{}))
			},
			status: 200, answer: "replications_instances.answer",
			want: rows[vsphere.PointInTimeInstance](t, "replications_instances.answer"), refusal: missing,
		},
		{
			operation: "Replications.Instance", request: "GET " + onLedger + "/instances/pit-2",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return replicationsOf(c).Instance(ctx, ledger, "pit-2")
			},
			status: 200, answer: "replications_instance.answer",
			want: one[vsphere.PointInTimeInstance](t, "replications_instance.answer"), refusal: missing,
		},
	}
}
