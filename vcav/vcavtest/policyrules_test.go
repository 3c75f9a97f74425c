package vcavtest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// changed is the open policy with a change, for an organization of a site.
func changed(site, org string, change func(*vcavtest.Policy)) vcavtest.Policy {
	p := vcavtest.OpenPolicy()
	p.ID, p.DisplayName, p.Site, p.Orgs = "", "Tight", site, []string{org}
	change(&p)
	return p
}

func TestPoliciesOnStart(t *testing.T) {
	t.Parallel()
	protection := startOf("db-2", "site1", "site2")
	migration := strings.Replace(protection, `"isMigration":false`, `"isMigration":true`, 1)
	profiled := start(cloudSource(), cloudDestination(), `"slaProfileId":"`+vcavtest.SLAProfileID("Gold")+`"`) // RPO 60, 4 instances
	both := start(cloudSource(), cloudDestination(), usualTerms+`,"slaProfileId":"`+vcavtest.SLAProfileID("Gold")+`"`)
	plain := start(cloudSource(), cloudDestination(), "")
	outward := start(`"type":"vm","site":"site2","vmId":"`+vcavtest.MachineID("here")+`"`, `"type":"vc","site":"onprem1"`, usualTerms)
	inward := start(`"type":"vcVm","site":"onprem1","vcUuid":"`+vcavtest.VCenterID("onprem1")+`","vmId":"vm-42"`, cloudDestination(), usualTerms)
	destination := func(change func(*vcavtest.Policy)) vcavtest.Policy { return changed("site2", "org2", change) }
	source := func(change func(*vcavtest.Policy)) vcavtest.Policy { return changed("site1", "org1", change) }
	for name, tc := range map[string]struct {
		policy vcavtest.Policy
		body   string
		code   string // empty: allowed
	}{
		"RPO too short":                {destination(func(p *vcavtest.Policy) { p.MinRPO = 6 }), protection, "RpoTooShort"},
		"RPO just long enough":         {destination(func(p *vcavtest.Policy) { p.MinRPO = 5 }), protection, ""},
		"RPO of a profile":             {destination(func(p *vcavtest.Policy) { p.MinRPO = 61 }), profiled, "RpoTooShort"},
		"the profile's RPO counts":     {destination(func(p *vcavtest.Policy) { p.MinRPO = 60 }), both, ""},
		"RPO of the source's policy":   {source(func(p *vcavtest.Policy) { p.MinRPO = 60 }), protection, ""},
		"too many instances":           {destination(func(p *vcavtest.Policy) { p.MaxInstances = 2 }), protection, "TooManyInstances"},
		"as many instances as allowed": {destination(func(p *vcavtest.Policy) { p.MaxInstances = 3 }), protection, ""},
		"instances of a profile":       {destination(func(p *vcavtest.Policy) { p.MaxInstances = 3 }), profiled, "TooManyInstances"},
		"no incoming protections":      {destination(func(p *vcavtest.Policy) { p.AllowIncomingProtections = false }), protection, "IncomingForbidden"},
		"… but migrations":             {destination(func(p *vcavtest.Policy) { p.AllowIncomingProtections = false }), migration, ""},
		"no incoming migrations":       {destination(func(p *vcavtest.Policy) { p.AllowIncomingMigrations = false }), migration, "IncomingForbidden"},
		"… but protections":            {destination(func(p *vcavtest.Policy) { p.AllowIncomingMigrations = false }), protection, ""},
		"no outgoing protections":      {source(func(p *vcavtest.Policy) { p.AllowOutgoingProtections = false }), protection, "OutgoingForbidden"},
		"no outgoing migrations":       {source(func(p *vcavtest.Policy) { p.AllowOutgoingMigrations = false }), migration, "OutgoingForbidden"},
		"outgoing at the destination":  {destination(func(p *vcavtest.Policy) { p.AllowOutgoingProtections = false }), protection, ""},
		"incoming at the source":       {source(func(p *vcavtest.Policy) { p.AllowIncomingProtections = false }), protection, ""},
		"quota of none":                {destination(func(p *vcavtest.Policy) { p.MaxIncoming = 0 }), protection, "QuotaExceeded"},
		"quota of none, migration":     {destination(func(p *vcavtest.Policy) { p.MaxIncoming = 0 }), migration, "QuotaExceeded"},
		"quota of one":                 {destination(func(p *vcavtest.Policy) { p.MaxIncoming = 1 }), protection, ""},
		"no quota":                     {destination(func(p *vcavtest.Policy) { p.MaxIncoming = -7 }), protection, ""},
		"quota of the source":          {source(func(p *vcavtest.Policy) { p.MaxIncoming = 0 }), protection, ""},
		"settings without a profile":   {destination(func(p *vcavtest.Policy) { p.AllowCustomSLASettings = false }), protection, "SlaProfileNeeded"},
		"no settings, no profile":      {destination(func(p *vcavtest.Policy) { p.AllowCustomSLASettings = false }), plain, "SlaProfileNeeded"},
		"a profile":                    {destination(func(p *vcavtest.Policy) { p.AllowCustomSLASettings = false }), both, ""},
		"to on premises":               {destination(func(p *vcavtest.Policy) { p.MinRPO, p.MaxIncoming = 60, 0 }), outward, ""},
		"to on premises, outgoing":     {destination(func(p *vcavtest.Policy) { p.AllowOutgoingProtections = false }), outward, "OutgoingForbidden"},
		"to on premises, profile":      {destination(func(p *vcavtest.Policy) { p.AllowCustomSLASettings = false }), outward, "SlaProfileNeeded"},
		"from on premises, incoming":   {destination(func(p *vcavtest.Policy) { p.AllowIncomingProtections = false }), inward, "IncomingForbidden"},
		"the guide's default":          {vcavtest.ClosedPolicy(), protection, "IncomingForbidden"},
		"the guide's default, moving":  {vcavtest.ClosedPolicy(), migration, "QuotaExceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, _ := open(t, workshop(vcavtest.Policies(tc.policy))...)
			if tc.code == "" {
				g.begin(t, "POST", "/vm-replications", tc.body)
				return
			}
			g.refused(t, http.StatusConflict, tc.code, "POST", "/vm-replications", tc.body)
			assert.Empty(t, g.server.Tasks())
		})
	}
}

