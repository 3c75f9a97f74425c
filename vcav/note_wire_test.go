package vcav_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// The ids of the samples of support bundles.
const (
	newBundleID = "d19b7c60-5f2e-4e83-a0c4-83f61e9d27b5"
	oldBundleID = "c7e1952b-84fd-4063-9ab8-2d0f6e51a73c"
)

// untraced are the operations of class once that are not looked for when their answer is lost.
var untraced = map[string]string{
	"Sessions.SignIn":             "a session that nobody knows of ends by itself",
	"Sessions.Extend":             "extending again does no harm, and no task shows it",
	"SupportBundles.CreateCookie": "a cookie that nobody uses does no harm, and no list shows it",
}

// trace is an operation of class once, and what is asked for so that it can be found again.
type trace struct {
	name  string // of the operation, and of the wire case
	begin func(ctx context.Context, client *vcav.Client, site string) (follower, error)
	line  func(site string) string
	body  bool
	// note are the requests before it, in the order of their parameters, without a site.
	note []string
	// task is the sample of what comes of it. As long as it is under way it does not say so if it is vague.
	task   string
	vague  bool
	source struct{ Site, VMID string } // what a start is about
}

// tracesOf returns the traces of an operation; there are none of one that nobody has told this test about.
func tracesOf(t *testing.T, operation api.Operation) []trace {
	t.Helper()
	note := map[string][]string{
		"Policies.Create":               {"GET /policies"},
		"Policies.Synchronize":          {"GET /tasks?resourceType=policies&sort=startTime"},
		"SupportBundles.Generate":       {"GET /tasks?sort=startTime", "GET /diagnostics/bundles"},
		"SupportBundles.GenerateWithID": {"GET /tasks?sort=startTime", "GET /diagnostics/bundles"},
		"SupportBundles.Delete":         {"GET /tasks?sort=startTime", "GET /diagnostics/bundles"},
	}[operation.Name]
	if strings.HasPrefix(operation.Path, "/vm-replications/{replicationId}") {
		note = []string{"GET /tasks?resourceId=" + ordersID + "&sort=startTime", "GET /vm-replications/" + ordersID}
	}
	if strings.HasPrefix(operation.Name, "SupportBundles.") && note != nil {
		return []trace{bundleTrace(operation, note)}
	}
	var traces []trace
	for _, tc := range casesByOperation(t)[operation.Name] {
		one := trace{
			name: tc.name(), line: tc.line, body: tc.body != "", note: note, task: tc.answer,
			begin: func(ctx context.Context, client *vcav.Client, site string) (follower, error) {
				r := here(client)
				if site != "" {
					r = there(client.Site(site))
				}
				if tc.begin == nil {
					_, err := tc.call(ctx, r)
					return nil, err
				}
				return tc.begin(ctx, r)
			},
		}
		if operation.Name == "VMReplications.Start" {
			var request struct{ Source struct{ Site, VMID string } }
			require.NoError(t, json.Unmarshal([]byte(testdata(t, tc.body)), &request))
			one.source, one.vague = request.Source, true
			one.note = []string{"GET /tasks?sort=startTime&type=start", "GET /vm-replications?vmId=" + one.source.VMID}
		}
		if one.note != nil {
			traces = append(traces, one)
		}
	}
	return traces
}

func bundleTrace(operation api.Operation, note []string) trace {
	id, calls := "", map[string]func(ctx context.Context, client *vcav.Client) (follower, error){
		"SupportBundles.Generate": func(ctx context.Context, client *vcav.Client) (follower, error) {
			return begun(client.SupportBundles.Generate(ctx))
		},
		"SupportBundles.GenerateWithID": func(ctx context.Context, client *vcav.Client) (follower, error) {
			return begun(client.SupportBundles.GenerateWithID(ctx, newBundleID))
		},
		"SupportBundles.Delete": func(ctx context.Context, client *vcav.Client) (follower, error) {
			return begun(client.SupportBundles.Delete(ctx, oldBundleID))
		},
	}
	switch operation.Name {
	case "SupportBundles.GenerateWithID":
		id = newBundleID
	case "SupportBundles.Delete":
		id = oldBundleID
	}
	line := operation.Method + " " + strings.ReplaceAll(operation.Path, "{bundleId}", id)
	return trace{
		name: operation.Name, note: note, task: snake(operation.Name) + ".answer", vague: operation.Name != "SupportBundles.GenerateWithID",
		line: func(string) string { return line },
		begin: func(ctx context.Context, client *vcav.Client, _ string) (follower, error) {
			return calls[operation.Name](ctx, client)
		},
	}
}

