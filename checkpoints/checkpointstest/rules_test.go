package checkpointstest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// servers are so many servers with a small disk.
func servers(count int) (resources []checkpointstest.Resource, ids []string) {
	for i := range count {
		resources = append(resources, checkpointstest.VM(fmt.Sprintf("vm-%d", i), 10))
		ids = append(ids, checkpointstest.VMID(fmt.Sprintf("vm-%d", i)))
	}
	return resources, ids
}

func TestHowMuchFitsIntoAVault(t *testing.T) {
	t.Parallel()
	resources, ids := servers(257)
	g, _ := open(t, checkpointstest.Resources(resources...), checkpointstest.Vaults(checkpointstest.Vault{Name: "production", Resources: ids[:256]}))
	g.refused(t, 400, checkpointstest.CodeTooManyResources, "POST", "/vaults/"+production+"/addresources",
		fmt.Sprintf(`{"resources":[{"id":%q,"type":"OS::Nova::Server"}]}`, ids[256]))
}

func TestBusyVaults(t *testing.T) {
	t.Parallel()
	g, clock := open(t, checkpointstest.SettlesAfter(time.Minute), checkpointstest.Vaults(
		checkpointstest.Vault{Name: "production", Resources: []string{db1, app1}}, checkpointstest.Vault{Name: "small", SizeGB: 10}))
	path := "/vaults/" + production
	move := func(id string) string {
		return fmt.Sprintf(`{"destination_vault_id":%q,"resource_ids":[%q]}`, checkpointstest.VaultID("small"), id)
	}
	create := fmt.Sprintf(`{"checkpoint":{"vault_id":%q}}`, production)

	// A resource that does not show yet is not backed up, and its vault is busy.
	g.ask(t, 200, "POST", path+"/addresources", fmt.Sprintf(`{"resources":[{"id":%q,"type":"OS::Nova::Server"}]}`, web1))
	g.refused(t, 400, checkpointstest.CodeCannotDelete, "DELETE", path, "")
	g.refused(t, 400, checkpointstest.CodeCannotAssociate, "POST", path+"/migrateresources", move(app1))
	g.refused(t, 400, checkpointstest.CodeNotInVault, "POST", path+"/removeresources", fmt.Sprintf(`{"resource_ids":[%q]}`, web1))
	made := g.ask(t, 200, "POST", "/checkpoints", create)
	assert.Len(t, list(t, made, "checkpoint", "vault", "resources"), 2)
	g.refused(t, 400, checkpointstest.CodeCannotDelete, "DELETE", path, "")
	g.refused(t, 400, checkpointstest.CodeBackupRunning, "POST", path+"/removeresources", fmt.Sprintf(`{"resource_ids":[%q]}`, db1))
	clock.Advance(time.Minute)

	g.refused(t, 400, checkpointstest.CodeVaultFull, "POST", path+"/migrateresources", move(db1))
	g.refused(t, 400, checkpointstest.CodeInvalidCapacity, "PUT", path, `{"vault":{"billing":{"size":50}}}`)
	backups := g.server.Backups(production)
	g.ask(t, 200, "POST", "/checkpoints", create)
	g.refused(t, 400, checkpointstest.CodeRestoreDuringBackup, "POST", "/backups/"+backups[0].ID+"/restore", restoreBody(t, g, backups[0].ID))
	clock.Advance(time.Minute)
	g.ask(t, 202, "POST", "/backups/"+backups[0].ID+"/restore", restoreBody(t, g, backups[0].ID))
	g.refused(t, 400, checkpointstest.CodeCannotDelete, "DELETE", path, "")
}

