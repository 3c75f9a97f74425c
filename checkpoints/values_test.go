package checkpoints_test

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-querystring/query"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
)

// The service spells times in four ways. A zone counts: a client that reads +08:00 as UTC is eight hours off.
func TestTimes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		`"2020-02-05T10:38:34.209782"`:    time.Date(2020, 2, 5, 10, 38, 34, 209782000, time.UTC),
		`"2019-05-10T07:59:12.733+00:00"`: time.Date(2019, 5, 10, 7, 59, 12, 733000000, time.UTC),
		`"2020-02-23T01:00:32Z"`:          time.Date(2020, 2, 23, 1, 0, 32, 0, time.UTC),
		`"2020-01-08 09:59:49"`:           time.Date(2020, 1, 8, 9, 59, 49, 0, time.UTC),
		`"2020-01-08T17:59:49+08:00"`:     time.Date(2020, 1, 8, 9, 59, 49, 0, time.UTC),
		`"2020-01-08 17:59:49.5+08:00"`:   time.Date(2020, 1, 8, 9, 59, 49, 500000000, time.UTC),
		`"2020-01-08T01:59:49-08:00"`:     time.Date(2020, 1, 8, 9, 59, 49, 0, time.UTC),
		`""`:                              {},
		`null`:                            {},
	} {
		var read checkpoints.Time
		require.NoError(t, json.Unmarshal([]byte(text), &read), text)
		assert.Equal(t, want, read.Time, text)
	}
	for _, text := range []string{
		`"yesterday"`, `"2020-01-08"`, `"2020-13-08T09:59:49Z"`, `17`, `true`, `{}`, `[]`, `"2020-01-08x09:59:49"`,
		`"2020-01-08T09:59:49.1234567890123456789012345678901234567890123456789"`,
	} {
		require.Error(t, json.Unmarshal([]byte(text), new(checkpoints.Time)), text)
	}
	text, err := json.Marshal([]checkpoints.Time{checkpoints.TimeOf(time.Date(2020, 1, 8, 17, 59, 49, 500, time.FixedZone("", 8*60*60))), {}})
	require.NoError(t, err)
	assert.Equal(t, `["2020-01-08T09:59:49.0000005Z",null]`, string(text))
	assert.True(t, checkpoints.TimeOf(time.Time{}).IsZero())
}

// Queries take times in one spelling.
func TestTimesInQueries(t *testing.T) {
	t.Parallel()
	at := checkpoints.TimeOf(time.Date(2020, 1, 8, 17, 59, 49, 999, time.FixedZone("", 8*60*60)))
	values, err := query.Values(checkpoints.TaskQuery{StartTime: at})
	require.NoError(t, err)
	assert.Equal(t, url.Values{"start_time": {"2020-01-08T09:59:49Z"}}, values)
}

func TestNumbersTextsAndFlags(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]checkpoints.Number{`7`: 7, `"7"`: 7, `7.0`: 7, `"7.0"`: 7, `-1`: -1, `" 7 "`: 7, `""`: 0, `null`: 0, `1e3`: 1000} {
		var read checkpoints.Number
		require.NoError(t, json.Unmarshal([]byte(text), &read), text)
		assert.Equal(t, want, read, text)
	}
	for text, want := range map[string]checkpoints.Text{`0`: "0", `"0"`: "0", `17`: "17", `"a"`: "a", `""`: "", `null`: "", `true`: "true", `"\u00fc"`: "ü"} {
		var read checkpoints.Text
		require.NoError(t, json.Unmarshal([]byte(text), &read), text)
		assert.Equal(t, want, read, text)
	}
	for text, want := range map[string]checkpoints.Flag{`true`: true, `"true"`: true, `"True"`: true, `false`: false, `"false"`: false, `""`: false, `null`: false, `"1"`: true, `0`: false} {
		var read checkpoints.Flag
		require.NoError(t, json.Unmarshal([]byte(text), &read), text)
		assert.Equal(t, want, read, text)
	}
	for _, text := range []string{`"many"`, `7.5`, `{}`, `[]`, `1e300`, `"NaN"`} {
		require.Error(t, json.Unmarshal([]byte(text), new(checkpoints.Number)), text)
	}
	for _, text := range []string{`{}`, `[1]`} {
		require.Error(t, json.Unmarshal([]byte(text), new(checkpoints.Text)), text)
	}
	for _, text := range []string{`"maybe"`, `2`, `{}`} {
		require.Error(t, json.Unmarshal([]byte(text), new(checkpoints.Flag)), text)
	}
}

