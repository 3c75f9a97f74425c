package vcavtest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

func TestReconfigure(t *testing.T) {
	t.Parallel()
	usual := terms{Description: "old", RPO: 60, Connection: "ENCRYPTED_COMPRESSED", Quiesced: true, Excluded: []int{}}
	usual.Retention.Rules = []rule{{4, 360}}
	with := func(change func(*terms)) terms {
		changed := usual
		change(&changed)
		return changed
	}
	gold := vcavtest.SLAProfileID("Gold")
	for name, tc := range map[string]struct {
		body    string
		want    terms
		profile string
	}{
		"nothing":           {`{}`, usual, "Gold"},
		"description":       {`{"description":"new description"}`, with(func(s *terms) { s.Description = "new description" }), "Gold"},
		"no description":    {`{"description":""}`, with(func(s *terms) { s.Description = "" }), "Gold"},
		"RPO":               {`{"rpo":15}`, with(func(s *terms) { s.RPO = 15 }), ""},
		"connection":        {`{"dataConnectionType":"PLAIN"}`, with(func(s *terms) { s.Connection = "PLAIN" }), ""},
		"not quiesced":      {`{"quiesced":false}`, with(func(s *terms) { s.Quiesced = false }), ""},
		"retention":         {`{"retentionPolicy":{"rules":[{"numberOfInstances":1,"distance":5}]}}`, with(func(s *terms) { s.Retention.Rules = []rule{{1, 5}} }), ""},
		"no retention":      {`{"retentionPolicy":{"rules":[]}}`, with(func(s *terms) { s.Retention.Rules = []rule{} }), ""},
		"the same RPO":      {`{"rpo":60}`, usual, ""},
		"another profile":   {`{"slaProfileId":"` + vcavtest.SLAProfileID("Bronze") + `"}`, with(func(s *terms) { s.RPO = 24 * 60 }), "Bronze"},
		"profile and terms": {`{"rpo":15,"quiesced":false,"slaProfileId":"` + gold + `"}`, usual, "Gold"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, clock := open(t, vcavtest.Protect(vcavtest.Replication{VMName: "db-1", SLAProfile: "Gold", Description: "old"}))
			begun := g.begin(t, "PATCH", "/vm-replications/"+db1+"?site=site2", tc.body)
			assert.Equal(t, "reconfigure", begun.Workflow.Type)
			assert.Equal(t, usual, g.shield(t, db1).Settings, "not before its end")
			clock.Advance(11 * time.Second)
			after := g.job(t, begun.ID).Result
			assert.Equal(t, tc.want, after.Settings)
			assert.Equal(t, *after, g.shield(t, db1))
			if tc.profile == "" {
				assert.Nil(t, after.SLAProfile)
				return
			}
			assert.Equal(t, tc.profile, after.SLAProfile.DisplayName)
		})
	}
}

func TestReconfigureSource(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	type source struct {
		Source struct{ VAppName string } `json:"source"`
	}
	path := "/vm-replications/" + db1
	whole := `{"sourceReconfigure":{"type":"vcVmReconfigure","vappName":"vapName",
		"vmStartupInfo":{"order":2,"startAction":"none","startDelay":30,"stopAction":"guestShutdown","stopDelay":60}}}`
	g.finish(t, clock, "PATCH", path, whole)
	assert.Equal(t, startup{2, "none", 30, "guestShutdown", 60}, g.shield(t, db1).Startup)
	assert.Equal(t, "vapName", read[source](t, g.ask(t, http.StatusOK, "GET", path, "")).Source.VAppName)
	zero := `{"sourceReconfigure":{"type":"vcVappReconfigure","vmStartupInfo":{"startDelay":0,"order":0}}}`
	g.finish(t, clock, "PATCH", path, zero)
	assert.Equal(t, startup{0, "none", 0, "guestShutdown", 60}, g.shield(t, db1).Startup, "zero is not absent")
	assert.NotNil(t, g.shield(t, db1).SLAProfile, "that is no setting")
}

func TestReconfigureRefusals(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	path := "/vm-replications/" + db1
	for name, tc := range map[string]struct {
		status int
		code   string
		path   string
		body   string
	}{
		"RPO of nothing":       {400, "BadUserInput", path, `{"rpo":0}`},
		"no instances":         {400, "BadUserInput", path, `{"retentionPolicy":{"rules":[{"numberOfInstances":0,"distance":5}]}}`},
		"unknown profile":      {404, "SlaProfileNotFound", path, `{"slaProfileId":"none"}`},
		"unknown replication":  {404, "ReplicationNotFound", "/vm-replications/none", `{}`},
		"unknown disk":         {400, "BadUserInput", path + "/disks", `[3000]`},
		"no disk left":         {400, "BadUserInput", path + "/disks", `[1000,2000]`},
		"disks of unknown":     {404, "ReplicationNotFound", "/vm-replications/none/disks", `[]`},
		"null is no value":     {400, "ContractViolation", path, `{"rpo":null}`},
		"text is no number":    {400, "ContractViolation", path, `{"rpo":"15"}`},
		"disks are no strings": {400, "ContractViolation", path + "/disks", `["1000"]`},
	} {
		got := g.ask(t, tc.status, "PATCH", tc.path, tc.body)
		assert.Equal(t, tc.code, read[wrong](t, got).Code, name)
	}
	assert.Len(t, g.server.AcknowledgeViolations(), 3)
	g.finish(t, clock, "POST", path+"/failover", failover)
	g.refused(t, http.StatusConflict, "AlreadyRecovered", "PATCH", path, `{}`)
	g.refused(t, http.StatusConflict, "AlreadyRecovered", "PATCH", path+"/disks", `[]`)
	g.begin(t, "POST", "/vm-replications/"+app1+"/sync", "")
	g.refused(t, http.StatusConflict, "OperationInProgress", "PATCH", "/vm-replications/"+app1, `{}`)
	g.refused(t, http.StatusConflict, "OperationInProgress", "PATCH", "/vm-replications/"+app1+"/disks", `[]`)
}

// The body is the whole new set, not what to add.
func TestReconfigureDisks(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	path := "/vm-replications/" + db1 + "/disks"
	for _, set := range []struct {
		body string
		want []int
	}{{"[ 2000 ]", []int{2000}}, {"[ 1000 ]", []int{1000}}, {"[ ]", []int{}}} {
		done := g.finish(t, clock, "PATCH", path+"?site=site2", set.body)
		assert.Equal(t, "reconfigure", done.Workflow.Type)
		assert.Equal(t, set.want, done.Result.Settings.Excluded)
	}
}
