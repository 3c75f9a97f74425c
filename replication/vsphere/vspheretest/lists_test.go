package vspheretest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// fleet is a pair with as many replications as are asked for, from vm-000 on.
func fleet(n int) vspheretest.Option {
	var replications []vspheretest.Replication
	for i := range n {
		replications = append(replications, vspheretest.Replication{VMName: fmt.Sprintf("vm-%03d", i), RPO: 5 + i})
	}
	return vspheretest.Protect(replications...)
}

func TestPages(t *testing.T) {
	t.Parallel()
	g := open(t, fleet(7), vspheretest.PageSize(3))
	path, seen := "{P}/replications?sort_by=name&order_by=desc", []string{}
	for page := 0; path != ""; page++ {
		got := get[listOf[shield]](t, g, path)
		assert.Equal(t, 7, got.Meta.Total)
		assert.Equal(t, 3*page, got.Meta.Offset)
		assert.Equal(t, 3, got.Meta.Limit)
		assert.Equal(t, page > 0, got.Meta.Links["previous"] != nil)
		for _, r := range got.List {
			seen = append(seen, r.Name)
		}
		if path = ""; got.Meta.Links["next"] != nil {
			href := got.Meta.Links["next"].Href
			require.True(t, strings.HasPrefix(href, g.server.URL+v2+"/pairings/"), href)
			path = strings.TrimPrefix(href, g.server.URL+v2)
		}
	}
	assert.Equal(t, []string{"vm-006", "vm-005", "vm-004", "vm-003", "vm-002", "vm-001", "vm-000"}, seen)
	beyond := get[listOf[shield]](t, g, "{P}/replications?offset=100&limit=1000")
	assert.Empty(t, beyond.List)
	assert.Equal(t, 1000, beyond.Meta.Limit, "there is no maximum")
	assert.Nil(t, beyond.Meta.Links["next"])
}

func TestDefaultPage(t *testing.T) {
	t.Parallel()
	g := open(t, fleet(101))
	got := get[listOf[shield]](t, g, "{P}/replications")
	assert.Len(t, got.List, 100)
	assert.NotNil(t, got.Meta.Links["next"])
}

func TestLinkBase(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "https://elsewhere.test"} {
		g := open(t, fleet(2), vspheretest.LinkBase(base))
		href := get[listOf[shield]](t, g, "{P}/replications?limit=1&filter_property=rpo&filter=5&filter=6").Meta.Links["next"].Href
		assert.True(t, strings.HasPrefix(href, base+v2+"/pairings/"+g.pairing+"/replications?"), href)
		asked, err := url.Parse(href)
		require.NoError(t, err)
		assert.Equal(t, url.Values{"limit": {"1"}, "offset": {"1"}, "filter_property": {"rpo"}, "filter": {"5", "6"}}, asked.Query())
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	g := open(t, fleet(12))
	g.succeed(t, "POST", on(vspheretest.ReplicationID("vm-003"), "/actions/pause"), "")
	for query, want := range map[string][]string{
		"filter_property=name&filter=vm-01":                        {"vm-010", "vm-011"},
		"filter_property=name&filter=VM-003":                       {"vm-003"},
		"filter_property=name&filter=3&filter=010":                 {"vm-003", "vm-010"},
		"filter_property=rpo&filter=5":                             {"vm-000"},
		"filter_property=status.status&filter=PAUSED":              {"vm-003"},
		"filter_property=status.rpo_violation&filter=true":         {},
		"filter_property=target_site_name&filter=nowhere":          {},
		"sort_by=rpo&order_by=descending&limit=2":                  {"vm-011", "vm-010"},
		"sort_by=rpo&order_by=ascending&limit=2":                   {"vm-000", "vm-001"},
		"sort_by=rpo&limit=1&offset=9":                             {"vm-009"},
		"sort_by=status.status&order_by=desc&limit=1":              {"vm-003"},
		"filter_property=rpo&filter=5&sort_by=name&order_by=asc":   {"vm-000"},
		"filter_property=recovery_solution&filter=com.vmware.vcDr": {},
	} {
		names := []string{}
		for _, r := range get[listOf[shield]](t, g, "{P}/replications?"+query).List {
			names = append(names, r.Name)
		}
		assert.Equal(t, want, names, query)
	}
	for _, query := range []string{
		"filter=x", "filter_property=name", "filter_property=nothing&filter=x", "filter_property=status.nothing&filter=x",
		"sort_by=nothing", "order_by=asc", "sort_by=name&order_by=up", "limit=0", "limit=x", "offset=-1",
	} {
		g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "GET", "{P}/replications?"+query, "")
	}
}

func TestSparse(t *testing.T) {
	t.Parallel()
	g := open(t, vspheretest.Sparse())
	begun := get[object](t, g, "/tasks/"+g.begin(t, "POST", on(db1, "/actions/pause"), "").ID)
	assert.NotContains(t, begun, "complete_time")
	assert.NotContains(t, begun, "error")
	assert.Equal(t, "QUEUED", begun["status"])
	listed := get[listOf[object]](t, g, "{P}/replications")
	assert.NotContains(t, listed.List[0], "recovery_solution")
	assert.NotContains(t, listed.Meta.Links, "next")
	assert.Contains(t, listed.Meta.Links, "self")
}

func TestTimesOfBothVersions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		base    string
		options []vspheretest.Option
		queued  any
		created any
	}{
		"v2":             {v2, nil, 1906545600000.0, "1906545622000"},
		"v2, number":     {v2, []vspheretest.Option{vspheretest.NumericCreatedTime()}, 1906545600000.0, 1906545622000.0},
		"v1":             {v1, nil, "2030-06-01T12:00:00.000Z", "1906545622000"},
		"v1, in digits ": {v1, []vspheretest.Option{vspheretest.DigitTimes()}, "1906545600000", "1906545622000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := open(t, tc.options...)
			body := g.testOf(g.instances(t, db1)[0].ID)
			g.base = tc.base
			assert.Equal(t, tc.queued, g.shield(t, db1).LastSync)
			begun := g.begin(t, "POST", on(db1, "/actions/pause"), "")
			assert.Equal(t, tc.queued, begun.Queued)
			assert.Nil(t, begun.Start)
			assert.Nil(t, begun.Complete)
			g.clock.Advance(whole)
			assert.IsType(t, tc.queued, g.job(t, begun.ID).Complete)
			g.base = v2 // which alone has tests
			g.finish(t, "POST", on(db1, "/actions/test"), body)
			got, err := g.send(t.Context(), "GET", on(db1, "/active-image"), "")
			require.NoError(t, err)
			assert.Equal(t, tc.created, read[picture](t, got).Created)
		})
	}
}

func TestNeverSynchronized(t *testing.T) {
	t.Parallel()
	g := open(t, vspheretest.Protect(vspheretest.Replication{VMName: "db-1", Unsynced: true, Paused: true}))
	assert.Zero(t, g.shield(t, db1).LastSync)
	g.base = v1
	assert.Equal(t, "1970-01-01T00:00:00.000Z", g.shield(t, db1).LastSync)
	g.clock.Advance(9999 * time.Minute)
	assert.False(t, g.shield(t, db1).Status.Violation)
}
