package vcavtest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// policy is one in an answer.
type policy struct {
	ID            string `json:"id"`
	Name          string `json:"displayName"`
	Orgs          int    `json:"orgs"`
	MinRPO        int    `json:"minRpo"`
	MaxInstances  int    `json:"maxInstances"`
	MaxPinned     int    `json:"maxPinnedInstances"`
	MaxIncoming   int    `json:"maxIncoming"`
	InProtect     bool   `json:"allowIncomingProtections"`
	OutProtect    bool   `json:"allowOutgoingProtections"`
	InMigrate     bool   `json:"allowIncomingMigrations"`
	OutMigrate    bool   `json:"allowOutgoingMigrations"`
	OnPremDataCap int    `json:"onpremDataCap"`
	CustomSLA     bool   `json:"allowCustomSlaSettings"`
	Notify        bool   `json:"allowNotificationConfiguration"`
}

// golden is the guide's request.
const golden = `{
  "displayName" : "Golden Policy", "minRpo" : 5, "maxInstances" : 24, "maxPinnedInstances" : 24, "maxIncoming" : -1,
  "allowIncomingProtections" : true, "allowOutgoingProtections" : false,
  "allowIncomingMigrations" : true, "allowOutgoingMigrations" : false,
  "onpremDataCap" : 50, "allowCustomSlaSettings" : true, "allowNotificationConfiguration" : true
}`

func goldenPolicy() policy {
	return policy{
		Name: "Golden Policy", MinRPO: 5, MaxInstances: 24, MaxPinned: 24, MaxIncoming: -1,
		InProtect: true, InMigrate: true, OnPremDataCap: 50, CustomSLA: true, Notify: true,
	}
}

func (g guest) policy(t testing.TB, id string) policy {
	t.Helper()
	return read[policy](t, g.ask(t, http.StatusOK, "GET", "/policies/"+id, ""))
}

func (g guest) policies(t testing.TB, query string) []policy {
	t.Helper()
	return read[[]policy](t, g.ask(t, http.StatusOK, "GET", "/policies"+query, ""))
}

func TestPolicyLife(t *testing.T) {
	t.Parallel()
	g, _ := open(t, vcavtest.LocalSite("site2", "org2", "org4"))
	initial := g.policies(t, "?site=site2")
	require.Len(t, initial, 1)
	assert.Equal(t, "default", initial[0].ID)
	assert.Equal(t, -1, initial[0].Orgs)
	assert.True(t, initial[0].InProtect, "open, other than real ones")

	made := read[policy](t, g.ask(t, http.StatusCreated, "POST", "/policies", golden))
	want := goldenPolicy()
	want.ID = made.ID
	assert.Equal(t, want, made)
	assert.Len(t, made.ID, 36)
	assert.Equal(t, []policy{initial[0], made}, g.policies(t, ""))
	assert.Equal(t, 1, g.server.Ran("Policies.Create", made.ID))

	path := "/policies/" + made.ID
	for _, org := range []string{"org2", "org4", "org2"} {
		assert.Empty(t, g.ask(t, http.StatusAccepted, "PATCH", path+"/orgs/"+org, "").header.Get("Content-Type"))
	}
	assert.Equal(t, 2, g.policy(t, made.ID).Orgs)
	assert.Equal(t, -1, g.policy(t, "default").Orgs)
	assert.Equal(t, "Golden Policy", g.server.PolicyOf("site2", "org4").DisplayName)
	assert.Equal(t, []string{"org2", "org4"}, g.server.Policies()[1].Orgs)
	assert.Empty(t, g.server.Tasks(), "none of this is a task")

	updated := read[policy](t, g.ask(t, http.StatusOK, "PUT", path, strings.Replace(golden, `"minRpo" : 5`, `"minRpo" : 60`, 1)))
	assert.Equal(t, 60, updated.MinRPO)
	assert.Equal(t, 2, updated.Orgs)
	assert.Equal(t, updated, g.policy(t, made.ID))

	g.refused(t, http.StatusConflict, "PolicyInUse", "DELETE", path, "")
	g.ask(t, http.StatusAccepted, "PATCH", "/policies/default/orgs/org2", "")
	g.ask(t, http.StatusAccepted, "PATCH", "/policies/default/orgs/org4", "")
	assert.Equal(t, "default", g.server.PolicyOf("site2", "org2").ID)
	assert.Zero(t, g.policy(t, made.ID).Orgs)
	g.ask(t, http.StatusNoContent, "DELETE", path, "")
	g.refused(t, http.StatusNotFound, "PolicyNotFound", "GET", path, "")
	g.refused(t, http.StatusNotFound, "PolicyNotFound", "DELETE", path, "")
}

