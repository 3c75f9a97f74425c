package vsphere_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
)

// yard is a small appliance for the tests of waiting and of lost answers, as a round tripper: it works inside
// synctest. The simulator of the package is another one, which knows nothing of the client.
type yard struct {
	t     *testing.T
	takes time.Duration // a task, from its start to its end
	// Of the list of recent tasks: how many it shows, the newest first; 0 for all.
	recent int
	// How tasks name what they work on: "" by the id, "vm" by that of the machine, "alias" by one that nothing else
	// shows, "none" not at all.
	naming string
	mute   bool // tasks do not say what kind of work they do
	halves bool // replications do not say of which machine they are

	mu           sync.Mutex
	tasks        []*job
	replications map[string]*replica
	faults       map[string][]fault // by the last element of the path; used up one by one
	counted      []time.Time        // when requests came
	seen         []string           // "POST pause"
	looked       map[string][]time.Time
}

// job is a task of the yard.
type job struct {
	id, kind, entity, name string
	began, ends            time.Time
	fails                  string // why it fails; "cancelled" for one that is cancelled
	effect                 func()
	done                   bool
}

// replica is a replication of the yard.
type replica struct {
	id, vm, name string
	paused       bool
	image        string
	promoted     []string
	rpo          int

	status   string // another than OK and PAUSED
	failover bool   // the image is none of a test
	nameless bool   // the image does not say its id
	synced   int64
	target   string // vCenter Server that it goes to
	lacks    string // what the answer lacks, as it says itself
}

// fault is what becomes of a request; do is what the yard would do by itself.
type fault func(r *http.Request, do func() (*http.Response, error)) (*http.Response, error)

func newYard(t *testing.T) *yard {
	y := &yard{
		t: t, takes: 10 * time.Second, faults: map[string][]fault{}, looked: map[string][]time.Time{},
		replications: map[string]*replica{},
	}
	y.add(ledger, ledgerVM, "ledger-db")
	return y
}

func (y *yard) add(id, vm, name string) {
	y.replications[id] = &replica{id: id, vm: vm, name: name, rpo: 15}
}

func (y *yard) client(options ...drkit.Option) *vsphere.Client {
	y.t.Helper()
	return newClient(y.t, y, ops(), options...)
}

// breaks plans what becomes of the next requests whose path ends so.
func (y *yard) breaks(what string, faults ...fault) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.faults[what] = append(y.faults[what], faults...)
}

// change changes the yard.
func (y *yard) change(change func()) {
	y.mu.Lock()
	defer y.mu.Unlock()
	change()
}

// sent returns the requests that are no reads and no sign-ins.
func (y *yard) sent() []string {
	y.mu.Lock()
	defer y.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(y.seen), func(line string) bool {
		return strings.HasPrefix(line, "GET ") || strings.HasSuffix(line, " session")
	})
}

// most returns how many requests have come within any minute.
func (y *yard) most() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return mostInAMinute(y.counted)
}

// mostInAMinute returns how many moments of those in their order lie within any minute.
func mostInAMinute(moments []time.Time) int {
	most, end := 0, 0
	for i := range moments {
		for end < len(moments) && moments[end].Sub(moments[i]) < time.Minute {
			end++
		}
		most = max(most, end-i)
	}
	return most
}

func (y *yard) RoundTrip(r *http.Request) (*http.Response, error) {
	what := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	y.mu.Lock()
	y.counted = append(y.counted, time.Now())
	y.seen = append(y.seen, r.Method+" "+what)
	var broken fault
	if planned := y.faults[what]; len(planned) > 0 {
		broken, y.faults[what] = planned[0], planned[1:]
	}
	y.mu.Unlock()
	do := func() (*http.Response, error) {
		y.mu.Lock()
		defer y.mu.Unlock()
		y.settle()
		status, body := y.do(r, what)
		return reply(r, status, body), nil
	}
	if broken != nil {
		return broken(r, do)
	}
	return do()
}

func reply(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(bytes.NewBufferString(body)), ContentLength: int64(len(body)),
	}
}

