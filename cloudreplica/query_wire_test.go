package cloudreplica_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
)

// What a query asks for leaves as the service takes it.
func TestQueryAsItLeaves(t *testing.T) {
	t.Parallel()
	type query = cloudreplica.Query[cloudreplica.CloudVMReplicaPoint]
	when := time.Date(2031, 5, 2, 23, 0, 0, 0, time.FixedZone("", 2*60*60))
	for want, q := range map[string]query{
		"pageSize=100": {},
		"pageSize=7":   {PageSize: 7},
		`filter=VmName==mail_02|pageSize=100`: {
			Filter: cloudreplica.PointFieldVMName.Is("mail_02"),
		},
		`filter=(CreationTime>="2031-05-02T21:00:00Z";State==Ready)|pageSize=100|sortDesc=CreationTime`: {
			Filter: cloudreplica.And(cloudreplica.PointFieldCreationTime.AtLeast(when), cloudreplica.PointFieldState.Is(cloudreplica.ReplicaStateReady)),
			Sort:   cloudreplica.PointFieldCreationTime.Descending(),
		},
		`filter=(VmName=="a ""b"" & c;+d=e",VmName!="")|pageSize=100|sortAsc=VmDisplayName`: {
			Filter: cloudreplica.Or(cloudreplica.PointFieldVMName.Is(`a "b" & c;+d=e`), cloudreplica.PointFieldVMName.IsNot("")),
			Sort:   cloudreplica.PointFieldVMDisplayName.Ascending(),
		},
	} {
		for _, speaks := range []dialect{inXML, inJSON} {
			s := newService(t, speaks)
			size, _, _ := strings.Cut(want[strings.Index(want, "pageSize=")+len("pageSize="):], "|")
			page := strings.NewReplacer(`PageSize="100"`, `PageSize="`+size+`"`, `"PageSize": 100`, `"PageSize": `+size)
			s.On("GET", "/api/query", s.says(200, page.Replace(s.sample("query_find.vm_replica_points.answer"))))
			_, err := drkit.Collect(s.client().VMReplicaPoints.Query(sending(t), q))
			require.NoError(t, err)
			_, sent, _ := strings.Cut(s.Only().Line, "?")
			assert.NotContains(t, sent, `"`)
			assert.NotContains(t, sent, ";")
			values, err := url.ParseQuery(sent)
			require.NoError(t, err)
			var parts []string
			for _, name := range []string{"filter", "pageSize", "sortAsc", "sortDesc"} {
				if values.Has(name) {
					parts = append(parts, name+"="+values.Get(name))
				}
			}
			assert.Equal(t, want, strings.Join(parts, "|"))
			assert.Equal(t, "CloudVmReplicaPoint Entities 1", values.Get("type")+" "+values.Get("format")+" "+values.Get("page"))
		}
	}
}

// What cannot be asked is not asked, and what can find nothing neither.
func TestQueriesThatAreNotSent(t *testing.T) {
	t.Parallel()
	s := newService(t, inXML)
	client := s.client()
	rows, err := drkit.Collect(client.Tenants.Query(sending(t), cloudreplica.Query[cloudreplica.CloudTenant]{Filter: cloudreplica.TenantFieldName.In()}))
	require.NoError(t, err)
	assert.Empty(t, rows)
	unknown := cloudreplica.Field[cloudreplica.CloudTenant, string]("Name==x;Enabled")
	_, err = drkit.Collect(client.Tenants.Query(sending(t), cloudreplica.Query[cloudreplica.CloudTenant]{Filter: unknown.Is("y")}))
	require.ErrorContains(t, err, "is not the name of a field")
	_, err = drkit.Collect(client.Tenants.Query(sending(t), cloudreplica.Query[cloudreplica.CloudTenant]{Sort: unknown.Ascending()}))
	require.ErrorContains(t, err, "is not the name of a field")
	_, err = drkit.Collect(client.Tenants.Query(sending(t), cloudreplica.Query[cloudreplica.CloudTenant]{PageSize: -1}))
	require.ErrorContains(t, err, "negative")
	assert.Empty(t, s.Lines())
}

// lister is a query service over rows that may change while it is asked.
type lister struct {
	*service
	rows   []string
	most   int // rows a page that it allows; 0 for any number
	before func(request int)
	asked  int
	behind func(page, count int) int // what it shows for a page that there is not
	wrong  func(page, size, count int) (int, int, int)
}

func (l *lister) answerPage(r *http.Request) (*http.Response, error) {
	l.asked++
	if l.before != nil {
		l.before(l.asked)
	}
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	size, _ := strconv.Atoi(r.URL.Query().Get("pageSize"))
	if l.most > 0 {
		size = min(size, l.most)
	}
	count := (len(l.rows) + size - 1) / size
	if page > count && l.behind != nil {
		page = l.behind(page, count)
	}
	begin := min(max(0, page-1)*size, len(l.rows))
	var items strings.Builder
	for _, row := range l.rows[begin:min(begin+size, len(l.rows))] {
		fmt.Fprintf(&items, `<CloudTenant Href="x" Name="%s" UID="urn:veeam:CloudTenant:%[1]s"/>`, row)
	}
	if l.wrong != nil {
		page, size, count = l.wrong(page, size, count)
	}
	return l.says(200, fmt.Sprintf(`<QueryResult xmlns="http://www.veeam.com/ent/v1.0"><Entities><CloudTenants>%s</CloudTenants></Entities><PagingInfo PageNum="%d" PageSize="%d" PagesCount="%d"/></QueryResult>`,
		items.String(), page, size, count))(r)
}

