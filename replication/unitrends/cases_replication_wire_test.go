package unitrends_test

import (
	"context"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
)

// The wire cases of sources, targets, settings, the queue and systems.

var (
	warning = unitrends.Result{{
		Code: "0", Message: "The report has no recipient.", Link: "https://kb.example.com/a/2107", Extra: extra("severity", `"notice"`),
	}}
	nothing = unitrends.Result(nil)

	ledgerCopy = unitrends.Job{
		ID: "913", SID: "1", Name: "copy the ledgers", Status: "Active", PercentComplete: "37%", InstanceName: "ledger-db",
		Extra: extra("backup_id", "20817"),
	}
	queuedTill = unitrends.QueueItem{
		QueuePosition: 2, Target: "harbor", BackupID: "20822", Type: "VMware incremental", Name: "esx-04",
		InstanceName: "till-03", Size: 18432, StartDate: "11/20/2026 09:02:11 pm", Status: unitrends.QueueStatusNeeded,
		SID: "4", Extra: extra("reason", `"window"`),
	}
	harbor = unitrends.System{
		ID: "1", Name: "harbor", Host: "127.0.0.1", Role: unitrends.SystemRoleTarget, Status: "available", Local: true,
		Version: "9.0.0-14", VersionStatus: "a newer release is there", Created: "03/02/2025 10:00:00 am",
		Updated: "11/21/2026 06:00:00 am", Extra: extra("total_mb_size", "7340032", "online", "true"),
	}
	quay07 = unitrends.System{
		ID: "4", Name: "quay-07", Host: "192.0.2.47", Role: unitrends.SystemRoleReplicationSource, Status: "available",
		Version: "8.2.0-1",
	}
	quay12 = unitrends.System{
		ID: "-41", IsPending: true, RequestID: "41", Name: "quay-12", AssetTag: "UT-500731",
		Role: unitrends.SystemRoleNonManagedReplicationSource, Status: "pending", Created: "11/20/2026 08:15:02 pm",
	}
	dinghy = unitrends.System{
		ID: "-39", IsPending: true, RequestID: "39", Name: "dinghy", AssetTag: "UT-500118",
		Role: unitrends.SystemRoleNonManagedReplicationSource, Status: "rejected", Message: "unknown vessel",
	}
)

func sourceCases() []wireCase {
	return []wireCase{
		{
			operation: "Sources.Pending", request: "GET /api/replication/pending",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Client.Sources.Pending(ctx) },
			status: 200, answer: "sources_pending.answer",
			want: []unitrends.PendingRequest{
				{RequestID: "41", Extra: extra("hostname", `"quay-12"`, "since", `"11/20/2026 08:15:02 pm"`)}, {RequestID: "42"},
			},
			refusal: forbidden,
		},
		{
			operation: "Sources.Decide", method: "Accept", request: "POST /api/replication/source", body: "sources_decide.request",
			call: func(ctx context.Context, r resources) (any, error) {
				return begun(r.Client.Sources.Accept(ctx, "41", unitrends.Acceptance{StorageID: drkit.Some(unitrends.ID("7"))}))
			},
			status: 201, answer: "sources_decide.answer", want: watched("replication request 41"), refusal: refused,
		},
		{
			operation: "Sources.Decide", kind: "message", method: "Accept", request: "POST /api/replication/source",
			body: "sources_decide.message.request",
			call: func(ctx context.Context, r resources) (any, error) {
				return begun(r.Client.Sources.Accept(ctx, "41", unitrends.Acceptance{
					Message: drkit.Some("welcome"), StorageID: drkit.Some(unitrends.ID("7")),
				}))
			},
			status: 201, want: watched("replication request 41"), refusal: conflict,
		},
		{
			operation: "Sources.Decide", kind: "reject", method: "Reject", request: "POST /api/replication/source",
			body: "sources_decide.reject.request",
			call: func(ctx context.Context, r resources) (any, error) {
				return begun(r.Client.Sources.Reject(ctx, "42", "ask the harbor master first"))
			},
			status: 201, want: watched("replication request 42"), refusal: refused,
		},
		{
			operation: "Sources.Update", request: "PUT /api/replication/source", query: []string{"sid=4"}, body: "sources_update.request",
			call: func(ctx context.Context, r resources) (any, error) {
				return r.Client.Sources.Update(ctx, "4", unitrends.SourceUpdate{
					Customer: drkit.Some("Example Shipping"), CustomerID: drkit.Some(unitrends.ID("3")),
					Location: drkit.Some("Pier 9"), LocationID: drkit.Some(unitrends.ID("12")), StorageID: drkit.Some(unitrends.ID("8")),
				})
			},
			status: 200, answer: "sources_update.answer", want: nothing, refusal: refused,
		},
		{
			operation: "Sources.Delete", request: "DELETE /api/replication/source/4",
			call: func(ctx context.Context, r resources) (any, error) {
				return begun(r.Client.Sources.Delete(ctx, "4"))
			},
			status: 200, answer: "sources_delete.answer", want: watched("source 4"), refusal: refused,
		},
	}
}

