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

// newPolicy is the guide's request for a policy, with its name, kind, definition and patterns.
func newPolicy(name, kind, definition string, patterns ...string) string {
	return fmt.Sprintf(`{"policy":{"enabled":true,"name":%q,"operation_definition":{%s},"operation_type":%q,"trigger":{"properties":{"pattern":["%s"]}}}}`,
		name, definition, kind, strings.Join(patterns, `","`))
}

const daily = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=14;BYMINUTE=00"

// hourly are so many rules for one hour each, which lie far enough apart.
func hourly(rules int) []string {
	var patterns []string
	for i := range rules {
		patterns = append(patterns, fmt.Sprintf("FREQ=WEEKLY;BYDAY=%s;BYHOUR=%d;BYMINUTE=0", []string{"MO", "TU"}[i/24], i%24))
	}
	return patterns
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	// The guide's example has zero long-term backups beside the days.
	definition := `"day_backups":0,"month_backups":0,"retention_duration_days":1,"timezone":"UTC+08:00","week_backups":0,"year_backups":0`
	made := g.ask(t, 200, "POST", "/policies", newPolicy("policy001", "backup", definition, daily))
	id := text(t, made, "policy", "id")
	assert.Equal(t, true, at(t, made, "policy", "enabled"))
	assert.Equal(t, []any{daily}, at(t, made, "policy", "trigger", "properties", "pattern"))
	assert.Equal(t, "2030-06-01 12:00:00", at(t, made, "policy", "trigger", "properties", "start_time"))
	assert.Equal(t, []any{}, at(t, made, "policy", "associated_vaults"))
	assert.Equal(t, 1, g.server.Audit().PoliciesNamed("policy001"))

	path := "/vaults/" + production
	applied := g.ask(t, 200, "POST", path+"/associatepolicy", fmt.Sprintf(`{"policy_id":%q}`, id))
	assert.Equal(t, object{"vault_id": production, "policy_id": id}, applied["associate_policy"])
	g.ask(t, 200, "POST", path+"/associatepolicy", fmt.Sprintf(`{"policy_id":%q}`, id))
	assert.Equal(t, 1, count(t, g.ask(t, 200, "GET", "/policies?vault_id="+production, "")))
	assert.Equal(t, 1, count(t, g.ask(t, 200, "GET", "/vaults?policy_id="+id, "")))
	assert.Equal(t, 0, count(t, g.ask(t, 200, "GET", "/policies?operation_type=replication", "")))

	require.NoError(t, g.server.RunPolicy(id))
	clock.Advance(time.Minute)
	log := at(t, g.ask(t, 200, "GET", "/operation-logs?vault_id="+production, ""), "operation_logs", 0)
	assert.Equal(t, id, at(t, log, "policy_id"))
	automatic := at(t, g.ask(t, 200, "GET", "/backups", ""), "backups", 0)
	assert.Equal(t, true, at(t, automatic, "extend_info", "auto_trigger"))
	assert.Equal(t, "2030-06-02T12:00:00.000000", at(t, automatic, "expired_at"))
	g.ask(t, 200, "PUT", path, `{"vault":{"locked":true}}`)
	g.refused(t, 400, checkpointstest.CodeLockedVault, "DELETE", "/backups/"+text(t, automatic, "id"), "")
	g.refused(t, 400, checkpointstest.CodeLockedVault, "DELETE", path, "")
	g.refused(t, 400, checkpointstest.CodeLockedVault, "POST", path+"/removeresources", fmt.Sprintf(`{"resource_ids":[%q]}`, db1))

	changed := g.ask(t, 200, "PUT", "/policies/"+id, `{"policy":{"enabled":false}}`)
	assert.Equal(t, false, at(t, changed, "policy", "enabled"))
	require.Error(t, g.server.RunPolicy(id))
	g.ask(t, 200, "POST", path+"/dissociatepolicy", fmt.Sprintf(`{"policy_id":%q}`, id))
	g.refused(t, 404, checkpointstest.CodePolicyNotApplied, "POST", path+"/dissociatepolicy", fmt.Sprintf(`{"policy_id":%q}`, id))
	g.ask(t, 204, "DELETE", "/policies/"+id, "")
	g.refused(t, 404, checkpointstest.CodePolicyNotFound, "DELETE", "/policies/"+id, "")
}

