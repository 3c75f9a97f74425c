package checkpointstest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// Open Telekom Cloud answers what only Huawei Cloud has like a path that is none.
func TestOperationsOfOneCloud(t *testing.T) {
	t.Parallel()
	otc, _ := open(t)
	hwc, _ := open(t, checkpointstest.Play(checkpointstest.HuaweiCloud))
	for _, path := range []string{"/vaults/summary", "/cbr-features", "/agents", "/storage_usage", "/protectables/server/instances"} {
		otc.refused(t, 404, checkpointstest.CodeRouteUnknown, "GET", path, "")
		hwc.ask(t, 200, "GET", path, "")
	}
}

func TestProtectables(t *testing.T) {
	t.Parallel()
	var resources []checkpointstest.Resource
	for i := range 60 {
		resources = append(resources, checkpointstest.VM(fmt.Sprintf("vm-%02d", i), 10), checkpointstest.Volume(fmt.Sprintf("disk-%02d", i), 10))
	}
	g, _ := open(t, checkpointstest.Play(checkpointstest.HuaweiCloud), checkpointstest.Resources(resources...),
		checkpointstest.Vaults(checkpointstest.Vault{Name: "production", Resources: []string{checkpointstest.VMID("vm-07")}}))
	ids := func(path string) []any {
		var found []any
		for _, one := range list(t, g.ask(t, 200, "GET", path, ""), "instances") {
			found = append(found, at(t, one, "id"))
		}
		return found
	}
	servers := "/protectables/server/instances"
	assert.Len(t, ids(servers), 50)
	assert.Equal(t, ids(servers+"?offset=0&limit=20"), ids(servers+"?offset=1&limit=20"), "pages of servers count from 1")
	assert.Len(t, ids(servers+"?offset=2"), 10)
	assert.Len(t, ids("/protectables/disk/instances?offset=119"), 1, "those of disks count items")
	assert.Equal(t, []any{checkpointstest.VMID("vm-33")}, ids(servers+"?name=vm-33"))
	protected := g.ask(t, 200, "GET", servers+"/"+checkpointstest.VMID("vm-07"), "")
	assert.Equal(t, false, at(t, protected, "instance", "protectable", "result"))
	assert.Equal(t, "production", at(t, protected, "instance", "protectable", "vault", "name"))
	g.refused(t, 400, checkpointstest.CodeInvalidParameter, "GET", servers+"?limit=51", "")
	g.refused(t, 404, checkpointstest.CodeServerNotFound, "GET", servers+"/"+unknown, "")
	g.refused(t, 400, checkpointstest.CodeInvalidParameter, "GET", "/protectables/turbo/instances/"+unknown, "")
}

func TestFeatures(t *testing.T) {
	t.Parallel()
	here, _, _ := openPair(t, checkpointstest.Play(checkpointstest.HuaweiCloud))
	assert.Equal(t, []any{"region2"}, here.ask(t, 200, "GET", "/cbr-features", "")["replication.destination_regions"])
	assert.Equal(t, object{"replication.enable": true}, here.ask(t, 200, "GET", "/cbr-features/replication.enable", ""))
	got, err := here.send(t.Context(), "GET", "/cbr-features/nothing", "")
	require.NoError(t, err)
	assert.Equal(t, 400, got.status)
	assert.Equal(t, `"The feature nothing does not exist."`, got.body)
}

func TestExternalVaults(t *testing.T) {
	t.Parallel()
	here, there, _ := openPair(t, checkpointstest.Play(checkpointstest.HuaweiCloud))
	path := "/vaults/external?external_project_id=" + there.project + "&region_id=region2"
	found := here.ask(t, 200, "GET", path+"&protect_type=replication", "")
	assert.Equal(t, replicas, at(t, found, "vaults", 0, "id"))
	assert.Equal(t, 0, count(t, here.ask(t, 200, "GET", path+"&protect_type=backup", "")))
	assert.Equal(t, 1, count(t, here.ask(t, 200, "GET", path+"&protect_type=backup&vault_id="+replicas, "")), "the id overrides the rest")
	here.refused(t, 400, checkpointstest.CodeInvalidParameter, "GET", "/vaults/external?external_project_id="+there.project+"&region_id=region1", "")
	here.refused(t, 400, "ContractViolation", "GET", "/vaults/external?region_id=region2", "")
	assert.Len(t, here.server.AcknowledgeViolations(), 1)
}

