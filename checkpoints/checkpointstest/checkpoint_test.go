package checkpointstest_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

func TestCheckpoint(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	made := g.ask(t, 200, "POST", "/checkpoints", fmt.Sprintf(
		`{"checkpoint":{"vault_id":%q,"parameters":{"auto_trigger":false,"description":"before","incremental":true,"name":"nightly","resources":[%q]}}}`, production, db1))
	id := text(t, made, "checkpoint", "id")
	assert.Equal(t, "protecting", at(t, made, "checkpoint", "status"))
	assert.Equal(t, object{"name": "nightly", "description": "before", "retention_duration": -1}, at(t, made, "checkpoint", "extra_info"))
	assert.Equal(t, "2030-06-01T12:00:00.000000", at(t, made, "checkpoint", "created_at"))
	assert.Equal(t, []any{}, at(t, made, "checkpoint", "vault", "skipped_resources"))
	assert.Equal(t, object{
		"id": db1, "name": "db-1", "type": "OS::Nova::Server", "protect_status": "protecting", "extra_info": "",
		"resource_size": "140", "backup_size": "0", "backup_count": "0",
	}, at(t, made, "checkpoint", "vault", "resources", 0))

	backup := at(t, g.ask(t, 200, "GET", "/backups?checkpoint_id="+id, ""), "backups", 0)
	assert.Equal(t, "waiting_protect", at(t, backup, "status"))
	clock.Advance(time.Second)
	task := at(t, g.ask(t, 200, "GET", "/operation-logs?vault_id="+production, ""), "operation_logs", 0)
	assert.Equal(t, "running", at(t, task, "status"))
	clock.Advance(5 * time.Second)
	task = at(t, g.ask(t, 200, "GET", "/operation-logs/"+text(t, task, "id"), ""), "operation_log")
	assert.Equal(t, 50, at(t, task, "extra_info", "common", "progress"))
	assert.Equal(t, object{"backup_id": at(t, backup, "id"), "backup_name": "nightly", "incremental": "false"}, at(t, task, "extra_info", "backup"))
	assert.Equal(t, "protecting", at(t, g.ask(t, 200, "GET", "/vaults/"+production, ""), "vault", "resources", 0, "protect_status"))

	clock.Advance(5 * time.Second)
	done := g.ask(t, 200, "GET", "/checkpoints/"+id, "")
	assert.Equal(t, "available", at(t, done, "checkpoint", "status"))
	assert.Equal(t, "available", at(t, done, "checkpoint", "vault", "resources", 0, "protect_status"))
	assert.Equal(t, "1", at(t, done, "checkpoint", "vault", "resources", 0, "backup_count"))
	task = at(t, g.ask(t, 200, "GET", "/operation-logs/"+text(t, task, "id"), ""), "operation_log")
	assert.Equal(t, "success", at(t, task, "status"))
	assert.Equal(t, object{"code": "", "message": ""}, at(t, task, "error_info"))
	assert.Equal(t, "2030-06-01T12:00:11.000+00:00", at(t, task, "ended_at"))

	backup = at(t, g.ask(t, 200, "GET", "/backups/"+text(t, backup, "id"), ""), "backup")
	assert.Equal(t, "available", at(t, backup, "status"))
	assert.Len(t, list(t, backup, "children"), 2)
	assert.Equal(t, true, at(t, backup, "extend_info", "contain_system_disk"))
	assert.Equal(t, at(t, backup, "id"), at(t, backup, "children", 1, "parent_id"))
	assert.Equal(t, 140*1024/2, g.server.Vault(production).UsedMB)
	assert.Equal(t, 1, g.server.Audit().Vault(production).Checkpoints)
	assert.Equal(t, 1, g.server.Ran("Checkpoints.Create", production))
}

func TestTheSecondBackupIsIncremental(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	for i, want := range []bool{false, true, false} {
		body := fmt.Sprintf(`{"checkpoint":{"vault_id":%q,"parameters":{"incremental":%t}}}`, production, i < 2)
		id := text(t, g.ask(t, 200, "POST", "/checkpoints", body), "checkpoint", "id")
		clock.Advance(time.Minute)
		backup := at(t, g.ask(t, 200, "GET", "/backups?checkpoint_id="+id, ""), "backups", 0)
		assert.Equal(t, want, at(t, backup, "extend_info", "incremental"), i)
	}
}

