package vsphere_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/replication/vsphere"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// wireCase is one operation as it leaves and as it is understood.
type wireCase struct {
	operation string // as in the contract
	kind      string // tells cases of one operation apart
	request   string // method and escaped path, below that of the API
	query     string
	body      string // sample of the request
	call      func(ctx context.Context, c *vsphere.Client) (any, error)
	status    int
	answer    string // sample of the answer
	want      any
	refusal   refusal
}

// refusal is an error answer.
type refusal struct {
	status        int
	sample        string
	code, message string
	kind          error
}

var (
	refused   = refusal{400, "error", "INVALID_ARGUMENT", "There is no such thing here. (op_id 0b9d2f64-7a31-4c58-8e02-6f1a2b3c0066)", nil}
	forbidden = refusal{403, "error_forbidden", "NO_PERMISSION", "Host.Hbr.HbrManagement is missing. (op_id 0b9d2f64-7a31-4c58-8e02-6f1a2b3c0067)", drkit.ErrForbidden}
	missing   = refusal{status: 404, kind: drkit.ErrNotFound}
)

func (c wireCase) name() string { return strings.TrimSuffix(c.operation+" "+c.kind, " ") }

func (c wireCase) line() string {
	if c.query != "" {
		return c.request + "?" + c.query
	}
	return c.request
}

func operationOf(name string) api.Operation {
	i := slices.IndexFunc(contract.Table.Operations, func(o api.Operation) bool { return o.Name == name })
	return contract.Table.Operations[i]
}

// wireCases are all of them.
func wireCases(t *testing.T) []wireCase {
	t.Helper()
	return slices.Concat(siteCases(t), pairingCases(t), replicationCases(t), actionCases(t), inventoryCases(t), mappingCases(t))
}

// accepted is the work that an operation answers.
func accepted(operation string) begun {
	return begun("HmsTask-" + strings.ReplaceAll(operation, "_", "-") + ":" + vrWest)
}

// everyParameter narrows, orders and pages a list by all that it takes.
var everyParameter = vsphere.ListQuery{
	FilterProperty: "name", Filter: []string{"a&b", "c,d"}, SortBy: "status.rpo", OrderBy: vsphere.OrderDesc, Offset: 3, Limit: 7,
}

const everyInList = "filter=a%26b&filter=c%2Cd&filter_property=name&limit=7&offset=3&order_by=desc&sort_by=status.rpo"

