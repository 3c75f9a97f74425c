package unitrendstest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

func TestJobOrders(t *testing.T) {
	t.Parallel()
	c := newCopying(t)
	g := c.source
	c.Source.HoldCopies(true)
	id := c.order(t, "nightly", "db-1", "app-1")
	path := fmt.Sprintf("/api/joborders/%d/?sid=1", id)
	row := g.get(t, "/api/joborders", "data")[0]
	assert.Equal(t, "Enabled", row["status"])
	assert.Equal(t, "Never", row["last_status"])
	assert.EqualValues(t, 1, row["sid"])
	assert.NotContains(t, row, "instances", "only a single one shows them")
	one := read[struct{ Data map[string]any }](t, g.ask(t, 200, "GET", path, "")).Data
	assert.Len(t, one["instances"], 2)
	assert.NotContains(t, one, "sid")

	g.ask(t, 200, "PUT", fmt.Sprintf("/api/joborders/disable/%d/?sid=1", id), "")
	assert.Equal(t, "Disabled", g.get(t, "/api/joborders", "data")[0]["status"])
	_, err := c.Source.AddBackup("db-1")
	require.NoError(t, err)
	_, waiting := c.Source.QueueLength()
	assert.Equal(t, 2, waiting, "a disabled order does not run by itself")
	g.ask(t, 200, "PUT", fmt.Sprintf("/api/joborders/run/%d/?sid=1", id), "")
	g.ask(t, 200, "PUT", fmt.Sprintf("/api/joborders/run/%d/?sid=1", id), "")
	_, waiting = c.Source.QueueLength()
	assert.Equal(t, 3, waiting, "but by hand, and what is queued is not queued again")
	g.ask(t, 200, "PUT", fmt.Sprintf("/api/joborders/enable/%d/?sid=1", id), "")
	for _, operation := range []string{"run/99", "enable/99", "disable/99", "99", "x"} {
		if strings.Contains(operation, "/") {
			g.refused(t, 404, "no job order", "PUT", "/api/joborders/"+operation+"/?sid=1", "")
		} else {
			g.refused(t, 404, "no job order", "GET", "/api/joborders/"+operation+"/?sid=1", "")
		}
	}
}

// An update overwrites the order: members that nobody here knows stay only if they come along.
func TestUpdatingAJobOrder(t *testing.T) {
	t.Parallel()
	c := newCopying(t)
	g := c.source
	id := c.order(t, "nightly", "db-1")
	path := fmt.Sprintf("/api/joborders/%d/?sid=1", id)
	update := func(more string) string {
		return fmt.Sprintf(`{"id":%d,"name":"weekly","type":"Replication","target_id":%d%s}`, id, c.targetID, more)
	}
	instances := fmt.Sprintf(`,"instances":[{"id":%d}]`, c.Source.AssetID("web-1"))
	g.ask(t, 200, "PUT", path, update(instances+`,"email_report":{"to":["joe@example.com"]}`))
	one := read[struct{ Data map[string]any }](t, g.ask(t, 200, "GET", path, "")).Data
	assert.Equal(t, "weekly", one["name"])
	assert.Equal(t, map[string]any{"to": []any{"joe@example.com"}}, one["email_report"])
	g.ask(t, 200, "PUT", path, update(instances))
	one = read[struct{ Data map[string]any }](t, g.ask(t, 200, "GET", path, "")).Data
	assert.NotContains(t, one, "email_report")
	g.refused(t, 500, "needs a name and instances", "PUT", path, update(""))
	g.refused(t, 500, "becomes no other", "PUT", path, strings.Replace(update(instances), "Replication", "Backup", 1))
	g.refused(t, 500, "becomes no other", "PUT", path, strings.Replace(update(instances), fmt.Sprint(id), "77", 1))
}

func TestCreatingJobOrders(t *testing.T) {
	t.Parallel()
	c := newCopying(t, unitrendstest.AtSource(unitrendstest.Reachable("cloud-2")))
	require.NoError(t, c.Source.Operator("olga").RequestTarget("cloud-2"))
	db := c.Source.AssetID("db-1")
	create := func(instances, target string) string {
		return fmt.Sprintf(`{"name":"nightly","type":"Replication","instances":[%s],"target_id":%s}`, instances, target)
	}
	id, target := fmt.Sprint(db), fmt.Sprint(c.targetID)
	c.source.refused(t, 500, "no instance", "POST", "/api/joborders", create("999", target))
	c.source.refused(t, 500, "no instance", "POST", "/api/joborders", create(fmt.Sprint(c.Source.AssetID("esx-1")), target))
	c.source.refused(t, 500, "no connected target", "POST", "/api/joborders", create(id, "9"))
	c.source.refused(t, 500, "no connected target", "POST", "/api/joborders", create(id, fmt.Sprint(c.Source.TargetID("cloud-2"))))
	c.source.refused(t, 500, "needs a name and instances", "POST", "/api/joborders", create("", target))
	c.source.violates(t, "$.type is", "POST", "/api/joborders", strings.Replace(create(id, target), "Replication", "Backup", 1))
	c.source.ask(t, 201, "POST", "/api/joborders", create(id, target))
	c.source.ask(t, 201, "POST", "/api/joborders/?sid=1", create(`"`+id+`"`, `"`+target+`"`))
	assert.Equal(t, []string{"nightly", "nightly"}, c.Source.Audit().Orders, "nothing keeps a name from coming twice")
	assert.Equal(t, 2, c.Source.Ran("JobOrders.Create", "nightly"))
}