func TestCheckpointsThatAreRefused(t *testing.T) {
	t.Parallel()
	g, clock := open(t, checkpointstest.Vaults(
		checkpointstest.Vault{Name: "production", Resources: []string{db1, app1}},
		checkpointstest.Vault{Name: "empty"}, checkpointstest.Vault{Name: "replicas", ProtectType: "replication"},
		checkpointstest.Vault{Name: "frozen", Status: "frozen", Resources: []string{web1}},
	))
	of := func(vault, parameters string) string {
		return fmt.Sprintf(`{"checkpoint":{"vault_id":%q,"parameters":{%s}}}`, checkpointstest.VaultID(vault), parameters)
	}
	for name, tc := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"no vault":      {of("nobody", ""), 404, checkpointstest.CodeVaultNotFound},
		"no resources":  {of("empty", ""), 400, checkpointstest.CodeNothingToBackUp},
		"replica vault": {of("replicas", ""), 400, checkpointstest.CodeTypeForbidsBackup},
		"frozen vault":  {of("frozen", ""), 400, checkpointstest.CodeVaultForbidsBackup},
		"bad name":      {of("production", `"name":"a b"`), 400, checkpointstest.CodeInvalidParameter},
		"other vault's": {of("production", fmt.Sprintf(`"resources":[%q]`, web1)), 400, checkpointstest.CodeNotInVault},
	} {
		t.Run(name, func(t *testing.T) { g.refused(t, tc.status, tc.code, "POST", "/checkpoints", tc.body) })
	}

	// What is being backed up is skipped at once; if that is all, the request is refused with a 500.
	g.ask(t, 200, "POST", "/checkpoints", of("production", fmt.Sprintf(`"resources":[%q]`, db1)))
	g.server.BreakResource(app1)
	g.refused(t, 500, checkpointstest.CodeBeingBackedUp, "POST", "/checkpoints", of("production", ""))
	g.server.SetResourceStatus(app1, "ACTIVE")
	partly := g.ask(t, 200, "POST", "/checkpoints", of("production", ""))
	assert.Equal(t, []any{object{
		"id": db1, "type": "OS::Nova::Server", "name": "db-1", "code": checkpointstest.CodeBeingBackedUp,
		"reason": "The resource is being backed up.",
	}}, at(t, partly, "checkpoint", "vault", "skipped_resources"))
	assert.Len(t, list(t, partly, "checkpoint", "vault", "resources"), 1)
	clock.Advance(time.Minute)

	g.server.SetVaultStatus(checkpointstest.VaultID("frozen"), checkpointstest.VaultAvailable)
	g.ask(t, 200, "POST", "/checkpoints", of("frozen", ""))
}

func TestAFullVault(t *testing.T) {
	t.Parallel()
	g, clock := open(t, checkpointstest.Vaults(checkpointstest.Vault{Name: "production", SizeGB: 75, Resources: []string{db1}}))
	create := fmt.Sprintf(`{"checkpoint":{"vault_id":%q,"parameters":{"incremental":false}}}`, production)
	g.ask(t, 200, "POST", "/checkpoints", create) // takes 70 GB
	clock.Advance(time.Minute)
	id := text(t, g.ask(t, 200, "POST", "/checkpoints", create), "checkpoint", "id")
	clock.Advance(time.Minute)
	assert.Equal(t, "error", at(t, g.ask(t, 200, "GET", "/checkpoints/"+id, ""), "checkpoint", "status"))
	assert.Equal(t, checkpointstest.CodeVaultFull, at(t, g.ask(t, 200, "GET", "/operation-logs?status=failed", ""), "operation_logs", 0, "error_info", "code"))
	g.ask(t, 200, "PUT", "/vaults/"+production, `{"vault":{"billing":{"size":70}}}`)
	g.refused(t, 400, checkpointstest.CodeVaultFull, "POST", "/checkpoints", create)
	g.ask(t, 200, "PUT", "/vaults/"+production, `{"vault":{"auto_expand":true}}`)
	g.ask(t, 200, "POST", "/checkpoints", create)
	clock.Advance(time.Minute)
	assert.Equal(t, 140, g.server.Vault(production).SizeGB)
}