// settle does the work of the tasks whose time has come.
func (y *yard) settle() {
	for _, j := range y.tasks {
		if !j.done && !j.ends.After(time.Now()) {
			j.done = true
			if j.fails == "" && j.effect != nil {
				j.effect()
			}
		}
	}
}

func (y *yard) do(r *http.Request, what string) (int, string) {
	path := strings.TrimPrefix(r.URL.Path, base)
	_, rest, _ := strings.Cut(path, "/replications/")
	id, _, _ := strings.Cut(rest, "/")
	one := y.replications[id]
	switch {
	case path == "/session" && r.Method == http.MethodPost:
		return 200, `{"session_id":"` + givenToken + `"}`
	case path == "/session" && r.Method == http.MethodGet:
		return 200, `{"username":"ops"}`
	case path == "/session":
		return 204, ""
	case path == "/info":
		return 200, `{"id":"` + vrWest + `"}`
	case path == "/tasks":
		return 200, y.list(r)
	case strings.HasPrefix(path, "/tasks/"):
		for _, j := range y.tasks {
			if j.id == what {
				y.looked[j.id] = append(y.looked[j.id], time.Now())
				return 200, y.show(j)
			}
		}
		return 404, ""
	case what == "replications" && r.Method == http.MethodPost:
		return y.configure(r)
	case what == "replications":
		return 200, y.all()
	case one == nil:
		return 404, ""
	case r.Method == http.MethodPost || r.Method == http.MethodDelete:
		return 202, y.show(y.act(one, what, r))
	case what == "active-image" && one.image == "":
		return 404, ""
	case what == "active-image":
		id := one.image
		if one.nameless {
			id = ""
		}
		return 200, fmt.Sprintf(`{"id":%q,"instance_id":"pit-1","test_bubble_image":%t}`, id, !one.failover)
	case what == "instances":
		var rows []string
		for _, id := range append([]string{"pit-1"}, one.promoted...) {
			rows = append(rows, fmt.Sprintf(`{"id":%q,"promoted":%t}`, id, id != "pit-1"))
		}
		return 200, `{"list":[` + strings.Join(rows, ",") + `]}`
	default:
		return 200, one.show()
	}
}

func (one *replica) show() string {
	status := "OK"
	switch {
	case one.status != "":
		status = one.status
	case one.paused:
		status = "PAUSED"
	}
	failures := "[]"
	if one.lacks != "" {
		failures = fmt.Sprintf(`[{"code":"GONE","message":"Not all.","field":%q}]`, one.lacks)
	}
	return fmt.Sprintf(`{"id":%q,"name":%q,"vm_id":%q,"rpo":%d,"status":{"status":%q},"last_sync_time":%d,"target_vc_id":%q,"_meta":{"errors":%s},"network_compression_enabled":true,
		"mpit_enabled":true,"mpit_instances":3,"mpit_days":5,"auto_replicate_new_disks_enabled":true,"quiescing_enabled":true}`,
		one.id, one.name, one.vm, one.rpo, status, 1763715000789+one.synced, one.target, failures)
}

func (y *yard) all() string {
	var rows []string
	for _, one := range y.replications {
		row := one.show()
		if y.halves {
			row = strings.Replace(row, `"vm_id":"`+one.vm+`"`, `"vm_id":null`, 1)
		}
		rows = append(rows, row)
	}
	slices.Sort(rows)
	return `{"list":[` + strings.Join(rows, ",") + `]}`
}

// act begins a task on a replication.
func (y *yard) act(one *replica, what string, r *http.Request) *job {
	effects := map[string]func(){
		"pause":              func() { one.paused = true },
		"resume":             func() { one.paused = false },
		"test":               func() { one.image = "img-" + strconv.Itoa(len(y.tasks)) },
		"cleanup":            func() { one.image = "" },
		"promote-test-image": func() { one.promoted = append(one.promoted, "pit-"+one.image); one.image = "" },
		"demote-test-image":  func() { one.promoted = nil },
		"reconfigure":        func() { one.rpo = 60 },
		"unconfigure":        func() { delete(y.replications, one.id) },
		one.id:               func() { delete(y.replications, one.id) },
	}
	kind := what
	if r.Method == http.MethodDelete {
		kind = "delete"
	}
	return y.begin(kind, one.id, one.vm, one.name, effects[what])
}

