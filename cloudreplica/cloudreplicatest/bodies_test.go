package cloudreplicatest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// What the contract does not allow is answered with what is wrong, in the encoding that was asked for.
func TestBodiesThatTheContractDoesNotAllow(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	start, tenants := plans+acmeAll+"?action=start", "/cloud/tenants"
	spec := func(inside string) string {
		return `<CloudFailoverPlanManagementSpec` + ns + `>` + inside + `</CloudFailoverPlanManagementSpec>`
	}
	create := func(inside string) string {
		return `<CreateCloudTenantSpec` + ns + `>` + inside + `</CreateCloudTenantSpec>`
	}
	server := `<BackupServerUid>urn:veeam:BackupServer:` + vbr01 + `</BackupServerUid>`
	for name, tc := range map[string]struct{ path, body, want string }{
		"no body":              {start, "", "the body is missing"},
		"no XML":               {start, "StartNow", "between its elements"},
		"cut off":              {start, spec("<StartNow>true</StartNow>")[:100], "EOF"},
		"another namespace":    {start, `<CloudFailoverPlanManagementSpec><StartNow>true</StartNow></CloudFailoverPlanManagementSpec>`, "namespace"},
		"inner namespace":      {start, spec(`<StartNow xmlns="x">true</StartNow>`), "namespace"},
		"another root":         {start, `<FailoverPlanManagementSpec` + ns + `><StartNow>true</StartNow></FailoverPlanManagementSpec>`, "instead of CloudFailoverPlanManagementSpec"},
		"order":                {start, spec("<StartDate>2030-01-01T00:00:00Z</StartDate><StartNow>true</StartNow>"), "$.StartNow comes after StartDate"},
		"twice":                {start, spec("<StartNow>true</StartNow><StartNow>true</StartNow>"), "$.StartNow comes twice"},
		"unknown element":      {start, spec("<StartLater>true</StartLater>"), "$.StartLater is not in the contract"},
		"unknown attribute":    {start, `<CloudFailoverPlanManagementSpec` + ns + ` Now="true"/>`, "$.Now is an attribute"},
		"no truth":             {start, spec("<StartNow>1</StartNow>"), "neither true nor false"},
		"elements in text":     {start, spec("<StartNow><b/>true</StartNow>"), "$.StartNow has elements"},
		"attribute of text":    {start, spec(`<StartNow a="b">true</StartNow>`), "$.StartNow has an attribute"},
		"text among elements":  {start, spec("now"), `has the text "now"`},
		"something after it":   {start, spec("<StartNow>true</StartNow>") + "<More/>", "followed by another element"},
		"text after it":        {start, spec("<StartNow>true</StartNow>") + "more", `has the text "more"`},
		"document type":        {start, `<!DOCTYPE x [<!ENTITY a "b">]>` + spec("<StartNow>true</StartNow>"), "document type"},
		"missing element":      {tenants, create("<Name>new</Name>"), "$.BackupServerUid is missing"},
		"no number":            {tenants, create("<Name>new</Name><PublicIpCount>few</PublicIpCount>" + server), "no whole number"},
		"unknown value":        {tenants, create("<Name>new</Name>" + server + "<TenantType>Other</TenantType>"), "none of"},
		"item of another name": {tenants, create("<Name>new</Name><Resources><Resource/></Resources>" + server), "is the element Resource instead of BackupResource"},
		"JSON":                 {start, `{"StartNow":true}`, "between its elements"},
	} {
		t.Run(name, func(t *testing.T) {
			var got wrong
			g.ask(t, http.StatusBadRequest, "POST", tc.path, tc.body, &got)
			assert.Contains(t, got.Message, tc.want)
			assert.Len(t, g.server.AcknowledgeViolations(), 1)
		})
	}
	assert.Zero(t, g.server.Ran("FailoverPlans.Start", ""))
}

func TestJSONThatTheContractDoesNotAllow(t *testing.T) {
	t.Parallel()
	g, _ := open(t, cloudreplicatest.CamelCase())
	g.encoding = asJSON
	for body, want := range map[string]string{
		`{"startNow":true}`:            "$.startNow is not in the contract", // requests stay as they are
		`{"StartNow":"true"}`:          "is string instead of boolean",
		`{"StartNow":true}{}`:          "follow the JSON value",
		`{"StartNow":`:                 "ends too early",
		"\xEF\xBB\xBF{\"StartNow\":1}": "$",
	} {
		var got wrong
		g.ask(t, http.StatusBadRequest, "POST", plans+acmeAll+"?action=start", body, &got)
		assert.Contains(t, got.Message, want)
		assert.Len(t, g.server.AcknowledgeViolations(), 1)
	}
	got := g.ask(t, http.StatusBadRequest, "POST", "/cloud/tenants", `{"Name":"new","BackupServerUid":"x","Resources":[]}`, nil)
	assert.Contains(t, got.body, "is array instead of an object")
	assert.Len(t, g.server.AcknowledgeViolations(), 1)
}

// One media type, the same in Accept and in Content-Type.
func TestMediaTypes(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	for _, accept := range []string{"", asXML, "*/*"} {
		got := g.ask(t, http.StatusOK, "GET", "/cloud", "", nil, "Accept", accept)
		assert.Equal(t, "application/xml; charset=utf-8", got.header.Get("Content-Type"))
	}
	got := g.ask(t, http.StatusOK, "GET", "/cloud", "", nil, "Accept", asJSON)
	assert.Equal(t, "application/json; charset=utf-8", got.header.Get("Content-Type"))
	require.Empty(t, g.server.Violations())

	start := plans + acmeAll + "?action=start"
	for _, tc := range []struct{ accept, contentType, body string }{
		{asJSON, asXML, startNow},
		{asXML, asJSON, `{"StartNow":true}`},
		{"", asJSON, `{"StartNow":true}`},
		{asXML + ", " + asJSON, asXML, startNow},
		{asXML, "text/xml", startNow},
	} {
		g.ask(t, http.StatusBadRequest, "POST", start, tc.body, nil, "Accept", tc.accept, "Content-Type", tc.contentType)
		assert.Len(t, g.server.AcknowledgeViolations(), 1, tc)
	}
	g.ask(t, http.StatusBadRequest, "GET", "/cloud", "", nil, "Accept", "text/html")
	assert.Len(t, g.server.AcknowledgeViolations(), 1)
}

func TestRequestsThatTheContractDoesNotHave(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	for _, tc := range []struct{ method, path string }{
		{"GET", "/cloud/failoverPlans"},
		{"POST", "/cloud/vmReplicaPoints"},
		{"POST", plans + acmeAll},
		{"POST", plans + acmeAll + "?action=retry"},
		{"GET", "/cloud/replicas?color=red"},
		{"PATCH", "/cloud/tenants/" + acme},
		{"GET", "/cloud/replicas/" + unknown + "/vmReplicaPoints?format=Entity"},
	} {
		g.ask(t, http.StatusBadRequest, tc.method, tc.path, "", nil)
	}
	assert.Len(t, g.server.AcknowledgeViolations(), 7)
}
