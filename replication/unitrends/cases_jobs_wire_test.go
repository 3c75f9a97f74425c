package unitrends_test

import (
	"context"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
)

// The wire cases of job orders, jobs, the inventory and instant recoveries.

// ledgerOrder is a job order as Get returns it.
func ledgerOrder() unitrends.JobOrder {
	return unitrends.JobOrder{
		ID: "17", SID: drkit.Some(unitrends.ID("1")), Name: "copy the ledgers", Type: drkit.Some("Replication"),
		Status: drkit.Some("Idle"), LastStatus: drkit.Some("Success"),
		Instances: []unitrends.JobInstance{
			{ID: "231", Name: drkit.Some("ledger-db"), Extra: extra("excluded", "false")}, {ID: "232"},
		},
		Extra: extra("target_id", "2", "email_report", "true"),
	}
}

func tillOrder() unitrends.ReplicationJobOrder {
	return unitrends.ReplicationJobOrder{
		Name: "copy the tills", Instances: []unitrends.ID{"1_4_233", "234"}, TargetID: "2", Extra: extra("email_report", "true"),
	}
}

func orderCases() []wireCase {
	listed := ledgerOrder()
	listed.Instances, listed.Extra = nil, nil
	nightly := unitrends.JobOrder{
		ID: "18", SID: drkit.Some(unitrends.ID("1")), Name: "nightly", Type: drkit.Some("Backup"), Status: drkit.Some("Disabled"),
		LastStatus: drkit.Some("Never"), Extra: extra("schedule", `"daily"`),
	}
	changed := ledgerOrder()
	changed.Name = "copy the ledgers and tills"
	return []wireCase{
		{
			operation: "JobOrders.List", request: "GET /api/joborders",
			call:   func(ctx context.Context, r resources) (any, error) { return r.JobOrders.List(ctx) },
			status: 200, answer: "job_orders_list.answer", want: []unitrends.JobOrder{listed, nightly}, refusal: forbidden,
		},
		{
			operation: "JobOrders.Get", request: "GET /api/joborders/17",
			call:   func(ctx context.Context, r resources) (any, error) { return r.JobOrders.Get(ctx, "17") },
			status: 200, answer: "job_orders_get.answer", want: ledgerOrder(), refusal: notFound,
		},
		{
			operation: "JobOrders.Create", request: "POST /api/joborders", body: "job_orders_create.request",
			call: func(ctx context.Context, r resources) (any, error) {
				return begun(r.JobOrders.Create(ctx, tillOrder()))
			},
			status: 201, answer: "job_orders_create.answer", want: watched("job order copy the tills"), refusal: refused,
		},
		{
			operation: "JobOrders.Update", request: "PUT /api/joborders/17", body: "job_orders_update.request",
			call:   func(ctx context.Context, r resources) (any, error) { return r.JobOrders.Update(ctx, changed) },
			status: 200, answer: "job_orders_update.answer", want: nothing, refusal: notFound,
		},
		{
			operation: "JobOrders.Run", request: "PUT /api/joborders/run/17",
			call:   func(ctx context.Context, r resources) (any, error) { return begun(r.JobOrders.Run(ctx, "17")) },
			status: 200, answer: "job_orders_run.answer", want: watched("job order 17"), refusal: refused,
		},
		{
			operation: "JobOrders.Enable", request: "PUT /api/joborders/enable/18",
			call:   func(ctx context.Context, r resources) (any, error) { return r.JobOrders.Enable(ctx, "18") },
			status: 200, answer: "job_orders_enable.answer", want: nothing, refusal: notFound,
		},
		{
			operation: "JobOrders.Disable", request: "PUT /api/joborders/disable/18",
			call:   func(ctx context.Context, r resources) (any, error) { return r.JobOrders.Disable(ctx, "18") },
			status: 200, answer: "job_orders_disable.answer", want: nothing, refusal: forbidden,
		},
	}
}

func everyHistoryParameter() unitrends.HistoryQuery {
	day := time.Date(2026, time.November, 3, 0, 0, 0, 0, time.UTC)
	return unitrends.HistoryQuery{
		ShowFlat: drkit.Some(true), StartDate: unitrends.DateOf(day), EndDate: unitrends.DateOf(day.AddDate(0, 0, 9)),
	}
}