// traced runs a test for each operation of class once, here and, where it may name one, at a site.
func traced(t *testing.T, test func(t *testing.T, tr trace, site string)) {
	t.Helper()
	for _, operation := range contract.Table.Operations {
		if operation.Class != api.Once || untraced[operation.Name] != "" {
			continue
		}
		traces := tracesOf(t, operation)
		if len(traces) == 0 {
			t.Errorf("%s must not repeat, and is not looked for: see work in work.go, or untraced in this test", operation.Name)
		}
		for _, tr := range traces {
			for _, site := range []string{"", siteName} {
				if site == "" || takesSite(operation.Name) {
					t.Run(strings.TrimSuffix(tr.name+" at "+site, " at "), func(t *testing.T) { test(t, tr, site) })
				}
			}
		}
	}
}

// lines returns the request lines of the note, at a site if one is named.
func (tr trace) lines(site string) []string {
	lines := slices.Clone(tr.note)
	if site == "" {
		return lines
	}
	for i, line := range lines {
		path, query, _ := strings.Cut(line, "?")
		parameters := append(strings.Split(query, "&"), "site="+escapedSite)
		slices.Sort(parameters)
		lines[i] = path + "?" + strings.TrimPrefix(strings.Join(parameters, "&"), "&")
	}
	return lines
}

// answered lays out a service that has the replication of the samples and nothing else, and whose answer to
// the operation is reply. Its client has signed in.
func (tr trace) answered(t *testing.T, reply httpmock.Responder, options ...drkit.Option) (*service, *vcav.Client) {
	t.Helper()
	s := newService(t)
	s.signsIn(givenToken)
	client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")), append(options, drkit.WithPolling(polling))...)
	_, err := client.Sessions.SignIn(t.Context())
	require.NoError(t, err)
	s.forget()
	s.on("GET", "/tasks", tasksOf())
	s.on("GET", "/vm-replications", httpmock.NewStringResponder(200, `{"items":[],"total":0,"offset":0,"limit":100}`))
	s.on("GET", "/vm-replications/"+ordersID, answer(t, 200, "vm_replications_get.answer"))
	s.on("GET", "/policies", httpmock.NewStringResponder(200, `[]`))
	s.on("GET", "/diagnostics/bundles", httpmock.NewStringResponder(200, `[]`))
	method, path, _ := strings.Cut(tr.line(""), " ")
	s.on(method, path, reply)
	return s, client
}

// tasksOf is a page of tasks.
func tasksOf(rows ...map[string]any) httpmock.Responder {
	if rows == nil {
		rows = []map[string]any{}
	}
	body, err := json.Marshal(map[string]any{"items": rows, "total": len(rows), "offset": 0, "limit": 100})
	if err != nil {
		panic(err)
	}
	return httpmock.NewBytesResponder(200, body)
}

// row is the sample of a task, as the list shows it.
func row(t *testing.T, sample string, change ...func(task map[string]any)) map[string]any {
	t.Helper()
	task := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(testdata(t, sample)), &task))
	task["user"] = "backup-admin@acme-dr" // who is signed in
	for _, f := range change {
		f(task)
	}
	return task
}

// elsewhere is the same work on something else: of another name where the task names it, and else of another kind.
func (tr trace) elsewhere(t *testing.T, change ...func(task map[string]any)) map[string]any {
	t.Helper()
	other := inWorkflow("resourceType", "vappReplication")
	if tr.source.VMID == "" && !strings.HasPrefix(tr.name, "Policies.") {
		other = inWorkflow("resourceId", "C4-other")
	}
	return row(t, tr.task, append(change, other, with("id", "elsewhere"))...)
}

// running makes a task one that has not ended.
func running(task map[string]any) {
	maps.Copy(task, map[string]any{"state": "RUNNING", "endTime": -1, "result": nil, "resultType": nil, "error": nil})
}

func inWorkflow(name string, value any) func(map[string]any) {
	return func(task map[string]any) {
		info, _ := task["workflowInfo"].(map[string]any)
		changed := map[string]any{name: value}
		for other, is := range info {
			if other != name {
				changed[other] = is
			}
		}
		task["workflowInfo"] = changed
	}
}