func siteCases(t *testing.T) []wireCase {
	t.Helper()
	return []wireCase{
		{
			operation: "Sessions.Get", request: "GET /session",
			call:   func(ctx context.Context, c *vsphere.Client) (any, error) { return c.Sessions.Get(ctx) },
			status: 200, answer: "sessions_get.answer", want: vsphere.SessionInfo{Username: `VSPHERE.LOCAL\ops`}, refusal: refused,
		},
		{
			operation: "Appliance.Info", request: "GET /info",
			call:   func(ctx context.Context, c *vsphere.Client) (any, error) { return c.Appliance.Info(ctx) },
			status: 200, answer: "appliance_info.answer", want: one[vsphere.VRMSInfo](t, "appliance_info.answer"), refusal: forbidden,
		},
		{
			operation: "ReplicationServers.List", request: "GET /replication-servers",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(c.ReplicationServers.List(ctx, vsphere.ListQuery{}))
			},
			status: 200, answer: "replication_servers_list.answer",
			want: rows[vsphere.ReplicationServerInfo](t, "replication_servers_list.answer"), refusal: forbidden,
		},
		{
			operation: "ReplicationServers.List", kind: "every parameter", request: "GET /replication-servers", query: everyInList,
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(c.ReplicationServers.List(ctx, everyParameter))
			},
			status: 200, answer: "replication_servers_list.answer",
			want: rows[vsphere.ReplicationServerInfo](t, "replication_servers_list.answer"), refusal: refused,
		},
		{
			operation: "ReplicationServers.Register", request: "POST /replication-servers", body: "replication_servers_register.request",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(c.ReplicationServers.Register(ctx, "hbr-west-2.example.com"))
			},
			status: 202, answer: "replication_servers_register.answer", want: accepted("replication_servers_register"), refusal: refused,
		},
		{
			operation: "ReplicationServers.Get", request: "GET /replication-servers/" + escaped(server),
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return c.ReplicationServers.Get(ctx, server)
			},
			status: 200, answer: "replication_servers_get.answer",
			want: one[vsphere.ReplicationServerInfo](t, "replication_servers_get.answer"), refusal: missing,
		},
		{
			operation: "ReplicationServers.Unregister", request: "DELETE /replication-servers/" + escaped(server),
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(c.ReplicationServers.Unregister(ctx, server))
			},
			status: 202, answer: "replication_servers_unregister.answer", want: accepted("replication_servers_unregister"), refusal: missing,
		},
		{
			operation: "ReplicationServers.Reconnect", request: "POST /replication-servers/" + escaped(server) + "/actions/reconnect",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(c.ReplicationServers.Reconnect(ctx, server))
			},
			status: 202, answer: "replication_servers_reconnect.answer", want: accepted("replication_servers_reconnect"), refusal: forbidden,
		},
		{
			operation: "Tasks.List", request: "GET /tasks",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(c.Tasks.List(ctx, vsphere.ListQuery{}))
			},
			status: 200, answer: "tasks_list.answer", want: rows[vsphere.Task](t, "tasks_list.answer"), refusal: forbidden,
		},
		{
			operation: "Tasks.Get", request: "GET /tasks/HmsTask-71c5%3A" + vrWest,
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return c.Tasks.Get(ctx, "HmsTask-71c5:"+vrWest)
			},
			status: 200, answer: "tasks_get.answer", want: one[vsphere.Task](t, "tasks_get.answer"), refusal: missing,
		},
	}
}

// escaped is an identifier in a path.
func escaped(id string) string { return strings.ReplaceAll(id, ":", "%3A") }

// otherSite is the other end of a pairing.
func otherSite(change func(*vsphere.PSCInfo)) vsphere.PairingSpec {
	spec := vsphere.PairingSpec{VCID: east, PSC: vsphere.PSCInfo{
		URL: "https://vc-east.example.com", Username: "ops@east.local", Password: drkit.NewSecret("salt & spray"),
	}}
	if change != nil {
		change(&spec.PSC)
	}
	return spec
}

