package checkpointstest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// replicate is the guide's request.
func replicate(there guest, vault string) string {
	return fmt.Sprintf(`{"replicate":{"auto_trigger":false,"destination_project_id":%q,"destination_region":%q,"destination_vault_id":%q,"vault_id":%q}}`,
		there.project, there.server.Region, replicas, vault)
}

func TestReplicateVault(t *testing.T) {
	t.Parallel()
	here, there, clock := openPair(t, checkpointstest.Play(checkpointstest.HuaweiCloud))
	_, backups := backUp(t, here, clock, production)
	assert.Equal(t, []any{object{"name": "region1", "replication_destinations": []any{"region2"}}}, here.ask(t, 200, "GET", "/replication-capabilities", "")["regions"])

	done := here.ask(t, 200, "POST", "/checkpoints/replicate", replicate(there, production))
	answer, ok := done["replication"].(object)
	require.True(t, ok)
	assert.Equal(t, "region1", answer["source_region"])
	assert.Equal(t, here.project, answer["project_id"])
	assert.Equal(t, production, answer["vault_id"])
	copied := list(t, answer, "backups")
	require.Len(t, copied, 2)
	delete(answer, "backups")
	assert.Equal(t, object{
		"source_region": "region1", "project_id": here.project, "vault_id": production, "provider_id": "0daac4c5-6707-4851-97ba-169e36266b66",
		"destination_region": "region2", "destination_project_id": there.project, "destination_vault_id": replicas,
	}, answer)
	here.refused(t, 400, checkpointstest.CodeBeingReplicated, "POST", "/checkpoints/replicate", replicate(there, production))
	here.refused(t, 400, checkpointstest.CodeBeingReplicated, "DELETE", "/vaults/"+production, "")
	here.refused(t, 400, checkpointstest.CodeBackupInUse, "DELETE", "/backups/"+backups[db1], "")

	record := func() any {
		return at(t, here.ask(t, 200, "GET", "/backups?show_replication=true&resource_id="+db1, ""), "backups", 0, "replication_records", 0)
	}
	assert.Equal(t, "waiting_replicate", at(t, record(), "status"))
	assert.Empty(t, there.server.Backups(replicas))
	clock.Advance(6 * time.Second)
	assert.Equal(t, "replicating", at(t, record(), "status"))
	assert.Equal(t, 50, at(t, record(), "extra_info", "progress"))
	assert.Equal(t, "protecting", there.server.Backups(replicas)[0].Status)
	clock.Advance(10 * time.Second)
	assert.Equal(t, "success", at(t, record(), "status"))

	arrived := list(t, there.ask(t, 200, "GET", "/backups?image_type=replication&sort=created_at:asc&vault_id="+replicas, ""), "backups")
	require.Len(t, arrived, 2)
	for _, replica := range arrived {
		assert.Equal(t, "available", at(t, replica, "status"))
		there.ask(t, 200, "GET", "/checkpoints/"+text(t, replica, "checkpoint_id"), "")
	}
	log := at(t, here.ask(t, 200, "GET", "/operation-logs?operation_type=replication&resource_id="+db1, ""), "operation_logs", 0)
	assert.Equal(t, backups[db1], at(t, log, "extra_info", "replication", "source_backup_id"))
	assert.Equal(t, at(t, record(), "destination_backup_id"), at(t, log, "extra_info", "replication", "destination_backup_id"))
	assert.Equal(t, "region2", at(t, log, "extra_info", "replication", "destination_region"))
	assert.Equal(t, 1, here.server.Audit().Replication(backups[db1], "region2").Succeeded)

	// Each backup is copied once, also if its copy was deleted since.
	require.True(t, there.server.RemoveBackup(text(t, arrived[0], "id")))
	require.True(t, there.server.RemoveBackup(text(t, arrived[1], "id")))
	again := here.ask(t, 200, "POST", "/checkpoints/replicate", replicate(there, production))
	assert.Equal(t, []any{}, at(t, again, "replication", "backups"))

	// By hand it goes again, but not twice.
	one := fmt.Sprintf(`{"replicate":{"destination_project_id":%q,"destination_region":"region2","destination_vault_id":%q,"name":"again"}}`, there.project, replicas)
	path := "/backups/" + backups[db1] + "/replicate"
	byHand := here.ask(t, 200, "POST", path, one)
	assert.Equal(t, backups[db1], at(t, byHand, "replication", "backup_id"))
	here.refused(t, 400, checkpointstest.CodeBackupInUse, "DELETE", "/backups/"+backups[db1], "")
	clock.Advance(time.Minute)
	here.refused(t, 400, checkpointstest.CodeDestinationCheck, "POST", path, one)
	replica := there.server.Backups(replicas)[0]
	assert.Equal(t, "again", replica.Name)
	there.refused(t, 400, checkpointstest.CodeCannotBeReplicated, "POST", "/backups/"+replica.ID+"/replicate", fmt.Sprintf(
		`{"replicate":{"destination_project_id":%q,"destination_region":"region1","destination_vault_id":%q}}`, here.project, production))
	assert.Equal(t, 2, here.server.Audit().Replication(backups[db1], "region2").Succeeded)
}

