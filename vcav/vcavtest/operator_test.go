package vcavtest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

func TestOperators(t *testing.T) {
	t.Parallel()
	const sync = "VMReplications.Sync"
	for name, tc := range map[string]struct {
		user, site          string
		operation, resource string
		body                string
		status              int // of the refusal; 0: none
		code                string
	}{
		"root":                 {user: "root", operation: sync, resource: db1},
		"another one":          {user: "olga@System", operation: sync, resource: db1},
		"an SSO user":          {user: "admin@vsphere.local", operation: sync, resource: db1},
		"a tenant":             {user: "ann@org2", operation: sync, resource: db1},
		"at the remote site":   {user: "olga@System", site: "site1", operation: sync, resource: db1},
		"at the local site":    {user: "ann@org2", site: "site2", operation: sync, resource: db1},
		"with a body":          {user: "olga@System", operation: "VMReplications.Failover", resource: db1, body: failover},
		"of no resource":       {user: "olga@System", operation: "Policies.Create", body: golden},
		"not for tenants":      {user: "ann@org2", operation: "Policies.Create", body: golden, status: 403, code: vcavtest.CodeForbidden},
		"busy":                 {user: "root", operation: sync, resource: app1, status: 409, code: vcavtest.CodeOperationInProgress},
		"a site of nobody":     {user: "root", site: "site3", operation: sync, resource: db1, status: 401, code: vcavtest.CodeRemoteAuthenticationFailure},
		"a site that is no":    {user: "root", site: "site9", operation: sync, resource: db1, status: 404, code: vcavtest.CodeSiteNotFound},
		"a site that is quiet": {user: "root", site: "site4", operation: sync, resource: db1, status: 503, code: vcavtest.CodeConnectionRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, _ := open(t, vcavtest.LocalSite("site2", "org2", "org4"), vcavtest.RemoteSite("site1", "org1"),
				vcavtest.RemoteSite("site3", "org3"), vcavtest.RemoteSite("site4", "org5"),
				vcavtest.AuthenticatedAt("site1", "site4"), vcavtest.SSOUser("admin@vsphere.local", "pw"))
			g.server.SilenceSite("site4")
			g.begin(t, "POST", "/vm-replications/"+app1+"/sync", "")
			g.server.Inject(vcavtest.Fault{Drop: true}) // for clients
			operator := g.server.Operator(tc.user)
			if tc.site != "" {
				operator = operator.At(tc.site)
			}
			id, err := operator.Do(tc.operation, tc.resource, tc.body)
			seen := g.server.Requests()[2]
			assert.True(t, seen.Operator)
			assert.Equal(t, tc.user, seen.User)
			assert.Equal(t, tc.operation, seen.Operation)
			assert.Equal(t, tc.site, seen.Site)
			assert.Empty(t, seen.Faults)
			if tc.status != 0 {
				var refused *vcavtest.OperatorError
				require.ErrorAs(t, err, &refused)
				assert.Equal(t, tc.status, refused.Status)
				assert.Equal(t, tc.code, refused.Code)
				assert.Contains(t, err.Error(), "vcavtest: "+tc.user+": "+tc.operation+": ")
				assert.False(t, seen.Ran)
				assert.Equal(t, tc.status, seen.Outcome)
				return
			}
			require.NoError(t, err)
			assert.True(t, seen.Ran)
			assert.Equal(t, 1, g.server.Sessions(), "that of the client")
			if tc.resource == "" {
				assert.NotEmpty(t, id, "the policy that was made")
				return
			}
			made := g.server.Tasks()[1]
			assert.Equal(t, id, made.ID)
			assert.Equal(t, tc.user, made.User)
			assert.Equal(t, tc.resource, made.Resource)
		})
	}
}

func TestOperatorsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	for want, do := range map[string]func() (string, error){
		"no organization": func() (string, error) { return g.server.Operator("olga").Do("VMReplications.Sync", db1, "") },
		"no operation":    func() (string, error) { return g.server.Operator("root").Do("VMReplications.Fly", db1, "") },
		"takes 1":         func() (string, error) { return g.server.Operator("root").Do("VMReplications.Sync", "", "") },
	} {
		_, err := do()
		require.ErrorContains(t, err, want)
	}
	_, err := g.server.Operator("root").Do("VMReplications.Failover", db1, `{"type":"vcloud"}`)
	require.ErrorContains(t, err, "ContractViolation")
	assert.Len(t, g.server.AcknowledgeViolations(), 1)
	g.server.Restart(time.Minute)
	_, err = g.server.Operator("root").Do("VMReplications.Sync", db1, "")
	require.ErrorContains(t, err, "down")
	clock.Advance(time.Minute)
	_, err = g.server.Operator("root").Do("VMReplications.Sync", db1, "")
	require.NoError(t, err)
	g.server.Close()
	_, err = g.server.Operator("root").Do("VMReplications.Sync", app1, "")
	require.ErrorContains(t, err, "closed")
}