func TestMoreOfHuaweiCloud(t *testing.T) {
	t.Parallel()
	g, clock := open(t, checkpointstest.Play(checkpointstest.HuaweiCloud))
	_, backups := backUp(t, g, clock, production)
	renamed := g.ask(t, 200, "PUT", "/backups/"+backups[db1], `{"backup":{"name":"kept"}}`)
	assert.Equal(t, "kept", at(t, renamed, "backup", "name"))
	assert.Equal(t, false, at(t, renamed, "backup", "incremental"))
	meta := g.ask(t, 200, "GET", "/backups/"+backups[db1]+"/metadata", "")
	assert.Contains(t, meta["server"], "db-1")
	assert.Len(t, meta["volumes"], 2)
	usage := g.ask(t, 200, "GET", "/storage_usage?resource_id="+db1, "")
	assert.Equal(t, 1, usage["resource_count"])
	assert.Equal(t, 70*1024, at(t, usage, "storage_usage", 0, "backup_size"))
	assert.Equal(t, object{"size": 1000, "used_size": 90 * 1024}, g.ask(t, 200, "GET", "/vaults/summary", ""))

	g.ask(t, 200, "PUT", "/vaults/"+production+"/set-resources", fmt.Sprintf(`{"action":"suspend","resource_ids":[%q]}`, db1))
	assert.Equal(t, false, at(t, g.ask(t, 200, "GET", "/vaults/"+production, ""), "vault", "resources", 0, "auto_protect"))
	told := g.ask(t, 200, "PUT", "/vaults/batch-update", `{"vault":{"smn_notify":false,"threshold":70}}`)
	assert.Equal(t, []any{production}, told["updated_vaults_id"])
	assert.Equal(t, 70, at(t, g.ask(t, 200, "GET", "/vaults/"+production, ""), "vault", "threshold"))
	g.refused(t, 400, checkpointstest.CodeCannotSync, "POST", "/checkpoints/sync", fmt.Sprintf(`{"sync":{"vault_id":%q,"auto_trigger":false}}`, production))
	g.refused(t, 404, checkpointstest.CodeNoMigration, "GET", g.server.URL+"/v3/migrates", "")
	assert.Equal(t, g.project, at(t, g.ask(t, 200, "GET", g.server.URL+"/v3/region-projects", ""), "projects", 0, "id"))
	assert.Equal(t, "ACME", g.ask(t, 200, "GET", g.server.URL+"/v3/domain/"+g.project, "")["domain_name"])
	assert.Len(t, g.ask(t, 200, "GET", g.server.URL+"/v3/domain/ACME/projects", "")["projects"], 1)
}

// A hybrid vault can be synchronized, once at a time, and nothing else.
func TestSynchronization(t *testing.T) {
	t.Parallel()
	hybrid := checkpointstest.VaultID("hybrid")
	g, clock := open(t, checkpointstest.Play(checkpointstest.HuaweiCloud),
		checkpointstest.Vaults(checkpointstest.Vault{Name: "hybrid", ProtectType: checkpointstest.ProtectHybrid}))
	said := g.ask(t, 200, "POST", "/checkpoints/sync", fmt.Sprintf(`{"sync":{"vault_id":%q,"auto_trigger":false}}`, hybrid))
	assert.Equal(t, hybrid, at(t, said, "sync", "vault_id"))
	task, _ := at(t, said, "sync", "operation_log_id").(string)
	assert.Equal(t, "sync", at(t, g.ask(t, 200, "GET", "/operation-logs/"+task, ""), "operation_log", "operation_type"))
	g.refused(t, 400, checkpointstest.CodeBeingSynchronized, "POST", "/checkpoints/sync", fmt.Sprintf(`{"sync":{"vault_id":%q,"auto_trigger":true}}`, hybrid))
	g.refused(t, 400, checkpointstest.CodeTypeForbidsBackup, "POST", "/checkpoints", fmt.Sprintf(`{"checkpoint":{"vault_id":%q}}`, hybrid))
	clock.Advance(time.Hour)
	assert.Equal(t, "success", at(t, g.ask(t, 200, "GET", "/operation-logs/"+task, ""), "operation_log", "status"))
	g.ask(t, 200, "POST", "/checkpoints/sync", fmt.Sprintf(`{"sync":{"vault_id":%q,"auto_trigger":true}}`, hybrid))
	_, err := checkpointstest.Start(checkpointstest.Vaults(checkpointstest.Vault{Name: "hybrid", ProtectType: checkpointstest.ProtectHybrid}))
	require.ErrorContains(t, err, "is not simulated", "Open Telekom Cloud has none")
}