func TestPoliciesThatAreRefused(t *testing.T) {
	t.Parallel()
	here, there, _ := openPair(t, checkpointstest.Quotas(2, 10))
	replication := func(region, project string) string {
		return newPolicy("p", "replication", fmt.Sprintf(`"destination_region":%q,"destination_project_id":%q`, region, project), daily)
	}
	for name, tc := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"bad name":              {newPolicy("a b", "backup", "", daily), 400, checkpointstest.CodeInvalidParameter},
		"days and backups":      {newPolicy("p", "backup", `"retention_duration_days":3,"max_backups":3`, daily), 400, checkpointstest.CodeInvalidParameter},
		"days and weeks":        {newPolicy("p", "backup", `"retention_duration_days":3,"week_backups":1,"timezone":"UTC"`, daily), 400, checkpointstest.CodeInvalidParameter},
		"weeks, no timezone":    {newPolicy("p", "backup", `"week_backups":1`, daily), 400, checkpointstest.CodeInvalidParameter},
		"too many days":         {newPolicy("p", "backup", `"retention_duration_days":100000`, daily), 400, checkpointstest.CodeInvalidParameter},
		"no backups at all":     {newPolicy("p", "backup", `"max_backups":0`, daily), 400, checkpointstest.CodeInvalidParameter},
		"too many years":        {newPolicy("p", "backup", `"year_backups":101,"timezone":"UTC"`, daily), 400, checkpointstest.CodeInvalidParameter},
		"lower case":            {newPolicy("p", "backup", "", strings.ToLower(daily)), 400, checkpointstest.CodeInvalidParameter},
		"prefix":                {newPolicy("p", "backup", "", "RRULE:"+daily), 400, checkpointstest.CodeInvalidParameter},
		"monthly":               {newPolicy("p", "backup", "", "FREQ=MONTHLY;BYHOUR=1;BYMINUTE=0"), 400, checkpointstest.CodeInvalidParameter},
		"hour 24":               {newPolicy("p", "backup", "", "FREQ=DAILY;BYHOUR=24;BYMINUTE=0"), 400, checkpointstest.CodeInvalidParameter},
		"closer than an hour":   {newPolicy("p", "backup", "", "FREQ=DAILY;BYHOUR=1;BYMINUTE=0,30"), 400, checkpointstest.CodeInvalidParameter},
		"closer in two rules":   {newPolicy("p", "backup", "", daily, "FREQ=DAILY;INTERVAL=2;BYHOUR=14;BYMINUTE=30"), 400, checkpointstest.CodeInvalidParameter},
		"closer over midnight":  {newPolicy("p", "backup", "", "FREQ=WEEKLY;BYDAY=SU;BYHOUR=23;BYMINUTE=30", "FREQ=WEEKLY;BYDAY=MO;BYHOUR=0;BYMINUTE=15"), 400, checkpointstest.CodeInvalidParameter},
		"unknown part":          {newPolicy("p", "backup", "", daily+";COUNT=3"), 400, checkpointstest.CodeInvalidParameter},
		"unknown region":        {replication("region9", there.project), 500, checkpointstest.CodeRegionCannotReplicate},
		"own region":            {replication("region1", here.project), 400, checkpointstest.CodeInvalidParameter},
		"no destination":        {newPolicy("p", "replication", "", daily), 400, checkpointstest.CodeInvalidParameter},
		"more patterns than 24": {newPolicy("p", "backup", "", hourly(25)...), 400, checkpointstest.CodeInvalidParameter},
	} {
		t.Run(name, func(t *testing.T) { here.refused(t, tc.status, tc.code, "POST", "/policies", tc.body) })
	}
	here.ask(t, 204, "DELETE", "/policies/"+text(t, here.ask(t, 200, "POST", "/policies",
		newPolicy("p", "backup", "", "FREQ=WEEKLY;BYDAY=SU;BYHOUR=23;BYMINUTE=30", "FREQ=WEEKLY;BYDAY=MO;BYHOUR=0;BYMINUTE=30")), "policy", "id"), "")
	// Names need not be unique.
	here.ask(t, 200, "POST", "/policies", newPolicy("p", "backup", "", daily, "FREQ=DAILY;BYHOUR=6;BYMINUTE=30"))
	here.ask(t, 200, "POST", "/policies", newPolicy("p", "backup", "", hourly(24)...))
	here.refused(t, 400, checkpointstest.CodeTooManyPolicies, "POST", "/policies", newPolicy("p", "backup", "", daily))
	here.ask(t, 200, "POST", "/policies", replication("region2", there.project)) // has a quota of its own
}

func TestReplicationPolicy(t *testing.T) {
	t.Parallel()
	here, there, clock := openPair(t)
	backUp(t, here, clock, production)
	made := here.ask(t, 200, "POST", "/policies", newPolicy("dr", "replication",
		fmt.Sprintf(`"destination_region":"region2","destination_project_id":%q,"max_backups":5`, there.project), daily))
	id := text(t, made, "policy", "id")
	path := "/vaults/" + production + "/associatepolicy"
	here.refused(t, 400, checkpointstest.CodeInvalidParameter, "POST", path, fmt.Sprintf(`{"policy_id":%q}`, id))
	here.refused(t, 400, checkpointstest.CodeDestinationMissing, "POST", path, fmt.Sprintf(`{"policy_id":%q,"destination_vault_id":%q}`, id, unknown))
	applied := here.ask(t, 200, "POST", path, fmt.Sprintf(`{"policy_id":%q,"destination_vault_id":%q}`, id, replicas))
	assert.Equal(t, replicas, at(t, applied, "associate_policy", "destination_vault_id"))
	here.refused(t, 400, checkpointstest.CodeRegionFixed, "PUT", "/policies/"+id, fmt.Sprintf(
		`{"policy":{"operation_definition":{"destination_region":"region1","destination_project_id":%q}}}`, here.project))
	there.refused(t, 404, checkpointstest.CodePolicyNotFound, "POST", "/vaults/"+replicas+"/associatepolicy", fmt.Sprintf(`{"policy_id":%q}`, id))
	require.NoError(t, here.server.RunPolicy(id))
	require.ErrorContains(t, here.server.RunPolicy(id), checkpointstest.CodeBeingReplicated)
	clock.Advance(time.Minute)
	assert.Len(t, there.server.Backups(replicas), 2)
}