// Immediately before an operation its resource is read, at the same place and under the same name.
func TestNoteOverTheWire(t *testing.T) {
	t.Parallel()
	traced(t, func(t *testing.T, tr trace, site string) {
		bubble(t, func(t *testing.T) {
			s, client := tr.answered(t, answer(t, 202, tr.task))
			follower, err := tr.begin(drkit.WithOperationID(t.Context(), "op-1"), client, site)
			require.NoError(t, err)
			if follower != nil {
				assert.Equal(t, row(t, tr.task)["id"], follower.ID())
			}
			escaped := ""
			if site != "" {
				escaped = escapedSite
			}
			assert.Equal(t, append(tr.lines(site), tr.line(escaped)), s.lines())
			for i, request := range s.all() {
				last := i == len(tr.note)
				assert.Equal(t, headers(givenToken, "op-1", last && tr.body), request.header)
				assert.Equal(t, last && tr.body, request.body != "")
			}
		})
	})
}

// The same work that is under way is a conflict, and nothing is sent: also where the list ignores its filters,
// has the types swapped as in a sample of the guide, or shows another user's task.
func TestConflictOverTheWire(t *testing.T) {
	t.Parallel()
	traced(t, func(t *testing.T, tr trace, site string) {
		if tr.vague || strings.HasPrefix(tr.name, "Policies.Create") {
			t.Skip("no task that is under way says that it is this")
		}
		busy := row(t, tr.task, running)
		info, _ := busy["workflowInfo"].(map[string]any)
		for name, under := range map[string]map[string]any{
			"":               busy,
			"swapped":        row(t, tr.task, running, inWorkflow("type", info["resourceType"]), inWorkflow("resourceType", info["type"])),
			"another user's": row(t, tr.task, running, with("user", "ann@acme-dr")),
			"queued":         row(t, tr.task, running, with("state", "QUEUED")),
			"unknown":        row(t, tr.task, running, with("state", "PONDERING")),
		} {
			t.Run(name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s, client := tr.answered(t, httpmock.NewErrorResponder(errors.New("it must not be sent")))
					s.on("GET", "/tasks", tasksOf(under))
					_, err := tr.begin(t.Context(), client, site)
					require.ErrorIs(t, err, drkit.ErrConflict)
					require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
					require.ErrorContains(t, err, "not sent, because task "+busy["id"].(string)+" does the same on ") //nolint:forcetypeassert // of the sample
					assert.Equal(t, tr.lines(site)[:1], s.lines())
				})
			})
		}
	})
}

// What is not the same work is no conflict.
func TestNoConflictOverTheWire(t *testing.T) {
	t.Parallel()
	traced(t, func(t *testing.T, tr trace, site string) {
		for name, other := range map[string]map[string]any{
			"ended":              row(t, tr.task, with("state", "FAILED"), with("endTime", 1795082400001)),
			"an end, and unsaid": row(t, tr.task, running, with("state", "CANCELLED"), with("endTime", 1795082400001)),
			"of another kind":    row(t, "vm_replications_pause.answer", running),
			"of another one":     tr.elsewhere(t, running),
		} {
			t.Run(name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s, client := tr.answered(t, answer(t, 202, tr.task))
					s.on("GET", "/tasks", tasksOf(other))
					_, err := tr.begin(t.Context(), client, site)
					require.NoError(t, err)
					assert.Len(t, s.lines(), len(tr.note)+1)
				})
			})
		}
	})
}

// What is not looked for takes no note, and leaves nothing to recover.
func TestUntracedOperations(t *testing.T) {
	t.Parallel()
	for name := range untraced {
		operation := operationOf(name)
		require.Equal(t, api.Once, operation.Class, "%s: take it off the list", name)
		assert.Empty(t, tracesOf(t, operation), "%s: take it off the list", name)
	}
	s := newService(t)
	s.onAny(httpmock.NewErrorResponder(errors.New("connection reset by peer")))
	client := s.client()
	_, extend := client.Sessions.Extend(t.Context(), vcav.WithMultisite("north", "acme"))
	_, cookie := client.SupportBundles.CreateCookie(t.Context(), oldBundleID)
	for _, err := range []error{extend, cookie} {
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.Nil(t, unknown.Lost)
		assert.Empty(t, unknown.Resource)
	}
	assert.Equal(t, []string{"POST /sessions/extend", "POST /diagnostics/bundles/cookie/" + oldBundleID}, s.lines())
}

