package checkpoints_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
)

// lister is one of the operations that list, reduced to the ids of its rows.
type lister struct {
	method, path    string
	rows, id, total string // members of the answer
	list            func(ctx context.Context, c *checkpoints.Client, offset, limit int) iter.Seq2[string, error]
	marker          func(ctx context.Context, c *checkpoints.Client, marker string, limit int) iter.Seq2[string, error]
}

func ids[T any](rows iter.Seq2[T, error], id func(T) string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for row, err := range rows {
			if !yield(id(row), err) {
				return
			}
		}
	}
}

func listers() map[string]lister {
	vault := func(v checkpoints.Vault) string { return v.ID }
	backup := func(b checkpoints.Backup) string { return b.ID }
	member := func(m checkpoints.Member) string { return m.ID }
	return map[string]lister{
		"Backups.List": {
			method: "GET", path: "/backups", rows: "backups", id: "id", total: "count",
			list: func(ctx context.Context, c *checkpoints.Client, offset, limit int) iter.Seq2[string, error] {
				return ids(c.Backups.List(ctx, checkpoints.BackupQuery{Offset: offset, Limit: limit}), backup)
			},
			marker: func(ctx context.Context, c *checkpoints.Client, marker string, limit int) iter.Seq2[string, error] {
				return ids(c.Backups.List(ctx, checkpoints.BackupQuery{Marker: marker, Limit: limit}), backup)
			},
		},
		"Members.List": {
			method: "GET", path: "/backups/b-1/members", rows: "members", id: "id", total: "count",
			list: func(ctx context.Context, c *checkpoints.Client, offset, limit int) iter.Seq2[string, error] {
				return ids(c.Members.List(ctx, "b-1", checkpoints.MemberQuery{Offset: offset, Limit: limit}), member)
			},
			marker: func(ctx context.Context, c *checkpoints.Client, marker string, limit int) iter.Seq2[string, error] {
				return ids(c.Members.List(ctx, "b-1", checkpoints.MemberQuery{Marker: marker, Limit: limit}), member)
			},
		},
		"Vaults.List": {
			method: "GET", path: "/vaults", rows: "vaults", id: "id", total: "count",
			list: func(ctx context.Context, c *checkpoints.Client, offset, limit int) iter.Seq2[string, error] {
				return ids(c.Vaults.List(ctx, checkpoints.VaultQuery{Offset: offset, Limit: limit}), vault)
			},
		},
		"Vaults.External": {
			method: "GET", path: "/vaults/external", rows: "vaults", id: "id", total: "count",
			list: func(ctx context.Context, c *checkpoints.Client, offset, limit int) iter.Seq2[string, error] {
				query := checkpoints.ExternalVaultQuery{ExternalProjectID: otherProject, RegionID: "r", Offset: offset, Limit: limit}
				return ids(c.Vaults.External(ctx, query), vault)
			},
		},
		"Tasks.List": {
			method: "GET", path: "/operation-logs", rows: "operation_logs", id: "id", total: "count",
			list: func(ctx context.Context, c *checkpoints.Client, offset, limit int) iter.Seq2[string, error] {
				return ids(c.Tasks.List(ctx, checkpoints.TaskQuery{Offset: offset, Limit: limit}), func(t checkpoints.Task) string { return t.ID })
			},
		},
		"StorageUsage.List": {
			method: "GET", path: "/storage_usage", rows: "storage_usage", id: "resource_id", total: "resource_count",
			list: func(ctx context.Context, c *checkpoints.Client, offset, limit int) iter.Seq2[string, error] {
				return ids(c.StorageUsage.List(ctx, checkpoints.StorageUsageQuery{Offset: offset, Limit: limit}),
					func(u checkpoints.ResourceUsage) string { return u.ResourceID })
			},
		},
		"Agents.List": {
			method: "GET", path: "/agents", rows: "agents", id: "agent_id", total: "count",
			list: func(ctx context.Context, c *checkpoints.Client, offset, limit int) iter.Seq2[string, error] {
				return ids(c.Agents.List(ctx, checkpoints.AgentQuery{Offset: offset, Limit: limit}),
					func(a checkpoints.Agent) string { return a.AgentID })
			},
		},
		"OrganizationPolicies.List": {
			method: "GET", path: "/organization-policies", rows: "policies", id: "id", total: "count",
			list: func(ctx context.Context, c *checkpoints.Client, offset, limit int) iter.Seq2[string, error] {
				query := checkpoints.OrganizationPolicyQuery{OperationType: checkpoints.PolicyOperationBackup, Offset: offset, Limit: limit}
				return ids(c.OrganizationPolicies.List(ctx, query), func(p checkpoints.OrganizationPolicy) string { return p.ID })
			},
		},
		"OrganizationPolicies.Deployments": {
			method: "GET", path: "/organization-policies/o-1/policy-detail", rows: "policies", id: "policy_id", total: "count",
			list: func(ctx context.Context, c *checkpoints.Client, offset, limit int) iter.Seq2[string, error] {
				query := checkpoints.DeploymentQuery{Offset: offset, Limit: limit}
				return ids(c.OrganizationPolicies.Deployments(ctx, "o-1", query), func(p checkpoints.PolicyDeployment) string { return p.PolicyID })
			},
		},
		"Tags.FindVaults": {
			method: "POST", path: "/vault/resource_instances/action", rows: "resources", id: "resource_id", total: "total_count",
			list: func(ctx context.Context, c *checkpoints.Client, offset, limit int) iter.Seq2[string, error] {
				return ids(c.Tags.FindVaults(ctx, checkpoints.TagFilter{Offset: offset, Limit: limit}),
					func(r checkpoints.TagResource) string { return r.ResourceID })
			},
		},
	}
}

