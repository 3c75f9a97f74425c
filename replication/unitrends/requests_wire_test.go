package unitrends_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
)

// What cannot be right is refused before anything is sent.
func TestRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	s := newService(t)
	client := s.client()
	none := client.System(" ")
	order := func(change func(*unitrends.ReplicationJobOrder)) error {
		o := tillOrder()
		change(&o)
		_, err := client.JobOrders.Create(t.Context(), o)
		return err
	}
	recovery := func(change func(*unitrends.InstantRecovery)) error {
		r := ledgerAudit()
		change(&r)
		_, err := client.InstantRecoveries.Start(t.Context(), r)
		return err
	}
	edit := func(edit unitrends.QueueEdit) error {
		_, err := client.Queue.Edit(t.Context(), edit)
		return err
	}
	errorOf := func(_ any, err error) error { return err }
	for want, err := range map[string]error{
		"unitrends.Sources.Reject: the message is empty":                 errorOf(client.Sources.Reject(t.Context(), "41", " ")),
		"unitrends.Sources.Reject: the id of the request is empty":       errorOf(client.Sources.Reject(t.Context(), "", "no")),
		"unitrends.Sources.Accept: the id of the request is empty":       errorOf(client.Sources.Accept(t.Context(), "", unitrends.Acceptance{})),
		"unitrends.Sources.Settled: the id of the request is empty":      errorOf(client.Sources.Settled(" ")),
		"unitrends.Sources.Update: the id of the source is empty":        errorOf(client.Sources.Update(t.Context(), " ", unitrends.SourceUpdate{})),
		"unitrends.Sources.Delete: sid is empty":                         errorOf(client.Sources.Delete(t.Context(), "")),
		"unitrends.Targets.Request: the request is empty":                errorOf(client.Targets.Request(t.Context(), nil)),
		"unitrends.JobOrders.Run: jobOrderId is empty":                   errorOf(client.JobOrders.Run(t.Context(), "")),
		"unitrends.JobOrders.Get: jobOrderId \"..\" is not an id":        errorOf(client.JobOrders.Get(t.Context(), "..")),
		"unitrends.JobOrders.Create: the name is empty":                  order(func(o *unitrends.ReplicationJobOrder) { o.Name = "" }),
		"unitrends.JobOrders.Create: there are no instances":             order(func(o *unitrends.ReplicationJobOrder) { o.Instances = nil }),
		"unitrends.JobOrders.Create: the id of the target is empty":      order(func(o *unitrends.ReplicationJobOrder) { o.TargetID = "" }),
		"unitrends.InstantRecoveries.Start: the id of the backup":        recovery(func(r *unitrends.InstantRecovery) { r.BackupID = "" }),
		"unitrends.InstantRecoveries.Start: the host is empty":           recovery(func(r *unitrends.InstantRecovery) { r.Target.Host = "" }),
		"unitrends.InstantRecoveries.Start: the name of the machine":     recovery(func(r *unitrends.InstantRecovery) { r.Target.Name = " " }),
		"unitrends.Queue.Edit: 0 of backups, clients and instances":      edit(unitrends.QueueEdit{Action: unitrends.QueueActionReset}),
		"unitrends.Queue.Edit: 2 of backups, clients and instances":      edit(unitrends.QueueEdit{Clients: []string{"a"}, Instances: []string{"b"}}),
		"unitrends.Queue.Edit: the action is empty":                      edit(unitrends.QueueEdit{Clients: []string{"a"}}),
		"unitrends.Queue.Edit: one of those that it names":               edit(unitrends.QueueEdit{Clients: []string{"a", ""}, Action: unitrends.QueueActionRemove}),
		"unitrends.Queue.Edit: one of those that":                        edit(unitrends.QueueEdit{Instances: []string{""}, Action: unitrends.QueueActionRemove}),
		"unitrends.Queue.Edit: one of those":                             edit(unitrends.QueueEdit{Backups: []unitrends.QueuedBackup{{ID: "7"}}, Action: unitrends.QueueActionRemove}),
		"unitrends.Queue.Edit: one of":                                   edit(unitrends.QueueEdit{Backups: []unitrends.QueuedBackup{{Target: "harbor"}}, Action: unitrends.QueueActionRemove}),
		"unitrends.Queue.SetStrategy: the strategy is empty":             errorOf(client.Queue.SetStrategy(t.Context(), "")),
		"unitrends.Queue.Drained: the name of an instance":               errorOf(client.Queue.Drained("ledger-db", "").Wait(t.Context())),
		"unitrends.JobOrders.Create: the id of an instance":              order(func(o *unitrends.ReplicationJobOrder) { o.Instances = append(o.Instances, "") }),
		"unitrends.InstantRecoveries.End: the kind is empty":             errorOf(client.InstantRecoveries.End(t.Context(), "5.vm_ir", "")),
		"unitrends.Sources.Accept: the id of the storage is empty":       errorOf(client.Sources.Accept(t.Context(), "41", unitrends.Acceptance{StorageID: drkit.Some(unitrends.ID(""))})),
		"unitrends.Sources.Update: the id of the storage is empty":       errorOf(client.Sources.Update(t.Context(), "4", unitrends.SourceUpdate{StorageID: drkit.Some(unitrends.ID(" "))})),
		"unitrends.Storage.List: the id of the system is empty":          errorOf(none.Storage.List(t.Context())),
		"unitrends.JobOrders.Disable: the id of the system is empty":     errorOf(none.JobOrders.Disable(t.Context(), "7")),
		"unitrends.InstantRecoveries.End: virtualId is empty":            errorOf(client.InstantRecoveries.End(t.Context(), "", unitrends.RecoveryKindWindows)),
		"unitrends.Jobs.Cancel: jobId \".\" is not an id":                errorOf(client.Jobs.Cancel(t.Context(), ".")),
		"unitrends.Systems.List: operation ID \"\\n\" cannot be sent as": errorOf(client.Systems.List(drkit.WithOperationID(t.Context(), "\n"), unitrends.SystemQuery{})),
	} {
		require.ErrorContains(t, err, want)
	}
	assert.Empty(t, s.Lines())
}

// Identifiers stay within their part of the path.
func TestIdentifiersAreEscaped(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", "/api/joborders/a%2Fb%3Fc%3Dd", answer(t, 200, "job_orders_get.answer"))
	_, err := s.client().System("x/y?z=1").JobOrders.Get(wire(t), "a/b?c=d")
	require.NoError(t, err)
	assert.Equal(t, "GET /api/joborders/a%2Fb%3Fc%3Dd/?sid=x%2Fy%3Fz%3D1", s.Only().Line)
}

// A job order that was read goes back as it came, but for what was changed.
func TestUpdateLosesNothing(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", "/api/joborders/17", answer(t, 200, "job_orders_get.answer"))
	s.on("PUT", "/api/joborders/17", says(200, ""))
	client := s.client()
	order, err := client.JobOrders.Get(wire(t), "17")
	require.NoError(t, err)
	order.Name = "copy the ledgers and tills"
	_, err = client.JobOrders.Update(wire(t), order)
	require.NoError(t, err)
	assert.JSONEq(t, testdata(t, "job_orders_update.request"), s.All()[1].Body)
}
