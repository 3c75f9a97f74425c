package unitrends_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
)

// row is one of a yard's lists.
type row = map[string]any

// day is a context that ends a wait which would go on for ever.
func day(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
	t.Cleanup(cancel)
	return ctx
}

// yard is a small appliance for the tests of waiting and of lost answers: lists that tests change, and what a
// request does to them. The simulator of the package is another one, which knows nothing of the client.
type yard struct {
	t *testing.T

	mu    sync.Mutex
	lists map[string][]row                // by path below /api/
	acts  map[string]func(body row)       // what a request does, by method and path; it may change lists
	after map[string]func() (int, string) // what it answers then; status 0 loses the answer
	reads map[string]func() (int, string) // what a list answers instead
	sent  []string                        // requests that are no reads
	looks map[string]int                  // reads, by path
}

// envelopes are the names that lists come under.
var envelopes = map[string]string{
	"systems": "appliance", "replication/pending": "pending", "replication/targets": "targets", "storage": "storage",
}

func newYard(t *testing.T) *yard {
	return &yard{
		t: t, acts: map[string]func(row){}, after: map[string]func() (int, string){}, reads: map[string]func() (int, string){},
		looks: map[string]int{},
		lists: map[string][]row{
			"systems": {
				{"id": 1, "is_pending": false, "name": "harbor", "role": "Target", "local": true},
				{"id": 4, "is_pending": false, "name": "quay-07", "role": "Replication Source", "status": "available"},
			},
			"replication/pending": {}, "replication/targets": {}, "backup-copy/connected_targets": {}, "joborders": {},
			"jobs/active": {}, "jobs/history": {}, "virtual_clients": {}, "inactive": {}, "active": {},
		},
	}
}

// client returns a client of the yard, under a user's name.
func (y *yard) client(user string, options ...drkit.Option) *unitrends.Client {
	y.t.Helper()
	return newClient(y.t, y, unitrends.Login(user, drkit.NewSecret("correct horse")), options...)
}

// change changes the lists.
func (y *yard) change(change func(lists map[string][]row)) {
	y.mu.Lock()
	defer y.mu.Unlock()
	change(y.lists)
}

// on lays out what a request does, and what it answers; nil acts and the usual answer by default.
func (y *yard) on(request string, act func(body row), answer func() (int, string)) {
	y.acts[request], y.after[request] = act, answer
}

func answers(status int, text string) func() (int, string) {
	return func() (int, string) { return status, text }
}

// lost is an answer that does not arrive.
func lost() (int, string) { return 0, "" }

// inTurn answers one after the other; the last one stays.
func inTurn(all ...func() (int, string)) func() (int, string) {
	return func() (int, string) {
		next := all[0]
		if len(all) > 1 {
			all = all[1:]
		}
		return next()
	}
}

// requests returns what was sent that changes something.
func (y *yard) requests() []string {
	y.mu.Lock()
	defer y.mu.Unlock()
	return slices.Clone(y.sent)
}

// looksAt returns how often a list was read.
func (y *yard) looksAt(path string) int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.looks[path]
}

// RoundTrip answers a request.
func (y *yard) RoundTrip(r *http.Request) (*http.Response, error) {
	body := row{}
	if r.Body != nil {
		data, err := io.ReadAll(r.Body)
		require.NoError(y.t, err)
		require.NoError(y.t, json.Unmarshal(data, &body))
	}
	path := strings.TrimSuffix(strings.TrimPrefix(r.URL.EscapedPath(), "/api/"), "/")
	y.mu.Lock()
	defer y.mu.Unlock()
	status, text := y.answer(r.Method, path, body)
	if status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(bytes.NewBufferString(text)), ContentLength: int64(len(text)),
	}, nil
}

func (y *yard) answer(method, path string, body row) (int, string) {
	switch {
	case path == "login":
		return 201, `{"auth_token":"a-token-of-the-yard"}`
	case method == http.MethodGet:
		y.looks[path]++
		if instead := y.reads[path]; instead != nil {
			return instead()
		}
		return 200, y.read(path)
	}
	request := method + " " + path
	y.sent = append(y.sent, request)
	if act := y.acts[request]; act != nil {
		act(body)
	}
	if answer := y.after[request]; answer != nil {
		return answer()
	}
	return 201, `{"result":[]}`
}

func (y *yard) read(path string) string {
	var value any
	switch id, isOrder := strings.CutPrefix(path, "joborders/"); {
	case isOrder:
		value = row{"data": y.find("joborders", id)}
	case path == "replication/queue":
		value = row{"active": append([]row{}, y.lists["active"]...), "inactive": append([]row{}, y.lists["inactive"]...)}
	case path == "virtual_clients":
		value = row{"data": row{"vm_ir": row{"data": y.lists[path]}}}
	case envelopes[path] != "":
		value = row{envelopes[path]: y.lists[path]}
	default:
		value = row{"data": y.lists[path]}
	}
	text, err := json.Marshal(value)
	require.NoError(y.t, err)
	return string(text)
}

func (y *yard) find(list, id string) row {
	for _, one := range y.lists[list] {
		if text, _ := json.Marshal(one["id"]); string(text) == id {
			return one
		}
	}
	return nil
}

// set changes a row of a list, or adds it. Rows are told apart by one member.
func set(lists map[string][]row, list, key string, change row) {
	i := slices.IndexFunc(lists[list], func(r row) bool { return r[key] == change[key] })
	if i < 0 {
		lists[list] = append(lists[list], change)
		return
	}
	next := maps.Clone(lists[list][i])
	maps.Copy(next, change)
	lists[list] = slices.Clone(lists[list])
	lists[list][i] = next
}

// drop removes a row from a list.
func drop(lists map[string][]row, list, key string, value any) {
	lists[list] = slices.DeleteFunc(slices.Clone(lists[list]), func(r row) bool { return r[key] == value })
}

// text returns a list as JSON. The caller has the lock.
func (y *yard) text(list string) string {
	text, err := json.Marshal(y.lists[list])
	require.NoError(y.t, err)
	return string(text)
}