func TestOrders(t *testing.T) {
	t.Parallel()
	g, _ := open(t, checkpointstest.Play(checkpointstest.HuaweiCloud))
	prepaid := `{"vault":{"billing":{"consistent_level":"crash_consistent","object_type":"server","protect_type":"backup","size":100,
		"charging_mode":"pre_paid","period_type":"month","period_num":1},"name":"paid","resources":[]}}`
	ordered := g.ask(t, 200, "POST", "/vaults", prepaid)
	id := text(t, ordered, "orders", 0, "resourceId")
	assert.Equal(t, 0, ordered["retCode"])
	changed := g.ask(t, 200, "POST", "/orders/change", fmt.Sprintf(
		`{"resource_id":%q,"product_info":{"product_id":"p","resource_size":200,"resource_spec_code":"vault.backup.server.normal"}}`, id))
	assert.Equal(t, 0, changed["retCode"])
	assert.Equal(t, 200, g.server.Vault(id).SizeGB)
	updated := g.ask(t, 200, "PUT", "/orders/"+text(t, changed, "orderId"), fmt.Sprintf(
		`{"resourceId":%q,"productInfo":{"productId":"p","resourceSize":300,"resourceSpecCode":"vault.backup.server.normal"}}`, id))
	assert.Equal(t, "0", updated["retCode"], "text, here")
	g.ask(t, 200, "POST", "/vaults/change-charge-mode", fmt.Sprintf(`{"vault_ids":[%q],"period_type":"year","period_num":1}`, production))
	assert.Equal(t, "pre_paid", at(t, g.ask(t, 200, "GET", "/vaults/"+production, ""), "vault", "billing", "charging_mode"))
	assert.Equal(t, "paid", at(t, g.ask(t, 200, "GET", "/vaults/"+id, ""), "vault", "name"))
}

