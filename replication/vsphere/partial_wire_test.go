package vsphere_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/wiretest"
	"github.com/drkit-go/drkit/replication/vsphere"
)

// What a page lacks is in its rows: in the one that it is about, or in all of them, and in the log.
func TestPartialList(t *testing.T) {
	t.Parallel()
	failure := func(field string) string {
		return fmt.Sprintf(`{"code":"GONE","message":"no\nanswer","field":%q}`, field)
	}
	for field, want := range map[string][]int{
		"$.list[0].status": {1, 0, 0}, "$['list'][1]": {1, 1, 1}, "list[2].vm_id": {0, 0, 1}, "$.list[7].x": {1, 1, 1},
		"$.remote": {1, 1, 1}, "": {1, 1, 1}, "$.playlist[1]": {1, 1, 1}, "$.list[99999999999999999999]": {1, 1, 1},
	} {
		s := newService(t)
		s.on("GET", "/tasks", says(200, `{"list":[{"id":"a","status":"X"},{"id":"b","status":"X"},{"id":"c","status":"X"}],"_meta":{"errors":[`+failure(field)+`]}}`))
		var log bytes.Buffer
		client := s.client(drkit.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))))
		tasks, err := drkit.Collect(client.Tasks.List(t.Context(), vsphere.ListQuery{}))
		require.NoError(t, err, "in a disaster this is all there is")
		got := make([]int, len(tasks))
		for i, task := range tasks {
			got[i] = len(task.Meta.Errors)
		}
		assert.Equal(t, want, got, field)
		assert.Contains(t, log.String(), `msg="answer is partial" operation=vsphere.Tasks.List failures=1 first="GONE no answer`)
	}
}

// A list without rows that says it is not whole must not look like one that is empty.
func TestPartialListWithoutRows(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", "/pairings/"+pairing+"/replications", says(200, `{"list":[],"_meta":{"total":0,"errors":[{"code":"GONE","message":"no answer","field":"$.list"}]}}`))
	s.on("GET", "/pairings/"+pairing+"/vrs", says(200, `{"_meta":{"errors":[{"field":"$.list"}]}}`))
	client := s.client()
	_, err := drkit.Collect(replicationsOf(client).List(t.Context(), vsphere.ReplicationQuery{}))
	require.ErrorIs(t, err, vsphere.ErrPartial)
	assert.EqualError(t, err, "vsphere.Replications.List: answer is partial: GONE no answer (at $.list)")
	var partial *vsphere.PartialError
	require.ErrorAs(t, err, &partial)
	assert.Len(t, partial.Errors, 1)
	_, err = client.Pairing(pairing).ManagementServers.List(t.Context())
	require.ErrorIs(t, err, vsphere.ErrPartial)
}

func TestPartialObject(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", onLedger, answer(t, 200, "replications_get.answer"))
	var log bytes.Buffer
	client := s.client(drkit.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))))
	replication, err := replicationsOf(client).Get(t.Context(), ledger)
	require.NoError(t, err)
	err = replication.Meta.Err()
	require.ErrorIs(t, err, vsphere.ErrPartial)
	assert.EqualError(t, err, "answer is partial: REMOTE_NOT_SIGNED_IN Sign in at harbor-east first. (at $.status)")
	assert.Contains(t, log.String(), "operation=vsphere.Replications.Get")
	require.NoError(t, vsphere.Metadata{}.Err())
}