func TestTasksThatDoNotSucceed(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	g.server.FailTask("Checkpoints.Create", db1, "BackupService.9910", "out of luck")
	g.server.SkipTask("Checkpoints.Create", app1, "BackupService.7102", "stopped")
	id := text(t, g.ask(t, 200, "POST", "/checkpoints", fmt.Sprintf(`{"checkpoint":{"vault_id":%q}}`, production)), "checkpoint", "id")
	clock.Advance(time.Minute)
	assert.Equal(t, []string{"backup failed", "backup skipped"}, states(g))
	assert.Equal(t, "error", at(t, g.ask(t, 200, "GET", "/checkpoints/"+id, ""), "checkpoint", "status"))
	left := g.server.Backups(production)
	require.Len(t, left, 1, "what was skipped leaves nothing")
	assert.Equal(t, "error", left[0].Status)
	failed := at(t, g.ask(t, 200, "GET", "/operation-logs?status=failed", ""), "operation_logs", 0)
	assert.Equal(t, object{"code": "BackupService.9910", "message": "out of luck"}, at(t, failed, "error_info"))

	g.server.TimeOutTask("Checkpoints.Create", production)
	g.server.SlowTask("Checkpoints.Create", app1, time.Hour)
	g.ask(t, 200, "POST", "/checkpoints", fmt.Sprintf(`{"checkpoint":{"vault_id":%q}}`, production))
	clock.Advance(time.Minute)
	assert.Equal(t, []string{"backup timeout", "backup running"}, states(g)[2:])
	clock.Advance(time.Hour)
	assert.Equal(t, "backup success", states(g)[3])
	late := at(t, g.ask(t, 200, "GET", "/operation-logs?status=timeout", ""), "operation_logs", 0)
	assert.Equal(t, object{"code": "", "message": ""}, at(t, late, "error_info"))
	got := g.server.Audit().Operation("Checkpoints.Create", production)
	assert.Equal(t, []int{2, 1, 2, 1}, []int{got.Ran, got.Succeeded, got.Failed, got.Skipped})
	assert.Contains(t, g.server.Audit().String(), "2 checkpoints, 1 backups")
}

func TestListBackups(t *testing.T) {
	t.Parallel()
	g, clock := open(t, checkpointstest.PageLimit(2))
	first, backups := backUp(t, g, clock, production)
	clock.Advance(time.Hour)
	backUp(t, g, clock, production)
	for query, want := range map[string]int{
		"": 4, "?checkpoint_id=" + first: 2, "?vault_id=" + production: 4, "?vault_id=" + unknown: 0, "?resource_id=" + db1: 2,
		"?resource_name=db-1": 2, "?resource_type=OS::Nova::Server": 4, "?resource_type=OS::Cinder::Volume": 0,
		"?parent_id=" + backups[db1]: 2, "?status=available&status=error": 4, "?status=error": 0, "?image_type=backup": 4,
		"?name=manualbk_db-1": 2, "?resource_az=region1-01": 4, "?own_type=shared": 0, "?own_type=all_granted": 4,
		"?start_time=2030-06-01T12:30:00Z": 2, "?end_time=2030-06-01T12:30:00Z": 2, "?used_percent=1": 4, "?used_percent=90": 0,
	} {
		assert.Equal(t, want, count(t, g.ask(t, 200, "GET", "/backups"+query, "")), query)
	}
	newest := text(t, g.ask(t, 200, "GET", "/backups", ""), "backups", 0, "created_at")
	oldest := text(t, g.ask(t, 200, "GET", "/backups?sort=created_at:asc,id:asc", ""), "backups", 0, "created_at")
	assert.Equal(t, "2030-06-01T12:00:00.000000", oldest)
	assert.Greater(t, newest, oldest)

	var byMarker, byOffset []string
	marker := ""
	for offset := 0; offset < 4; offset += 2 {
		for _, b := range list(t, g.ask(t, 200, "GET", fmt.Sprintf("/backups?sort=id:asc&offset=%d", offset), ""), "backups") {
			byOffset = append(byOffset, text(t, b, "id"))
		}
		for _, b := range list(t, g.ask(t, 200, "GET", "/backups?sort=id:asc"+marker, ""), "backups") {
			byMarker = append(byMarker, text(t, b, "id"))
		}
		marker = "&marker=" + byMarker[len(byMarker)-1]
	}
	assert.Len(t, byOffset, 4)
	assert.Equal(t, byOffset, byMarker)
	g.refused(t, 400, checkpointstest.CodeInvalidParameter, "GET", "/backups?sort=size", "")
	g.refused(t, 400, checkpointstest.CodeInvalidParameter, "GET", "/backups?start_time=yesterday", "")
}

