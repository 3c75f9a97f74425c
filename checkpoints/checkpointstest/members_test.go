package checkpointstest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

func TestSharing(t *testing.T) {
	t.Parallel()
	g, clock := open(t, checkpointstest.OtherAccount("OTHER", "olga", "secret"))
	_, backups := backUp(t, g, clock, production)
	path := "/backups/" + backups[db1] + "/members"
	receiver := checkpointstest.ProjectID("OTHER", "region1", "region1")
	value, _ := g.issue(t, `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"olga","password":"secret","domain":{"name":"OTHER"}}}}`+
		projectScope(receiver)+`}}`)
	other := guest{server: g.server, token: value, project: receiver}
	into := text(t, other.ask(t, 200, "POST", "/vaults", fmt.Sprintf(newVault, "")), "vault", "id")

	share := fmt.Sprintf(`{"members":[%q]}`, receiver)
	added := g.ask(t, 200, "POST", path, share)
	assert.Equal(t, "pending", at(t, added, "members", 0, "status"))
	assert.Equal(t, "2030-06-01T12:01:00Z", at(t, added, "members", 0, "created_at"))
	g.refused(t, 400, checkpointstest.CodeSharedAlready, "POST", path, share)
	g.refused(t, 400, checkpointstest.CodeInvalidMember, "POST", path, fmt.Sprintf(`{"members":[%q]}`, g.project))
	g.refused(t, 400, checkpointstest.CodeInvalidMember, "POST", path, `{"members":["nobody"]}`)
	assert.Equal(t, 1, count(t, g.ask(t, 200, "GET", path+"?status=pending&dest_project_id="+receiver, "")))
	assert.Equal(t, 1, count(t, other.ask(t, 200, "GET", "/backups?own_type=shared&member_status=pending", "")))
	assert.Equal(t, 0, count(t, other.ask(t, 200, "GET", "/backups", "")))
	assert.Equal(t, 1, count(t, other.ask(t, 200, "GET", "/backups?own_type=all_granted", "")))

	// The member is named by the project that receives the backup, which alone may accept it.
	g.refused(t, 400, "BackupService.6707", "PUT", path+"/"+receiver, fmt.Sprintf(`{"status":"accepted","vault_id":%q}`, into))
	other.refused(t, 400, checkpointstest.CodeInvalidMemberUpdate, "PUT", path+"/"+receiver, `{"status":"accepted"}`)
	other.refused(t, 404, checkpointstest.CodeVaultNotFound, "PUT", path+"/"+receiver, fmt.Sprintf(`{"status":"accepted","vault_id":%q}`, production))
	taken := other.ask(t, 200, "PUT", path+"/"+receiver, fmt.Sprintf(`{"status":"accepted","vault_id":%q}`, into))
	assert.Equal(t, into, at(t, taken, "member", "vault_id"))
	assert.Equal(t, "accepted", at(t, g.ask(t, 200, "GET", path+"/"+receiver, ""), "member", "status"))
	g.refused(t, 404, checkpointstest.CodeMemberNotFound, "GET", path+"/"+strings.Repeat("0", 32), "")
	other.refused(t, 404, checkpointstest.CodeBackupNotFound, "DELETE", path+"/"+receiver, "")
	g.ask(t, 204, "DELETE", path+"/"+receiver, "")
	g.refused(t, 404, checkpointstest.CodeMemberNotFound, "DELETE", path+"/"+receiver, "")
	other.refused(t, 404, checkpointstest.CodeBackupNotFound, "GET", "/backups/"+backups[db1], "")
}

func TestWhatCannotBeShared(t *testing.T) {
	t.Parallel()
	g, clock := open(t, checkpointstest.Resources(checkpointstest.Volume("logs", 20), checkpointstest.VM("db-1", 10)), checkpointstest.Vaults(
		checkpointstest.Vault{Name: "disks", ObjectType: "disk", Resources: []string{checkpointstest.VolumeID("logs")}},
		checkpointstest.Vault{Name: "production", Resources: []string{db1}},
	))
	share := fmt.Sprintf(`{"members":[%q]}`, strings.Repeat("a", 32))
	_, disks := backUp(t, g, clock, checkpointstest.VaultID("disks"))
	g.refused(t, 400, checkpointstest.CodeOnlyServers, "POST", "/backups/"+disks[checkpointstest.VolumeID("logs")]+"/members", share)
	g.ask(t, 200, "POST", "/checkpoints", fmt.Sprintf(`{"checkpoint":{"vault_id":%q}}`, production))
	running := g.server.Backups(production)[0].ID
	g.refused(t, 400, checkpointstest.CodeOnlyAvailable, "POST", "/backups/"+running+"/members", share)
	clock.Advance(time.Minute)
	g.ask(t, 200, "POST", "/backups/"+running+"/members", share)
}