// In a disaster an object may lack even what names it: it says what it lacks, and is not taken for one of another kind.
func TestPartialObjectWithoutAName(t *testing.T) {
	t.Parallel()
	s := newService(t)
	const lacking = `{"_meta":{"errors":[{"code":"GONE","message":"no answer","field":"$"}]}}`
	s.on("GET", "/pairings/"+pairing+"/vrs/"+vrWest, says(200, lacking))
	s.on("GET", onLedger+"/active-image", says(200, lacking))
	s.on("GET", "/tasks/task-1", says(200, lacking))
	client := s.client()
	server, err := client.Pairing(pairing).ManagementServers.Get(t.Context(), vrWest)
	require.NoError(t, err)
	require.EqualError(t, server.Meta.Err(), "answer is partial: GONE no answer (at $)")
	image, err := replicationsOf(client).ActiveImage(t.Context(), ledger)
	require.NoError(t, err)
	require.ErrorIs(t, image.Meta.Err(), vsphere.ErrPartial)
	_, err = client.Tasks.Get(t.Context(), "task-1")
	require.ErrorContains(t, err, "instead of the one that was asked for")
}

// A task without its id is of no use, and the error says what the service says.
func TestPartialTaskWithoutAName(t *testing.T) {
	t.Parallel()
	for what, body := range map[string]string{
		"a task without id":        `{"status":"QUEUED","_meta":{"errors":[{"code":"GONE","message":"no answer","field":"$.id"}]}}`,
		"0 tasks for 1 machines":   `{"list":[],"_meta":{"errors":[{"code":"GONE","message":"no answer","field":"$.id"}]}}`,
		"an answer without a list": `{"_meta":{"errors":[{"code":"GONE","message":"no answer","field":"$.id"}]}}`,
	} {
		s := newService(t)
		s.on("POST", onLedger+"/actions/pause", says(202, body))
		s.on("POST", "/pairings/"+pairing+"/replications", says(202, body))
		replications, call := replicationsOf(s.client()), "Configure"
		_, err := replications.Configure(wire(t), machines(t, 1)[0])
		if what == "a task without id" {
			call = "Pause"
			_, err = replications.Pause(wire(t), ledger)
		}
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown, call)
		require.ErrorIs(t, err, vsphere.ErrPartial)
		assert.ErrorContains(t, err, what+": answer is partial: GONE no answer (at $.id)")
	}
}

// Rows may have words of their own, which stay where they are, and show in the log.
func TestPartialRows(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", "/tasks", says(200, `{"list":[{"id":"a","status":"X","_meta":{"errors":[{"code":"OLD","field":"$.result"}]}},{"id":"b","status":"X"}]}`))
	var log bytes.Buffer
	client := s.client(drkit.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))))
	tasks, err := drkit.Collect(client.Tasks.List(t.Context(), vsphere.ListQuery{}))
	require.NoError(t, err)
	require.ErrorIs(t, tasks[0].Meta.Err(), vsphere.ErrPartial)
	require.NoError(t, tasks[1].Meta.Err())
	assert.Contains(t, log.String(), `msg="answer is partial" operation=vsphere.Tasks.List failures=1 first="OLD (at $.result)"`)
}

// What a poller ends with lacks what the answer to the operation has lacked, and what its task does.
func TestPartialResult(t *testing.T) {
	t.Parallel()
	for status, check := range map[string]func(task vsphere.Task, err error){
		"SUCCESS": func(task vsphere.Task, err error) {
			require.NoError(t, err)
			assert.EqualError(t, task.Meta.Err(), "answer is partial: B late (at $.result); A early (at $.entity_name)")
		},
		"ERROR": func(_ vsphere.Task, err error) {
			var failed *drkit.TaskError
			require.ErrorAs(t, err, &failed)
			require.Len(t, failed.Warnings, 2)
			assert.JSONEq(t, `{"code":"A","message":"early","field":"$.entity_name"}`, string(failed.Warnings[1]))
		},
	} {
		s := newService(t)
		s.on("POST", onLedger+"/actions/pause", says(202, `{"id":"task-1","status":"QUEUED","_meta":{"errors":[{"code":"A","message":"early","field":"$.entity_name"}]}}`))
		s.on("GET", "/tasks/task-1", says(200, `{"id":"task-1","status":"`+status+`","_meta":{"errors":[{"code":"B","message":"late","field":"$.result"}]}}`))
		poller, err := replicationsOf(s.client()).Pause(wire(t), ledger)
		require.NoError(t, err)
		_, err = poller.Poll(t.Context())
		require.NoError(t, err)
		check(poller.Result())
	}
}