var historyParameters = []string{"end_date=11%2F12%2F2026", "showFlat=true", "start_date=11%2F03%2F2026"}

func everyCatalogParameter() unitrends.CatalogQuery {
	return unitrends.CatalogQuery{StartDate: "01/31/2026", EndDate: "02/01/2026"}
}

var catalogParameters = []string{"end_date=02%2F01%2F2026", "start_date=01%2F31%2F2026"}

func jobCases() []wireCase {
	nightly := unitrends.Job{
		ID: "914", Name: "nightly", Status: "Queued", PercentComplete: "0", InstanceName: "till-03", SID: "1",
	}
	return []wireCase{
		{
			operation: "Jobs.Active", request: "GET /api/jobs/active",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Jobs.Active(ctx) },
			status: 200, answer: "jobs_active.answer", want: []unitrends.Job{ledgerCopy, nightly}, refusal: forbidden,
		},
		{
			operation: "Jobs.ActiveReplications", request: "GET /api/jobs/active/replication",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Jobs.ActiveReplications(ctx) },
			status: 200, answer: "jobs_active_replications.answer", want: []unitrends.Job{ledgerCopy}, refusal: forbidden,
		},
		{
			operation: "Jobs.ActiveFileRecoveries", request: "GET /api/jobs/active/flr",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Jobs.ActiveFileRecoveries(ctx) },
			status: 200, answer: "jobs_active_file_recoveries.answer",
			want: []unitrends.Job{{
				ID: "921", SID: "1", Name: "files of till-03", Status: "Connecting", PercentComplete: "0", InstanceName: "till-03",
				Extra: extra("expires", `"11/22/2026 09:00:00 am"`),
			}},
			refusal: forbidden,
		},
		{
			operation: "Jobs.History", request: "GET /api/jobs/history",
			call: func(ctx context.Context, r resources) (any, error) {
				return r.Jobs.History(ctx, unitrends.HistoryQuery{})
			},
			status: 200, answer: "jobs_history.answer",
			want: []unitrends.HistoryJob{
				{
					Name: "nightly", Status: unitrends.HistoryStatusSuccess, Type: "Backup", StartDate: "11/20/2026 01:00:00 am",
					Duration: "00:41:07", SID: "1",
				},
				{
					Name: "copy the ledgers", Status: "Failed", Type: "Replication", StartDate: "11/20/2026 02:10:00 am",
					Duration: "n/a", SID: "1", Extra: extra("backups", "4"),
				},
			},
			refusal: refused,
		},
		{
			operation: "Jobs.History", kind: "every parameter", request: "GET /api/jobs/history", query: historyParameters,
			call: func(ctx context.Context, r resources) (any, error) {
				return r.Jobs.History(ctx, everyHistoryParameter())
			},
			status: 200, answer: "jobs_history.flat.answer",
			want: []unitrends.HistoryJob{{
				Name: "copy the ledgers", Status: "Failed", Type: "Replication", ClientName: "esx-04", AssetName: "ledger-db",
				InstanceID: "231", BackupID: "20811", Mode: "Replication", Description: "copy of a full backup",
				StartTime: "02:10:00 am", SortStartTime: 1795140600, Message: "The target does not answer.", SID: "1",
			}},
			refusal: forbidden,
		},
		{
			operation: "Jobs.Cancel", request: "DELETE /api/jobs/913",
			call:   func(ctx context.Context, r resources) (any, error) { return begun(r.Jobs.Cancel(ctx, "913")) },
			status: 200, answer: "jobs_cancel.answer", want: watched("job 913"), refusal: refused,
		},
	}
}