func newLister(t testing.TB, rows int) *lister {
	l := &lister{service: newService(t, inXML)}
	for i := range rows {
		l.rows = append(l.rows, fmt.Sprintf("t%05d", i))
	}
	l.On("GET", "/api/query", l.answerPage)
	return l
}

func (l *lister) collect(query cloudreplica.Query[cloudreplica.CloudTenant], options ...drkit.Option) ([]string, error) {
	tenants, err := drkit.Collect(l.client(options...).Tenants.Query(sending(l.t), query))
	names := []string{}
	for _, tenant := range tenants {
		names = append(names, tenant.Name)
	}
	return names, err
}

// A list comes whole and in order, whatever its length and that of its pages, with and without fetching ahead.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{0, 1, 2, 25, 26, 100, 101, 199, 500} {
		for _, size := range []int{0, 1, 25, 40, 500} {
			for _, most := range []int{0, 12, 64} {
				l := newLister(t, rows)
				l.most = most
				names, err := l.collect(cloudreplica.Query[cloudreplica.CloudTenant]{PageSize: size})
				require.NoError(t, err, "%d rows, pages of %d, at most %d", rows, size, most)
				require.Equal(t, append([]string{}, l.rows...), names, "%d rows, pages of %d, at most %d", rows, size, most)
			}
		}
	}
	l := newLister(t, 3001)
	names, err := l.collect(cloudreplica.Query[cloudreplica.CloudTenant]{}, drkit.WithoutPrefetch())
	require.NoError(t, err)
	assert.Equal(t, l.rows, names)
	assert.LessOrEqual(t, l.asked, 38, "pages that overlap cost a fifth more at most")
	assert.Equal(t, []string{
		"GET /api/query?format=Entities&page=1&pageSize=100&type=CloudTenant",
		"GET /api/query?format=Entities&page=2&pageSize=99&type=CloudTenant",
		"GET /api/query?format=Entities&page=3&pageSize=98&type=CloudTenant",
	}, l.Lines()[:3])
}

// Rows that come or go while a list is read are noticed, and no row that stays is missed.
func TestListsThatMove(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(l *lister){
		"a row goes":  func(l *lister) { l.rows = l.rows[1:] },
		"a row comes": func(l *lister) { l.rows = append([]string{"new"}, l.rows...) },
		"many go":     func(l *lister) { l.rows = l.rows[150:] },
		"all go":      func(l *lister) { l.rows = nil },
	} {
		for shown, behind := range map[string]func(page, count int) int{
			"nothing behind the end": nil, "the last page instead": func(_, count int) int { return count },
			"the first page instead": func(int, int) int { return 1 },
		} {
			t.Run(name+", "+shown, func(t *testing.T) {
				t.Parallel()
				l := newLister(t, 250)
				l.behind = behind
				l.before = func(request int) {
					if request == 3 {
						change(l)
					}
				}
				names, err := l.collect(cloudreplica.Query[cloudreplica.CloudTenant]{}, drkit.WithoutPrefetch())
				require.NoError(t, err)
				for _, row := range l.rows {
					assert.Contains(t, names, row)
				}
				counted := map[string]int{}
				for _, one := range names {
					counted[one]++
				}
				assert.Len(t, counted, len(names), "no row comes twice")
			})
		}
	}
	l := newLister(t, 500)
	l.before = func(int) { l.rows = l.rows[1:] }
	_, err := l.collect(cloudreplica.Query[cloudreplica.CloudTenant]{}, drkit.WithoutPrefetch())
	require.ErrorIs(t, err, drkit.ErrListMoved)
}

// A page that is not the one that was asked for is none.
func TestPagesOfAnotherKind(t *testing.T) {
	t.Parallel()
	for want, wrong := range map[string]func(page, size, count int) (int, int, int){
		"page 2 instead of 1":              func(_, size, count int) (int, int, int) { return 2, size, count },
		"pages of 200 rows instead of 100": func(page, _, count int) (int, int, int) { return page, 200, count },
		"pages of 0 rows instead of 100":   func(page, _, count int) (int, int, int) { return page, 0, count },
	} {
		l := newLister(t, 250)
		l.wrong = wrong
		_, err := l.collect(cloudreplica.Query[cloudreplica.CloudTenant]{})
		require.ErrorContains(t, err, want)
	}
	s := newService(t, inXML)
	s.OnAny(s.says(200, `<QueryResult xmlns="http://www.veeam.com/ent/v1.0"><Entities/></QueryResult>`))
	_, err := drkit.Collect(s.client().Tenants.Query(sending(t), cloudreplica.Query[cloudreplica.CloudTenant]{}))
	require.ErrorContains(t, err, "no PagingInfo")
}

// A service that allows no more than one row a page gives none to check the next by.
func TestPagesOfOneRow(t *testing.T) {
	t.Parallel()
	l := newLister(t, 5)
	l.most = 1
	_, err := l.collect(cloudreplica.Query[cloudreplica.CloudTenant]{})
	require.ErrorContains(t, err, "none of its pages holds row 1 and the next")
	l.asked = 0
	first, err := drkit.First(l.client().Tenants.Query(sending(t), cloudreplica.Query[cloudreplica.CloudTenant]{PageSize: 1}), nil)
	require.NoError(t, err)
	assert.Equal(t, "t00000", first.Name)
	assert.Equal(t, 1, l.asked)
}