func TestPartialCount(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", "/pairings/"+pairing+"/replications/count", answer(t, 200, "replications_count.partial.answer"))
	count, err := replicationsOf(s.client()).Count(t.Context())
	require.ErrorIs(t, err, vsphere.ErrPartial)
	assert.Equal(t, int64(12), count)
}

// table is a list of tasks that a mocked service gives in pages.
type table struct {
	total int
	most  int                     // rows of a page
	next  func(offset int) string // the link to the next page; nil for none
	rest  string                  // what else _meta holds
}

func (p table) answer(r *http.Request) (*http.Response, error) {
	query := r.URL.Query()
	offset, _ := strconv.Atoi(query.Get("offset"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	if limit == 0 || limit > p.most {
		limit = p.most
	}
	end := min(offset+limit, p.total)
	var list []string
	for i := offset; i < end; i++ {
		list = append(list, fmt.Sprintf(`{"id":"t-%03d","status":"RUNNING"}`, i))
	}
	links := `,"links":{"next":null}`
	if p.next != nil && end < p.total {
		links = `,"links":{"next":{"href":"` + p.next(end) + `"}}`
	}
	if p.rest != "" {
		links = p.rest
	}
	return says(200, `{"list":[`+strings.Join(list, ",")+`],"_meta":{"errors":[]`+links+`}}`)(r)
}

// Lists go on for as long as the service has a next page, at the address that the client has, whatever the link
// says of hosts.
func TestListsFollowNext(t *testing.T) {
	t.Parallel()
	link := func(host string) func(int) string {
		return func(offset int) string { return host + base + "/tasks?offset=" + strconv.Itoa(offset) + "&limit=4" }
	}
	all := make([]string, 10)
	for i := range all {
		all[i] = fmt.Sprintf("t-%03d", i)
	}
	for name, tc := range map[string]struct {
		table table
		query vsphere.ListQuery
		want  []string
		pages []string
	}{
		"the same host":  {table{10, 4, link(endpoint), ""}, vsphere.ListQuery{}, all, []string{"", "offset=3", "offset=6"}},
		"another host":   {table{10, 4, link("https://evil.example.net:8443"), ""}, vsphere.ListQuery{}, all, []string{"", "offset=3", "offset=6"}},
		"no host":        {table{10, 4, link(""), ""}, vsphere.ListQuery{Limit: 6}, all, []string{"limit=6", "limit=6&offset=3", "limit=6&offset=6"}},
		"no offset":      {table{10, 4, func(int) string { return "next page" }, ""}, vsphere.ListQuery{}, all, []string{"", "offset=3", "offset=6"}},
		"from an offset": {table{10, 4, link(endpoint), ""}, vsphere.ListQuery{Offset: 5, Limit: 9}, all[5:], []string{"limit=9&offset=5", "limit=9&offset=8"}},
		"a next further on": {
			table{10, 4, func(offset int) string { return "?offset=" + strconv.Itoa(offset+1) }, ""},
			vsphere.ListQuery{},
			append(append([]string{}, all[:4]...), all[5:9]...),
			[]string{"", "offset=5", "offset=10"},
		},
		"without a next":  {table{10, 4, nil, ""}, vsphere.ListQuery{}, all[:4], []string{""}},
		"by the total":    {table{10, 4, nil, `,"total":10`}, vsphere.ListQuery{}, all, []string{"", "offset=3", "offset=6"}},
		"nothing is said": {table{10, 4, nil, " "}, vsphere.ListQuery{}, all[:4], []string{""}},
		"an empty next":   {table{10, 4, nil, `,"total":10,"links":{"next":{"href":""}}`}, vsphere.ListQuery{}, all[:4], []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.on("GET", "/tasks", tc.table.answer)
			tasks, err := drkit.Collect(s.client(drkit.WithoutPrefetch()).Tasks.List(t.Context(), tc.query))
			require.NoError(t, err)
			ids := make([]string, len(tasks))
			for i, task := range tasks {
				ids[i] = task.ID
			}
			assert.Equal(t, tc.want, ids)
			var pages []string
			for _, request := range s.All() {
				_, query, _ := strings.Cut(request.Line, "?")
				pages = append(pages, query)
				assert.Equal(t, givenToken, request.Header.Get("x-dr-session"))
			}
			assert.Equal(t, tc.pages, pages)
		})
	}
}

// Where there is a link, a total that is not right ends no list.
func TestListsThatMiscount(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", "/tasks", says(200, `{"list":[{"id":"a","status":"X"},{"id":"b","status":"X"}],"_meta":{"total":2,"links":{"next":{"href":"?offset=2"}}}}`),
		says(200, `{"list":[{"id":"b","status":"X"},{"id":"c","status":"X"}],"_meta":{"total":2,"links":{"next":null}}}`))
	tasks, err := drkit.Collect(s.client(drkit.WithoutPrefetch()).Tasks.List(t.Context(), vsphere.ListQuery{}))
	require.NoError(t, err)
	assert.Len(t, tasks, 3)
}