// begin begins a task.
func (y *yard) begin(kind, id, vm, name string, effect func()) *job {
	j := &job{
		id: fmt.Sprintf("task-%d", len(y.tasks)+1), kind: kind, entity: id, name: name, effect: effect,
		began: time.Now(), ends: time.Now().Add(y.takes),
	}
	switch y.naming {
	case "vm":
		j.entity = vm
	case "name":
		j.entity = ""
	case "alias":
		j.entity = "alias of " + id
	case "none":
		j.entity, j.name = "", ""
	}
	y.tasks = append(y.tasks, j)
	return j
}

func (y *yard) show(j *job) string {
	status, failure := "RUNNING", "null"
	switch {
	case j.done && j.fails == "cancelled":
		status = "CANCELLED"
	case j.done && j.fails != "":
		status, failure = "ERROR", fmt.Sprintf(`{"message":%q}`, j.fails)
	case j.done:
		status = "SUCCESS"
	}
	kind, end := j.kind, int64(0)
	if y.mute {
		kind = ""
	}
	if j.done {
		end = j.ends.UnixMilli()
	}
	return fmt.Sprintf(`{"id":%q,"description_id":%q,"entity":%q,"entity_name":%q,"status":%q,"error":%s,"queued_time":%d,"complete_time":%d,"result":{"of":%q}}`,
		j.id, kind, j.entity, j.name, status, failure, j.began.UnixMilli(), end, j.id)
}

// list shows recent tasks, the newest first.
func (y *yard) list(r *http.Request) string {
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil {
		limit = 100
	}
	all := slices.Clone(y.tasks)
	slices.Reverse(all)
	if y.recent > 0 {
		all = all[:min(y.recent, len(all))]
	}
	var rows []string
	for _, j := range all[min(offset, len(all)):min(offset+limit, len(all))] {
		rows = append(rows, y.show(j))
		y.looked[j.id] = append(y.looked[j.id], time.Now())
	}
	next := "null"
	if offset+limit < len(all) {
		next = fmt.Sprintf(`{"href":"https://elsewhere.example.net/tasks?offset=%d"}`, offset+limit)
	}
	return fmt.Sprintf(`{"list":[%s],"_meta":{"total":%d,"links":{"next":%s}}}`, strings.Join(rows, ","), len(all), next)
}

// configure begins a task for each machine.
func (y *yard) configure(r *http.Request) (int, string) {
	var machines []struct {
		VM string `json:"vm_id"`
	}
	body, err := io.ReadAll(r.Body)
	assert.NoError(y.t, err)
	assert.NoError(y.t, json.Unmarshal(body, &machines))
	var rows []string
	for _, machine := range machines {
		id := "GID-of-" + machine.VM
		j := y.begin("configure", machine.VM, machine.VM, "", func() { y.add(id, machine.VM, id) })
		rows = append(rows, y.show(j))
	}
	slices.Reverse(rows)
	return 202, `{"list":[` + strings.Join(rows, ",") + `]}`
}

// What may become of a request.

func answerLost(_ *http.Request, do func() (*http.Response, error)) (*http.Response, error) {
	_, _ = do()
	return nil, io.ErrUnexpectedEOF
}

func requestLost(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return nil, io.ErrUnexpectedEOF
}

// instead does the work, or does not, and answers something else.
func instead(works bool, status int, body string) fault {
	return func(r *http.Request, do func() (*http.Response, error)) (*http.Response, error) {
		if works {
			_, _ = do()
		}
		return reply(r, status, body), nil
	}
}

func again(n int, one fault) []fault { return slices.Repeat([]fault{one}, n) }

// finished waits for a task to end well.
func finished(t *testing.T, poller *drkit.Poller[vsphere.Task], err error) vsphere.Task {
	t.Helper()
	require.NoError(t, err)
	task, err := poller.Wait(t.Context())
	require.NoError(t, err)
	return task
}
