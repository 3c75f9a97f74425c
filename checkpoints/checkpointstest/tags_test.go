package checkpointstest_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

func TestTags(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	path := "/vault/" + production + "/tags"
	tag := func(key, value string) string { return fmt.Sprintf(`{"tag":{"key":%q,"value":%q}}`, key, value) }
	g.ask(t, 204, "POST", path, tag("tier", "1"))
	g.ask(t, 204, "POST", path, tag("tier", " 2 "))
	assert.Equal(t, object{"tags": []any{object{"key": "tier", "value": "2"}}}, g.ask(t, 200, "GET", path, ""))
	g.ask(t, 204, "POST", path+"/action", `{"action":"create","tags":[{"key":"owner","value":"ann"},{"key":"site","value":""}]}`)
	g.ask(t, 204, "POST", path, `{"tag":{"key":"site"}}`)
	g.ask(t, 204, "POST", path+"/action", `{"action":"create","tags":[{"key":"zone"}]}`)
	g.ask(t, 204, "POST", path+"/action", `{"action":"delete","tags":[{"key":"zone"}]}`)
	g.refused(t, 400, checkpointstest.CodeInvalidParameter, "POST", path+"/action", `{"action":"create","tags":[{"key":"a","value":"1"},{"key":"a","value":"2"}]}`)
	g.ask(t, 204, "POST", path+"/action", `{"action":"delete","tags":[{"key":"owner","value":"ann"},{"key":"never","value":""}]}`)
	assert.Equal(t, map[string]string{"tier": "2", "site": ""}, g.server.Vault(production).Tags)
	g.ask(t, 204, "DELETE", path+"/site", "")
	g.refused(t, 404, checkpointstest.CodeTagNotFound, "DELETE", path+"/site", "")
	for _, bad := range []string{"", strings.Repeat("k", 37), "a=b", "a,b", "a/b", "a b"} {
		g.refused(t, 400, checkpointstest.CodeInvalidParameter, "POST", path, tag(bad, ""))
	}
	g.refused(t, 400, checkpointstest.CodeInvalidParameter, "POST", path, tag("key", strings.Repeat("v", 44)))
	g.malformed(t, "GET", "/vault/none/tags", "")
}

func TestHowManyTags(t *testing.T) {
	t.Parallel()
	for flavour, most := range map[checkpointstest.Flavour]int{checkpointstest.OpenTelekomCloud: 20, checkpointstest.HuaweiCloud: 10} {
		g, _ := open(t, checkpointstest.Play(flavour))
		path := "/vault/" + production + "/tags"
		for i := range most {
			g.ask(t, 204, "POST", path, fmt.Sprintf(`{"tag":{"key":"k%d","value":""}}`, i))
		}
		g.ask(t, 204, "POST", path, `{"tag":{"key":"k0","value":"again"}}`)
		g.refused(t, 400, checkpointstest.CodeTooManyTags, "POST", path, `{"tag":{"key":"one-more","value":""}}`)
	}
}

// Huawei Cloud takes more characters in keys, which have to be escaped in the path.
func TestKeysInThePath(t *testing.T) {
	t.Parallel()
	g, _ := open(t, checkpointstest.Play(checkpointstest.HuaweiCloud))
	path := "/vault/" + production + "/tags"
	for _, key := range []string{"a b", "cost?#", "50%", "größe", "a+b&c;d"} {
		g.ask(t, 204, "POST", path, fmt.Sprintf(`{"tag":{"key":%q,"value":"x"}}`, key))
		g.ask(t, 204, "DELETE", path+"/"+url.PathEscape(key), "")
	}
	assert.Empty(t, g.server.Vault(production).Tags)
}

func TestFilterByTags(t *testing.T) {
	t.Parallel()
	g, _ := open(t, checkpointstest.Vaults(
		checkpointstest.Vault{Name: "gold-1", Tags: map[string]string{"tier": "1", "site": "north"}},
		checkpointstest.Vault{Name: "gold-2", Tags: map[string]string{"tier": "1", "site": "south"}},
		checkpointstest.Vault{Name: "tin", Tags: map[string]string{"tier": "2"}, ObjectType: "disk"},
		checkpointstest.Vault{Name: "bare"},
	))
	find := func(filter string) object {
		return g.ask(t, 200, "POST", "/vault/resource_instances/action", filter)
	}
	for filter, want := range map[string]int{
		`{"action":"count"}`: 4,
		`{"action":"count","tags":[{"key":"tier","values":["1"]},{"key":"site","values":["north"]}]}`:         1,
		`{"action":"count","tags":[{"key":"tier","values":["1","2"]}]}`:                                       3,
		`{"action":"count","tags":[{"key":"site","values":[]}]}`:                                              2,
		`{"action":"count","tags":[{"key":"site","values":["*ort"]}]}`:                                        1,
		`{"action":"count","tags_any":[{"key":"tier","values":["2"]},{"key":"site","values":["north"]}]}`:     2,
		`{"action":"count","not_tags":[{"key":"tier","values":["1"]},{"key":"site","values":["north"]}]}`:     3,
		`{"action":"count","not_tags_any":[{"key":"tier","values":["2"]},{"key":"site","values":["north"]}]}`: 2,
		`{"action":"count","without_any_tag":true}`:                                                           1,
		`{"action":"count","without_any_tag":true,"tags":[{"key":"tier","values":[]}]}`:                       1,
		`{"action":"count","object_type":"disk"}`:                                                             1,
		`{"action":"count","matches":[{"key":"resource_name","value":"gold"}]}`:                               2,
		`{"action":"count","matches":[{"key":"resource_name","value":""}]}`:                                   0,
	} {
		assert.Equal(t, object{"total_count": want}, find(filter), filter)
	}
	page := find(`{"action":"filter","limit":"2","offset":"1"}`)
	assert.Equal(t, 4, page["total_count"])
	assert.Len(t, page["resources"], 2)
	assert.Equal(t, "gold-2", at(t, page, "resources", 0, "resource_name"))
	assert.Equal(t, "gold-2", at(t, page, "resources", 0, "resource_detail", 0, "name"))
	for _, bad := range []string{
		`{"action":"filter","limit":"0"}`, `{"action":"filter","offset":"-1"}`, `{"action":"filter","limit":"ten"}`,
		`{"action":"filter","matches":[{"key":"name","value":"x"}]}`, `{"action":"filter","tags":[{"key":"","values":[]}]}`,
	} {
		got, err := g.send(t.Context(), "POST", "/vault/resource_instances/action", bad)
		assert.NoError(t, err)
		assert.Equal(t, 400, got.status, bad)
	}
	g.server.AcknowledgeViolations()
	// Numbers are what the contract does not allow there.
	g.refused(t, 400, "ContractViolation", "POST", "/vault/resource_instances/action", `{"action":"filter","limit":2}`)
	assert.Len(t, g.server.AcknowledgeViolations(), 1)
	tags := g.ask(t, 200, "GET", "/vault/tags", "")
	assert.Equal(t, []any{object{"key": "site", "values": []any{"north", "south"}}, object{"key": "tier", "values": []any{"1", "2"}}}, tags["tags"])
}
