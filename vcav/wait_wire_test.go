package vcav_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

const (
	pollPath  = "/tasks/poll"
	secondID  = "2f6b1d80-5a37-4c1e-8d94-b0e7a3c95f12"
	secondWay = "/vm-replications/" + ordersWebID + "/failover"
)

// columns are those of the guide's sample.
var columns = []string{
	"id", "user", "workflowInfo.type", "workflowInfo.resourceType", "workflowInfo.resourceId", "workflowInfo.resourceName",
	"progress", "state", "lastUpdated", "startTime", "endTime", "resultType", "result", "error", "warnings", "site",
}

// table shows tasks as the answer to POST /tasks/poll does.
func table(columns []string, tasks ...map[string]any) httpmock.Responder {
	rows := make([]any, len(tasks))
	for i, task := range tasks {
		row := make([]any, len(columns))
		for j, column := range columns {
			row[j] = cell(task, column)
		}
		rows[i] = row
	}
	return tableOf(columns, rows)
}

// tableOfObjects is a table whose rows name their members.
func tableOfObjects(columns []string, tasks ...map[string]any) httpmock.Responder {
	rows := make([]any, len(tasks))
	for i, task := range tasks {
		row := map[string]any{}
		for _, column := range columns {
			row[column] = cell(task, column)
		}
		rows[i] = row
	}
	return tableOf(columns, rows)
}

func tableOf(columns []string, rows []any) httpmock.Responder {
	body, err := json.Marshal(map[string]any{"propertyNames": columns, "values": rows})
	if err != nil {
		panic(err)
	}
	return withHeader(httpmock.NewBytesResponder(200, body), "Content-Type", mediaType)
}

func cell(task map[string]any, column string) any {
	outer, inner, nested := strings.Cut(column, ".")
	if group, ok := task[outer].(map[string]any); ok && nested {
		return group[inner]
	}
	return task[column]
}

// ofSecond changes a task into the second one.
func ofSecond(task map[string]any) { task["id"] = secondID }

// ended is a failover that ended well.
func ended(t *testing.T, change ...func(map[string]any)) map[string]any {
	return shown("SUCCEEDED", 100, append(change, with("result", succeededTask(t).Result), with("resultType", "SingleVmReplicationInfo"))...)
}

// twoFailovers are accepted at a place, under the operation IDs op-1 and op-2. Run it inside of synctest.
func twoFailovers(t *testing.T, s *service, at *vcav.SiteVMReplications) (first, second *poller) {
	t.Helper()
	s.on("POST", failoverPath, answer(t, 202, "vm_replications_failover.answer"))
	s.on("POST", secondWay, taskAt("QUEUED", 0, ofSecond))
	first, err := at.Failover(drkit.WithOperationID(wire(t), "op-1"), ordersID, cloudFailover())
	require.NoError(t, err)
	second, err = at.Failover(drkit.WithOperationID(wire(t), "op-2"), ordersWebID, cloudFailover())
	require.NoError(t, err)
	return first, second
}

// waiting waits for pollers whose waits begin in their order.
func waiting(t *testing.T, pollers ...*poller) (outcomes func() []error) {
	t.Helper()
	errs := make([]error, len(pollers))
	var all sync.WaitGroup
	for i, poller := range pollers {
		all.Go(func() { _, errs[i] = poller.Wait(wire(t)) })
		synctest.Wait()
	}
	return func() []error { all.Wait(); return errs }
}