// Starts that have not ended count, or two at once would exceed the quota.
func TestQuota(t *testing.T) {
	t.Parallel()
	g, clock := open(t, workshop(vcavtest.Policies(changed("site2", "org2", func(p *vcavtest.Policy) { p.MaxIncoming = 1 })))...)
	g.server.FailTask("VMReplications.Start", "", "Broken", "It broke.")
	g.begin(t, "POST", "/vm-replications", startOf("db-2", "site1", "site2"))
	g.refused(t, http.StatusConflict, "QuotaExceeded", "POST", "/vm-replications", startOf("sleeper", "site1", "site2"))
	clock.Advance(11 * time.Second) // it fails
	made := g.finish(t, clock, "POST", "/vm-replications", startOf("sleeper", "site1", "site2"))
	g.refused(t, http.StatusConflict, "QuotaExceeded", "POST", "/vm-replications", startOf("db-2", "site1", "site2"))
	g.finish(t, clock, "DELETE", "/vm-replications/"+made.Result.ID, "")
	g.begin(t, "POST", "/vm-replications", startOf("db-2", "site1", "site2"))
}

func TestPoliciesOnReconfigure(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*vcavtest.Policy)
		body   string
		code   string
	}{
		"RPO too short":           {func(p *vcavtest.Policy) { p.MinRPO = 30 }, `{"rpo":29}`, "RpoTooShort"},
		"RPO long enough":         {func(p *vcavtest.Policy) { p.MinRPO = 30 }, `{"rpo":30}`, ""},
		"RPO that it has":         {func(p *vcavtest.Policy) { p.MinRPO = 30 }, `{"rpo":20}`, ""},
		"something else":          {func(p *vcavtest.Policy) { p.MinRPO = 30 }, `{"description":"x"}`, ""},
		"too many instances":      {func(p *vcavtest.Policy) { p.MaxInstances = 3 }, `{"retentionPolicy":{"rules":[{"numberOfInstances":5,"distance":60}]}}`, "TooManyInstances"},
		"fewer instances":         {func(p *vcavtest.Policy) { p.MaxInstances = 3 }, `{"retentionPolicy":{"rules":[{"numberOfInstances":3,"distance":60}]}}`, ""},
		"profile of a short RPO":  {func(p *vcavtest.Policy) { p.MinRPO = 61 }, `{"slaProfileId":"` + vcavtest.SLAProfileID("Gold") + `"}`, "RpoTooShort"},
		"settings of its own":     {func(p *vcavtest.Policy) { p.AllowCustomSLASettings = false }, `{"quiesced":false}`, "SlaProfileNeeded"},
		"a profile, however":      {func(p *vcavtest.Policy) { p.AllowCustomSLASettings = false }, `{"quiesced":false,"slaProfileId":"` + vcavtest.SLAProfileID("Gold") + `"}`, ""},
		"no settings":             {func(p *vcavtest.Policy) { p.AllowCustomSLASettings = false }, `{"description":"x"}`, ""},
		"what may no longer come": {func(p *vcavtest.Policy) { p.AllowIncomingProtections, p.MaxIncoming = false, 0 }, `{"rpo":60}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, clock := open(t, vcavtest.Protect(vcavtest.Replication{VMName: "db-1", RPO: 20}),
				vcavtest.Policies(changed("site2", "org2", tc.change)))
			if tc.code == "" {
				assert.Equal(t, "SUCCEEDED", g.finish(t, clock, "PATCH", "/vm-replications/"+db1, tc.body).State)
				return
			}
			g.refused(t, http.StatusConflict, tc.code, "PATCH", "/vm-replications/"+db1, tc.body)
		})
	}
}

// A reverse is a new replication in the other direction: both organizations change their parts.
func TestPoliciesOnReverse(t *testing.T) {
	t.Parallel()
	home := func(change func(*vcavtest.Policy)) vcavtest.Policy { return changed("site1", "org1", change) }
	for name, tc := range map[string]struct {
		policy vcavtest.Policy
		code   string
	}{
		"incoming at the old source":      {home(func(p *vcavtest.Policy) { p.AllowIncomingProtections = false }), "IncomingForbidden"},
		"quota at the old source":         {home(func(p *vcavtest.Policy) { p.MaxIncoming = 0 }), "QuotaExceeded"},
		"RPO at the old source":           {home(func(p *vcavtest.Policy) { p.MinRPO = 241 }), "RpoTooShort"},
		"outgoing at the old destination": {changed("site2", "org2", func(p *vcavtest.Policy) { p.AllowOutgoingProtections = false }), "OutgoingForbidden"},
		"incoming at the old destination": {changed("site2", "org2", func(p *vcavtest.Policy) { p.AllowIncomingProtections = false }), ""},
		"migrations are another matter":   {home(func(p *vcavtest.Policy) { p.AllowIncomingMigrations = false }), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, clock := open(t)
			g.finish(t, clock, "POST", "/vm-replications/"+db1+"/failover", failover)
			require.NoError(t, g.server.SetPolicy(tc.policy))
			if tc.code == "" {
				assert.Equal(t, "SUCCEEDED", g.finish(t, clock, "POST", "/vm-replications/"+db1+"/reverse", "").State)
				return
			}
			g.refused(t, http.StatusConflict, tc.code, "POST", "/vm-replications/"+db1+"/reverse", "")
		})
	}
}

// Policies do not touch what is there: it can be synchronized, paused, migrated, failed over and stopped.
func TestPoliciesLeaveWhatIsThere(t *testing.T) {
	t.Parallel()
	g, clock := open(t, vcavtest.Policies(vcavtest.ClosedPolicy()))
	g.finish(t, clock, "POST", "/vm-replications/"+db1+"/sync", "")
	g.finish(t, clock, "POST", "/vm-replications/"+db1+"/pause", "")
	for path, body := range map[string]string{
		"/vm-replications/" + db1 + "/failover": failover, "/vm-replications/" + app1 + "/migrate": migrate, "/vm-replications/" + web1 + "/failover-test": test,
	} {
		assert.Equal(t, "SUCCEEDED", g.finish(t, clock, "POST", path, body).State, path)
	}
	assert.Equal(t, "SUCCEEDED", g.finish(t, clock, "DELETE", "/vm-replications/"+db1, "").State)
}
