package checkpointstest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// newVault is the guide's request for a vault.
const newVault = `{"vault":{"billing":{"consistent_level":"crash_consistent","object_type":"server","protect_type":"backup","size":100},
	"name":"gold","description":"by hand","resources":[%s],"tags":[{"key":"tier","value":"1"}]}}`

func TestCreateVault(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	body := fmt.Sprintf(newVault, fmt.Sprintf(`{"id":%q,"type":"OS::Nova::Server","name":"web-1"}`, web1))
	made := g.ask(t, 200, "POST", "/vaults", body)
	id := text(t, made, "vault", "id")
	assert.Equal(t, "gold", at(t, made, "vault", "name"))
	assert.Equal(t, g.project, at(t, made, "vault", "project_id"))
	assert.Equal(t, "0daac4c5-6707-4851-97ba-169e36266b66", at(t, made, "vault", "provider_id"))
	assert.Equal(t, object{
		"allocated": 40, "used": 0, "size": 100, "status": "available", "charging_mode": "post_paid", "cloud_type": "public",
		"consistent_level": "crash_consistent", "object_type": "server", "protect_type": "backup",
		"spec_code": "vault.backup.server.normal", "order_id": "", "product_id": "", "storage_unit": "", "frozen_scene": "",
	}, at(t, made, "vault", "billing"))
	assert.Equal(t, web1, at(t, made, "vault", "resources", 0, "id"))
	assert.Equal(t, object{}, at(t, made, "vault", "bind_rules"))
	assert.Equal(t, 0, at(t, made, "vault", "enterprise_project_id"))
	assert.Equal(t, []any{object{"key": "tier", "value": "1"}}, at(t, made, "vault", "tags"))
	assert.Equal(t, made["vault"], g.ask(t, 200, "GET", "/vaults/"+id, "")["vault"])
	assert.Equal(t, 1, g.server.Audit().VaultsNamed("gold"))
	assert.Equal(t, 1, g.server.Ran("Vaults.Create", "gold"))
}

func TestVaultsThatAreRefused(t *testing.T) {
	t.Parallel()
	g, _ := open(t, checkpointstest.Quotas(32, 2))
	server := func(id string) string { return fmt.Sprintf(`{"id":%q,"type":"OS::Nova::Server"}`, id) }
	for name, tc := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"too small":          {strings.Replace(fmt.Sprintf(newVault, ""), `"size":100`, `"size":9`, 1), 400, checkpointstest.CodeInvalidCapacity},
		"too big":            {strings.Replace(fmt.Sprintf(newVault, ""), `"size":100`, `"size":10485761`, 1), 400, checkpointstest.CodeInvalidCapacity},
		"no tags at all":     {strings.Replace(fmt.Sprintf(newVault, ""), `[{"key":"tier","value":"1"}]`, `[]`, 1), 400, checkpointstest.CodeInvalidParameter},
		"bad tag":            {strings.Replace(fmt.Sprintf(newVault, ""), `"tier"`, `"a=b"`, 1), 400, checkpointstest.CodeInvalidParameter},
		"empty name":         {strings.Replace(fmt.Sprintf(newVault, ""), `"gold"`, `""`, 1), 400, checkpointstest.CodeInvalidParameter},
		"server in a vault":  {fmt.Sprintf(newVault, server(db1)), 400, checkpointstest.CodeResourceInVault},
		"server twice":       {fmt.Sprintf(newVault, server(web1)+","+server(web1)), 400, checkpointstest.CodeDuplicateResources},
		"server unknown":     {fmt.Sprintf(newVault, server(unknown)), 404, checkpointstest.CodeServerNotFound},
		"disk among servers": {fmt.Sprintf(newVault, fmt.Sprintf(`{"id":%q,"type":"OS::Cinder::Volume"}`, checkpointstest.DiskID("db-1", 1))), 400, checkpointstest.CodeResourceTypeOfVault},
	} {
		t.Run(name, func(t *testing.T) { g.refused(t, tc.status, tc.code, "POST", "/vaults", tc.body) })
	}
	g.ask(t, 200, "POST", "/vaults", fmt.Sprintf(newVault, ""))
	g.refused(t, 400, checkpointstest.CodeTooManyVaults, "POST", "/vaults", fmt.Sprintf(newVault, ""))
	// What the contract itself does not allow is a loud 400.
	g.refused(t, 400, "ContractViolation", "POST", "/vaults", strings.Replace(fmt.Sprintf(newVault, ""), `"resources":[],`, "", 1))
	require.Len(t, g.server.AcknowledgeViolations(), 1)
}