// shelf is a list at the service: rows by id, served by offset, marker and limit as the references describe it.
type shelf struct {
	lister
	before func(page int, s *shelf)

	mu    sync.Mutex
	ids   []string
	asked []string // offset or marker, and limit, of each page
}

func rowsOf(n int) []string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf("row-%03d", i)
	}
	return rows
}

func (s *shelf) answer(r *http.Request) (*http.Response, error) {
	query := r.URL.Query()
	if r.Method == http.MethodPost { // a search has its numbers in the body, as text
		var search struct{ Limit, Offset string }
		if err := json.NewDecoder(r.Body).Decode(&search); err != nil && err != io.EOF {
			return nil, err
		}
		query = url.Values{"limit": {search.Limit}, "offset": {search.Offset}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, query.Get("offset")+query.Get("marker")+"+"+query.Get("limit"))
	if s.before != nil {
		s.before(len(s.asked), s)
	}
	limit, _ := strconv.Atoi(query.Get("limit"))
	if limit == 0 {
		limit = 10 // a thousand in real life
	}
	begin, _ := strconv.Atoi(query.Get("offset"))
	if marker := query.Get("marker"); marker != "" {
		begin = slices.Index(s.ids, marker) + 1
	}
	begin = min(begin, len(s.ids))
	rows := []map[string]string{}
	for _, id := range s.ids[begin:min(begin+limit, len(s.ids))] {
		rows = append(rows, map[string]string{s.id: id})
	}
	return httpmock.NewJsonResponse(200, map[string]any{s.rows: rows, s.total: len(s.ids)})
}

func (s *shelf) client(t *testing.T, options ...drkit.Option) *checkpoints.Client {
	t.Helper()
	service := newService(t)
	service.On(s.method, prefix+s.path, s.answer)
	return service.client(options...)
}

// Each list is read to its end, each row once, with no page fetched twice.
func TestListsAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	for name, lister := range listers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, tc := range []struct {
				rows, offset, limit int
				asked               []string
			}{
				{0, 0, 0, []string{"+"}},
				{4, 0, 0, []string{"+"}},
				{25, 0, 0, []string{"+", "9+", "18+"}},
				{25, 0, 100, []string{"+100"}},
				{25, 5, 10, []string{"5+10", "14+10", "23+10"}},
				{3, 0, 1, []string{"+1", "+2", "1+2"}},
			} {
				s := &shelf{lister: lister, ids: rowsOf(tc.rows)}
				rows, err := drkit.Collect(lister.list(t.Context(), s.client(t), tc.offset, tc.limit))
				require.NoError(t, err)
				assert.Equal(t, rowsOf(tc.rows)[tc.offset:], append([]string{}, rows...))
				assert.Equal(t, tc.asked, s.asked)
			}
		})
	}
}

// With parallel pages a list has the same rows in the same order, for the same requests.
func TestParallelPagesKeepTheOrder(t *testing.T) {
	t.Parallel()
	for name, lister := range listers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &shelf{lister: lister, ids: rowsOf(100)}
			rows, err := drkit.Collect(lister.list(t.Context(), s.client(t, drkit.WithParallelPages(4)), 0, 0))
			require.NoError(t, err)
			assert.Equal(t, rowsOf(100), rows)
			assert.Equal(t, "+", s.asked[0])
			slices.Sort(s.asked)
			assert.Equal(t, []string{"+", "18+", "27+", "36+", "45+", "54+", "63+", "72+", "81+", "9+", "90+"}, s.asked)
		})
	}
}

// The next page is on its way while somebody works on this one, unless that is not wanted.
func TestPagesComeAhead(t *testing.T) {
	t.Parallel()
	for name, lister := range listers() {
		for asked, options := range map[int][]drkit.Option{2: nil, 1: {drkit.WithoutPrefetch()}} {
			t.Run(fmt.Sprint(name, "/", asked), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := &shelf{lister: lister, ids: rowsOf(30)}
					next, stop := iter.Pull2(lister.list(t.Context(), s.client(t, options...), 0, 0))
					defer stop()
					for range 2 { // who stops after the first has wanted no more
						_, err, more := next()
						require.NoError(t, err)
						require.True(t, more)
					}
					synctest.Wait()
					s.mu.Lock()
					defer s.mu.Unlock()
					assert.Len(t, s.asked, asked)
				})
			})
		}
	}
}

