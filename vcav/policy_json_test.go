package vcav_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// A policy that is read, changed and written keeps what a later service has added, and does not gain what
// that service no longer has.
func TestPolicyOfALaterService(t *testing.T) {
	t.Parallel()
	var policy vcav.Policy
	require.NoError(t, json.Unmarshal([]byte(testdata(t, "policies_get.later")), &policy))
	assert.Equal(t, "6c1f8d27-a04b-4e95-b3f8-7d2e90c5a618", policy.ID)
	assert.Equal(t, 3, policy.Orgs)
	assert.Equal(t, 15, policy.MinRPO)
	assert.True(t, policy.OnpremDataCap.IsZero())
	assert.Equal(t, map[string]json.RawMessage{
		"allowAdvancedRetentionRules":   json.RawMessage("true"),
		"allowOutgoingOnpremMigrations": json.RawMessage("false"),
	}, policy.Extra)

	policy.MinRPO = 60
	written, err := json.Marshal(policy.PolicySettings)
	require.NoError(t, err)
	assert.JSONEq(t, testdata(t, "policies_update.later.request"), string(written))
}

func TestPolicyWithoutUnknownMembers(t *testing.T) {
	t.Parallel()
	var policy vcav.Policy
	require.NoError(t, json.Unmarshal([]byte(testdata(t, "policies_get.answer")), &policy))
	assert.Nil(t, policy.Extra)
	assert.Equal(t, vcav.Policy{ID: policy.ID, Orgs: 3, PolicySettings: policySettings()}, policy)
}

// Settings that are read from a policy leave its id and organizations behind, which are none.
func TestPolicySettingsOfAPolicy(t *testing.T) {
	t.Parallel()
	var settings vcav.PolicySettings
	require.NoError(t, json.Unmarshal([]byte(testdata(t, "policies_get.answer")), &settings))
	assert.Equal(t, policySettings(), settings)
}

func TestExtraOfPolicies(t *testing.T) {
	t.Parallel()
	raw := func(text string) json.RawMessage { return json.RawMessage(text) }
	for name, tc := range map[string]struct {
		extra map[string]json.RawMessage
		want  string // after the members of a policy
	}{
		"none":                 {nil, ""},
		"empty":                {map[string]json.RawMessage{}, ""},
		"in order":             {map[string]json.RawMessage{"zoo": raw("[1, 2]"), "ant": raw(`{"a": null}`)}, `,"ant":{"a":null},"zoo":[1,2]`},
		"null":                 {map[string]json.RawMessage{"ant": nil}, `,"ant":null`},
		"escaped":              {map[string]json.RawMessage{`a"b`: raw(`"<"`)}, `,"a\"b":"\u003c"`},
		"a member of a policy": {map[string]json.RawMessage{"minRpo": raw("1"), "ORGS": raw("2"), "Id": raw("3")}, ""},
	} {
		plain, err := json.Marshal(vcav.PolicySettings{})
		require.NoError(t, err)
		settings := vcav.PolicySettings{Extra: tc.extra}
		written, err := json.Marshal(settings)
		require.NoError(t, err, name)
		assert.Equal(t, string(plain[:len(plain)-1])+tc.want+"}", string(written), name)
		assert.Equal(t, tc.extra, settings.Extra, "writing changes nothing")

		written, err = json.Marshal(&vcav.Policy{ID: "p", Orgs: 4, PolicySettings: settings})
		require.NoError(t, err, name)
		assert.Equal(t, `{"id":"p","orgs":4,`+string(plain[1:len(plain)-1])+tc.want+"}", string(written), name)
	}
	_, err := json.Marshal(vcav.PolicySettings{Extra: map[string]json.RawMessage{"a": raw("}")}})
	assert.Error(t, err)
}

// A member whose case differs is the same member to encoding/json, so it must not come back twice.
func TestPolicyMembersInAnotherCase(t *testing.T) {
	t.Parallel()
	var policy vcav.Policy
	require.NoError(t, json.Unmarshal([]byte(`{"ID":"p","minRPO":5,"OnPremDataCap":null}`), &policy))
	assert.Equal(t, vcav.Policy{ID: "p", PolicySettings: vcav.PolicySettings{MinRPO: 5, OnpremDataCap: drkit.Null[int]()}}, policy)
}

// Reading replaces all that was there: a policy is a whole.
func TestReadingAPolicyReplacesIt(t *testing.T) {
	t.Parallel()
	policy := vcav.Policy{ID: "old", Orgs: 7, PolicySettings: policySettings()}
	policy.Extra = map[string]json.RawMessage{"a": json.RawMessage("1")}
	require.NoError(t, json.Unmarshal([]byte(`{"id":"new"}`), &policy))
	assert.Equal(t, vcav.Policy{ID: "new"}, policy)
	for _, bad := range []string{`[]`, `{"id":7}`, `{"minRpo":"a"}`, `"default"`} {
		kept := vcav.Policy{ID: "kept", PolicySettings: policySettings()}
		require.Error(t, json.Unmarshal([]byte(bad), &kept), bad)
		assert.Equal(t, vcav.Policy{ID: "kept", PolicySettings: policySettings()}, kept, bad)
	}
}
