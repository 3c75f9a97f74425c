package vcav_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// scripted is a round tripper that gives one answer to all requests. Fuzzing runs one input at a time.
type scripted struct {
	status int
	body   []byte
	sent   int
}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	s.sent++
	if s.sent > runaway {
		return nil, errors.New("the service has had enough")
	}
	return &http.Response{
		StatusCode: s.status, Header: http.Header{"Content-Type": {mediaType}}, Request: r,
		Body: io.NopCloser(bytes.NewReader(s.body)), ContentLength: int64(len(s.body)),
	}, nil
}

// runaway is how many requests of one call are too many.
const runaway = 20

func fuzzed(f *testing.F) (*scripted, *vcav.Client) {
	f.Helper()
	network := &scripted{}
	client, err := vcav.NewClient(appliance, vcav.Token(drkit.NewSecret(givenToken)),
		drkit.WithTransport(network), drkit.WithRetry(drkit.RetryPolicy{Attempts: 1}))
	require.NoError(f, err)
	return network, client
}

// seed adds the samples that fit, and what is not one.
func seed(f *testing.F, names []string, add func(body []byte)) {
	f.Helper()
	for _, name := range names {
		add(compact([]byte(testdata(f, name)))) // shorter inputs are minimized sooner
	}
	for _, body := range []string{
		"", "null", "{}", "[]", `""`, "0", "{", "<html>", "\xff", `{"id":null}`, `{"id":7}`, `{"id":"1","state":null}`,
		`{"id":"1","state":"SUCCEEDED","result":{"lastUpdated":"-1"}}`, `{"id":"1","endTime":1e999}`,
		`{"id":"1","endTime":9223372036854775808,"progress":-1}`, `{"id":"1","state":"FAILED","warnings":[null]}`,
	} {
		add([]byte(body))
	}
}

// Whatever a service answers in the place of a task: it is an error, or a task with an id.
func FuzzTask(f *testing.F) {
	network, client := fuzzed(f)
	names := []string{"tasks_get.answer", "tasks_get.failed", "tasks_get.running", "vm_replications_failover.answer", "error"}
	seed(f, names, func(body []byte) { f.Add(body) })
	f.Fuzz(func(t *testing.T, body []byte) {
		network.status, network.body, network.sent = 202, body, 0
		poller, err := client.VMReplications.Sync(wire(t), "1")
		require.Equal(t, 1, network.sent)
		if err != nil {
			require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
			checkErrorText(t, err)
			return
		}
		require.NotEmpty(t, poller.ID())
		network.status, network.sent = 200, 0
		progress, err := poller.Poll(t.Context())
		if err != nil { // an id that cannot stand in a path
			checkErrorText(t, err)
			return
		}
		if _, err := poller.Result(); err != nil {
			checkErrorText(t, err)
		}

		network.sent = 0
		task, err := client.Tasks.Get(t.Context(), poller.ID())
		require.NoError(t, err, "the same answer is a task again")
		require.Equal(t, poller.ID(), task.ID)
		require.Equal(t, drkit.State(task.State), progress.State)
		require.Equal(t, task.Ended(), poller.Done())
		require.Equal(t, task.State == vcav.TaskStateFailed, task.Err() != nil)
		_, err = client.Tasks.Get(t.Context(), poller.ID()+"x")
		require.Error(t, err, "it is not another task")
		checkErrorText(t, err)
	})
}