func TestInventory(t *testing.T) {
	t.Parallel()
	c := newCopying(t, unitrendstest.AtSource(unitrendstest.Protects(
		unitrendstest.Asset{Name: "db-1"}, unitrendstest.Asset{Name: "mail", Client: "win-1", Type: "Exchange", Backups: 2}, unitrendstest.Asset{Name: "new", Backups: -1})))
	clients := c.source.get(t, "/api/assets", "data")
	require.Len(t, clients, 2)
	assert.Equal(t, []any{"esx-1", "win-1"}, []any{clients[0]["name"], clients[1]["name"]})
	assert.Len(t, clients[0]["children"], 2)
	storage := c.target.get(t, "/api/storage/?sid=1", "storage")
	assert.Equal(t, []any{"internal", "copies"}, []any{storage[0]["name"], storage[1]["name"]})
	assert.Equal(t, 2, c.Target.StorageID("copies"))
	instances := c.source.get(t, "/api/catalog", "catalog", "instances")
	require.Len(t, instances, 2)
	assert.Len(t, instances[1]["backups"], 2)
	assert.Empty(t, c.source.get(t, "/api/catalog/?start_date=01/01/2100", "catalog", "instances"))
	assert.Empty(t, c.source.get(t, "/api/catalog/?end_date=01/01/1999", "catalog", "instances"))
}

// The copies of a source are in the catalog of the target, where machines can run from them.
func TestInstantRecovery(t *testing.T) {
	t.Parallel()
	c := newCopying(t)
	c.order(t, "nightly", "db-1")
	c.Source.FinishCopies()
	found := c.target.get(t, "/api/catalog/?start_date=01/01/2000", "catalog", "instances")
	require.Len(t, found, 1)
	assert.Equal(t, "branch", found[0]["system_name"])
	backup := c.Target.BackupIDs("db-1")[0]
	start := func(place string) string {
		return fmt.Sprintf(`{"address":"192.0.2.1","audit":true,"poweron":true,"backup_id":%d,"target":{"host":"esx-9","name":"db-1-test"%s}}`, backup, place)
	}
	got := c.target.ask(t, 201, "POST", "/api/restore/instant/?sid=1", start(`,"datastore":"ds-1"`))
	assert.JSONEq(t, `{"result":[{"code":0,"id":"1.vm_ir"}]}`, got.body)
	c.target.ask(t, 201, "POST", "/api/restore/instant/?sid=1", start(`,"directory":"d:\\vms"`))
	c.target.refused(t, 500, "either a directory or a datastore", "POST", "/api/restore/instant", start(""))
	c.target.refused(t, 500, "no backup", "POST", "/api/restore/instant", strings.Replace(start(`,"datastore":"ds-1"`), fmt.Sprint(backup), "7", 1))
	rows := c.target.get(t, "/api/virtual_clients", "data", "vm_ir", "data")
	require.Len(t, rows, 1)
	assert.Equal(t, map[string]any{"virtual_id": "1.vm_ir", "vm_name": "db-1-test", "status": "Running", "mode": "audit", "sid": 1.}, rows[0])
	assert.Len(t, c.target.get(t, "/api/virtual_clients/?sid=1", "data", "hv_ir", "data"), 1)
	c.target.refused(t, 500, "not of the type", "DELETE", "/api/virtual_clients/1.vm_ir/?sid=1", `{"type":"hv_ir"}`)
	c.target.ask(t, 200, "DELETE", "/api/virtual_clients/1.vm_ir/?sid=1", `{"type":"vm_ir"}`)
	c.target.refused(t, 404, "no instant recovery", "DELETE", "/api/virtual_clients/1.vm_ir/?sid=1", `{"type":"vm_ir"}`)
	assert.Equal(t, []string{"db-1-test"}, c.Target.Audit().Recoveries)
}