// A page of another kind is an error, and not an empty list.
func TestListsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"status":"ok"}`, `{}`, `[]`, `null`, `"ok"`, `{"list":{}}`} {
		s := newService(t)
		s.on("GET", "/tasks", says(200, body))
		_, err := drkit.Collect(s.client().Tasks.List(t.Context(), vsphere.ListQuery{}))
		require.ErrorContains(t, err, "cannot be used", body)
	}
	for _, body := range []string{`{"list":[]}`, `{"list":null,"_meta":{"total":0}}`, `{"_meta":{}}`} {
		s := newService(t)
		s.on("GET", "/tasks", says(200, body))
		tasks, err := drkit.Collect(s.client().Tasks.List(t.Context(), vsphere.ListQuery{}))
		require.NoError(t, err, body)
		assert.Empty(t, tasks)
	}
}

// Objects of another kind are errors.
func TestObjectsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases(t) {
		if tc.status != 200 || strings.HasPrefix(testdata(t, tc.answer), `{
  "list"`) || tc.operation == "Replications.Capabilities" { // which has nothing that it must have
			continue
		}
		t.Run(tc.name(), func(t *testing.T) {
			t.Parallel()
			_, client := tc.layOut(t, says(200, `{"status":"ok"}`))
			_, err := tc.call(wire(t), client)
			require.ErrorContains(t, err, "cannot be used")
		})
	}
}

// What is not the service's own is no answer of it.
func TestForeignAnswers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer  httpmock.Responder
		foreign bool
		is      error
	}{
		"a proxy's 404":          {wiretest.Page(404), true, drkit.ErrUnavailable},
		"a proxy's 401":          {wiretest.Page(401), true, drkit.ErrUnauthorized},
		"the service's 404":      {says(404, ""), false, drkit.ErrNotFound},
		"a 404 with an error":    {answer(t, 404, "error"), false, drkit.ErrNotFound},
		"a 500 without a body":   {says(500, ""), true, nil},
		"a 500 with {}":          {says(500, "{}"), true, nil},
		"a 403 without a body":   {says(403, ""), true, drkit.ErrForbidden},
		"a 429 of the limiter":   {wiretest.WithHeader(says(429, ""), "Retry-After", "7"), true, drkit.ErrThrottled},
		"an error with op_id":    {says(400, `{"op_id":"x"}`), false, nil},
		"an error with a number": {says(400, `{"message":7}`), true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.on("GET", "/info", tc.answer)
			_, err := s.client(drkit.WithRetry(drkit.RetryPolicy{Attempts: 1})).Appliance.Info(t.Context())
			assert.Equal(t, tc.foreign, answerOf(t, err).Foreign)
			if tc.is != nil {
				require.ErrorIs(t, err, tc.is)
			}
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}