// Whatever a service answers in the place of the health: it is an error, or a health with an instance id,
// also where the answer is the result of a task, or of a task in a task.
func FuzzHealth(f *testing.F) {
	network, client := fuzzed(f)
	names := []string{"answer", "well", "nested", "before_4_1", "running"}
	for i := range names {
		names[i] = "diagnostics_health." + names[i]
	}
	seed(f, names, func(body []byte) { f.Add(body) })
	for _, body := range []string{
		`{"instanceId":"a"}`, `{"instanceId":"a","state":""}`, `{"instanceId":"a","state":"SUCCEEDED"}`, `{"InstanceID":"a","buildDate":"-1"}`,
		`{"id":"1","state":"SUCCEEDED","result":{"workflowInfo":{},"state":"FAILED"}}`, `{"instanceId":"a","diskUsage":{"total":1e3}}`,
		`{"id":"1","state":"SUCCEEDED","workflowInfo":null,"result":{"workflowInfo":null,"state":"SUCCEEDED","result":{"instanceId":"a"}}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		answers := [][]byte{body}
		if json.Valid(body) {
			once := []byte(nested(string(body)))
			answers = append(answers, once, []byte(nested(string(once))))
		}
		for _, answer := range answers {
			network.status, network.body, network.sent = 200, answer, 0
			poller, err := client.Diagnostics.Health(t.Context())
			require.Equal(t, 1, network.sent)
			if err != nil {
				checkErrorText(t, err)
				continue
			}
			require.NotEmpty(t, poller.ID())
			if _, err := poller.Poll(t.Context()); err != nil { // an id that cannot stand in a path
				checkErrorText(t, err)
				continue
			}
			health, err := poller.Result()
			if err != nil {
				checkErrorText(t, err)
				require.Empty(t, health)
				continue
			}
			require.True(t, poller.Done())
			require.NotEmpty(t, health.InstanceID)
		}
	})
}

// Whatever a service answers in the place of a page: the walk ends, passes each row on once, and has an id
// for it.
func FuzzVMReplicationPage(f *testing.F) {
	fuzzPages(f, listers["VMReplications"], "vm_replications_list.answer", "tasks_list.answer", "vm_replications_get.answer")
}

func FuzzTaskPage(f *testing.F) {
	fuzzPages(f, listers["Tasks"], "tasks_list.answer", "vm_replications_list.answer", "tasks_poll.answer")
}

func fuzzPages(f *testing.F, l lister, samples ...string) {
	f.Helper()
	network, client := fuzzed(f)
	seed(f, samples, func(body []byte) { f.Add(body) })
	for _, body := range []string{
		`{"items":null,"total":-1}`, `{"items":[{}],"total":2}`, `{"items":[{"id":"a"},{"id":"b"}],"total":5}`,
		`{"items":[{"id":"a"},{"id":"b"},{"id":"a"}],"total":1000000000}`, `{"items":[{},{}],"total":1000000000}`,
		`{"items":[null]}`, `{"items":[{"id":"a","metadata":{"x":null}}]}`, `{"items":[],"total":9}`,
		`{"items":[{"id":"a","warnings":[{}],"result":[1e400]}],"total":"3"}`, `{"items":[{"id":"a"}],"total":3.0,"offset":-1}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		network.status, network.body, network.sent = 200, body, 0
		seen := map[string]bool{}
		for id, err := range l.list(t.Context(), here(client), 0, 0) {
			if err != nil {
				checkErrorText(t, err)
				break
			}
			require.NotEmpty(t, id)
			require.False(t, seen[id], "a row is passed on once")
			seen[id] = true
		}
		require.LessOrEqual(t, network.sent, runaway, "the walk goes on and on")
	})
}

// Whatever a service answers to a poll: it is an error, or tasks that have ids. Columns go by their names,
// in whatever order they come, and a row that is an object is the same as one that is an array.
func FuzzTaskTable(f *testing.F) {
	network, client := fuzzed(f)
	seed(f, []string{"tasks_poll.answer", "tasks_poll.none", "tasks_list.answer", "tasks_get.answer"}, func(body []byte) { f.Add(body) })
	for _, body := range []string{
		`{"propertyNames":["id","state"],"values":[["a","RUNNING"],["b","FAILED"]]}`,
		`{"propertyNames":["id","state"],"values":[{"id":"a","state":"RUNNING"},{"workflowInfo.type":"sync","id":"b"}]}`,
		`{"propertyNames":["id","workflowInfo.type","workflowInfo","workflowInfo.resourceId"],"values":[["a","sync",{"type":"x"},"C4-1"]]}`,
		`{"propertyNames":["id","id","ID"],"values":[["a","b","c"]]}`,
		`{"propertyNames":["id","error.code","error.args"],"values":[["a","X",["b"]],["b",null,null]]}`,
		`{"propertyNames":["id"],"values":[["a","b"],[],["c"]]}`,
		`{"propertyNames":["id","state"],"values":[["a"]]}`,
		`{"propertyNames":["state"],"values":[["RUNNING"]]}`,
		`{"propertyNames":["id",".","a.","..",""],"values":[["a",1,2,3,4]]}`,
		`{"propertyNames":["id"],"values":[null,"a",7,true]}`,
		`{"propertyNames":["id","progress"],"values":[["a",45.0],["b","45"],["c",4.5]]}`,
		`{"propertyNames":[],"values":[["a"]]}`, `{"propertyNames":null,"values":null}`, `{"values":[{"id":"a"}]}`,
		`{"propertyNames":["id","result","warnings"],"values":[["a",{"b":[1,{"c":"\ud800"}]},[null,[]]]]}`,
	} {
		f.Add([]byte(body))
	}
	poll := func(t *testing.T, body []byte) ([]vcav.Task, error) {
		network.status, network.body, network.sent = 200, body, 0
		tasks, err := client.Tasks.Poll(t.Context(), []string{"a", "b"})
		require.Equal(t, 1, network.sent)
		return tasks, err
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		tasks, err := poll(t, body)
		again, err2 := poll(t, body)
		require.Equal(t, tasks, again, "the same answer is the same tasks")
		require.Equal(t, err == nil, err2 == nil)
		if err != nil {
			require.Empty(t, tasks)
			checkErrorText(t, err)
			return
		}
		for _, task := range tasks {
			require.NotEmpty(t, task.ID)
			require.Equal(t, task.State == vcav.TaskStateFailed, task.Err() != nil)
		}
		for name, other := range rewritten(t, body) {
			got, err := poll(t, other)
			require.NoError(t, err, "%s: %s", name, other)
			require.Equal(t, tidy(tasks), tidy(got), "%s: %s", name, other)
		}
	})
}