func TestDeleteBackup(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	checkpoint, backups := backUp(t, g, clock, production)
	path := "/backups/" + backups[db1]
	children := list(t, g.ask(t, 200, "GET", path, ""), "backup", "children")
	g.refused(t, 400, checkpointstest.CodeCannotDeleteBackup, "DELETE", "/backups/"+text(t, children[0], "id"), "")
	g.ask(t, 204, "DELETE", path, "")
	assert.Equal(t, "waiting_delete", at(t, g.ask(t, 200, "GET", path, ""), "backup", "status"))
	g.refused(t, 400, checkpointstest.CodeCannotDeleteBackup, "DELETE", path, "")
	clock.Advance(2 * time.Second)
	assert.Equal(t, "deleting", at(t, g.ask(t, 200, "GET", path, ""), "backup", "status"))
	clock.Advance(time.Minute)
	g.refused(t, 404, checkpointstest.CodeBackupNotFound, "DELETE", path, "")
	g.ask(t, 200, "GET", "/checkpoints/"+checkpoint, "")
	g.ask(t, 204, "DELETE", "/backups/"+backups[app1], "")
	clock.Advance(time.Minute)
	g.refused(t, 404, checkpointstest.CodeCheckpointNotFound, "GET", "/checkpoints/"+checkpoint, "")
	log := at(t, g.ask(t, 200, "GET", "/operation-logs?operation_type=delete", ""), "operation_logs", 1)
	assert.Equal(t, backups[db1], at(t, log, "extra_info", "delete", "backup_id"))
}

// restoreBody is the guide's request, with the disks of db-1.
func restoreBody(t *testing.T, g guest, backup string) string {
	t.Helper()
	children := list(t, g.ask(t, 200, "GET", "/backups/"+backup, ""), "backup", "children")
	return fmt.Sprintf(`{"restore":{"mappings":[{"backup_id":%q,"volume_id":%q},{"backup_id":%q,"volume_id":%q}],"power_on":true,"server_id":%q}}`,
		text(t, children[0], "id"), checkpointstest.DiskID("db-1", 0), text(t, children[1], "id"), checkpointstest.DiskID("db-1", 1), db1)
}

func TestRestore(t *testing.T) {
	t.Parallel()
	for _, names := range []bool{false, true} {
		t.Run(fmt.Sprintf("task named %t", names), func(t *testing.T) {
			t.Parallel()
			g, clock := open(t, checkpointstest.RestoreNamesTask(names))
			_, backups := backUp(t, g, clock, production)
			path := "/backups/" + backups[db1] + "/restore"
			body := restoreBody(t, g, backups[db1])
			got, err := g.send(t.Context(), "POST", g.server.URL+"/v3/"+g.project+path, body)
			require.NoError(t, err)
			require.Equal(t, http.StatusAccepted, got.status)
			tasks := g.server.Tasks()
			task := tasks[len(tasks)-1]
			if names {
				assert.JSONEq(t, fmt.Sprintf(`{"job_id":%q}`, task.ID), got.body)
			} else {
				assert.Empty(t, got.body)
			}
			g.refused(t, 400, checkpointstest.CodeBeingRestored, "POST", path, body)
			g.refused(t, 500, checkpointstest.CodeBeingBackedUp, "POST", "/checkpoints", fmt.Sprintf(`{"checkpoint":{"vault_id":%q,"parameters":{"resources":[%q]}}}`, production, db1))
			clock.Advance(2 * time.Second)
			assert.Equal(t, "restoring", at(t, g.ask(t, 200, "GET", "/backups/"+backups[db1], ""), "backup", "status"))
			assert.Equal(t, "restoring", at(t, g.ask(t, 200, "GET", "/vaults/"+production, ""), "vault", "resources", 0, "protect_status"))
			clock.Advance(time.Minute)
			log := at(t, g.ask(t, 200, "GET", "/operation-logs/"+task.ID, ""), "operation_log")
			assert.Equal(t, "success", at(t, log, "status"))
			assert.Equal(t, object{
				"backup_id": backups[db1], "backup_name": "manualbk_db-1", "target_resource_id": db1, "target_resource_name": "db-1",
			}, at(t, log, "extra_info", "restore"))
			assert.Equal(t, checkpointstest.RestoreAudit{Backup: backups[db1], Target: db1, Started: 1, Succeeded: 1}, g.server.Audit().Restore(backups[db1]))
		})
	}
}