func TestWhatIsGoneWhenTheWorkIsDone(t *testing.T) {
	t.Parallel()
	here, there, clock := openPair(t)
	_, backups := backUp(t, here, clock, production)
	here.ask(t, 200, "POST", "/checkpoints", fmt.Sprintf(`{"checkpoint":{"vault_id":%q}}`, production))
	here.server.SlowTask("Checkpoints.Replicate", app1, 30*time.Second)
	here.ask(t, 200, "POST", "/checkpoints/replicate", replicate(there, production))
	require.True(t, here.server.RemoveResource(app1))
	clock.Advance(5 * time.Second)
	_, err := there.server.Operator("olga").Do("Vaults.Delete", replicas, "")
	require.NoError(t, err)
	clock.Advance(time.Minute)
	assert.Equal(t, []string{"backup success", "backup failed", "replication success", "replication failed"}, states(here)[2:6])
	assert.Equal(t, checkpointstest.CodeServerNotFound, here.server.Tasks()[3].Error)
	assert.Equal(t, checkpointstest.CodeDestinationMissing, here.server.Tasks()[5].Error)
	assert.Empty(t, there.server.Vaults())

	again := here.ask(t, 200, "POST", "/checkpoints", fmt.Sprintf(`{"checkpoint":{"vault_id":%q}}`, production))
	assert.Equal(t, checkpointstest.CodeServerNotFound, at(t, again, "checkpoint", "vault", "skipped_resources", 0, "code"))
	assert.Equal(t, 1, here.server.Audit().Replication(backups[db1], "region2").Succeeded)
}

func TestAFullDestination(t *testing.T) {
	t.Parallel()
	here, clock := open(t)
	second := checkpointstest.NewServer(t, checkpointstest.LinkedTo(here.server), checkpointstest.Vaults(
		checkpointstest.Vault{Name: "replicas", ProtectType: "replication", SizeGB: 70}))
	there := guest{server: second, token: second.Token(), project: second.ProjectID}
	_, backups := backUp(t, here, clock, production) // 70 GB and 20 GB
	here.ask(t, 200, "POST", "/checkpoints/replicate", replicate(there, production))
	clock.Advance(time.Minute)
	assert.Equal(t, []string{"replication success", "replication failed"}, states(here)[2:])
	assert.Equal(t, checkpointstest.CodeDestinationFull, here.server.Tasks()[3].Error)
	here.refused(t, 400, checkpointstest.CodeDestinationFull, "POST", "/checkpoints/replicate", replicate(there, production))
	assert.Equal(t, 0, here.server.Audit().Replication(backups[app1], "region2").Succeeded)
	there.ask(t, 200, "PUT", "/vaults/"+replicas, `{"vault":{"auto_expand":true}}`)
	here.ask(t, 200, "POST", "/checkpoints/replicate", replicate(there, production))
	clock.Advance(time.Minute)
	assert.Equal(t, 90, second.Vault(replicas).SizeGB)
}

func TestMappings(t *testing.T) {
	t.Parallel()
	g, clock := open(t, checkpointstest.Resources(checkpointstest.VM("db-1", 40, 40)), checkpointstest.Vaults(
		checkpointstest.Vault{Name: "production", Resources: []string{db1}}))
	backUp(t, g, clock, production)
	backup := g.server.Backups(production)[0]
	disk0, disk1 := checkpointstest.DiskID("db-1", 0), checkpointstest.DiskID("db-1", 1)
	body := func(first, second string) string {
		return fmt.Sprintf(`{"restore":{"mappings":[{"backup_id":%q,"volume_id":%q},{"backup_id":%q,"volume_id":%q}],"server_id":%q}}`,
			backup.Children[0], first, backup.Children[1], second, db1)
	}
	path := "/backups/" + backup.ID + "/restore"
	g.refused(t, 400, checkpointstest.CodeDisksCannot, "POST", path, body(disk1, disk1))
	g.refused(t, 400, checkpointstest.CodeOntoSystemDisk, "POST", path, body(disk1, disk0))
	g.ask(t, 202, "POST", path, body(disk0, disk1))
}