func TestListVaults(t *testing.T) {
	t.Parallel()
	g, _ := open(t, checkpointstest.PageLimit(2), checkpointstest.Vaults(
		checkpointstest.Vault{Name: "a", Resources: []string{db1}, Tags: map[string]string{"tier": "1"}},
		checkpointstest.Vault{Name: "b", ObjectType: "disk"},
		checkpointstest.Vault{Name: "c", ProtectType: "replication"},
	))
	first := g.ask(t, 200, "GET", "/vaults", "")
	assert.Equal(t, 3, count(t, first), "count is that of all, not of the page")
	assert.Len(t, first["vaults"], 2)
	second := g.ask(t, 200, "GET", "/vaults?offset=2&limit=100", "")
	assert.Len(t, second["vaults"], 1)
	assert.Equal(t, 2, second["offset"])
	for query, want := range map[string]int{
		"?name=a": 1, "?object_type=disk": 1, "?protect_type=replication": 1, "?cloud_type=public": 3, "?status=error": 0,
		"?resource_ids=" + web1 + "," + db1: 1, "?resource_ids=" + web1: 0, "?policy_id=" + unknown: 0,
		"?id=" + checkpointstest.VaultID("a") + "&id=" + checkpointstest.VaultID("b"): 2,
	} {
		assert.Equal(t, want, count(t, g.ask(t, 200, "GET", "/vaults"+query, "")), query)
	}
	g.refused(t, 400, checkpointstest.CodeInvalidParameter, "GET", "/vaults?limit=0", "")
	g.refused(t, 400, checkpointstest.CodeInvalidParameter, "GET", "/vaults?limit=1001", "")
}

func TestUpdateVault(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	path := "/vaults/" + production
	changed := g.ask(t, 200, "PUT", path, `{"vault":{"name":"prod","billing":{"size":2000},"auto_expand":true,"locked":true}}`)
	assert.Equal(t, "prod", at(t, changed, "vault", "name"))
	assert.Equal(t, 2000, at(t, changed, "vault", "billing", "size"))
	assert.Equal(t, true, at(t, changed, "vault", "auto_expand"))
	g.refused(t, 400, checkpointstest.CodeInvalidParameter, "PUT", path, `{"vault":{"locked":false}}`)
	g.refused(t, 400, checkpointstest.CodeInvalidCapacity, "PUT", path, `{"vault":{"billing":{"size":0}}}`)
	g.server.SetVaultStatus(production, checkpointstest.VaultFrozen)
	g.refused(t, 400, checkpointstest.CodeCannotUpdate, "PUT", path, `{"vault":{"name":"other"}}`)
}

func TestIDsThatNobodyKnows(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	for path, code := range map[string]string{
		"/vaults/": checkpointstest.CodeVaultNotFound, "/backups/": checkpointstest.CodeBackupNotFound,
		"/checkpoints/": checkpointstest.CodeCheckpointNotFound, "/policies/": checkpointstest.CodePolicyNotFound,
		"/operation-logs/": checkpointstest.CodeTaskNotFound,
	} {
		g.refused(t, 404, code, "GET", path+unknown, "")
		g.malformed(t, "GET", path+"no-id", "")
	}
	g.project = checkpointstest.ProjectID("ACME", "region1", "other")
	g.malformed(t, "GET", "/vaults", "")

	strange, _ := open(t, checkpointstest.UnknownIDsAreMalformed())
	strange.malformed(t, "GET", "/vaults/"+unknown, "")
}

func TestDeleteVault(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	_, backups := backUp(t, g, clock, production)
	path := "/vaults/" + production
	g.ask(t, 204, "DELETE", path, "")
	assert.Equal(t, "deleting", at(t, g.ask(t, 200, "GET", path, ""), "vault", "billing", "status"))
	g.refused(t, 400, checkpointstest.CodeCannotDelete, "DELETE", path, "")
	clock.Advance(11 * time.Second)
	g.refused(t, 404, checkpointstest.CodeVaultNotFound, "GET", path, "")
	g.refused(t, 404, checkpointstest.CodeBackupNotFound, "GET", "/backups/"+backups[db1], "")
	logs := g.ask(t, 200, "GET", "/operation-logs?operation_type=vault_delete", "")
	assert.Equal(t, object{"fail_count": 0, "total_count": 2}, at(t, logs, "operation_logs", 0, "extra_info", "vault_delete"))
	assert.True(t, g.server.Audit().Vault(production).Deleted)
}