func TestWhatIsSkipped(t *testing.T) {
	t.Parallel()
	data := checkpointstest.VM("data-1", 10)
	data.Disks[0].Data = true
	here, there, clock := openPair(t, checkpointstest.Play(checkpointstest.HuaweiCloud),
		checkpointstest.Resources(checkpointstest.VM("db-1", 40, 100), data, checkpointstest.VM("app-1", 40)),
		checkpointstest.Vaults(checkpointstest.Vault{Name: "production", Resources: []string{db1, checkpointstest.VMID("data-1"), app1}}))
	_, backups := backUp(t, here, clock, production)
	here.server.FailTask("Checkpoints.Replicate", app1, checkpointstest.CodeImportFailed, "no import")
	done := here.ask(t, 200, "POST", "/checkpoints/replicate", replicate(there, production))
	assert.Len(t, list(t, done, "replication", "backups"), 3)
	clock.Advance(time.Minute)
	for resource, want := range map[string][]string{
		db1:                            {"success", ""},
		checkpointstest.VMID("data-1"): {"skip", checkpointstest.CodeCannotBeReplicated},
		app1:                           {"fail", checkpointstest.CodeImportFailed},
	} {
		record := at(t, here.ask(t, 200, "GET", "/backups/"+backups[resource]+"", ""), "backup", "replication_records", 0)
		assert.Equal(t, want, []string{text(t, record, "status"), text(t, record, "extra_info", "fail_code")})
	}
	skipped := at(t, here.ask(t, 200, "GET", "/operation-logs?status=skipped", ""), "operation_logs", 0)
	assert.Equal(t, checkpointstest.CodeCannotBeReplicated, at(t, skipped, "error_info", "code"))
	assert.Empty(t, at(t, skipped, "extra_info", "replication", "destination_backup_id"))
	assert.Equal(t, []string{"available", "error"}, []string{there.server.Backups(replicas)[0].Status, there.server.Backups(replicas)[1].Status})

	// What failed or was skipped is tried again, what succeeded is not.
	again := here.ask(t, 200, "POST", "/checkpoints/replicate", replicate(there, production))
	assert.Len(t, list(t, again, "replication", "backups"), 2)
	clock.Advance(time.Minute)
	assert.Equal(t, 1, here.server.Audit().Replication(backups[app1], "region2").Succeeded)
	assert.Equal(t, 0, here.server.Audit().Replication(backups[checkpointstest.VMID("data-1")], "region2").Started)
}