// Several waits at one place are one POST /tasks/poll a tick, and the last one left is GET /tasks/{id}.
func TestWaitsShareTheirPolls(t *testing.T) {
	t.Parallel()
	for _, site := range []string{"", escapedSite} {
		t.Run("at "+site, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, d := newService(t), &diary{}
				client := s.client(drkit.WithPolling(polling), drkit.WithLogger(d.logger()))
				at, query := &client.VMReplications.SiteVMReplications, ""
				if site != "" {
					at, query = client.Site(siteName).VMReplications, "?site="+site
				}
				s.on("POST", pollPath, table(columns, shown("QUEUED", 0, ofSecond), shown("RUNNING", 10)),
					table(columns, shown("RUNNING", 50), shown("RUNNING", 20, ofSecond)),
					table(columns, ended(t), shown("RUNNING", 60, ofSecond)))
				s.on("GET", "/tasks/"+secondID, taskAt("RUNNING", 90, ofSecond),
					taskAt("FAILED", 100, ofSecond, with("error", vcav.APIError{Code: "NoSpace", Msg: "Full."})))
				first, second := twoFailovers(t, s, at)
				outcomes := waiting(t, first, second)()
				require.NoError(t, outcomes[0])
				var failed *drkit.TaskError
				require.ErrorAs(t, outcomes[1], &failed)
				assert.Equal(t, "op-2", failed.OperationID)
				assert.Equal(t, "vcav.VMReplications.Failover", failed.Operation)
				done, err := first.Result()
				require.NoError(t, err)
				assert.Equal(t, recovered(), done)

				poll, get := "POST "+pollPath+query, "GET /tasks/"+secondID+query
				require.Equal(t, []string{"POST " + failoverPath + query, "POST " + secondWay + query, poll, poll, poll, get, get}, s.lines())
				requests := s.all()
				ids := map[string]bool{}
				for _, request := range requests[2:5] {
					assert.Equal(t, `["`+taskID+`","`+secondID+`"]`, request.body)
					id := request.header.Get("operationID")
					assert.Regexp(t, uuid, id, "an operation of its own")
					ids[id] = true
					assert.Equal(t, headers(givenToken, id, true), request.header)
					assertLinked(t, d, id, siteIf(site))
				}
				assert.Len(t, ids, 3)
				for _, request := range requests[5:] {
					assert.Equal(t, headers(givenToken, "op-2", false), request.header)
				}
			})
		})
	}
}

func siteIf(named string) string {
	if named == "" {
		return ""
	}
	return siteName
}