// An operator sees what a client of the same user would.
func TestOperatorsOfOtherTenants(t *testing.T) {
	t.Parallel()
	g, _ := open(t, vcavtest.LocalSite("site2", "org2", "org4"))
	var refused *vcavtest.OperatorError
	_, err := g.server.Operator("ned@org4").Do("VMReplications.Sync", db1, "")
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, vcavtest.CodeReplicationNotFound, refused.Code)
	_, err = g.server.Operator("ann@org2").Do("VMReplications.Sync", db1, "")
	require.NoError(t, err)
}

func TestOperatorsOnPaths(t *testing.T) {
	t.Parallel()
	g, _ := open(t, withBundle())
	olga := g.server.Operator("olga@System")
	id, err := olga.Do("Policies.Create", "", golden)
	require.NoError(t, err)
	_, err = olga.Do("Policies.Assign", id+"/org2", "")
	require.NoError(t, err)
	assert.Equal(t, "Golden Policy", g.server.PolicyOf("site2", "org2").DisplayName)
	id, err = olga.Do("SupportBundles.Download", bundleID, "")
	require.NoError(t, err)
	assert.Empty(t, id)
}

// An operator acts at a moment of a client's request that the test has chosen, and never another.
func TestOperatorsAtTheRightMoment(t *testing.T) {
	t.Parallel()
	path := "/vm-replications/" + db1 + "/failover"
	for name, tc := range map[string]struct {
		fault    vcavtest.Fault
		client   int // status
		operator int // status
		by       string
	}{
		"before the work":     {vcavtest.Fault{}, http.StatusConflict, 0, "olga@System"},
		"after the work":      {vcavtest.Fault{After: true}, http.StatusAccepted, http.StatusConflict, "root"},
		"and the request":     {vcavtest.Fault{Status: 503}, http.StatusServiceUnavailable, 0, "olga@System"},
		"and it comes late":   {vcavtest.Fault{Status: 503, Late: time.Second}, http.StatusServiceUnavailable, 0, "olga@System"},
		"and the answer goes": {vcavtest.Fault{After: true, Status: 503}, http.StatusServiceUnavailable, http.StatusConflict, "root"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := vcavtest.NewServer(t, vcavtest.InMemory())
				defer server.Close() // in the bubble
				g := signIn(t, server, `{"type":"localUser","localUser":"root","localPassword":"`+server.Password+`"}`)
				fault, refused := tc.fault, error(nil)
				fault.Operation, fault.Times = "VMReplications.Failover", 1
				fault.Do = func() {
					_, refused = server.Operator("olga@System").Do("VMReplications.Failover", db1, failover)
				}
				server.Inject(fault)
				g.ask(t, http.StatusAccepted, "POST", "/vm-replications/"+db1+"/failover-test", test)
				<-time.After(time.Minute)
				g.ask(t, http.StatusAccepted, "DELETE", "/vm-replications/"+db1+"/failover-test", "")
				<-time.After(time.Minute)
				got, err := g.send(t.Context(), "POST", path, failover)
				require.NoError(t, err)
				assert.Equal(t, tc.client, got.status, got.body)
				if tc.operator == 0 {
					require.NoError(t, refused)
				} else {
					var answered *vcavtest.OperatorError
					require.ErrorAs(t, refused, &answered)
					assert.Equal(t, tc.operator, answered.Status)
				}
				<-time.After(time.Minute)
				audit := server.Audit()
				assert.Equal(t, map[string]int{tc.by: 1}, audit.Of("VMReplications.Failover", db1).RanBy)
				assert.Equal(t, 1, audit.Recovery(db1).Recovered, audit)
				assert.Equal(t, 1, audit.Recovery(db1).Tested, audit)
			})
		})
	}
}