func TestReplicationsThatAreRefused(t *testing.T) {
	t.Parallel()
	here, there, clock := openPair(t, checkpointstest.Vaults(
		checkpointstest.Vault{Name: "production", Resources: []string{db1, app1}}, checkpointstest.Vault{Name: "disks", ObjectType: "disk"}))
	backUp(t, here, clock, production)
	there.ask(t, 200, "POST", "/vaults", fmt.Sprintf(newVault, ""))
	backupVault := there.server.Vaults()[1].ID
	body := func(project, region, vault, from string) string {
		return fmt.Sprintf(`{"replicate":{"destination_project_id":%q,"destination_region":%q,"destination_vault_id":%q,"vault_id":%q}}`, project, region, vault, from)
	}
	for name, tc := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"own region":     {body(here.project, "region1", replicas, production), 400, checkpointstest.CodeInvalidParameter},
		"unknown region": {body(there.project, "region9", replicas, production), 500, checkpointstest.CodeRegionCannotReplicate},
		"wrong project":  {body(here.project, "region2", replicas, production), 400, checkpointstest.CodeProjectCannot},
		"no destination": {body(there.project, "region2", unknown, production), 400, checkpointstest.CodeDestinationMissing},
		"backup vault":   {body(there.project, "region2", backupVault, production), 400, checkpointstest.CodeDestinationCannot},
		"disk vault":     {body(there.project, "region2", replicas, checkpointstest.VaultID("disks")), 400, checkpointstest.CodeVaultCannotReplicate},
		"no source":      {body(there.project, "region2", replicas, unknown), 404, checkpointstest.CodeVaultNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			here.refused(t, tc.status, tc.code, "POST", "/checkpoints/replicate", tc.body)
		})
	}
	here.server.HideDestination("region2", true)
	here.refused(t, 500, checkpointstest.CodeRegionCannotReplicate, "POST", "/checkpoints/replicate", replicate(there, production))
	here.server.HideDestination("region2", false)
	there.server.SetVaultStatus(replicas, checkpointstest.VaultFrozen)
	here.refused(t, 400, checkpointstest.CodeDestinationCheck, "POST", "/checkpoints/replicate", replicate(there, production))
	assert.Zero(t, here.server.Ran("Checkpoints.Replicate", ""))
}

// A cloud without replication records shows how copies fare in its tasks and at the destination.
func TestNoRecordsOnOpenTelekomCloud(t *testing.T) {
	t.Parallel()
	here, there, clock := openPair(t)
	_, backups := backUp(t, here, clock, production)
	here.ask(t, 200, "POST", "/checkpoints/replicate", replicate(there, production))
	clock.Advance(time.Minute)
	assert.NotContains(t, at(t, here.ask(t, 200, "GET", "/backups/"+backups[db1], ""), "backup"), "replication_records")
	logs := here.ask(t, 200, "GET", "/operation-logs?status=success&start_time="+clock.Now().Add(-time.Minute).Format("2006-01-02T15:04:05Z"), "")
	assert.Equal(t, 2, count(t, logs))
	assert.Equal(t, "replication", at(t, logs, "operation_logs", 0, "operation_type"))
	here.refused(t, 400, checkpointstest.CodeInvalidParameter, "GET", "/operation-logs?operation_type=replication", "")
	assert.Equal(t, 2, count(t, there.ask(t, 200, "GET", "/backups?vault_id="+replicas, "")))
}

// The answer to a replication that ran is lost, another comes late: the audit of both regions knows.
func TestLostAndLateReplications(t *testing.T) {
	t.Parallel()
	here, there, clock := openPair(t)
	_, backups := backUp(t, here, clock, production)
	here.server.Inject(checkpointstest.Fault{Operation: "Checkpoints.Replicate", Resource: production, Drop: true, Late: time.Minute, Times: 1})
	_, err := here.send(t.Context(), "POST", "/checkpoints/replicate", replicate(there, production))
	require.Error(t, err)
	assert.Equal(t, 1, here.server.Audit().Operation("Checkpoints.Replicate", production).Pending)
	clock.Advance(time.Minute)
	assert.Zero(t, count(t, there.ask(t, 200, "GET", "/backups", "")), "begun, but no copy shows before its task runs")
	clock.Advance(time.Minute)
	assert.Equal(t, 2, count(t, there.ask(t, 200, "GET", "/backups", "")), "the other region sees what was late here")
	got := here.server.Audit()
	assert.Equal(t, 1, got.Operation("Checkpoints.Replicate", production).Late)
	assert.Equal(t, 1, got.Replication(backups[db1], "region2").Succeeded)

	here.server.Inject(checkpointstest.Fault{Operation: "Checkpoints.Create", After: true, Drop: true, Times: 1})
	_, err = here.send(t.Context(), "POST", "/checkpoints", fmt.Sprintf(`{"checkpoint":{"vault_id":%q}}`, production))
	require.Error(t, err)
	assert.Equal(t, 2, here.server.Audit().Vault(production).Checkpoints)
}

func TestManyReplicas(t *testing.T) {
	t.Parallel()
	here, there, _ := openPair(t, checkpointstest.PageLimit(100))
	here.server.AddBackups(production, 250)
	done := here.ask(t, 200, "POST", "/checkpoints/replicate", replicate(there, production))
	assert.Len(t, list(t, done, "replication", "backups"), 500)
	assert.Equal(t, 500, count(t, here.ask(t, 200, "GET", "/operation-logs?status=waiting", "")))
}