// assertLinked checks that a record links the ID of a poll with those of what started its tasks.
func assertLinked(t *testing.T, d *diary, id, site string) {
	t.Helper()
	found := 0
	for line := range strings.Lines(d.String()) {
		var record struct {
			Level, Msg, Site string
			OperationID      string            `json:"operation_id"`
			StartedBy        map[string]string `json:"started_by"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &record))
		if record.Msg == "asking for tasks" && record.OperationID == id {
			found++
			assert.Equal(t, "DEBUG", record.Level)
			assert.Equal(t, site, record.Site)
			assert.Equal(t, map[string]string{taskID: "op-1", secondID: "op-2"}, record.StartedBy)
		}
	}
	assert.Equal(t, 1, found)
}

// Each site is asked for its own tasks.
func TestPollsOfSeveralSites(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newService(t)
		client := s.client(drkit.WithPolling(polling))
		s.on("POST", pollPath, table(columns, shown("RUNNING", 10), shown("RUNNING", 10, ofSecond)),
			table(columns, ended(t), ended(t, ofSecond)))
		var pollers []*poller
		for _, at := range []*vcav.SiteVMReplications{
			&client.VMReplications.SiteVMReplications, client.Site("south").VMReplications, client.Site("north").VMReplications,
			client.Site("south").VMReplications, // another view of the same site
		} {
			first, second := twoFailovers(t, s, at)
			pollers = append(pollers, first, second)
		}
		for _, err := range waiting(t, pollers...)() {
			require.NoError(t, err)
		}
		polls := slices.DeleteFunc(s.lines(), func(line string) bool { return !strings.HasPrefix(line, "POST "+pollPath) })
		assert.Contains(t, polls, "POST "+pollPath)
		assert.Contains(t, polls, "POST "+pollPath+"?site=south")
		assert.Contains(t, polls, "POST "+pollPath+"?site=north")
		assert.LessOrEqual(t, len(polls), 6, "views of one site share")
	})
}

// What the table leaves out of a task that has ended is asked of the task itself; what it leaves out of one
// that runs is not missed.
func TestTablesThatShowLess(t *testing.T) {
	t.Parallel()
	without := func(names ...string) []string {
		return slices.DeleteFunc(slices.Clone(columns), func(name string) bool { return slices.Contains(names, name) })
	}
	problem := with("error", vcav.APIError{Code: "NoSpace", Msg: "Full."})
	for name, tc := range map[string]struct {
		table func(columns []string, tasks ...map[string]any) httpmock.Responder
		names []string
		gets  []string
	}{
		"rows are arrays":           {table, columns, nil},
		"rows are objects":          {tableOfObjects, columns, nil},
		"no results":                {table, without("result"), []string{taskID}},
		"no results, by name":       {tableOfObjects, without("result"), []string{taskID}},
		"no errors":                 {table, without("error"), []string{secondID}},
		"neither":                   {table, []string{"state", "id"}, []string{taskID, secondID}},
		"neither, but the progress": {tableOfObjects, []string{"id", "state", "progress"}, []string{taskID, secondID}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newService(t)
				first, second := twoFailovers(t, s, &s.client(drkit.WithPolling(polling)).VMReplications.SiteVMReplications)
				failure := shown("FAILED", 100, ofSecond, problem)
				s.on("POST", pollPath, tc.table(tc.names, shown("RUNNING", 10), shown("RUNNING", 10, ofSecond)),
					tc.table(tc.names, ended(t), failure))
				s.on("GET", "/tasks/"+taskID, answer(t, 200, "tasks_get.answer"))
				s.on("GET", "/tasks/"+secondID, taskAt("FAILED", 100, ofSecond, problem))
				outcomes := waiting(t, first, second)()
				require.NoError(t, outcomes[0])
				done, err := first.Result()
				require.NoError(t, err)
				assert.Equal(t, recovered(), done)
				var failed *drkit.TaskError
				require.ErrorAs(t, outcomes[1], &failed)
				assert.Equal(t, "NoSpace", failed.Code)

				want := []string{"POST " + failoverPath, "POST " + secondWay, "POST " + pollPath, "POST " + pollPath}
				for _, id := range tc.gets {
					want = append(want, "GET /tasks/"+id)
				}
				assert.ElementsMatch(t, want, s.lines())
			})
		})
	}
}

// A session that expires under waits is begun anew, once, and the poll is sent again.
func TestSessionThatExpiresUnderWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newService(t)
		s.signsIn("Zmlyc3Q=", "c2Vjb25k")
		running := table(columns, shown("RUNNING", 10), shown("RUNNING", 10, ofSecond))
		s.on("POST", pollPath, running, answer(t, 401, "error_not_authenticated"), running, table(columns, ended(t), ended(t, ofSecond)))
		client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")), drkit.WithPolling(polling))
		first, second := twoFailovers(t, s, &client.VMReplications.SiteVMReplications)
		for _, err := range waiting(t, first, second)() {
			require.NoError(t, err)
		}
		in, poll := "POST /sessions", "POST "+pollPath
		assert.Equal(t, []string{in, "POST " + failoverPath, "POST " + secondWay, poll, poll, in, poll, poll}, s.lines())
		requests := s.all()
		assert.Equal(t, requests[4].body, requests[6].body)
		assert.Equal(t, "c2Vjb25k", requests[6].header.Get("X-VCAV-Auth"))
	})
}

// A service that does not answer for several tasks is asked for each, and the log says so.
func TestServiceWithoutATable(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]httpmock.Responder{
		"page":       page(200),
		"null":       httpmock.NewStringResponder(200, `null`),
		"a task":     taskAt("RUNNING", 10),
		"no columns": httpmock.NewStringResponder(200, `{"propertyNames":[],"values":[]}`),
		"not found":  page(404),
		"no route":   status(405, page(405)),
		"forbidden":  answer(t, 403, "error_forbidden"),
		"failure":    answer(t, 500, "error"),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, d := newService(t), &diary{}
				s.on("POST", pollPath, trouble)
				s.on("GET", "/tasks/"+taskID, taskAt("RUNNING", 10), answer(t, 200, "tasks_get.answer"))
				s.on("GET", "/tasks/"+secondID, taskAt("RUNNING", 10, ofSecond), taskAt("RUNNING", 20, ofSecond),
					taskAt("SUCCEEDED", 100, ofSecond, with("result", succeededTask(t).Result)))
				client := s.client(drkit.WithPolling(polling), drkit.WithLogger(d.logger()))
				first, second := twoFailovers(t, s, &client.VMReplications.SiteVMReplications)
				for _, err := range waiting(t, first, second)() {
					require.NoError(t, err)
				}
				assert.Equal(t, 1, strings.Count(strings.Join(s.lines(), "\n"), pollPath))
				assert.Equal(t, 1, strings.Count(d.String(), `"level":"WARN","msg":"asking for each task by itself"`))
			})
		})
	}
}

// A session that cannot be begun anew is no reason to ask for each task, and to try to sign in for each.
func TestSessionThatDoesNotComeBackUnderWaits(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]httpmock.Responder{"failure": answer(t, 500, "error"), "page": page(200)} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, d := newService(t), &diary{}
				s.on("POST", "/sessions", withHeader(answer(t, 200, "sessions_sign_in.answer"), "X-VCAV-Auth", "Zmlyc3Q="),
					trouble, trouble, withHeader(answer(t, 200, "sessions_sign_in.answer"), "X-VCAV-Auth", "c2Vjb25k"))
				s.on("DELETE", "/sessions", httpmock.NewStringResponder(204, ""))
				s.on("POST", pollPath, answer(t, 401, "error_not_authenticated"), answer(t, 401, "error_not_authenticated"),
					answer(t, 401, "error_not_authenticated"), table(columns, ended(t), ended(t, ofSecond)))
				client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")),
					drkit.WithPolling(polling), drkit.WithLogger(d.logger()))
				first, second := twoFailovers(t, s, &client.VMReplications.SiteVMReplications)
				for _, err := range waiting(t, first, second)() {
					require.NoError(t, err)
				}
				assert.Equal(t, 4, strings.Count(strings.Join(s.lines(), "\n"), "POST /sessions"))
				assert.NotContains(t, d.String(), "by itself")
			})
		})
	}
}

// A poll that fails is repeated as a poll of several, and is nobody's failed task.
func TestPollsThatFailAreRepeated(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]httpmock.Responder{
		"busy":       status(503, httpmock.NewStringResponder(503, `{"code":"Busy","msg":"later"}`)),
		"throttled":  withHeader(status(429, httpmock.NewStringResponder(429, `{"code":"Busy","msg":"later"}`)), "Retry-After", "7"),
		"gateway":    page(502),
		"no answer":  httpmock.NewErrorResponder(errors.New("connection reset by peer")),
		"broken off": brokenOff(200, `{"propertyNames":["id"`),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newService(t)
				began := time.Now()
				var at []time.Duration
				keep := func(next httpmock.Responder) httpmock.Responder {
					return func(r *http.Request) (*http.Response, error) { at = append(at, time.Since(began)); return next(r) }
				}
				s.on("POST", pollPath, keep(trouble), keep(trouble), keep(table(columns, ended(t), ended(t, ofSecond))))
				client := s.client(drkit.WithPolling(polling), drkit.WithRetry(drkit.RetryPolicy{Attempts: 1}))
				first, second := twoFailovers(t, s, &client.VMReplications.SiteVMReplications)
				for _, err := range waiting(t, first, second)() {
					require.NoError(t, err)
				}
				assert.Len(t, s.lines(), 2+3)
				if name == "throttled" {
					assert.Equal(t, 7*time.Second, at[1]-at[0], "as the service has asked for")
				} else {
					assert.LessOrEqual(t, at[1]-at[0], time.Second)
				}
			})
		})
	}
}

// Requests of waits have ended when the client signs out.
func TestCloseLetsThePollsEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newService(t)
		s.signsIn("Zmlyc3Q=")
		s.on("POST", pollPath, hangs)
		underWay := 0
		slow := func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodDelete {
					assert.Zero(t, underWay)
				}
				underWay++
				response, err := next.RoundTrip(r)
				if r.URL.Path == pollPath {
					<-time.After(100 * time.Millisecond)
				}
				underWay--
				return response, err
			})
		}
		client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")),
			drkit.WithPolling(polling), drkit.WithMiddleware(slow))
		first, second := twoFailovers(t, s, &client.VMReplications.SiteVMReplications)
		outcomes := waiting(t, first, second)
		<-time.After(10 * time.Second)
		at := time.Now()
		var closing sync.WaitGroup
		closing.Go(func() { assert.NoError(t, client.Close(wire(t))) })
		for _, err := range outcomes() {
			require.ErrorIs(t, err, drkit.ErrClosed)
			assert.Zero(t, time.Since(at), "at once")
		}
		closing.Wait()
		assert.Equal(t, 100*time.Millisecond, time.Since(at))
		assert.Equal(t, "DELETE /sessions", s.lines()[len(s.lines())-1])

		_, err := first.Wait(wire(t))
		require.ErrorIs(t, err, drkit.ErrClosed)
		_, err = first.Poll(wire(t))
		require.ErrorIs(t, err, drkit.ErrClosed)
	})
}