func TestResourcesOfAVault(t *testing.T) {
	t.Parallel()
	g, clock := open(t, checkpointstest.SettlesAfter(5*time.Second))
	path := "/vaults/" + production
	add := fmt.Sprintf(`{"resources":[{"id":%q,"type":"OS::Nova::Server"}]}`, web1)
	assert.Equal(t, object{"add_resource_ids": []any{web1}}, g.ask(t, 200, "POST", path+"/addresources", add))
	assert.Len(t, g.server.Vault(production).Resources, 2, "the effect comes later")
	g.refused(t, 400, checkpointstest.CodeServerInVault, "POST", path+"/addresources", add)
	clock.Advance(5 * time.Second)
	assert.Len(t, list(t, g.ask(t, 200, "GET", path, ""), "vault", "resources"), 3)

	_, backups := backUp(t, g, clock, production)
	remove := fmt.Sprintf(`{"resource_ids":[%q]}`, web1)
	assert.Equal(t, object{"remove_resource_ids": []any{web1}}, g.ask(t, 200, "POST", path+"/removeresources", remove))
	g.refused(t, 400, checkpointstest.CodeBeingRemoved, "POST", path+"/removeresources", remove)
	assert.Equal(t, "removing", at(t, g.ask(t, 200, "GET", path, ""), "vault", "resources", 2, "protect_status"))
	clock.Advance(11 * time.Second)
	assert.Len(t, list(t, g.ask(t, 200, "GET", path, ""), "vault", "resources"), 2)
	g.refused(t, 404, checkpointstest.CodeBackupNotFound, "GET", "/backups/"+backups[web1], "")
	g.refused(t, 400, checkpointstest.CodeNotInVault, "POST", path+"/removeresources", remove)
	log := at(t, g.ask(t, 200, "GET", "/operation-logs?operation_type=remove_resource", ""), "operation_logs", 0)
	assert.Equal(t, "web-1", at(t, log, "extra_info", "remove_resources", "resources", 0, "name"))
}

func TestMigrateResources(t *testing.T) {
	t.Parallel()
	g, clock := open(t, checkpointstest.Vaults(
		checkpointstest.Vault{Name: "production", Resources: []string{db1, app1}},
		checkpointstest.Vault{Name: "archive"}, checkpointstest.Vault{Name: "disks", ObjectType: "disk"},
	))
	_, backups := backUp(t, g, clock, production)
	move := func(to string) string {
		return fmt.Sprintf(`{"destination_vault_id":%q,"resource_ids":[%q]}`, checkpointstest.VaultID(to), db1)
	}
	path := "/vaults/" + production + "/migrateresources"
	g.refused(t, 400, checkpointstest.CodeResourceTypeOfVault, "POST", path, move("disks"))
	g.refused(t, 400, checkpointstest.CodeVaultNotAvailable, "POST", path, move("production"))
	assert.Equal(t, object{"migrated_resources": []any{db1}}, g.ask(t, 200, "POST", path, move("archive")))
	assert.Equal(t, checkpointstest.VaultID("archive"), at(t, g.ask(t, 200, "GET", "/backups/"+backups[db1], ""), "backup", "vault_id"))
	assert.Equal(t, []string{app1}, g.server.Vault(production).Resources)
}

// Lengths are counted in characters, whatever those take.
func TestLengths(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	path := "/vaults/" + production
	g.ask(t, 200, "PUT", path, fmt.Sprintf(`{"vault":{"name":%q}}`, strings.Repeat("ü", 64)))
	create := func(description string) string {
		return fmt.Sprintf(`{"vault":{"name":"n","description":%q,"resources":[],
			"billing":{"consistent_level":"crash_consistent","object_type":"server","protect_type":"backup","size":10}}}`, description)
	}
	g.ask(t, 200, "POST", "/vaults", create(strings.Repeat("ü", 64)))
	checkpoint := fmt.Sprintf(`{"checkpoint":{"vault_id":%q,"parameters":{"description":%q}}}`, production, strings.Repeat("ü", 255))
	g.ask(t, 200, "POST", "/checkpoints", checkpoint)
}