// A restore starts the server unless it is told not to.
func TestPowerAfterARestore(t *testing.T) {
	t.Parallel()
	for power, want := range map[string]string{`true`: "ACTIVE", `false`: "SHUTOFF"} {
		g, clock := open(t, checkpointstest.Play(checkpointstest.HuaweiCloud))
		_, backups := backUp(t, g, clock, production)
		g.server.SetResourceStatus(app1, "SHUTOFF")
		child := g.server.Backups(production)[1].Children[0]
		g.ask(t, 202, "POST", "/backups/"+backups[app1]+"/restore", fmt.Sprintf(
			`{"restore":{"mappings":[{"backup_id":%q,"volume_id":%q}],"server_id":%q,"power_on":%s}}`, child, checkpointstest.DiskID("app-1", 0), app1, power))
		clock.Advance(time.Minute)
		assert.Equal(t, want, at(t, g.ask(t, 200, "GET", "/protectables/server/instances/"+app1, ""), "instance", "status"))
	}
}

// Parameters have whole seconds, times have fractions of them.
func TestPeriods(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	clock.Advance(400 * time.Millisecond)
	backUp(t, g, clock, production)
	assert.Equal(t, 2, count(t, g.ask(t, 200, "GET", "/backups?end_time=2030-06-01T12:00:00Z", "")))
	assert.Equal(t, 2, count(t, g.ask(t, 200, "GET", "/operation-logs?start_time=2030-06-01T12:00:00Z&end_time=2030-06-01T12:00:00Z", "")))
	assert.Equal(t, 0, count(t, g.ask(t, 200, "GET", "/operation-logs?start_time=2030-06-01T12:00:01Z", "")))
	for query, want := range map[string]int{
		"operation_type=backup": 2, "status=success": 2, "vault_name=production": 2, "resource_name=db-1": 1,
		"provider_id=0daac4c5-6707-4851-97ba-169e36266b66": 2, "provider_id=d1603440-187d-4516-af25-121250c7cc97": 0,
		"offset=1": 2, "limit=1": 2,
	} {
		assert.Equal(t, want, count(t, g.ask(t, 200, "GET", "/operation-logs?"+query, "")), query)
	}
}

func TestPoliciesOfOneType(t *testing.T) {
	t.Parallel()
	g, clock := open(t, checkpointstest.Play(checkpointstest.HuaweiCloud))
	path := "/vaults/" + production
	var ids []string
	for _, name := range []string{"daily", "hourly"} {
		id := text(t, g.ask(t, 200, "POST", "/policies", newPolicy(name, "backup", "", daily)), "policy", "id")
		g.ask(t, 200, "POST", path+"/associatepolicy", fmt.Sprintf(`{"policy_id":%q}`, id))
		ids = append(ids, id)
	}
	assert.Equal(t, ids[1:], g.server.Vault(production).Policies, "one takes the place of the other")
	g.ask(t, 200, "PUT", path+"/set-resources", fmt.Sprintf(`{"action":"suspend","resource_ids":[%q]}`, db1))
	require.NoError(t, g.server.RunPolicy(ids[1]))
	clock.Advance(time.Minute)
	require.Len(t, g.server.Backups(production), 1)
	assert.Equal(t, app1, g.server.Backups(production)[0].Resource)

	withPolicy := fmt.Sprintf(`{"vault":{"name":"gold","resources":[],"backup_policy_id":%q,
		"billing":{"consistent_level":"crash_consistent","object_type":"server","protect_type":"backup","size":100}}}`, ids[0])
	made := text(t, g.ask(t, 200, "POST", "/vaults", withPolicy), "vault", "id")
	assert.Equal(t, ids[:1], g.server.Vault(made).Policies)
}

// A key opens the projects of its own account.
func TestAKeyInAnotherAccount(t *testing.T) {
	t.Parallel()
	g, clock := open(t, checkpointstest.OtherAccount("OTHER", "olga", "secret"))
	g.token, g.project = "", checkpointstest.ProjectID("OTHER", "region1", "region1")
	path := "/v3/" + g.project + "/vaults"
	got, err := g.send(t.Context(), "GET", "/vaults", "", signed(g.server.AccessKey, g.server.SecretKey, clock.Now().Format("20060102T150405Z"), path, "")...)
	require.NoError(t, err)
	assert.Equal(t, 401, got.status, got.body)
	assert.Contains(t, got.body, "Malformed request url")
}