func TestRestoresThatAreRefused(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	_, backups := backUp(t, g, clock, production)
	path := "/backups/" + backups[db1] + "/restore"
	children := list(t, g.ask(t, 200, "GET", "/backups/"+backups[db1], ""), "backup", "children")
	system, data := text(t, children[0], "id"), text(t, children[1], "id")
	onto := func(backup, volume, server string) string {
		return fmt.Sprintf(`{"restore":{"mappings":[{"backup_id":%q,"volume_id":%q}],"server_id":%q}}`, backup, volume, server)
	}
	disk0, disk1 := checkpointstest.DiskID("db-1", 0), checkpointstest.DiskID("db-1", 1)
	for name, tc := range map[string]struct{ body, code string }{
		"another server":        {onto(system, disk0, app1), checkpointstest.CodeOtherServer},
		"no server":             {onto(system, disk0, unknown), checkpointstest.CodeServerGone},
		"nothing named":         {`{"restore":{}}`, checkpointstest.CodeInvalidParameter},
		"no mappings":           {fmt.Sprintf(`{"restore":{"server_id":%q}}`, db1), checkpointstest.CodeInvalidParameter},
		"not a disk's backup":   {onto(backups[db1], disk0, db1), checkpointstest.CodeDisksCannot},
		"another server's disk": {onto(system, checkpointstest.DiskID("app-1", 0), db1), checkpointstest.CodeDisksCannot},
		"disk too small":        {onto(data, disk0, db1), checkpointstest.CodeDiskTooSmall},
	} {
		t.Run(name, func(t *testing.T) { g.refused(t, 400, tc.code, "POST", path, tc.body) })
	}
	g.refused(t, 404, checkpointstest.CodeDiskNotFound, "POST", path, onto(system, unknown, db1))
	g.refused(t, 404, checkpointstest.CodeBackupNotFound, "POST", "/backups/"+unknown+"/restore", onto(system, disk1, db1))
	g.server.SetVaultStatus(production, checkpointstest.VaultFrozen)
	g.refused(t, 400, checkpointstest.CodeVaultNotAvailable, "POST", path, onto(system, disk0, db1))
	g.server.SetVaultStatus(production, checkpointstest.VaultLock)
	g.server.RemoveResource(app1)
	g.ask(t, 202, "POST", path, onto(data, disk1, db1))
}

func TestDisksAndFileSystems(t *testing.T) {
	t.Parallel()
	g, clock := open(t,
		checkpointstest.Resources(checkpointstest.Volume("logs", 20), checkpointstest.FileSystem("home", 500), checkpointstest.FileSystem("spare", 500)),
		checkpointstest.Vaults(
			checkpointstest.Vault{Name: "disks", ObjectType: "disk", Resources: []string{checkpointstest.VolumeID("logs")}},
			checkpointstest.Vault{Name: "files", ObjectType: "turbo", Resources: []string{checkpointstest.FileSystemID("home")}},
		))
	_, disks := backUp(t, g, clock, checkpointstest.VaultID("disks"))
	logs, home := checkpointstest.VolumeID("logs"), checkpointstest.FileSystemID("home")
	g.ask(t, 202, "POST", "/backups/"+disks[logs]+"/restore", fmt.Sprintf(`{"restore":{"volume_id":%q}}`, logs))
	_, files := backUp(t, g, clock, checkpointstest.VaultID("files"))
	g.refused(t, 400, checkpointstest.CodeInvalidParameter, "POST", "/backups/"+files[home]+"/restore", fmt.Sprintf(`{"restore":{"resource_id":%q}}`, home))
	g.ask(t, 202, "POST", "/backups/"+files[home]+"/restore", fmt.Sprintf(`{"restore":{"resource_id":%q}}`, checkpointstest.FileSystemID("spare")))
	clock.Advance(time.Minute)
	assert.Equal(t, "restore success", states(g)[3])
}