func TestPolicyRefusals(t *testing.T) {
	t.Parallel()
	g, _ := open(t, vcavtest.Policies(vcavtest.Policy{DisplayName: "Silver"}), withTenant("ann@org2"))
	silver := "/policies/" + vcavtest.PolicyID("Silver")
	g.ask(t, http.StatusCreated, "POST", "/policies", golden)
	for name, tc := range map[string]struct {
		status             int
		code               string
		method, path, body string
	}{
		"unknown":                {404, "PolicyNotFound", "GET", "/policies/none", ""},
		"status of unknown":      {404, "PolicyNotFound", "GET", "/policies/none/status", ""},
		"update of unknown":      {404, "PolicyNotFound", "PUT", "/policies/none", golden},
		"assign unknown":         {404, "PolicyNotFound", "PATCH", "/policies/none/orgs/org2", ""},
		"assign to unknown":      {404, "OrgNotFound", "PATCH", silver + "/orgs/org1", ""},
		"the default is forever": {409, "DefaultPolicy", "DELETE", "/policies/default", ""},
		"name taken":             {409, "PolicyNameTaken", "POST", "/policies", golden},
		"name taken by another":  {409, "PolicyNameTaken", "PUT", silver, golden},
		"no name":                {400, "BadUserInput", "POST", "/policies", strings.Replace(golden, "Golden Policy", "", 1)},
		"negative RPO":           {400, "BadUserInput", "POST", "/policies", strings.NewReplacer("Golden", "Odd", `"minRpo" : 5`, `"minRpo" : -5`).Replace(golden)},
		"another site":           {401, "RemoteAuthenticationFailure", "GET", "/policies?site=site1", ""},
	} {
		got := g.ask(t, tc.status, tc.method, tc.path, tc.body)
		assert.Equal(t, tc.code, read[wrong](t, got).Code, name)
	}
	read[policy](t, g.ask(t, http.StatusCreated, "POST", "/policies", strings.Replace(golden, "Golden", "golden", 1)))
	assert.Empty(t, g.server.AcknowledgeViolations())
	g.refused(t, http.StatusBadRequest, "ContractViolation", "POST", "/policies", strings.Replace(golden, `"minRpo" : 5,`, "", 1))
	assert.Len(t, g.server.AcknowledgeViolations(), 1)

	ann := tenant(t, g.server, "ann@org2")
	assert.Len(t, ann.policies(t, ""), 4)
	assert.Equal(t, "Silver", ann.policy(t, vcavtest.PolicyID("Silver")).Name)
	for _, call := range []struct{ method, path, body string }{
		{"POST", "/policies", golden},
		{"PUT", silver, golden},
		{"DELETE", silver, ""},
		{"PATCH", silver + "/orgs/org2", ""},
		{"GET", silver + "/status", ""},
		{"POST", "/policies/sync", ""},
	} {
		ann.refused(t, http.StatusForbidden, "Forbidden", call.method, call.path, call.body)
	}
}

func TestSynchronizePolicies(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	done := g.finish(t, clock, "POST", "/policies/sync", "")
	assert.Equal(t, "sync", done.Workflow.Type)
	assert.Equal(t, "policies", done.Workflow.ResourceType)
	assert.Nil(t, done.Workflow.ResourceID)
	assert.Nil(t, done.Workflow.ResourceName)
	assert.Equal(t, "SUCCEEDED", done.State)
	assert.Equal(t, 100, done.Progress)
	assert.Nil(t, done.Result)
	assert.Nil(t, done.ResultType)
	assert.Empty(t, g.jobs(t, "?resourceType=vmReplication").Items)
	assert.Len(t, g.jobs(t, "?resourceType=policies").Items, 1)
	g.server.FailTask("Policies.Synchronize", "", "Broken", "It broke.")
	assert.Equal(t, "Broken", g.finish(t, clock, "POST", "/policies/sync", "").Error.Code)
}

func TestPoliciesOfRemoteSites(t *testing.T) {
	t.Parallel()
	g, _ := open(t, vcavtest.AuthenticatedAt("site1"),
		vcavtest.Policies(vcavtest.ClosedPolicy(), vcavtest.Policy{Site: "site1", DisplayName: "Far", Orgs: []string{"org1"}}))
	far := g.policies(t, "?site=site1")
	require.Len(t, far, 2)
	assert.Equal(t, "Far", far[1].Name)
	assert.Equal(t, 1, far[1].Orgs)
	assert.True(t, far[0].InProtect)
	near := g.policies(t, "")
	require.Len(t, near, 1)
	assert.Equal(t, policy{
		ID: "default", Name: "Default Policy", Orgs: -1, MinRPO: 15, MaxInstances: 24,
		InMigrate: true, OutMigrate: true, CustomSLA: true, Notify: true,
	}, near[0], "the guide's")
	g.refused(t, http.StatusNotFound, "PolicyNotFound", "GET", "/policies/"+far[1].ID, "")
	g.ask(t, http.StatusOK, "GET", "/policies/"+far[1].ID+"?site=site1", "")
}

