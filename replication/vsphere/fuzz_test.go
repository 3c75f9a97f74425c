package vsphere_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
)

// scripted is a round tripper that gives one answer to all requests. Fuzzing runs one input at a time.
type scripted struct {
	status int
	body   []byte
	sent   int
	hosts  map[string]bool
}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	s.sent++
	s.hosts[r.URL.Host] = true
	return &http.Response{
		StatusCode: s.status, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(bytes.NewReader(s.body)), ContentLength: int64(len(s.body)),
	}, nil
}

func fuzzed(f *testing.F) (*scripted, *vsphere.Client) {
	f.Helper()
	network := &scripted{hosts: map[string]bool{}}
	client, err := vsphere.NewClient(endpoint, vsphere.Token(drkit.NewSecret(givenToken)), fast,
		drkit.WithTransport(network), drkit.WithRetry(drkit.RetryPolicy{Attempts: 1}))
	require.NoError(f, err)
	return network, client
}

// seed adds samples, and what is none.
func seed(f *testing.F, names []string, add func(body []byte)) {
	f.Helper()
	for _, name := range names {
		var short bytes.Buffer // shorter inputs are minimized sooner
		require.NoError(f, json.Compact(&short, []byte(testdata(f, name))))
		add(short.Bytes())
	}
	for _, body := range []string{
		"", "null", "{}", "[]", `""`, "0", "true", "{", "<html>", "\xff", `{"list":null}`, `{"list":[null]}`, `{"list":[[]]}`,
		`{"list":[],"_meta":{"errors":[{"field":"$.list[0]\u2028","code":"a\n"}]}}`, `{"list":[{"id":"a"}],"_meta":{"errors":[{"field":"list[9]"}],"total":"7"}}`,
		`{"list":[{"id":"a"}],"_meta":{"links":{"next":{"href":"https://evil.example.net/?offset=1"}}}}`,
		`{"list":[{"id":"a"}],"_meta":{"links":{"next":{"href":"%zz"}},"total":-1}}`, `{"list":[{"id":"a"}],"_meta":{"links":{"next":{"href":"?offset=9223372036854775807"}}}}`,
		`{"id":"a","status":"SUCCESS","progress":"7","result":{"a":[1e400]},"queued_time":"\u0000"}`, `{"id":"a","error":[],"status":1}`,
		`{"id":"a","created_time":1e3,"vm_ids":[null,{},{"id":{}},"x",7]}`, `{"id":"a","created_time":"\u2028","vm_ids":null,"_meta":{"errors":[{}]}}`,
	} {
		add([]byte(body))
	}
}

func isOneLine(text string) bool { return !strings.ContainsAny(text, "\n\r\u2028\u0085") }

// Whatever a service answers in the place of a list: it ends, it asks no other host, and it is an error or rows, each
// of which says what it lacks.
func FuzzList(f *testing.F) {
	network, client := fuzzed(f)
	seed(f, []string{"tasks_list.answer", "replications_list.answer", "vms_disks.answer"}, func(body []byte) { f.Add(body) })
	f.Fuzz(func(t *testing.T, body []byte) {
		network.status, network.body, network.sent = 200, body, 0
		tasks, err := drkit.Collect(client.Tasks.List(t.Context(), vsphere.ListQuery{}))
		require.Less(t, network.sent, 20)
		if err != nil {
			require.True(t, isOneLine(err.Error()), "%q", err.Error())
		}
		seen := map[string]bool{}
		for _, task := range tasks {
			require.NotEmpty(t, task.ID)
			require.False(t, seen[task.ID], "a row comes once")
			seen[task.ID] = true
			if partial := task.Meta.Err(); partial != nil {
				require.ErrorIs(t, partial, vsphere.ErrPartial)
				_ = partial.Error()
			}
		}
		disks, err := drkit.Collect(client.Pairing(pairing).VMs.Disks(t.Context(), west, ledgerVM, vsphere.ListQuery{}))
		if err == nil {
			for _, disk := range disks {
				_, err := json.Marshal(disk)
				require.NoError(t, err)
			}
		}
		require.Equal(t, map[string]bool{strings.TrimPrefix(endpoint, "https://"): true}, network.hosts)
	})
}

// Whatever a service answers in the place of a task: it is an error, or a task that survives being written and read
// again, and that has ended or not.
func FuzzTask(f *testing.F) {
	network, client := fuzzed(f)
	seed(f, []string{"tasks_get.answer", "replications_pause.answer", "error"}, func(body []byte) { f.Add(200, body) })
	for _, status := range []int{202, 204, 400, 401, 404, 429, 500, 503} {
		f.Add(status, []byte(testdata(f, "error")))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		status = 200 + (status%400+400)%400
		network.status, network.body, network.sent = status, body, 0
		poller, err := replicationsOf(client).Pause(wire(t), ledger)
		require.Equal(t, 1, network.sent)
		if err != nil {
			require.True(t, isOneLine(err.Error()), "%q", err.Error())
			answer := answerOf(t, err)
			settled := status >= 400 && status < 500 && status != 401 && status != 408 && status != 429 && !answer.Foreign
			require.Equal(t, !settled, errors.Is(err, drkit.ErrOutcomeUnknown), "%d %q", status, answer.Message)
			return
		}
		network.status = 200
		progress, err := poller.Poll(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, progress.ID)
		if !poller.Done() {
			return
		}
		task, err := poller.Result()
		if err != nil {
			var failed *drkit.TaskError
			require.ErrorAs(t, err, &failed)
			require.True(t, isOneLine(err.Error()), "%q", err.Error())
			return
		}
		require.Equal(t, vsphere.TaskStatusSuccess, task.Status)
		writtenTwice(t, task)
	})
}

// writtenTwice checks that a value survives being written and read again.
func writtenTwice[T any](t *testing.T, value T) {
	t.Helper()
	first, err := json.Marshal(value)
	require.NoError(t, err)
	var read T
	require.NoError(t, json.Unmarshal(first, &read), "%s", first)
	second, err := json.Marshal(read)
	require.NoError(t, err)
	require.Equal(t, string(first), string(second))
}

// Whatever a service answers in the place of an image: it is an error, or an image that survives being written and
// read again.
func FuzzActiveImage(f *testing.F) {
	network, client := fuzzed(f)
	seed(f, []string{"replications_active_image.answer", "error"}, func(body []byte) { f.Add(200, body) })
	f.Add(404, []byte(""))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		network.status, network.body = 200+(status%400+400)%400, body
		image, err := replicationsOf(client).ActiveImage(t.Context(), ledger)
		if err != nil {
			require.True(t, isOneLine(err.Error()), "%q", err.Error())
			if len(bytes.TrimSpace(body)) == 0 && network.status == 404 {
				require.ErrorIs(t, err, drkit.ErrNotFound)
				require.ErrorContains(t, err, "no active image")
			}
			return
		}
		writtenTwice(t, image)
	})
}