// reads lays out an answer and returns what a call makes of it.
func reads[T any](t *testing.T, method, path, body string, call func(*checkpoints.Client) (T, error)) T {
	t.Helper()
	s := newService(t)
	s.On(method, prefix+path, says(200, body))
	got, err := call(s.client())
	require.NoError(t, err, body)
	return got
}

// Where the references contradict themselves, whatever they show is understood: a client that stumbles over the
// answer has begun a backup and does not know of it.
func TestContradictoryAnswers(t *testing.T) {
	t.Parallel()
	for _, number := range []string{`40`, `"40"`, `40.0`} { // G1
		got := reads(t, "GET", "/checkpoints/c", `{"checkpoint":{"id":"c","created_at":"2020-02-05T10:38:34.209782","vault":{"resources":[
			{"id":"s","resource_size":`+number+`,"backup_size":`+number+`,"backup_count":`+number+`,"extra_info":""}]},"extra_info":{"retention_duration":"-1"}}}`,
			func(c *checkpoints.Client) (checkpoints.Checkpoint, error) {
				return c.Checkpoints.Get(t.Context(), "c")
			})
		assert.Equal(t, []checkpoints.CheckpointResource{{
			ID: "s", ResourceSize: 40, BackupSize: 40, BackupCount: 40, ExtraInfo: json.RawMessage(`""`),
		}}, got.Vault.Resources)
		assert.Equal(t, -1, got.ExtraInfo.RetentionDuration)
	}
	for _, project := range []string{`0`, `"0"`} { // G2
		got := reads(t, "GET", "/vaults/v", `{"vault":{"id":"v","enterprise_project_id":`+project+`,"bind_rules":{}}}`,
			func(c *checkpoints.Client) (checkpoints.Vault, error) { return c.Vaults.Get(t.Context(), "v") })
		assert.Equal(t, checkpoints.Vault{ID: "v", EnterpriseProjectID: "0"}, got)
	}
	for body, want := range map[string]checkpoints.TagTexts{ // G3
		`["autumn","winter"]`: {"autumn", "winter"}, `"autumn"`: {"autumn"}, `"autumn,winter"`: {"autumn", "winter"}, `[]`: {}, `""`: nil, `null`: nil,
	} {
		got := reads(t, "GET", "/vault/tags", `{"tags":[{"key":"season","values":`+body+`}]}`,
			func(c *checkpoints.Client) ([]checkpoints.ProjectTag, error) { return c.Tags.List(t.Context()) })
		assert.Equal(t, []checkpoints.ProjectTag{{Key: "season", Values: want}}, got, body)
	}
	for body, want := range map[string]checkpoints.ResourceDetail{ // G4
		`[{"id":"v"}]`: {{ID: "v"}}, `{"vault":{"id":"v"}}`: {{ID: "v"}}, `{"id":"v"}`: {{ID: "v"}}, `{}`: nil, `null`: nil, `[]`: {},
	} {
		got := reads(t, "POST", "/vault/resource_instances/action", `{"resources":[{"resource_id":"v","resource_detail":`+body+`}],"total_count":"1"}`,
			func(c *checkpoints.Client) ([]checkpoints.TagResource, error) {
				return drkit.Collect(c.Tags.FindVaults(t.Context(), checkpoints.TagFilter{}))
			})
		assert.Equal(t, []checkpoints.TagResource{{ResourceID: "v", ResourceDetail: want}}, got, body)
	}
	for _, incremental := range []string{`true`, `"true"`} { // G6
		got := reads(t, "GET", "/operation-logs/t", `{"operation_log":{"id":"t","extra_info":{"backup":{"incremental":`+incremental+`,"app_consistency_status":1}}}}`,
			func(c *checkpoints.Client) (checkpoints.Task, error) { return c.Tasks.Get(t.Context(), "t") })
		assert.Equal(t, &checkpoints.TaskBackup{Incremental: true, AppConsistencyStatus: "1"}, got.ExtraInfo.Backup)
	}
	for _, code := range []string{`0`, `"0"`} {
		got := reads(t, "POST", "/orders/change", `{"orderId":"o","retCode":`+code+`}`, func(c *checkpoints.Client) (checkpoints.OrderChangeResult, error) {
			return c.Orders.Change(t.Context(), checkpoints.OrderChange{ResourceID: vaultID})
		})
		assert.Equal(t, checkpoints.OrderChangeResult{OrderID: "o", RetCode: "0"}, got)
	}
	for _, limit := range []string{`10`, `"10"`, `null`} { // envelopes, too
		got := reads(t, "GET", "/agents", `{"agents":[{"agent_id":"a"}],"count":"1","limit":`+limit+`}`, func(c *checkpoints.Client) ([]checkpoints.Agent, error) {
			return drkit.Collect(c.Agents.List(t.Context(), checkpoints.AgentQuery{}))
		})
		assert.Equal(t, []checkpoints.Agent{{AgentID: "a"}}, got)
	}
	got := reads(t, "GET", "/protectables/server/instances", `{"instances":[{"id":"s","size":"40","protectable":{"result":"false","code":"BackupService.7102"}}]}`,
		func(c *checkpoints.Client) ([]checkpoints.Protectable, error) {
			return c.Protectables.List(t.Context(), checkpoints.ProtectableTypeServer, checkpoints.ProtectableQuery{})
		})
	assert.Equal(t, []checkpoints.Protectable{{ID: "s", Size: 40, Protectable: checkpoints.Protectability{Code: "BackupService.7102"}}}, got)
}