func targetCases() []wireCase {
	connected := unitrends.Target{Name: "harbor", TargetID: "2", Extra: extra("type", `"appliance"`)}
	return []wireCase{
		{
			operation: "Targets.Request", request: "POST /api/replication/target", body: "targets_request.request",
			call: func(ctx context.Context, r resources) (any, error) {
				return begun(r.Targets.Request(ctx, unitrends.TargetRequest{"target": "harbor.example.com", "type": "appliance"}))
			},
			status: 201, answer: "targets_request.answer", want: watched("the replication targets"), refusal: refused,
		},
		{
			operation: "Targets.List", request: "GET /api/replication/targets",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Targets.List(ctx) },
			status: 200, answer: "targets_list.answer",
			want:    []unitrends.Target{{Name: "harbor", TargetID: "2", SID: "1", Extra: extra("suspended", "false")}},
			refusal: forbidden,
		},
		{
			operation: "Targets.Connected", request: "GET /api/backup-copy/connected_targets",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Client.Targets.Connected(ctx) },
			status: 200, answer: "targets_connected.answer", want: []unitrends.Target{connected}, refusal: notFound,
		},
	}
}

func settingsCases() []wireCase {
	edit := func(edit unitrends.QueueEdit) func(context.Context, resources) (any, error) {
		return func(ctx context.Context, r resources) (any, error) { return r.Queue.Edit(ctx, edit) }
	}
	return []wireCase{
		{
			operation: "Config.Get", request: "GET /api/replication/config",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Config.Get(ctx) },
			status: 200, answer: "config_get.answer",
			want: []unitrends.ReplicationConfig{{
				MaxConcurrent: 3, ReportMailTo: "ops@example.com,night@example.com", ReportTime: "06:30 am",
				Strategy: unitrends.StrategyRecency, QueueScheme: 2, SID: "1", Extra: extra("bandwidth", `"unlimited"`),
			}},
			refusal: forbidden,
		},
		{
			operation: "Config.Update", request: "PUT /api/replication/config", body: "config_update.request",
			call: func(ctx context.Context, r resources) (any, error) {
				return r.Config.Update(ctx, unitrends.ConfigUpdate{
					MaxConcurrent: drkit.Some(0), ReportMailTo: drkit.Some(""), ReportTime: drkit.Some("06:45"), QueueValue: drkit.Some(1),
				})
			},
			status: 200, answer: "config_update.answer", want: warning, refusal: refused,
		},
		{
			operation: "Queue.Get", request: "GET /api/replication/queue",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Client.Queue.Get(ctx) },
			status: 200, answer: "queue_get.answer",
			want: unitrends.ReplicationQueue{
				Active: []unitrends.Job{ledgerCopy}, Inactive: []unitrends.QueueItem{queuedTill}, Extra: extra("total", "2", "start", "1"),
			},
			refusal: forbidden,
		},
		{
			operation: "Queue.Active", request: "GET /api/replication/queue/active",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Client.Queue.Active(ctx) },
			status: 200, answer: "queue_active.answer", want: []unitrends.Job{ledgerCopy}, refusal: refused,
		},
		{
			operation: "Queue.Inactive", request: "GET /api/replication/queue/inactive",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Client.Queue.Inactive(ctx) },
			status: 200, answer: "queue_inactive.answer", want: []unitrends.QueueItem{queuedTill}, refusal: refused,
		},
		{
			operation: "Queue.Edit", request: "PUT /api/replication/queue", body: "queue_edit.request",
			call: edit(unitrends.QueueEdit{
				Backups: []unitrends.QueuedBackup{{ID: "20822", Target: "harbor"}}, Action: unitrends.QueueActionReset,
			}),
			status: 200, answer: "queue_edit.answer", want: nothing, refusal: refused,
		},
		{
			operation: "Queue.Edit", kind: "clients", request: "PUT /api/replication/queue", body: "queue_edit.clients.request",
			call:   edit(unitrends.QueueEdit{Clients: []string{"esx-04"}, Action: unitrends.QueueActionRemove}),
			status: 200, want: nothing, refusal: notFound,
		},
		{
			operation: "Queue.Edit", kind: "instances", request: "PUT /api/replication/queue", body: "queue_edit.instances.request",
			call:   edit(unitrends.QueueEdit{Instances: []string{"till-03", "ledger-db"}, Action: unitrends.QueueActionReset}),
			status: 200, want: nothing, refusal: conflict,
		},
		{
			operation: "Queue.Strategy", request: "GET /api/replication/queue/strategy",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Queue.Strategy(ctx) },
			status: 200, answer: "queue_strategy.answer", want: unitrends.StrategyMaximizeRetention, refusal: forbidden,
		},
		{
			operation: "Queue.SetStrategy", request: "PUT /api/replication/queue/strategy", body: "queue_set_strategy.request",
			call: func(ctx context.Context, r resources) (any, error) {
				return r.Queue.SetStrategy(ctx, unitrends.StrategyManual)
			},
			status: 200, answer: "queue_set_strategy.answer", want: nothing, refusal: refused,
		},
		{
			operation: "Systems.List", request: "GET /api/systems",
			call: func(ctx context.Context, r resources) (any, error) {
				return r.Systems.List(ctx, unitrends.SystemQuery{})
			},
			status: 200, answer: "systems_list.answer", want: []unitrends.System{harbor, quay07, quay12, dinghy}, refusal: forbidden,
		},
		{
			operation: "Systems.List", kind: "every parameter", request: "GET /api/systems",
			query: []string{"include_pending=1", "include_rejected=0"},
			call: func(ctx context.Context, r resources) (any, error) {
				return r.Systems.List(ctx, unitrends.SystemQuery{IncludePending: drkit.Some(true), IncludeRejected: drkit.Some(false)})
			},
			status: 200, answer: "systems_list.answer", want: []unitrends.System{harbor, quay07, quay12, dinghy}, refusal: refused,
		},
	}
}