// rewritten returns a table of tasks with its columns the other way round, and with objects for its rows.
// It leaves tables alone whose columns have the same name, whatever its case: the last one counts.
func rewritten(t *testing.T, body []byte) map[string][]byte {
	t.Helper()
	var table struct {
		PropertyNames []string          `json:"propertyNames"`
		Values        []json.RawMessage `json:"values"`
	}
	require.NoError(t, json.Unmarshal(body, &table))
	names := map[string]bool{}
	for _, name := range table.PropertyNames {
		names[strings.ToLower(strings.ToUpper(name))] = true // as encoding/json folds them
	}
	if len(names) != len(table.PropertyNames) {
		return nil
	}
	objects := make([]any, len(table.Values))
	backwards := make([]any, len(table.Values))
	for i, row := range table.Values {
		var values []json.RawMessage
		if json.Unmarshal(row, &values) != nil {
			return nil // an object already
		}
		object := map[string]json.RawMessage{}
		for k, name := range table.PropertyNames {
			object[name] = values[k]
		}
		slices.Reverse(values)
		objects[i], backwards[i] = object, values
	}
	reversed := slices.Clone(table.PropertyNames)
	slices.Reverse(reversed)
	return map[string][]byte{
		"objects":   encode(t, map[string]any{"propertyNames": table.PropertyNames, "values": objects}),
		"backwards": encode(t, map[string]any{"propertyNames": reversed, "values": backwards}),
	}
}

func encode(t *testing.T, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	require.NoError(t, err)
	return data
}

// Whatever a service answers in the place of an error: it is an error of one line, and what must not
// repeat is settled only by the service's own word.
func FuzzErrorBody(f *testing.F) {
	network, client := fuzzed(f)
	for _, code := range []int{400, 401, 403, 404, 408, 409, 429, 500, 503, 599} {
		seed(f, []string{"error", "error_not_authenticated", "error_conflict"}, func(body []byte) { f.Add(code, body) })
	}
	f.Add(404, []byte(`{"code":"\u0000NotFound","msg":"a\nb\u2028c","args":[null]}`))
	f.Fuzz(func(t *testing.T, code int, body []byte) {
		code = 400 + (code%200+200)%200 // an error, whatever the fuzzer has made up
		network.status, network.body, network.sent = code, body, 0
		_, err := client.Diagnostics.About(t.Context())
		answer := answerOf(t, err)
		require.Equal(t, code, answer.Status)
		checkErrorText(t, err)

		network.sent = 0
		_, err = client.VMReplications.Reverse(wire(t), "1")
		require.Equal(t, 1, network.sent)
		require.Error(t, err)
		checkErrorText(t, err)
		settled := answer.Code == vcav.CodeNotAuthenticated ||
			answer.Code != "" && code < 500 && code != 401 && code != 408 && code != 429
		require.Equal(t, !settled, errors.Is(err, drkit.ErrOutcomeUnknown), "%d %q", code, answer.Code)
	})
}

// checkErrorText checks that an error prints on one line.
func checkErrorText(t *testing.T, err error) {
	t.Helper()
	require.True(t, isOneLine(err.Error()), "%q", err.Error())
}

func isOneLine(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r != ' ' && (unicode.IsControl(r) || unicode.IsSpace(r)) })
}