// What no reference shows otherwise is read in other spellings, too: types drift.
func TestTypesThatDrift(t *testing.T) {
	t.Parallel()
	got := reads(t, "GET", "/vaults/v", `{"vault":{"id":"v","name":17,"auto_bind":"true"}}`,
		func(c *checkpoints.Client) (checkpoints.Vault, error) { return c.Vaults.Get(t.Context(), "v") })
	assert.Equal(t, checkpoints.Vault{ID: "v", Name: "17", AutoBind: true}, got)
}

// An answer about something else is none.
func TestAnswersAboutSomethingElse(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.On("GET", prefix+"/operation-logs/t", says(200, `{"operation_log":{"id":"other","status":"success"}}`))
	_, err := s.client().Tasks.Get(t.Context(), "t")
	require.ErrorContains(t, err, `task "other" instead of the one that was asked for`)
	s.On("GET", prefix+"/cbr-features/replication.enable", says(200, `{"features.backup_double_az":true}`))
	_, err = s.client().Features.Get(t.Context(), "replication.enable")
	require.ErrorContains(t, err, "an answer without the feature")
}

// Backups may be kept for ever by days and by number at once.
func TestKeptForEver(t *testing.T) {
	t.Parallel()
	policy := given[checkpoints.PolicyCreate](t, "policies_create.request", "policy")
	policy.OperationDefinition = checkpoints.OperationDefinition{RetentionDurationDays: drkit.Some(-1), MaxBackups: drkit.Some(-1)}
	s := newService(t)
	s.On("GET", prefix+"/policies", says(200, `{"policies":[],"count":0}`))
	s.On("POST", prefix+"/policies", answer(t, 200, "policies_create.answer"))
	_, err := s.client().Policies.Create(t.Context(), policy)
	require.NoError(t, err)
}

// Values of newer services are kept.
func TestUnknownValuesSurvive(t *testing.T) {
	t.Parallel()
	var vault checkpoints.Vault
	require.NoError(t, json.Unmarshal([]byte(`{"id":"v","billing":{"status":"resting","object_type":"quantum"},"moon":1}`), &vault))
	assert.Equal(t, checkpoints.VaultStatus("resting"), vault.Billing.Status)
	assert.Equal(t, checkpoints.ObjectType("quantum"), vault.Billing.ObjectType)
}

// A definition that is read and written back loses nothing, also not what drkit does not know.
func TestDefinitionComesAndGoesWhole(t *testing.T) {
	t.Parallel()
	const text = `{"retention_duration_days":-1,"max_backups":0,"timezone":"UTC+08:00","moon":{"phase":1}}`
	var definition checkpoints.OperationDefinition
	require.NoError(t, json.Unmarshal([]byte(text), &definition))
	definition.RetentionDurationDays = drkit.Some(30)
	written, err := json.Marshal(definition)
	require.NoError(t, err)
	assert.JSONEq(t, `{"retention_duration_days":30,"max_backups":0,"timezone":"UTC+08:00","moon":{"phase":1}}`, string(written))
}