// A list that moves while it is read loses no row that stays, and has none twice.
func TestListsThatMove(t *testing.T) {
	t.Parallel()
	for name, lister := range listers() {
		for _, parallel := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s/%d", name, parallel), func(t *testing.T) {
				t.Parallel()
				s := &shelf{lister: lister, ids: rowsOf(40), before: func(page int, s *shelf) {
					if page == 2 {
						s.ids = append([]string{"new"}, s.ids[3:]...)
					}
				}}
				rows, err := drkit.Collect(lister.list(t.Context(), s.client(t, drkit.WithParallelPages(parallel)), 0, 0))
				require.NoError(t, err)
				assert.Subset(t, rows, rowsOf(40)[3:])
				slices.Sort(rows)
				assert.Equal(t, slices.Compact(slices.Clone(rows)), rows)
			})
		}
	}
}

func TestListsThatNeverStandStill(t *testing.T) {
	t.Parallel()
	s := &shelf{lister: listers()["Tasks.List"], ids: rowsOf(40), before: func(_ int, s *shelf) {
		s.ids = append([]string{"new-" + strconv.Itoa(len(s.ids))}, s.ids...)
	}}
	_, err := drkit.Collect(s.list(t.Context(), s.client(t), 0, 0))
	require.ErrorIs(t, err, drkit.ErrListMoved)
	assert.ErrorContains(t, err, "checkpoints.Tasks.List")
}

// By markers a page begins after the last row of the one before.
func TestListsByMarker(t *testing.T) {
	t.Parallel()
	for name, lister := range listers() {
		if lister.marker == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &shelf{lister: lister, ids: rowsOf(25)}
			rows, err := drkit.Collect(lister.marker(t.Context(), s.client(t, drkit.WithParallelPages(4)), "row-001", 10))
			require.NoError(t, err)
			assert.Equal(t, rowsOf(25)[2:], rows)
			assert.Equal(t, []string{"row-001+10", "row-011+10", "row-021+10", "row-024+10"}, s.asked)
		})
	}
}

// An answer that is no list is not taken for an empty one: who reads that there is nothing may make it anew. The guide
// itself shows the tags of something else where it should show what was found by tags.
func TestAnswersThatAreNoList(t *testing.T) {
	t.Parallel()
	for name, lister := range listers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for body, empty := range map[string]bool{
				`{"` + lister.rows + `":[],"` + lister.total + `":0}`: true,
				`{"` + lister.rows + `":[]}`:                          true,
				`{"` + lister.total + `":0}`:                          true,
				`{"` + lister.total + `":"0"}`:                        true,
				`{}`:                                                  false,
				`{"` + lister.rows + `":null}`:                        false,
				`{"message":"The site is being maintained."}`:         false,
				`{"tags":[{"key":"stage","values":["drill"]}]}`:       false,
			} {
				s := newService(t)
				s.On(lister.method, prefix+lister.path, says(200, body))
				rows, err := drkit.Collect(lister.list(t.Context(), s.client(), 0, 0))
				assert.Equal(t, empty, err == nil, body)
				assert.Empty(t, rows)
				if !empty {
					require.ErrorContains(t, err, "an answer without "+lister.rows)
				}
			}
		})
	}
	s := newService(t)
	client := s.client()
	for _, body := range []string{`{}`, `{"resources":[]}`, `{"total_count":null}`} {
		s.On("POST", prefix+"/vault/resource_instances/action", says(200, body))
		_, err := client.Tags.CountVaults(t.Context(), checkpoints.TagFilter{})
		require.ErrorContains(t, err, "an answer without the total_count")
	}
	s.On("GET", prefix+"/policies", says(200, `{}`))
	_, err := client.Policies.List(t.Context(), checkpoints.PolicyQuery{})
	require.ErrorContains(t, err, "an answer without policies")
}

// Nothing is sent for a list of no ids, and nothing before a list is read.
func TestListsThatAskForNothing(t *testing.T) {
	t.Parallel()
	s := newService(t)
	client := s.client()
	for name, rows := range map[string]iter.Seq2[string, error]{
		"vaults of no ids":       ids(client.Vaults.List(t.Context(), checkpoints.VaultQuery{IDs: []string{}}), func(v checkpoints.Vault) string { return v.ID }),
		"vaults of no resources": ids(client.Vaults.List(t.Context(), checkpoints.VaultQuery{ResourceIDs: []string{}}), func(v checkpoints.Vault) string { return v.ID }),
		"backups of no status":   ids(client.Backups.List(t.Context(), checkpoints.BackupQuery{Status: []checkpoints.BackupStatus{}}), func(b checkpoints.Backup) string { return b.ID }),
		"agents of no ids":       ids(client.Agents.List(t.Context(), checkpoints.AgentQuery{AgentIDs: []string{}}), func(a checkpoints.Agent) string { return a.AgentID }),
	} {
		all, err := drkit.Collect(rows)
		require.NoError(t, err, name)
		assert.Empty(t, all, name)
	}
	client.Vaults.List(t.Context(), checkpoints.VaultQuery{})
	assert.Empty(t, s.Lines())
}