func pairingCases(t *testing.T) []wireCase {
	t.Helper()
	return []wireCase{
		{
			operation: "Pairings.List", request: "GET /pairings",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(c.Pairings.List(ctx, vsphere.ListQuery{}))
			},
			status: 200, answer: "pairings_list.answer", want: rows[vsphere.Pairing](t, "pairings_list.answer"), refusal: forbidden,
		},
		{
			operation: "Pairings.Create", request: "POST /pairings", body: "pairings_create.request",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(c.Pairings.Create(ctx, otherSite(func(p *vsphere.PSCInfo) {
					p.Port, p.Thumbprint = drkit.Some(7443), drkit.Some("SHA-256:5E:11:0A")
				})))
			},
			status: 202, answer: "pairings_create.answer", want: accepted("pairings_create"), refusal: refused,
		},
		{
			operation: "Pairings.Get", request: "GET /pairings/" + pairing,
			call:   func(ctx context.Context, c *vsphere.Client) (any, error) { return c.Pairings.Get(ctx, pairing) },
			status: 200, answer: "pairings_get.answer", want: one[vsphere.Pairing](t, "pairings_get.answer"), refusal: missing,
		},
		{
			operation: "Pairings.Break", kind: "every parameter", request: "DELETE /pairings/" + pairing, query: "force=true",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(c.Pairings.Break(ctx, pairing, vsphere.BreakQuery{Force: drkit.Some(true)}))
			},
			status: 202, answer: "pairings_break.answer", want: accepted("pairings_break"), refusal: forbidden,
		},
		{
			operation: "Pairings.Reconnect", request: "POST /pairings/" + pairing + "/actions/reconnect", body: "pairings_reconnect.request",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(c.Pairings.Reconnect(ctx, pairing, otherSite(nil)))
			},
			status: 202, answer: "pairings_reconnect.answer", want: accepted("pairings_reconnect"), refusal: missing,
		},
		{
			operation: "Pairings.Issues", request: "GET /pairings/" + pairing + "/issues",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(c.Pairings.Issues(ctx, pairing, vsphere.ListQuery{}))
			},
			status: 200, answer: "pairings_issues.answer", want: rows[vsphere.IssueInfo](t, "pairings_issues.answer"), refusal: missing,
		},
		{
			operation: "RemoteSession.Get", request: "GET /pairings/" + pairing + "/remote-session",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return c.Pairing(pairing).RemoteSession.Get(ctx)
			},
			status: 200, answer: "remote_session_get.answer", want: vsphere.SessionInfo{Username: `EAST.LOCAL\ops`}, refusal: missing,
		},
		{
			operation: "ManagementServers.List", request: "GET /pairings/" + pairing + "/vrs",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return c.Pairing(pairing).ManagementServers.List(ctx)
			},
			status: 200, answer: "management_servers_list.answer",
			want: rows[vsphere.VRMSInfo](t, "management_servers_list.answer"), refusal: missing,
		},
		{
			operation: "ManagementServers.Get", request: "GET /pairings/" + pairing + "/vrs/" + vrWest,
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return c.Pairing(pairing).ManagementServers.Get(ctx, vrWest)
			},
			status: 200, answer: "management_servers_get.answer",
			want: one[vsphere.VRMSInfo](t, "management_servers_get.answer"), refusal: missing,
		},
		{
			operation: "SiteReplicationServers.List", request: "GET /pairings/" + pairing + "/vrs/" + vrWest + "/replication-servers", query: "limit=2",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(c.Pairing(pairing).SiteReplicationServers.List(ctx, vrWest, vsphere.ListQuery{Limit: 2}))
			},
			status: 200, answer: "site_replication_servers_list.answer",
			want: rows[vsphere.ReplicationServerInfo](t, "site_replication_servers_list.answer"), refusal: missing,
		},
		{
			operation: "SiteReplicationServers.Register", request: "POST /pairings/" + pairing + "/vrs/" + vrWest + "/replication-servers",
			body: "site_replication_servers_register.request",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(c.Pairing(pairing).SiteReplicationServers.Register(ctx, vrWest, "hbr-east-2.example.com"))
			},
			status: 200, answer: "site_replication_servers_register.answer", want: accepted("site_replication_servers_register"), refusal: refused,
		},
		{
			operation: "SiteReplicationServers.Get", request: "GET /pairings/" + pairing + "/vrs/" + vrWest + "/replication-servers/" + escaped(server),
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return c.Pairing(pairing).SiteReplicationServers.Get(ctx, vrWest, server)
			},
			status: 200, answer: "site_replication_servers_get.answer",
			want: one[vsphere.ReplicationServerInfo](t, "site_replication_servers_get.answer"), refusal: missing,
		},
		{
			operation: "SiteReplicationServers.Unregister", request: "DELETE /pairings/" + pairing + "/vrs/" + vrWest + "/replication-servers/" + escaped(server),
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(c.Pairing(pairing).SiteReplicationServers.Unregister(ctx, vrWest, server))
			},
			status: 202, answer: "site_replication_servers_unregister.answer", want: accepted("site_replication_servers_unregister"), refusal: forbidden,
		},
		{
			operation: "SiteReplicationServers.Reconnect",
			request:   "POST /pairings/" + pairing + "/vrs/" + vrWest + "/replication-servers/" + escaped(server) + "/actions/reconnect",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(c.Pairing(pairing).SiteReplicationServers.Reconnect(ctx, vrWest, server))
			},
			status: 202, answer: "site_replication_servers_reconnect.answer", want: accepted("site_replication_servers_reconnect"), refusal: missing,
		},
	}
}