// All pages of the tasks are read, and again where the list has moved.
func TestNoteOfManyPages(t *testing.T) {
	t.Parallel()
	page := func(total int, ids ...string) httpmock.Responder {
		rows := []map[string]any{}
		for _, id := range ids {
			state := func(task map[string]any) { task["state"] = "SUCCEEDED" }
			if id == "busy" {
				state = running
			}
			rows = append(rows, row(t, "vm_replications_failover.answer", with("id", id), state))
		}
		body, err := json.Marshal(map[string]any{"items": rows, "total": total})
		require.NoError(t, err)
		return httpmock.NewBytesResponder(200, body)
	}
	tasks := "GET /tasks?resourceId=" + ordersID + "&sort=startTime"
	second := "GET /tasks?offset=1&resourceId=" + ordersID + "&sort=startTime"
	for name, tc := range map[string]struct {
		pages []httpmock.Responder
		lines []string
		want  error
	}{
		"two pages":        {[]httpmock.Responder{page(3, "a", "b"), page(3, "b", "c")}, []string{tasks, second}, nil},
		"busy on the last": {[]httpmock.Responder{page(3, "a", "b"), page(3, "b", "busy")}, []string{tasks, second}, drkit.ErrConflict},
		"it moves":         {[]httpmock.Responder{page(3, "a", "b"), page(3, "c", "busy"), page(3, "b", "c"), page(3, "c", "busy")}, []string{tasks, second, tasks, second}, drkit.ErrConflict},
		"it moves all along": {[]httpmock.Responder{
			page(9, "a", "b"), page(9, "x", "c"), page(9, "a", "b"), page(9, "y", "c"),
			page(9, "a", "b"), page(9, "x", "c"), page(9, "a", "b"), page(9, "y", "c"),
		}, []string{tasks, second, tasks, second, tasks, second, tasks, second}, drkit.ErrListMoved},
		"it cannot be read": {[]httpmock.Responder{page(3, "a", "b"), answer(t, 403, "error_forbidden")}, []string{tasks, second}, drkit.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				tr := trace{line: func(string) string { return "POST " + failoverPath }}
				s, client := tr.answered(t, answer(t, 202, "vm_replications_failover.answer"), drkit.WithoutPrefetch())
				s.on("GET", "/tasks", tc.pages...)
				_, err := client.VMReplications.Failover(t.Context(), ordersID, cloudFailover())
				if tc.want == nil {
					require.NoError(t, err)
					tc.lines = append(tc.lines, "GET /vm-replications/"+ordersID, "POST "+failoverPath)
				} else {
					require.ErrorIs(t, err, tc.want)
					require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
				}
				assert.Equal(t, tc.lines, s.lines())
			})
		})
	}
}

// A client whose token was given asks once whose it is.
func TestNoteOfATokenThatWasGiven(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newService(t)
		s.on("GET", "/diagnostics/about", answer(t, 200, "diagnostics_about.answer"))
		s.on("GET", "/sessions", answer(t, 403, "error_forbidden"), answer(t, 200, "sessions_get.answer"))
		s.on("GET", "/tasks", tasksOf())
		s.on("GET", "/vm-replications/"+ordersID, answer(t, 200, "vm_replications_get.answer"))
		s.on("POST", failoverPath, answer(t, 202, "vm_replications_failover.answer"))
		client := s.client()
		_, err := client.VMReplications.Failover(t.Context(), ordersID, cloudFailover())
		require.ErrorIs(t, err, drkit.ErrForbidden, "who cannot tell whose tasks are its own sends nothing")
		require.ErrorContains(t, err, "not sent, because")
		who := []string{"GET /diagnostics/about", "GET /sessions"}
		assert.Equal(t, who, s.lines())
		for range 2 {
			_, err := client.VMReplications.Failover(t.Context(), ordersID, cloudFailover())
			require.NoError(t, err)
		}
		call := []string{"GET /tasks?resourceId=" + ordersID + "&sort=startTime", "GET /vm-replications/" + ordersID, "POST " + failoverPath}
		assert.Equal(t, slices.Concat(who, who, call, call), s.lines())
	})
}

// A read-only client takes no note.
func TestReadOnlyClientTakesNoNote(t *testing.T) {
	t.Parallel()
	s := newService(t)
	client := s.client(drkit.WithReadOnly())
	_, err := client.VMReplications.Failover(t.Context(), ordersID, cloudFailover())
	require.ErrorIs(t, err, drkit.ErrReadOnly)
	_, err = client.Policies.Create(t.Context(), policySettings())
	require.ErrorIs(t, err, drkit.ErrReadOnly)
	assert.Empty(t, s.lines())
}