// An update overwrites everything, also what a newer appliance has beyond the guide.
func TestPolicyMembersOfNewerAppliances(t *testing.T) {
	t.Parallel()
	g, _ := open(t, vcavtest.PolicyMembers(map[string]any{"allowAdvancedRetentionRules": false, "cap": map[string]any{"mbps": 7}}),
		vcavtest.Policies(vcavtest.Policy{DisplayName: "New", Extra: map[string]any{"allowAdvancedRetentionRules": true}}))
	path := "/policies/" + vcavtest.PolicyID("New")
	members := func() map[string]any { return read[map[string]any](t, g.ask(t, http.StatusOK, "GET", path, "")) }
	had := members()
	assert.Equal(t, true, had["allowAdvancedRetentionRules"])
	assert.Equal(t, map[string]any{"mbps": 7.0}, had["cap"])

	had["minRpo"], had["cap"], had["unheard-of"] = 30, nil, true
	delete(had, "id")
	delete(had, "orgs")
	body, err := json.Marshal(had)
	require.NoError(t, err)
	g.ask(t, http.StatusOK, "PUT", path, string(body))
	kept := members()
	assert.Equal(t, true, kept["allowAdvancedRetentionRules"], "read, modified and written")
	assert.Nil(t, kept["cap"])
	assert.NotContains(t, kept, "unheard-of", "an appliance does not keep what it does not know")
	assert.Equal(t, 30, g.policy(t, vcavtest.PolicyID("New")).MinRPO)
	assert.Equal(t, map[string]any{"allowAdvancedRetentionRules": true, "cap": nil}, g.server.Policies()[1].Extra)

	g.ask(t, http.StatusOK, "PUT", path, golden)
	assert.Equal(t, false, members()["allowAdvancedRetentionRules"], "lost by a client that left it out")
	made := read[map[string]any](t, g.ask(t, http.StatusCreated, "POST", "/policies", strings.Replace(golden, "Golden", "Other", 1)))
	assert.Equal(t, false, made["allowAdvancedRetentionRules"])
}

func TestPolicyStatus(t *testing.T) {
	t.Parallel()
	g, clock := open(t, vcavtest.LocalSite("site2", "org2", "org4", "org5"), vcavtest.Protect(
		vcavtest.Replication{VMName: "fine", RPO: 60},
		vcavtest.Replication{VMName: "quick", RPO: 15, Retention: []vcavtest.RetentionRule{{Instances: 2, Distance: 30}, {Instances: 5, Distance: 60}}},
		vcavtest.Replication{VMName: "move", RPO: 60, Migration: true},
		vcavtest.Replication{VMName: "other", DestinationOrg: "org4"},
		vcavtest.Replication{VMName: "out", SourceSite: "site2", DestinationSite: "site1", RPO: 5},
	), vcavtest.Policies(vcavtest.Policy{
		DisplayName: "Strict", MinRPO: 30, MaxInstances: 6, MaxIncoming: 1, AllowIncomingProtections: true, Orgs: []string{"org2"},
	}))
	type status struct {
		Org             string
		Configured      int      `json:"configuredReplications"`
		Quota           int      `json:"quotaViolation"`
		Protections     int      `json:"protectionViolation"`
		Migrations      int      `json:"migrationViolation"`
		NonRPOCompliant []string `json:"nonRpoCompliant"`
		TooManyInstance []string `json:"nonInstancesCompliant"`
	}
	of := func(id string) []status {
		return read[[]status](t, g.ask(t, http.StatusOK, "GET", "/policies/"+id+"/status", ""))
	}
	quick := vcavtest.ReplicationID("quick")
	strict := vcavtest.PolicyID("Strict")
	want := status{
		Org: "org2", Configured: 3, Quota: 2, Migrations: 1,
		NonRPOCompliant: []string{quick}, TooManyInstance: []string{quick},
	}
	assert.Equal(t, []status{want}, of(strict))
	assert.Equal(t, []status{
		{Org: "org4", Configured: 1, NonRPOCompliant: []string{}, TooManyInstance: []string{}},
		{Org: "org5", NonRPOCompliant: []string{}, TooManyInstance: []string{}},
	}, of("default"), "organizations without another policy")

	// Where nothing may come in, the quota does not count.
	closed := g.server.PolicyOf("site2", "org2")
	closed.AllowIncomingProtections = false
	require.NoError(t, g.server.SetPolicy(closed))
	want.Quota, want.Protections = 0, 2
	assert.Equal(t, []status{want}, of(strict))

	// The running ones go on all the same; what is stopped no longer counts.
	g.finish(t, clock, "POST", "/vm-replications/"+quick+"/sync", "")
	stopped := g.begin(t, "DELETE", "/vm-replications/"+quick, "")
	assert.Equal(t, 3, of(strict)[0].Configured)
	clock.Advance(11 * time.Second)
	assert.Equal(t, 2, of(strict)[0].Configured)
	assert.Equal(t, "SUCCEEDED", g.job(t, stopped.ID).State)
}