func inventoryCases() []wireCase {
	return []wireCase{
		{
			operation: "Assets.List", request: "GET /api/assets",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Assets.List(ctx) },
			status: 200, answer: "assets_list.answer",
			want: []unitrends.Asset{{
				ID: "1_4", Name: "esx-04", Type: "VMware", AssetType: "VMware:ESX", IP: "192.0.2.204", SID: "1",
				Children: []unitrends.Asset{
					{ID: "1_4_231", Name: "ledger-db", Type: "VM", AssetType: "VMware", Extra: extra("credential", "null")},
					{ID: "233", Name: "till-03"},
				},
			}},
			refusal: forbidden,
		},
		{
			operation: "Storage.List", request: "GET /api/storage",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Storage.List(ctx) },
			status: 200, answer: "storage_list.answer",
			want: []unitrends.StorageArea{
				{
					ID: "7", Name: "Internal", SystemName: "harbor", Type: "internal", Usage: "backup", Status: "online", SID: "1",
					Extra: extra("mb_free", "512000"),
				},
				{ID: "8", Name: "copies"},
			},
			refusal: forbidden,
		},
		{
			operation: "Catalog.List", request: "GET /api/catalog",
			call: func(ctx context.Context, r resources) (any, error) {
				return r.Catalog.List(ctx, unitrends.CatalogQuery{})
			},
			status: 200, answer: "catalog_list.answer", want: ledgerBackups(), refusal: refused,
		},
		{
			operation: "Catalog.List", kind: "every parameter", request: "GET /api/catalog", query: catalogParameters,
			call: func(ctx context.Context, r resources) (any, error) {
				return r.Catalog.List(ctx, everyCatalogParameter())
			},
			status: 200, answer: "catalog_list.answer", want: ledgerBackups(), refusal: forbidden,
		},
	}
}

func ledgerBackups() []unitrends.CatalogInstance {
	return []unitrends.CatalogInstance{{
		InstanceID: "231", DatabaseName: "ledger-db", ClientID: "4", ClientName: "esx-04", SystemName: "harbor", SID: "1",
		Backups: []unitrends.CatalogBackup{
			{ID: "20811", StartDate: "11/19/2026 11:00:00 pm", Extra: extra("type", `"Full"`, "replicated", "true")},
			{ID: "20817", StartDate: "11/20/2026 11:00:00 pm"},
		},
	}}
}

func ledgerAudit() unitrends.InstantRecovery {
	return unitrends.InstantRecovery{
		Address: drkit.Some("192.0.2.60"), Audit: true, PowerOn: drkit.Some(false), BackupID: "20817",
		Target: unitrends.RecoveryTarget{Host: "3f6e-host-9", Name: "ledger-db-audit", Datastore: drkit.Some("fast-01")},
	}
}

func recoveryCases() []wireCase {
	live := unitrends.InstantRecovery{
		BackupID: "20817",
		Target:   unitrends.RecoveryTarget{Host: "3f6e-host-2", Name: "ledger-db", Directory: drkit.Some("C:/live")},
	}
	return []wireCase{
		{
			operation: "InstantRecoveries.Start", request: "POST /api/restore/instant", body: "instant_recoveries_start.request",
			call: func(ctx context.Context, r resources) (any, error) {
				return begun(r.InstantRecoveries.Start(ctx, ledgerAudit()))
			},
			status: 201, answer: "instant_recoveries_start.answer", want: watched("instant recovery ledger-db-audit"), refusal: refused,
		},
		{
			operation: "InstantRecoveries.Start", kind: "Hyper-V", request: "POST /api/restore/instant",
			body: "instant_recoveries_start.hyper_v.request",
			call: func(ctx context.Context, r resources) (any, error) {
				return begun(r.InstantRecoveries.Start(ctx, live))
			},
			status: 200, want: watched("instant recovery ledger-db"), refusal: conflict,
		},
		{
			operation: "InstantRecoveries.List", request: "GET /api/virtual_clients",
			call:   func(ctx context.Context, r resources) (any, error) { return r.InstantRecoveries.List(ctx) },
			status: 200, answer: "instant_recoveries_list.answer",
			want: unitrends.VirtualClients{
				VMware: []unitrends.VirtualClient{{
					VirtualID: "5.vm_ir", VMName: "ledger-db-audit", Status: "Running", Mode: "Audit", SID: "1",
					Extra: extra("progress", `"100%"`),
				}},
				HyperV: []unitrends.VirtualClient{{VirtualID: "2.hv_ir", VMName: "till-03-audit", Status: "Starting"}},
			},
			refusal: forbidden,
		},
		{
			operation: "InstantRecoveries.End", request: "DELETE /api/virtual_clients/5.vm_ir", body: "instant_recoveries_end.request",
			call: func(ctx context.Context, r resources) (any, error) {
				return begun(r.InstantRecoveries.End(ctx, "5.vm_ir", unitrends.RecoveryKindVMware))
			},
			status: 200, answer: "instant_recoveries_end.answer", want: watched("machine 5.vm_ir"), refusal: refused,
		},
	}
}