func TestAgentsAndOrganizationPolicies(t *testing.T) {
	t.Parallel()
	g, _ := open(t, checkpointstest.Play(checkpointstest.HuaweiCloud))
	g.ask(t, 200, "POST", "/agents", fmt.Sprintf(`{"agent":{"agent_id":%q,"host_name":"db-1","host_ip":"10.0.0.1","host_os":"linux","agent_version":"1.2"}}`, unknown))
	path := "/agents/" + unknown
	assert.Equal(t, object{"added": []any{"/srv"}, "existed": []any{}}, g.ask(t, 200, "POST", path+"/add-path", `{"add_path":["/srv"]}`))
	assert.Equal(t, object{"added": []any{}, "existed": []any{"/srv"}}, g.ask(t, 200, "POST", path+"/add-path", `{"add_path":["/srv"]}`))
	assert.Equal(t, "/srv", at(t, g.ask(t, 200, "GET", path, ""), "agent", "paths", 0, "dir_path"))
	assert.Equal(t, object{"removed": []any{"/srv"}, "not_existed": []any{"/tmp"}}, g.ask(t, 200, "POST", path+"/remove-path", `{"remove_path":["/srv","/tmp"]}`))
	checked := g.ask(t, 200, "POST", "/agent/check", fmt.Sprintf(`{"agent_status":[{"resource_id":%q,"resource_name":"db-1","resource_type":"OS::Nova::Server"}]}`, db1))
	assert.Equal(t, true, at(t, checked, "agent_status", 0, "installed"))
	assert.Equal(t, "uninstall", at(t, g.ask(t, 200, "PUT", path, `{"agent":{"status":"uninstall"}}`), "agent", "status"))
	assert.Equal(t, 1, count(t, g.ask(t, 200, "GET", "/agents?status=uninstall&agent_id="+unknown, "")))
	got, err := g.send(t.Context(), "DELETE", path, "")
	require.NoError(t, err)
	assert.Less(t, got.status, 300)
	g.ask(t, 404, "GET", path, "")

	made := g.ask(t, 200, "POST", "/organization-policies", `{"policy":{"name":"all","operation_type":"backup","policy_name":"daily","policy_enabled":true,
		"policy_operation_definition":{"max_backups":3},"policy_trigger":{"properties":{"pattern":["FREQ=DAILY;BYHOUR=1;BYMINUTE=0"]}}}}`)
	id := text(t, made, "policy", "id")
	assert.Equal(t, "ACME", at(t, made, "policy", "domain_name"))
	g.ask(t, 200, "PUT", "/organization-policies/"+id, `{"policy":{"policy_enabled":false}}`)
	shown := g.ask(t, 200, "GET", "/organization-policies/"+id, "")
	assert.Equal(t, []any{false, "daily"}, []any{at(t, shown, "policy", "policy_enabled"), at(t, shown, "policy", "policy_name")})
	assert.Equal(t, 1, count(t, g.ask(t, 200, "GET", "/organization-policies?operation_type=backup", "")))
	assert.Equal(t, g.project, at(t, g.ask(t, 200, "GET", "/organization-policies/"+id+"/policy-detail", ""), "policies", 0, "project_id"))
	_, err = g.send(t.Context(), "DELETE", "/organization-policies/"+id, "")
	require.NoError(t, err)
	g.refused(t, 404, checkpointstest.CodePolicyNotFound, "GET", "/organization-policies/"+id, "")
}

func TestSpellings(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("", 8*3600)
	g, clock := open(t,
		checkpointstest.SizesAs(checkpointstest.AsNumber), checkpointstest.EnterpriseProjectAs(checkpointstest.AsText),
		checkpointstest.TagValuesAs(checkpointstest.AsText), checkpointstest.ResourceDetailAs(checkpointstest.AsObject),
		checkpointstest.TimesAs(checkpointstest.TimesZulu), checkpointstest.TimesIn(east), checkpointstest.BarePages(),
		checkpointstest.TasksShowAfter(5*time.Second),
	)
	made := g.ask(t, 200, "POST", "/checkpoints", fmt.Sprintf(`{"checkpoint":{"vault_id":%q}}`, production))
	assert.Equal(t, 140, at(t, made, "checkpoint", "vault", "resources", 0, "resource_size"))
	assert.Equal(t, "2030-06-01T20:00:00+08:00", at(t, made, "checkpoint", "created_at"))
	assert.Zero(t, count(t, g.ask(t, 200, "GET", "/operation-logs", "")), "tasks show late")
	clock.Advance(5 * time.Second)
	logs := g.ask(t, 200, "GET", "/operation-logs", "")
	assert.Equal(t, 2, count(t, logs))
	assert.NotContains(t, logs, "limit")
	assert.Equal(t, "0", at(t, g.ask(t, 200, "GET", "/vaults/"+production, ""), "vault", "enterprise_project_id"))
	g.ask(t, 204, "POST", "/vault/"+production+"/tags", `{"tag":{"key":"tier","value":"1"}}`)
	assert.Equal(t, "1", at(t, g.ask(t, 200, "GET", "/vault/tags", ""), "tags", 0, "values"))
	found := g.ask(t, 200, "POST", "/vault/resource_instances/action", `{"action":"filter"}`)
	assert.Equal(t, "production", at(t, found, "resources", 0, "resource_detail", "vault", "name"))
}
